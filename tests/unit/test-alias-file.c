/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/alias-file.h"

#include <string.h>

/* The warnings, a text of lines. */
static char *
read_text(GPtrArray *aliases, const char *text)
{
    g_auto(GStrv) warnings = scd_alias_file_read(aliases, text, strlen(text));

    return g_strjoinv("\n", warnings);
}

static char *
read_settings(GPtrArray *aliases, const char *text)
{
    g_auto(GStrv) warnings = scd_alias_file_read_settings(aliases, text, strlen(text));

    return g_strjoinv("\n", warnings);
}

/* In our own file they are a fault, in settings not even their faults are ours. */
static void
test_other_groups(void)
{
    static const char text[] = "x\n[Limits]\nSessions=3\ny\n[Aliases]\nlogin=port 1-3\nz\n";
    g_autoptr(GPtrArray) aliases = scd_alias_file_new();
    g_autoptr(GPtrArray) fixed = scd_alias_file_new();
    g_autofree char *faults = read_text(aliases, text);
    g_autofree char *warnings = read_settings(fixed, text);

    g_assert_cmpuint(aliases->len, ==, 1);
    g_assert_cmpuint(fixed->len, ==, 1);
    g_assert_true(g_str_has_prefix(faults, "line 1: "));
    g_assert_nonnull(strstr(faults, "\nline 2: unknown group [Limits]\n"));
    g_assert_nonnull(strstr(faults, "\nline 4: "));
    g_assert_true(g_str_has_prefix(warnings, "line 7: "));
    g_assert_null(strchr(warnings, '\n'));
}

static void
test_reading(void)
{
    g_autoptr(GPtrArray) aliases = scd_alias_file_new();
    g_autofree char *warnings =
        read_settings(aliases, "# who is who\r\n"
                               "[Limits]\n"
                               "Sessions=3\n"
                               "[Aliases]\n"
                               "login=port 1-3.1\n"
                               "Front desk = port 1-3.1 interface 2 slot 1\n"
                               "[Other]\n"
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
test_bad_values(void)
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
test_bad_lines(void)
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

/* Of one text and of several, the first word counts. */
static void
test_unique(void)
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

/* Whatever can be an alias is the same again after it was written and read. */
static void
test_round_trips(void)
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
test_any_bytes(void)
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
    g_test_add_func("/alias-file/other-groups", test_other_groups);
    g_test_add_func("/alias-file/reading", test_reading);
    g_test_add_func("/alias-file/bad-values", test_bad_values);
    g_test_add_func("/alias-file/bad-lines", test_bad_lines);
    g_test_add_func("/alias-file/unique", test_unique);
    g_test_add_func("/alias-file/round-trips", test_round_trips);
    g_test_add_func("/alias-file/any-bytes", test_any_bytes);
    return g_test_run();
}
