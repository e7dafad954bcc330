/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/usb-device.h"

#include <string.h>

#include "base/bytes.h"

#define DEVICE "12 01 0002 00 00 00 40 E608 3734 0001 01 02 00 01 "
#define CONFIGURATION "09 02 5D00 02 01 00 80 32 "
#define OTHER_CONFIGURATION "09 02 5D00 02 02 00 80 32 "
#define INTERFACE(number) "09 04 " number " 00 03 0B 00 00 00 "
#define ENDPOINT "07 05 81 03 0800 10 "

/* features: dwFeatures, layout: wLcdLayout, both with the lowest byte first. */
#define CCID(features, layout)                                             \
    "36 21 1001 00 07 03000000 A00F0000 A00F0000 00 00320000 00320000 00 " \
    "FE000000 00000000 00000000 " features " 0F010000 FF FF " layout " 00 01 "

static const struct {
    const char *bytes;
    gboolean found;
    guint32 features;
    guint16 layout;
} cases[] = {
    {"", FALSE, 0, 0},
    {DEVICE CONFIGURATION INTERFACE("01") CCID("BA000400", "1002"), TRUE, 0x000400BA, 0x0210},
    {DEVICE CONFIGURATION INTERFACE("00") CCID("01000000", "0000") ENDPOINT INTERFACE("01")
         CCID("02000000", "0000"),
     TRUE, 2, 0},
    /* behind the endpoints */
    {CONFIGURATION INTERFACE("01") ENDPOINT CCID("02000000", "0000"), TRUE, 2, 0},
    /* of another interface, of none, in another configuration */
    {CONFIGURATION INTERFACE("00") CCID("01000000", "0000"), FALSE, 0, 0},
    {CONFIGURATION CCID("01000000", "0000"), FALSE, 0, 0},
    {INTERFACE("01") CCID("01000000", "0000"), FALSE, 0, 0},
    {OTHER_CONFIGURATION INTERFACE("01") CCID("01000000", "0000"), FALSE, 0, 0},
    {OTHER_CONFIGURATION INTERFACE("01") CCID("01000000", "0000") CONFIGURATION INTERFACE("01")
         CCID("02000000", "0000"),
     TRUE, 2, 0},
    /* broken */
    {CONFIGURATION INTERFACE("01") "09 21 1001 00 07 0300 36", FALSE, 0, 0},
    {CONFIGURATION INTERFACE("01") "36 21", FALSE, 0, 0},
    {CONFIGURATION INTERFACE("01") "00 21 1001", FALSE, 0, 0},
    {CONFIGURATION INTERFACE("01") "36", FALSE, 0, 0},
    {"05 02 5D00 02 " INTERFACE("01") CCID("01000000", "0000"), FALSE, 0, 0},
};

static void
test_find(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        gsize length;
        g_autofree guint8 *bytes = scd_hex_to_bytes(cases[i].bytes, &length, NULL);
        ScdCcid ccid = {0};

        g_assert_nonnull(bytes);
        g_assert_cmpint(scd_ccid_find(bytes, length, 1, 1, &ccid), ==, cases[i].found);
        g_assert_cmphex(ccid.features, ==, cases[i].features);
        g_assert_cmphex(ccid.lcd_layout, ==, cases[i].layout);
    }
}

/* The results are not checked; the sanitizers check the memory accesses. */
static void
test_cut(void)
{
    gsize length;
    g_autofree guint8 *bytes = scd_hex_to_bytes(cases[2].bytes, &length, NULL);

    for (gsize end = 0; end < length; end++) {
        g_autofree guint8 *copy = g_memdup2(bytes, end);
        ScdCcid ccid;

        scd_ccid_find(copy, end, 1, 1, &ccid);
    }
}

static void
test_command_max(void)
{
    g_assert_cmpuint(scd_ccid_command_max(&(ScdCcid){0x000400BA, 0}), ==, 65536);
    g_assert_cmpuint(scd_ccid_command_max(&(ScdCcid){0x00010230, 0}), ==, 65536);
    g_assert_cmpuint(scd_ccid_command_max(&(ScdCcid){0x000204BA, 0}), ==, 255);
    g_assert_cmpuint(scd_ccid_command_max(&(ScdCcid){0x00000030, 0}), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ccid/find", test_find);
    g_test_add_func("/ccid/cut", test_cut);
    g_test_add_func("/ccid/command-max", test_command_max);
    return g_test_run();
}
