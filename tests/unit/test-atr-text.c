/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "atr-text.h"

#include <string.h>

#include "base/bytes.h"

/* ATRs of real cards, with the values that ATR_analysis of pcsc-tools has for them. */
static const struct {
    const char *hex;
    const char *text;
} examples[] = {
    /* OpenPGP card 2: every kind of byte of T=1, and a mandatory status indicator */
    {"3B DA 18 FF 81 B1 FE 75 1F 03 00 31 C5 73 C0 01 40 00 90 00 0C",
     "TS    3B  direct convention\n"
     "T0    DA  historical bytes: 10; next: TA1, TC1, TD1\n"
     "TA1   18  Fi 372, Di 12: 31 clock cycles a bit, 129032 bit/s at 4 MHz, 161290 bit/s at the "
     "maximum of 5 MHz\n"
     "TC1   FF  extra guard time 255: the shortest that the protocol allows\n"
     "TD1   81  protocol T=1; next: TD2\n"
     "TD2   B1  protocol T=1; next: TA3, TB3, TD3\n"
     "TA3   FE  maximum block that the card accepts (IFSC), in bytes: 254\n"
     "TB3   75  block waiting time (BWI 7) at 4 MHz, in ms: 11427; character waiting time (CWI 5), "
     "in bits: 43\n"
     "TD3   1F  global interface bytes (T=15); next: TA4\n"
     "TA4   03  the clock cannot be stopped; operating classes: A (5 V), B (3 V)\n"
     "T1    00  data objects, then a status indicator\n"
     "T2    31 C5  card service data\n"
     "          applications are selected by full DF name\n"
     "          applications are selected by partial DF name\n"
     "          EF.DIR and EF.ATR are read by GET DATA\n"
     "          the card has no MF\n"
     "T4    73 C0 01 40  card capabilities\n"
     "          DFs are selected by full DF name\n"
     "          DFs are selected by partial DF name\n"
     "          write functions: write once\n"
     "          FF cannot be the first byte of a BER-TLV tag\n"
     "          data unit, in bytes: 1\n"
     "          extended Lc and Le are supported\n"
     "          there are no other logical channels\n"
     "T8    00 90 00  status indicator\n"
     "          life cycle: no information\n"
     "          status word: 9000\n"
     "TCK   0C  the check byte is correct"},
    /* a SIM card: T=0 with a check byte, logical channels, pre-issuing data */
    {"3B 9F 96 80 1F C7 80 31 A0 73 BE 21 13 67 43 20 07 18 00 00 01 A5",
     "TS    3B  direct convention\n"
     "T0    9F  historical bytes: 15; next: TA1, TD1\n"
     "TA1   96  Fi 512, Di 32: 16 clock cycles a bit, 250000 bit/s at 4 MHz, 312500 bit/s at the "
     "maximum of 5 MHz\n"
     "TD1   80  protocol T=0; next: TD2\n"
     "TD2   1F  global interface bytes (T=15); next: TA3\n"
     "TA3   C7  the clock can be stopped in either state; operating classes: A (5 V), B (3 V), C "
     "(1.8 V)\n"
     "T1    80  data objects\n"
     "T2    31 A0  card service data\n"
     "          applications are selected by full DF name\n"
     "          BER-TLV data objects are in EF.DIR\n"
     "          EF.DIR and EF.ATR are read by READ RECORD\n"
     "          the card has an MF\n"
     "T4    73 BE 21 13  card capabilities\n"
     "          DFs are selected by full DF name\n"
     "          DFs are selected by path\n"
     "          DFs are selected by file identifier\n"
     "          a DF is selected implicitly\n"
     "          short EF identifiers are supported\n"
     "          record numbers are supported\n"
     "          write functions: proprietary\n"
     "          FF cannot be the first byte of a BER-TLV tag\n"
     "          data unit, in bytes: 1\n"
     "          the card assigns the numbers of logical channels\n"
     "          logical channels: 4\n"
     "T8    67 43 20 07 18 00 00 01  pre-issuing data\n"
     "          \"C .....\"\n"
     "TCK   A5  the check byte is correct"},
    /* MIFARE Classic 1K, as readers construct it */
    {"3B 8F 80 01 80 4F 0C A0 00 00 03 06 03 00 01 00 00 00 00 6A",
     "TS    3B  direct convention\n"
     "T0    8F  historical bytes: 15; next: TD1\n"
     "TD1   80  protocol T=0; next: TD2\n"
     "TD2   01  protocol T=1\n"
     "T1    80 4F 0C A0 00 00 03 06  contactless storage card, by PC/SC part 3\n"
     "T9    03  standard: ISO/IEC 14443 A, part 3\n"
     "T10   00 01  card: MIFARE Classic 1K\n"
     "T12   00 00 00 00  reserved\n"
     "TCK   6A  the check byte is correct"},
    /* inverse convention, specific mode, programming voltage, CWI and LRC, no category */
    {"3F FF 95 00 FF 91 81 71 FF 47 00 54 49 47 45 52 30 30 33 20 52 65 76 32 35 30 64",
     "TS    3F  inverse convention\n"
     "T0    FF  historical bytes: 15; next: TA1, TB1, TC1, TD1\n"
     "TA1   95  Fi 512, Di 16: 32 clock cycles a bit, 125000 bit/s at 4 MHz, 156250 bit/s at the "
     "maximum of 5 MHz\n"
     "TB1   00  no programming voltage (VPP)\n"
     "TC1   FF  extra guard time 255: the shortest that the protocol allows\n"
     "TD1   91  protocol T=1; next: TA2, TD2\n"
     "TA2   81  specific mode, T=1; the mode cannot be changed; Fi and Di as in TA1\n"
     "TD2   71  protocol T=1; next: TA3, TB3, TC3\n"
     "TA3   FF  reserved value\n"
     "TB3   47  block waiting time (BWI 4) at 4 MHz, in ms: 1428; character waiting time (CWI 7), "
     "in bits: 139\n"
     "TC3   00  error detection code: LRC\n"
     "T1    54 49 47 45 52 30 30 33 20 52 65 76 32 35 30  proprietary\n"
     "          \"TIGER003 Rev250\"\n"
     "TCK   64  the check byte is correct"},
    /* T=0 by default: no check byte */
    {"3F 65 25 08 23 04 68 90 00",
     "TS    3F  inverse convention\n"
     "T0    65  historical bytes: 5; next: TB1, TC1\n"
     "TB1   25  programming voltage (VPP), no longer in use: 5 V, 50 mA\n"
     "TC1   08  extra guard time, in bits: 8\n"
     "T1    23 04 68 90 00  proprietary\n"
     "          \"#.h..\""},
};

static char *
explain_hex(const char *hex)
{
    gsize length;
    g_autofree guint8 *bytes = scd_hex_to_bytes(hex, &length, NULL);
    g_autofree guint8 *exact = g_memdup2(bytes, length);

    return ctl_atr_explain(exact, length);
}

static void
test_examples(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(examples); i++) {
        g_autofree char *text = explain_hex(examples[i].hex);
        g_assert_cmpstr(text, ==, examples[i].text);
    }
}

static void
assert_ends_with(const char *hex, const char *end)
{
    g_autofree char *text = explain_hex(hex);

    if (!g_str_has_suffix(text, end))
        g_error("%s ends with: %s", hex, text);
}

/* Values of single bytes, by the tables of ISO/IEC 7816-3. */
static void
test_interface_bytes(void)
{
    assert_ends_with("3B 10 75", "TA1   75  reserved value");
    assert_ends_with("3B 10 1A", "TA1   1A  reserved value");
    assert_ends_with("3B 10 A7",
                     "TA1   A7  Fi 768, Di 64: 12 clock cycles a bit, 333333 bit/s at 4 "
                     "MHz, 625000 bit/s at the maximum of 7.5 MHz");
    assert_ends_with("3B 10 14",
                     "TA1   14  Fi 372, Di 8: 46.5 clock cycles a bit, 86021 bit/s at 4 "
                     "MHz, 107526 bit/s at the maximum of 5 MHz");
    assert_ends_with("3B 20 01", "TB1   01  reserved value");
    assert_ends_with("3B 20 75", "TB1   75  reserved value");
    assert_ends_with("3B 80 20 7D",
                     "TB2   7D  programming voltage (VPP), no longer in use: 12.5 V");
    assert_ends_with("3B 80 40 0A",
                     "TC2   0A  work waiting time (WI 10), in clock cycles: 9600 * Fi");
    assert_ends_with("3B 80 40 00", "TC2   00  reserved value");
    assert_ends_with("3B 80 10 10", "TA2   10  specific mode, T=0; the mode can be changed; Fi and "
                                    "Di are implicit");
    assert_ends_with("3B 80 81 21 A0 80",
                     "TB3   A0  reserved value\nTCK   80  the check byte is correct");
    assert_ends_with("3B 80 81 41 01 41",
                     "TC3   01  error detection code: CRC\nTCK   41  the check byte is correct");
    assert_ends_with(
        "3B 80 80 3F 45 80 FA",
        "TA3   45  the clock can be stopped in state L; operating classes: reserved value\n"
        "TB3   80  contact C6: proprietary use\nTCK   FA  the check byte is correct");
}

/* The bytes of a second level for the same protocol, and of a protocol without any. */
static void
test_bytes_without_meaning(void)
{
    assert_ends_with("3B 80 81 91 FE 11 20 5F",
                     "TA3   FE  maximum block that the card accepts (IFSC), in bytes: 254\n"
                     "TD3   11  protocol T=1; next: TA4\n"
                     "TA4   20  not defined by ISO/IEC 7816-3\n"
                     "TCK   5F  the check byte is correct");
    assert_ends_with("3B 80 80 1E 05 1B", "TA3   05  not defined by ISO/IEC 7816-3\n"
                                          "TCK   1B  the check byte is correct");
}

static void
test_historical_bytes(void)
{
    assert_ends_with("3B 01 10", "T1    10  reference to data in EF.DIR");
    assert_ends_with("3B 02 85 01", "T1    85 01  reserved");
    assert_ends_with("3B 03 80 81 05",
                     "T2    81 05  status indicator\n          life cycle: operational, activated");
    assert_ends_with("3B 04 80 82 90 00",
                     "T2    82 90 00  status indicator\n          status word: 9000");
    assert_ends_with("3B 03 80 B1 05", "T2    B1 05  not defined by ISO/IEC 7816-4");
    assert_ends_with("3B 03 80 65 05", "T2    65 05  a data object that ends before its length");
    assert_ends_with("3B 02 00 90", "T2    90  missing: the status indicator");
    assert_ends_with("3B 01 00", "T2        missing: the status indicator");
    assert_ends_with("3B 02 80 70", "T2    70  card capabilities");
    assert_ends_with("3B 05 80 73 00 90 1F",
                     "          FF can be the first byte of a BER-TLV tag\n"
                     "          data unit: half a byte\n"
                     "          the card assigns the numbers of logical channels\n"
                     "          the terminal assigns the numbers of logical channels\n"
                     "          logical channels: 8 or more");
}

/* An ATR that is cut or wrong is explained as far as it goes. */
static void
test_broken(void)
{
    g_autofree char *empty = ctl_atr_explain(NULL, 0);

    g_assert_cmpstr(empty, ==, "");
    assert_ends_with("00", "TS    00  neither 3B nor 3F: this is no ATR");
    assert_ends_with("3B", "T0        missing: the ATR ends here");
    assert_ends_with("3B FF", "TA1       missing: the ATR ends here");
    assert_ends_with("3B 90 11 10", "TA2       missing: the ATR ends here");
    assert_ends_with("3B 04 80 31", "T3        missing: the ATR ends here");
    assert_ends_with("3B 81 01 FF", "TCK       missing: the ATR ends here");
    assert_ends_with("3B 81 01 FF 00", "TCK   00  the check byte is wrong: 7F is correct");
    assert_ends_with("3B 02 14 50 11 22", "      11 22  after the end of the ATR");
}

/* The most levels that there can be: 31 TDs. */
static void
test_most_levels(void)
{
    guint8 bytes[33] = {0x3B, 0x80};

    memset(bytes + 2, 0x80, sizeof bytes - 2);
    g_autofree char *text = ctl_atr_explain(bytes, sizeof bytes);
    g_assert_true(g_str_has_suffix(text, "TD31  80  protocol T=0; next: TD32\n"
                                         "TD32      missing: the ATR ends here"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/atr-text/examples", test_examples);
    g_test_add_func("/atr-text/interface-bytes", test_interface_bytes);
    g_test_add_func("/atr-text/bytes-without-meaning", test_bytes_without_meaning);
    g_test_add_func("/atr-text/historical-bytes", test_historical_bytes);
    g_test_add_func("/atr-text/broken", test_broken);
    g_test_add_func("/atr-text/most-levels", test_most_levels);
    return g_test_run();
}
