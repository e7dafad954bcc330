/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/alias.h"

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
        g_assert_error(error, SCD_ERROR, SCD_INVALID_ARGUMENT);
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
    g_assert_error(error, SCD_ERROR, SCD_INVALID_ARGUMENT);
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
        g_assert_error(error, SCD_ERROR, SCD_INVALID_ARGUMENT);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(good); i++)
        g_assert_true(scd_alias_check_name(good[i], NULL));
}

static gboolean
names(const ScdAlias *alias, const ScdUsbPath *path, const char *serial, guint slot)
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
    g_assert_true(names(alias, &path, "", 1));
    g_assert_true(names(alias, &path, "any", 1));
    g_assert_true(names(alias, &other_configuration, "", 1));
    g_assert_false(names(alias, &path, "", 0));
    g_assert_false(names(alias, &other_interface, "", 1));
    g_assert_false(names(alias, &other_port, "", 1));
    g_assert_false(names(alias, NULL, "", 1));

    g_autoptr(ScdAlias) first = scd_alias_new_for_port("first", &other_interface, 0);
    g_assert_false(names(first, NULL, "", 0));
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
    g_assert_true(names(alias, &path, "42", 3));
    g_assert_true(names(alias, NULL, "42", 3));
    g_assert_false(names(alias, &path, "43", 3));
    g_assert_false(names(alias, &path, "", 3));
    g_assert_false(names(alias, &path, "42", 0));
    g_assert_false(names(alias, &other_interface, "42", 3));
    g_assert_true(names(second, &other_interface, "42", 3));
    g_assert_false(names(second, NULL, "42", 3));
}

/* Else it would be the alias of all readers that have none. */
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
    return g_test_run();
}
