/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/alias.h"

#include <string.h>

#include "base/error.h"

static void
test_names(void)
{
    g_autofree char *longest = g_strnfill(SCD_ALIAS_MAX_LENGTH, 'a');
    const char *const names[] = {
        "login",       "a",       "7",   "Front desk 2", "desk-1",       "a_b.c-",
        "B\xC3\xBCro", "1-3.1.x", "1-0", "usb_1",        "\xE5\x8F\xB0", "\xE0\xA4\x95\xE0\xA4\xBE",
        "a..b",        longest,
    };

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(GError) error = NULL;

        g_test_message("%s", names[i]);
        g_assert_true(scd_alias_check_name(names[i], &error));
        g_assert_no_error(error);
    }
}

static void
test_bad_names(void)
{
    g_autofree char *too_long = g_strnfill(SCD_ALIAS_MAX_LENGTH + 1, 'a');
    g_autofree char *cut = g_strconcat(too_long + 2, "\xC3\xBC", NULL);
    const char *const names[] = {
        "",
        " ",
        " a",
        "a ",
        "a  b",
        "-a",
        ".a",
        "_a",
        "a=b",
        "a[b]",
        "#a",
        "a/b",
        "/a",
        "a\nb",
        "a\x1B",
        "a'b",
        "a\"b",
        "a:b",
        "a\tb",
        "a\xC2\xA0"
        "b",
        "a\xE2\x80\x8B"
        "b",
        "\xFF",
        "a\xC3",
        "a\\b",
        too_long,
        cut,
    };

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_false(scd_alias_check_name(names[i], &error));
        g_assert_error(error, SCD_ERROR, SCD_INVALID_ARGS);
        g_assert_cmpstr(error->message, ==,
                        "an alias is 1 to 64 bytes of letters and digits, and after the first "
                        "also '-', '_', '.' and single spaces");
    }
}

static void
test_a_port_is_no_name(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_false(scd_alias_check_name("1-3.1", &error));
    g_assert_error(error, SCD_ERROR, SCD_INVALID_ARGS);
    g_assert_cmpstr(error->message, ==, "1-3.1 is a USB port, which cannot be an alias");
}

static void
test_a_reader_name_is_no_name(void)
{
    const char *const bad[] = {"Front desk 00 00", "a 0A 1F", "Reader 00 00000001"};
    const char *const good[] = {"Front desk 00", "a 0a 1f", "00 00", "desk 1 2"};

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_false(scd_alias_check_name(bad[i], &error));
        g_assert_error(error, SCD_ERROR, SCD_INVALID_ARGS);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(good); i++)
        g_assert_true(scd_alias_check_name(good[i], NULL));
}

static gboolean
names_reader(const ScdAlias *alias, const ScdUsbPath *path, const char *serial, guint slot)
{
    ScdIdentity reader = {.has_usb_path = path != NULL, .serial = (char *)serial, .slot = slot};

    if (path != NULL)
        reader.usb_path = *path;
    return scd_alias_names(alias, &reader);
}

static void
test_port(void)
{
    ScdUsbPath path;
    ScdUsbPath other_configuration;
    ScdUsbPath other_interface;
    ScdUsbPath other_port;

    g_assert_true(scd_usb_path_parse("1-3.1:1.2", &path));
    g_assert_true(scd_usb_path_parse("1-3.1:2.2", &other_configuration));
    g_assert_true(scd_usb_path_parse("1-3.1:1.0", &other_interface));
    g_assert_true(scd_usb_path_parse("1-3.2:1.2", &other_port));
    g_autoptr(ScdAlias) alias = scd_alias_new_for_port("login", &path, 1);

    g_assert_cmpstr(alias->name, ==, "login");
    g_assert_true(names_reader(alias, &path, "", 1));
    g_assert_true(names_reader(alias, &path, "any", 1));
    g_assert_true(names_reader(alias, &other_configuration, "", 1));
    g_assert_false(names_reader(alias, &path, "", 0));
    g_assert_false(names_reader(alias, &other_interface, "", 1));
    g_assert_false(names_reader(alias, &other_port, "", 1));
    g_assert_false(names_reader(alias, NULL, "", 1));

    g_autoptr(ScdAlias) first = scd_alias_new_for_port("first", &other_interface, 0);
    g_assert_false(names_reader(first, NULL, "", 0));
}

static void
test_serial(void)
{
    ScdUsbPath path;
    ScdUsbPath other_interface;

    g_assert_true(scd_usb_path_parse("1-3.1:1.0", &path));
    g_assert_true(scd_usb_path_parse("1-3.1:1.2", &other_interface));
    g_autoptr(ScdAlias) alias = scd_alias_new_for_serial("badge", " 42\n", 0, 3);
    g_autoptr(ScdAlias) second = scd_alias_new_for_serial("badge", "42", 2, 3);

    g_assert_cmpstr(alias->serial, ==, "42");
    g_assert_true(names_reader(alias, &path, "42", 3));
    g_assert_true(names_reader(alias, NULL, "42", 3));
    g_assert_false(names_reader(alias, &path, "43", 3));
    g_assert_false(names_reader(alias, &path, "", 3));
    g_assert_false(names_reader(alias, &path, "42", 0));
    g_assert_false(names_reader(alias, &other_interface, "42", 3));
    g_assert_true(names_reader(second, &other_interface, "42", 3));
    g_assert_false(names_reader(second, NULL, "42", 3));
}

/* An empty serial number would match all readers without one. */
static void
test_no_serial(void)
{
    g_assert_null(scd_alias_new_for_serial("badge", "", 0, 0));
    g_assert_null(scd_alias_new_for_serial("badge", " \n", 0, 0));
}

static void
test_bound_alike(void)
{
    ScdUsbPath paths[3];
    ScdAlias *aliases[8];

    g_assert_true(scd_usb_path_parse("1-1:1.0", &paths[0]));
    g_assert_true(scd_usb_path_parse("1-1:1.1", &paths[1]));
    g_assert_true(scd_usb_path_parse("1-2:1.0", &paths[2]));
    for (guint i = 0; i < 3; i++)
        aliases[i] = scd_alias_new_for_port("a", &paths[i], 0);
    aliases[3] = scd_alias_new_for_port("a", &paths[0], 1);
    aliases[4] = scd_alias_new_for_serial("a", "1", 0, 0);
    aliases[5] = scd_alias_new_for_serial("a", "1", 1, 0);
    aliases[6] = scd_alias_new_for_serial("a", "1", 0, 1);
    aliases[7] = scd_alias_new_for_serial("a", "2", 0, 0);

    for (guint i = 0; i < G_N_ELEMENTS(aliases); i++)
        for (guint j = 0; j < G_N_ELEMENTS(aliases); j++)
            g_assert_cmpint(scd_alias_is_bound_alike(aliases[i], aliases[j]), ==, i == j);
    for (guint i = 0; i < G_N_ELEMENTS(aliases); i++)
        scd_alias_free(aliases[i]);
}

static void
test_copy(void)
{
    ScdUsbPath path;

    g_assert_true(scd_usb_path_parse("1-3.1:1.2", &path));
    g_autoptr(ScdAlias) port = scd_alias_new_for_port("login", &path, 1);
    g_autoptr(ScdAlias) serial = scd_alias_new_for_serial("badge", "42", 2, 3);
    g_autoptr(ScdAlias) port_copy = scd_alias_copy(port);
    g_autoptr(ScdAlias) serial_copy = scd_alias_copy(serial);

    g_assert_cmpstr(port_copy->name, ==, "login");
    g_assert_cmpstr(serial_copy->name, ==, "badge");
    g_assert_true(scd_alias_is_bound_alike(port, port_copy));
    g_assert_true(scd_alias_is_bound_alike(serial, serial_copy));
    g_assert_false(scd_alias_is_bound_alike(port, serial_copy));
}

/* Returns the warnings, one line each. */
static char *
read_text(GPtrArray *aliases, const char *text)
{
    g_auto(GStrv) warnings = scd_alias_file_read(aliases, text, strlen(text));

    return g_strjoinv("\n", warnings);
}

/* They are errors in the own file of aliases. */
static void
test_file_other_groups(void)
{
    g_autoptr(GPtrArray) aliases = scd_alias_file_new();
    g_autofree char *faults =
        read_text(aliases, "x\n[Limits]\nSessions=3\ny\n[Aliases]\nlogin=port 1-3\nz\n");

    g_assert_cmpuint(aliases->len, ==, 1);
    g_assert_true(g_str_has_prefix(faults, "line 1: "));
    g_assert_nonnull(strstr(faults, "\nline 2: unknown group [Limits]\n"));
    g_assert_nonnull(strstr(faults, "\nline 4: "));
    g_assert_nonnull(strstr(faults, "\nline 7: "));
}

/* An alias of a later file replaces others; in one file, the first one counts. */
static void
test_settings(void)
{
    g_autoptr(GPtrArray) aliases = scd_alias_file_new();
    g_autofree char *same_name = NULL;
    g_autofree char *same_port = NULL;

    g_assert_null(scd_alias_add_setting(aliases, "a", "login", "port 1-1"));
    g_assert_null(scd_alias_add_setting(aliases, "a", "door", "port 1-2"));
    same_name = scd_alias_add_setting(aliases, "a", "login", "port 1-3");
    same_port = scd_alias_add_setting(aliases, "a", "desk", "port 1-2");
    g_assert_cmpstr(same_name, ==, "alias login is there already");
    g_assert_cmpstr(same_port, ==, "the reader of alias desk has one already: door");
    g_assert_null(scd_alias_add_setting(aliases, "b", "login", "port 1-2"));
    g_assert_cmpuint(aliases->len, ==, 1);
    const ScdAlias *alias = aliases->pdata[0];
    g_assert_cmpstr(alias->name, ==, "login");
    g_assert_cmpstr(alias->file, ==, "b");
    g_assert_cmpuint(alias->port.ports[0], ==, 2);
}

static void
test_file_reading(void)
{
    g_autoptr(GPtrArray) aliases = scd_alias_file_new();
    g_autofree char *warnings =
        read_text(aliases, "# who is who\r\n"
                           "[Aliases]\n"
                           "login=port 1-3.1\n"
                           "Front desk = port 1-3.1 interface 2 slot 1\n"
                           "[Aliases]\n"
                           "badge=serial 0123\n"
                           "odd=serial 'it'\\''s 7 slot 1' slot 4294967295\n");
    g_autofree char *text = scd_alias_file_write(aliases);

    g_assert_cmpstr(warnings, ==, "");
    g_assert_cmpstr(text, ==,
                    "[Aliases]\n"
                    "login=port 1-3.1\n"
                    "Front desk=port 1-3.1 interface 2 slot 1\n"
                    "badge=serial '0123'\n"
                    "odd=serial 'it'\\''s 7 slot 1' slot 4294967295\n");
}

static const char *const bad_values[] = {
    "",
    "1-3.1",
    "port",
    "port 1-3.1:1.0",
    "port 1-03",
    "port '1-3",
    "port 1-3 slot",
    "port 1-3 slot x",
    "port 1-3 slot -1",
    "port 1-3 slot 4294967296",
    "port 1-3 interface 256",
    "port 1-3 slot 1 interface 1",
    "port 1-3 slot 1 slot 1",
    "port 1-3 port 1-4",
    "port 1-3 1",
    "serial",
    "serial ''",
    "serial ' '",
    "serial 12 34",
    "Serial 12",
    "usb 1-3",
};

static void
test_file_bad_values(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(bad_values); i++) {
        g_autoptr(GPtrArray) aliases = scd_alias_file_new();
        g_autofree char *text =
            g_strdup_printf("[Aliases]\nbad=%s\ngood=port 1-1\n", bad_values[i]);
        g_autofree char *warnings = read_text(aliases, text);

        g_test_message("%s", bad_values[i]);
        g_assert_cmpstr(warnings, ==,
                        "line 2: alias bad is bound to 'port PORT' or 'serial NUMBER', then "
                        "'interface NUMBER', then 'slot NUMBER', if any");
        g_assert_cmpuint(aliases->len, ==, 1);
    }
}

static void
test_file_bad_lines(void)
{
    g_autoptr(GPtrArray) aliases = scd_alias_file_new();
    g_autofree char *warnings = read_text(aliases, "[Aliases]\n"
                                                   "1-3=port 1-3\n"
                                                   "-x=port 1-3\n"
                                                   "nothing\n"
                                                   "good=port 1-1\n"
                                                   "bad\xFF=port 1-2\n"
                                                   "login[de]=port 1-2\n");
    g_auto(GStrv) lines = g_strsplit(warnings, "\n", -1);

    g_assert_cmpuint(g_strv_length(lines), ==, 5);
    g_assert_cmpstr(lines[0], ==, "line 2: alias 1-3: 1-3 is a USB port, which cannot be an alias");
    g_assert_true(g_str_has_prefix(lines[1], "line 3: alias -x: an alias is 1 to 64 bytes"));
    g_assert_true(g_str_has_prefix(lines[2], "line 4: "));
    g_assert_true(g_str_has_prefix(lines[3], "line 6: alias bad\xEF\xBF\xBD: an alias is"));
    g_assert_true(g_str_has_prefix(lines[4], "line 7: alias login[de]: an alias is"));
    g_assert_cmpuint(aliases->len, ==, 1);
}

/* The first alias read takes precedence, in one text and in several. */
static void
test_file_unique(void)
{
    g_autoptr(GPtrArray) aliases = scd_alias_file_new();
    g_autofree char *first = read_text(aliases, "[Aliases]\n"
                                                "login=port 1-1\n"
                                                "login=port 1-2\n"
                                                "desk=port 1-1\n");
    g_autofree char *second = read_text(aliases, "[Aliases]\n"
                                                 "login=serial 7\n"
                                                 "badge=serial 7\n"
                                                 "other=serial 7\n");
    g_autofree char *text = scd_alias_file_write(aliases);

    g_assert_cmpstr(first, ==,
                    "line 3: alias login is there already\n"
                    "line 4: the reader of alias desk has one already: login");
    g_assert_cmpstr(second, ==,
                    "line 2: alias login is there already\n"
                    "line 4: the reader of alias other has one already: badge");
    g_assert_cmpstr(text, ==, "[Aliases]\nlogin=port 1-1\nbadge=serial '7'\n");
}

static char *
random_text(GRand *rand, const char *signs)
{
    char text[SCD_ALIAS_MAX_LENGTH + 1];
    gsize length = (gsize)g_rand_int_range(rand, 0, g_rand_boolean(rand) ? 4 : sizeof text);

    for (gsize i = 0; i < length; i++)
        text[i] = signs[g_rand_int_range(rand, 0, (gint32)strlen(signs))];
    return g_strndup(text, length);
}

static ScdAlias *
random_alias(GRand *rand)
{
    g_autofree char *name = random_text(rand, "ab1 -_.");
    guint slot = g_rand_int(rand) >> g_rand_int_range(rand, 0, 32);
    ScdUsbPath path = {{1, 2, {3, 4}}, 1, (guint8)g_rand_int(rand)};

    path.port.ports[1] = (guint8)g_rand_int_range(rand, 1, 256);
    if (!scd_alias_check_name(name, NULL))
        return NULL;
    if (g_rand_boolean(rand))
        return scd_alias_new_for_port(name, &path, slot);
    g_autofree char *serial = random_text(rand, "a \"'\\#=;$`\x01\n[]\xC3\xA9");
    return scd_alias_new_for_serial(name, serial, path.interface, slot);
}

/* Every valid alias is unchanged after it was written and read. */
static void
test_file_round_trips(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(11);
    guint n_read = 0;

    for (guint round = 0; round < 5000; round++) {
        g_autoptr(GPtrArray) aliases = scd_alias_file_new();
        g_autoptr(GPtrArray) back = scd_alias_file_new();
        g_autoptr(ScdAlias) alias = random_alias(rand);
        if (alias == NULL)
            continue;
        g_ptr_array_add(aliases, g_steal_pointer(&alias));

        g_autofree char *text = scd_alias_file_write(aliases);
        g_autofree char *warnings = read_text(back, text);
        g_assert_cmpstr(warnings, ==, "");
        g_assert_cmpuint(back->len, ==, 1);
        const ScdAlias *written = aliases->pdata[0];
        const ScdAlias *read = back->pdata[0];
        g_assert_cmpstr(read->name, ==, written->name);
        g_assert_true(scd_alias_is_bound_alike(read, written));
        n_read++;
    }
    g_assert_cmpuint(n_read, >, 1000);
}

static void
test_file_any_bytes(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(12);

    for (guint round = 0; round < 5000; round++) {
        g_autoptr(GPtrArray) aliases = scd_alias_file_new();
        g_autofree char *noise = random_text(rand, "aport1-3 \xFF'=[]\n");
        g_autofree char *text = g_strconcat("[Aliases]\n", noise, NULL);
        g_autofree char *warnings G_GNUC_UNUSED = read_text(aliases, text);
        g_autofree char *again = scd_alias_file_write(aliases);

        g_assert_true(g_utf8_validate(warnings, -1, NULL));
        g_assert_true(g_utf8_validate(again, -1, NULL));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/alias/names", test_names);
    g_test_add_func("/alias/bad-names", test_bad_names);
    g_test_add_func("/alias/a-port-is-no-name", test_a_port_is_no_name);
    g_test_add_func("/alias/a-reader-name-is-no-name", test_a_reader_name_is_no_name);
    g_test_add_func("/alias/port", test_port);
    g_test_add_func("/alias/serial", test_serial);
    g_test_add_func("/alias/no-serial", test_no_serial);
    g_test_add_func("/alias/bound-alike", test_bound_alike);
    g_test_add_func("/alias/copy", test_copy);
    g_test_add_func("/alias/settings", test_settings);
    g_test_add_func("/alias-file/other-groups", test_file_other_groups);
    g_test_add_func("/alias-file/reading", test_file_reading);
    g_test_add_func("/alias-file/bad-values", test_file_bad_values);
    g_test_add_func("/alias-file/bad-lines", test_file_bad_lines);
    g_test_add_func("/alias-file/unique", test_file_unique);
    g_test_add_func("/alias-file/round-trips", test_file_round_trips);
    g_test_add_func("/alias-file/any-bytes", test_file_any_bytes);
    return g_test_run();
}
