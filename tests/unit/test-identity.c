/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Identities from the answers of a driver alone; tests/bus/test_identity.py has those with a USB
 * tree.
 */

#include "base/identity.h"

#include <string.h>

/* Returns text as drivers return it, with the NUL. */
static GBytes *
new_text_answer(const char *text)
{
    return g_bytes_new_static(text, strlen(text) + 1);
}

static GBytes *
new_bytes_answer(const char *data, gsize length)
{
    return g_bytes_new_static(data, length);
}

static void
test_nothing(void)
{
    static const ScdDriverAnswers nothing = {0};
    g_autoptr(ScdIdentity) identity = scd_identity_new("X (S1) 00 02", &nothing, NULL);

    g_assert_false(identity->complete);
    g_assert_false(identity->has_usb_path);
    g_assert_false(identity->in_kernel);
    g_assert_cmpuint(identity->slot, ==, 2);
    g_assert_cmpuint(identity->usb_bus + identity->usb_address, ==, 0);
    g_assert_cmpuint(identity->vendor_id + identity->product_id, ==, 0);
    g_assert_cmpstr(identity->vendor, ==, "");
    g_assert_cmpstr(identity->product, ==, "");
    g_assert_cmpstr(identity->serial, ==, "S1");
    g_assert_cmpstr(identity->driver_version, ==, "");
    g_assert_cmpuint(g_strv_length(identity->features), ==, 0);
    g_assert_false(identity->built_in);
    g_assert_cmpstr(identity->seat, ==, "seat0");
}

static void
test_path(void)
{
    g_auto(ScdDriverAnswers) answers = {.asked = TRUE, .usb_path = new_text_answer("3-4.1:1.2")};
    g_autoptr(ScdIdentity) identity = scd_identity_new("X 00 00", &answers, "/nonexistent");
    g_autofree char *path = scd_usb_path_to_string(&identity->usb_path);

    g_assert_true(identity->complete);
    g_assert_true(identity->has_usb_path);
    g_assert_false(identity->in_kernel);
    g_assert_cmpstr(path, ==, "3-4.1:1.2");
    g_assert_cmpuint(identity->usb_bus, ==, 3);
    g_assert_cmpuint(identity->usb_address, ==, 0);
}

static void
assert_address(const char *path, const char *channel, gsize length, guint8 bus, guint8 address)
{
    g_auto(ScdDriverAnswers) answers = {.asked = TRUE,
                                        .usb_path = new_text_answer(path),
                                        .channel_id = new_bytes_answer(channel, length)};
    g_autoptr(ScdIdentity) identity = scd_identity_new("X 00 00", &answers, "/nonexistent");

    g_assert_cmpuint(identity->usb_bus, ==, bus);
    g_assert_cmpuint(identity->usb_address, ==, address);
}

/* An address on another bus than the USB path is ignored. */
static void
test_address(void)
{
    assert_address("3-4:1.0", "\x07\x03\x20\x00", 4, 3, 7);
    assert_address("3-4:1.0", "\x07\x02\x20\x00", 4, 3, 0);
    assert_address("3-4:1.0", "\x07\x03\x20", 3, 3, 0);
    assert_address("no path", "\x07\x03\x20\x00", 4, 3, 7);
    assert_address("no path", "\x07\x03\x10\x00", 4, 0, 0);
}

static void
assert_version(const char *data, gsize length, const char *expected)
{
    g_auto(ScdDriverAnswers) answers = {.asked = TRUE, .version = new_bytes_answer(data, length)};
    g_autoptr(ScdIdentity) identity = scd_identity_new("X 00 00", &answers, NULL);

    g_assert_cmpstr(identity->driver_version, ==, expected);
}

static void
test_version(void)
{
    assert_version("\x02\x01\x05\x01", 4, "1.5.258");
    assert_version("\xFF\xFF\xFF\xFF", 4, "255.255.65535");
    assert_version("\x00\x00\x01\x02\x00\x00\x00\x00", 8, "2.1.0");
    assert_version("\x02\x01\x05", 3, "");
    assert_version("", 0, "");
}

static void
test_texts(void)
{
    g_auto(ScdDriverAnswers) answers = {
        .asked = TRUE,
        .vendor = new_text_answer(" Maker\x01 "),
        .product = new_text_answer(""),
        .serial = new_text_answer("S2"),
    };
    g_autoptr(ScdIdentity) identity = scd_identity_new("X (S1) 00 00", &answers, NULL);

    g_assert_cmpstr(identity->vendor, ==, "Maker\xEF\xBF\xBD");
    g_assert_cmpstr(identity->product, ==, "");
    g_assert_cmpstr(identity->serial, ==, "S2");
}

static ScdIdentity *
new_found_identity(gboolean asked, const char *path)
{
    g_auto(ScdDriverAnswers)
        answers = {.asked = asked, .usb_path = path ? new_text_answer(path) : NULL};

    return scd_identity_new("X 00 00", &answers, NULL);
}

static void
assert_better(gboolean asked, const char *path, gboolean asked_before, const char *path_before,
              gboolean better)
{
    g_autoptr(ScdIdentity) identity = new_found_identity(asked, path);
    g_autoptr(ScdIdentity) before = new_found_identity(asked_before, path_before);

    g_assert_true(scd_identity_is_better(identity, before) == better);
}

static void
test_better(void)
{
    assert_better(TRUE, NULL, FALSE, NULL, TRUE);
    assert_better(TRUE, "1-1:1.0", FALSE, "1-2:1.0", TRUE);
    assert_better(FALSE, "1-1:1.0", FALSE, NULL, TRUE);
    assert_better(FALSE, "1-1:1.0", FALSE, "1-2:1.0", FALSE);
    assert_better(FALSE, NULL, FALSE, "1-2:1.0", FALSE);
    assert_better(FALSE, NULL, FALSE, NULL, FALSE);
    assert_better(FALSE, "1-1:1.0", TRUE, NULL, FALSE);
    assert_better(TRUE, NULL, TRUE, NULL, FALSE);
}

/* From TLV properties, the two structures of properties, and the class descriptor of the device. */
static void
test_command_and_display(void)
{
    static const struct {
        const char *tlv, *display, *pin;
        guint32 command_max;
        guint16 lines, columns;
    } cases[] = {
        {"", "", "", 0, 0, 0},
        {"\x0A\x04\0\0\x01\0\x01\x02\x10\x02", "\x28\0\x04\0", "\x14\x01\x07\0", 65536, 2, 16},
        {"\x0A\x04\0\0\0\0\x04\x02\x14\0\x05\x02\x03\0", "\x28\0\x04\0", "", 255, 3, 20},
        {"\x0A\x04\0\x04\0\0\x01\x02\0\0", "\x28\0\x04\0", "\x14\x01\x07\0", 1024, 4, 40},
        {"\x0A\x04\x01\0\x01\0", "\x28\0\x04", "\x14\x01\x07\0", 0, 1, 20},
        {"\x0A\x02\0\x01", "\0\0\x04\0", "\x14", 0, 0, 0},
        {"\x04\x02\x14\0", "", "", 0, 0, 0},
    };
    static const gsize lengths[][3] = {{0, 0, 0}, {10, 4, 4}, {14, 4, 0}, {10, 4, 4},
                                       {6, 3, 4}, {4, 4, 1},  {4, 0, 0}};

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(ScdDriverAnswers) answers = {
            .asked = TRUE,
            .tlv_properties = new_bytes_answer(cases[i].tlv, lengths[i][0]),
            .display_properties = new_bytes_answer(cases[i].display, lengths[i][1]),
            .pin_properties = new_bytes_answer(cases[i].pin, lengths[i][2]),
        };
        g_autoptr(ScdIdentity) identity = scd_identity_new("X 00 00", &answers, NULL);

        g_assert_cmpuint(identity->command_max, ==, cases[i].command_max);
        g_assert_cmpuint(identity->display.lines, ==, cases[i].lines);
        g_assert_cmpuint(identity->display.columns, ==, cases[i].columns);
    }
}

/* A driver may announce a PIN pad later. */
static void
test_other_features_are_better(void)
{
    g_auto(ScdDriverAnswers)
        with = {.asked = TRUE, .features = new_bytes_answer("\x06\x04\0\0\x0D\xB2", 6)};
    g_autoptr(ScdIdentity) some = scd_identity_new("X 00 00", &with, NULL);
    g_autoptr(ScdIdentity) none = new_found_identity(TRUE, NULL);
    g_autoptr(ScdIdentity) unknown = new_found_identity(FALSE, NULL);

    g_assert_true(scd_identity_is_better(some, none));
    g_assert_true(scd_identity_is_better(none, some));
    g_assert_false(scd_identity_is_better(some, some));
    g_assert_false(scd_identity_is_better(unknown, some));
}

static ScdIdentity *
new_identity_at(const char *path, const char *channel)
{
    g_auto(ScdDriverAnswers) answers = {
        .asked = TRUE,
        .usb_path = path ? new_text_answer(path) : NULL,
        .channel_id = channel ? new_bytes_answer(channel, 4) : NULL,
    };

    return scd_identity_new("X 00 00", &answers, NULL);
}

static void
test_elsewhere(void)
{
    g_autoptr(ScdIdentity) place = new_identity_at("1-1:1.0", "\x07\x01\x20\x00");
    g_autoptr(ScdIdentity) same = new_identity_at("1-1:1.0", "\x07\x01\x20\x00");
    g_autoptr(ScdIdentity) replugged = new_identity_at("1-1:1.0", "\x08\x01\x20\x00");
    g_autoptr(ScdIdentity) other = new_identity_at("1-2:1.0", "\x07\x01\x20\x00");
    g_autoptr(ScdIdentity) nowhere = new_identity_at(NULL, NULL);
    g_autoptr(ScdIdentity) refused = new_found_identity(FALSE, "1-2:1.0");

    g_assert_false(scd_identity_is_elsewhere(same, place));
    g_assert_true(scd_identity_is_elsewhere(replugged, place));
    g_assert_true(scd_identity_is_elsewhere(other, place));
    g_assert_true(scd_identity_is_elsewhere(nowhere, place));
    g_assert_true(scd_identity_is_elsewhere(place, nowhere));
    g_assert_false(scd_identity_is_elsewhere(refused, place));
    g_assert_false(scd_identity_is_elsewhere(place, refused));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/identity/nothing", test_nothing);
    g_test_add_func("/identity/path", test_path);
    g_test_add_func("/identity/address", test_address);
    g_test_add_func("/identity/version", test_version);
    g_test_add_func("/identity/texts", test_texts);
    g_test_add_func("/identity/better", test_better);
    g_test_add_func("/identity/command-and-display", test_command_and_display);
    g_test_add_func("/identity/other-features-are-better", test_other_features_are_better);
    g_test_add_func("/identity/elsewhere", test_elsewhere);
    return g_test_run();
}
