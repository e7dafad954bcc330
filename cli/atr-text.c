/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "atr-text.h"

#include <glib/gi18n.h>

#include "base/atr.h"

#define TS_DIRECT 0x3B
#define TS_INVERSE 0x3F
#define GLOBAL 15 /* T=15 in a TD announces global interface bytes */
#define FIRST_SPECIFIC_LEVEL \
    3 /* from TA3 on, the meaning depends on the protocol of the TD before */

/* Work through the bytes; a step ends it if the ATR ends too early. */
typedef struct {
    GString *text;
    const guint8 *bytes;
    gsize length;
    gsize at;              /* the next byte */
    guint level;           /* i of TA(i) to TD(i), from 1 */
    guint protocol;        /* of TD(i-1); 0 in the first level */
    guint32 explained;     /* protocols whose specific bytes were explained; a bit for each */
    gboolean has_checksum; /* a TD names another protocol than T=0 */
} AtrWalk;

/* Tables 7 and 8 of ISO/IEC 7816-3: Fi with the maximum frequency in units of 100 kHz, and Di. */
static const struct {
    guint16 fi; /* 0: reserved */
    guint8 fmax;
} clock_rates[16] = {
    {372, 40}, {372, 50}, {558, 60}, {744, 80},   {1116, 120}, {1488, 160}, {1860, 200}, {0, 0},
    {0, 0},    {512, 50}, {768, 75}, {1024, 100}, {1536, 150}, {2048, 200}, {0, 0},      {0, 0},
};
static const guint8 baud_rates[16] = {0, 1, 2, 4, 8, 16, 32, 64, 12, 20, 0, 0, 0, 0, 0, 0};

/* "46.5", "31": a number of tenths, the same in every language. */
static char *
format_tenths(guint tenths)
{
    return tenths % 10 ? g_strdup_printf("%u.%u", tenths / 10, tenths % 10)
                       : g_strdup_printf("%u", tenths / 10);
}

static char *
explain_rates(guint8 byte)
{
    guint fi = clock_rates[byte >> 4].fi, fmax = clock_rates[byte >> 4].fmax;
    guint di = baud_rates[byte & 0x0F];

    if (fi == 0 || di == 0)
        return g_strdup(_("reserved value"));
    g_autofree char *cycles = format_tenths(10 * fi / di);
    g_autofree char *megahertz = format_tenths(fmax);
    return g_strdup_printf(_("Fi %u, Di %u: %s clock cycles a bit, %u bit/s at 4 MHz, %u bit/s at "
                             "the maximum of %s MHz"),
                           fi, di, cycles, 4000000 * di / fi, fmax * 100000 * di / fi, megahertz);
}

static char *
explain_programming_voltage(guint8 byte)
{
    static const guint8 currents[] = {25, 50, 100, 0};
    guint volts = byte & 0x1F, current = currents[byte >> 5 & 0x03];

    if (volts == 0)
        return g_strdup(_("no programming voltage (VPP)"));
    if (volts < 5 || volts > 25 || current == 0)
        return g_strdup(_("reserved value"));
    return g_strdup_printf(_("programming voltage (VPP), no longer in use: %u V, %u mA"), volts,
                           current);
}

static char *
explain_extra_guard_time(guint8 byte)
{
    if (byte == 255)
        return g_strdup(_("extra guard time 255: the shortest that the protocol allows"));
    return g_strdup_printf(_("extra guard time, in bits: %u"), byte);
}

static char *
explain_specific_mode(guint8 byte)
{
    g_autofree char *mode = g_strdup_printf(_("specific mode, T=%u"), byte & 0x0F);

    return g_strjoin("; ", mode,
                     byte & 0x80 ? _("the mode cannot be changed") : _("the mode can be changed"),
                     byte & 0x10 ? _("Fi and Di are implicit") : _("Fi and Di as in TA1"), NULL);
}

static char *
explain_programming_voltage_2(guint8 byte)
{
    g_autofree char *volts = format_tenths(byte);

    return g_strdup_printf(_("programming voltage (VPP), no longer in use: %s V"), volts);
}

static char *
explain_work_waiting_time(guint8 byte)
{
    if (byte == 0)
        return g_strdup(_("reserved value"));
    return g_strdup_printf(_("work waiting time (WI %u), in clock cycles: %u * Fi"), byte,
                           960 * byte);
}

static char *
explain_block_size(guint8 byte)
{
    if (byte == 0 || byte == 255)
        return g_strdup(_("reserved value"));
    return g_strdup_printf(_("maximum block that the card accepts (IFSC), in bytes: %u"), byte);
}

/* The block waiting time is 11 bits and 2^BWI × 960 × 372 clock cycles, 89.28 ms at 4 MHz. */
static char *
explain_waiting_times(guint8 byte)
{
    guint bwi = byte >> 4, cwi = byte & 0x0F;

    if (bwi > 9)
        return g_strdup(_("reserved value"));
    return g_strdup_printf(_("block waiting time (BWI %u) at 4 MHz, in ms: %u; character waiting "
                             "time (CWI %u), in bits: %u"),
                           bwi, (8928u << bwi) / 100, cwi, 11 + (1u << cwi));
}

static char *
explain_error_detection(guint8 byte)
{
    return g_strdup(byte & 0x01 ? _("error detection code: CRC") : _("error detection code: LRC"));
}

static char *
explain_clock_and_classes(guint8 byte)
{
    static const char *const clock_stops[] = {
        N_("the clock cannot be stopped"),
        N_("the clock can be stopped in state L"),
        N_("the clock can be stopped in state H"),
        N_("the clock can be stopped in either state"),
    };
    static const char *const classes[64] = {
        [1] = "A (5 V)",
        [2] = "B (3 V)",
        [3] = "A (5 V), B (3 V)",
        [4] = "C (1.8 V)",
        [6] = "B (3 V), C (1.8 V)",
        [7] = "A (5 V), B (3 V), C (1.8 V)",
    };
    const char *known = classes[byte & 0x3F];
    g_autofree char *accepted =
        g_strdup_printf(_("operating classes: %s"), known ? known : _("reserved value"));

    return g_strjoin("; ", _(clock_stops[byte >> 6]), accepted, NULL);
}

static char *
explain_standard_contact(guint8 byte)
{
    if (byte == 0)
        return g_strdup(_("contact C6 is not used"));
    return g_strdup(byte & 0x80 ? _("contact C6: proprietary use") : _("contact C6: standard use"));
}

#define ANY_PROTOCOL 16

/* The meaning of an interface byte; level FIRST_SPECIFIC_LEVEL also stands for later levels. */
static const struct {
    guint level;
    guint protocol;
    ScdAtrInterfaceByte which;
    char *(*explain)(guint8 byte);
} interface_bytes[] = {
    {1, ANY_PROTOCOL, SCD_ATR_TA, explain_rates},
    {1, ANY_PROTOCOL, SCD_ATR_TB, explain_programming_voltage},
    {1, ANY_PROTOCOL, SCD_ATR_TC, explain_extra_guard_time},
    {2, ANY_PROTOCOL, SCD_ATR_TA, explain_specific_mode},
    {2, ANY_PROTOCOL, SCD_ATR_TB, explain_programming_voltage_2},
    {2, ANY_PROTOCOL, SCD_ATR_TC, explain_work_waiting_time},
    {FIRST_SPECIFIC_LEVEL, 1, SCD_ATR_TA, explain_block_size},
    {FIRST_SPECIFIC_LEVEL, 1, SCD_ATR_TB, explain_waiting_times},
    {FIRST_SPECIFIC_LEVEL, 1, SCD_ATR_TC, explain_error_detection},
    {FIRST_SPECIFIC_LEVEL, GLOBAL, SCD_ATR_TA, explain_clock_and_classes},
    {FIRST_SPECIFIC_LEVEL, GLOBAL, SCD_ATR_TB, explain_standard_contact},
};

/* The specific bytes of a protocol are those of the first level that names it. */
static char *
explain_interface_byte(const AtrWalk *walk, ScdAtrInterfaceByte which, guint8 byte)
{
    gboolean again = walk->level >= FIRST_SPECIFIC_LEVEL && walk->explained & 1u << walk->protocol;

    for (gsize i = 0; !again && i < G_N_ELEMENTS(interface_bytes); i++) {
        if (interface_bytes[i].level == MIN(walk->level, FIRST_SPECIFIC_LEVEL) &&
            interface_bytes[i].which == which &&
            (interface_bytes[i].protocol == ANY_PROTOCOL ||
             interface_bytes[i].protocol == walk->protocol))
            return interface_bytes[i].explain(byte);
    }
    return g_strdup(_("not defined by ISO/IEC 7816-3"));
}

/* "next: TA2, TD2"; empty if no byte follows. */
static char *
format_announced(guint8 announced, guint level)
{
    GString *names = g_string_new(NULL);

    for (guint which = SCD_ATR_TA; which <= SCD_ATR_TD; which++) {
        if (announced & 1u << which)
            g_string_append_printf(names, "%sT%c%u", names->len > 0 ? ", " : "", "ABCD"[which],
                                   level);
    }
    g_autofree char *list = g_string_free(names, FALSE);
    return *list ? g_strdup_printf(_("next: %s"), list) : g_strdup("");
}

static char *
explain_protocol(const AtrWalk *walk, guint8 byte)
{
    g_autofree char *next = format_announced(byte >> 4, walk->level + 1);
    g_autofree char *protocol = (byte & 0x0F) == GLOBAL
                                    ? g_strdup(_("global interface bytes (T=15)"))
                                    : g_strdup_printf(_("protocol T=%u"), byte & 0x0F);

    return *next ? g_strjoin("; ", protocol, next, NULL) : g_steal_pointer(&protocol);
}

/* Returns FALSE, after a line that says so, if the ATR has no more bytes. */
static gboolean
has_byte(const AtrWalk *walk, const char *name)
{
    if (walk->at < walk->length)
        return TRUE;
    ctl_atr_add_line(walk->text, name, NULL, 0, _("missing: the ATR ends here"));
    return FALSE;
}

static gboolean
walk_byte(AtrWalk *walk, ScdAtrInterfaceByte which)
{
    g_autofree char *name = g_strdup_printf("T%c%u", "ABCD"[which], walk -> level);

    if (!has_byte(walk, name))
        return FALSE;
    guint8 byte = walk->bytes[walk->at++];
    g_autofree char *meaning = which == SCD_ATR_TD ? explain_protocol(walk, byte)
                                                   : explain_interface_byte(walk, which, byte);
    ctl_atr_add_line(walk->text, name, &byte, 1, meaning);
    return TRUE;
}

/* Each TD announces the level after its own, as T0 does the first. */
static gboolean
walk_interface_bytes(AtrWalk *walk, guint8 announced)
{
    while (announced != 0) {
        walk->level++;
        for (guint which = SCD_ATR_TA; which <= SCD_ATR_TD; which++) {
            if (announced & 1u << which && !walk_byte(walk, which))
                return FALSE;
        }
        if (walk->level >= FIRST_SPECIFIC_LEVEL)
            walk->explained |= 1u << walk->protocol;
        guint8 last = announced & 1u << SCD_ATR_TD ? walk->bytes[walk->at - 1] : 0;
        walk->protocol = last & 0x0F;
        walk->has_checksum = walk->has_checksum || walk->protocol != 0;
        announced = last >> 4;
    }
    return TRUE;
}

static gboolean
walk_historical_bytes(AtrWalk *walk, guint announced)
{
    gsize present = MIN(announced, walk->length - walk->at);
    g_autofree char *name = g_strdup_printf("T%u", (guint)present + 1);

    ctl_atr_explain_historical_bytes(walk->text, walk->bytes + walk->at, present);
    walk->at += present;
    return present == announced || has_byte(walk, name);
}

/* The exclusive or of all bytes from T0 to TCK is zero. */
static gboolean
walk_check_byte(AtrWalk *walk)
{
    guint8 sum = 0;

    if (!walk->has_checksum)
        return TRUE;
    if (!has_byte(walk, "TCK"))
        return FALSE;
    for (gsize i = 1; i < walk->at; i++)
        sum ^= walk->bytes[i];
    guint8 byte = walk->bytes[walk->at++];
    g_autofree char *meaning =
        sum == byte ? g_strdup(_("the check byte is correct"))
                    : g_strdup_printf(_("the check byte is wrong: %02X is correct"), sum);
    ctl_atr_add_line(walk->text, "TCK", &byte, 1, meaning);
    return TRUE;
}

static gboolean
walk_first_byte(AtrWalk *walk)
{
    guint8 byte = walk->bytes[walk->at++];
    const char *meaning = byte == TS_DIRECT    ? _("direct convention")
                          : byte == TS_INVERSE ? _("inverse convention")
                                               : _("neither 3B nor 3F: this is no ATR");

    ctl_atr_add_line(walk->text, "TS", &byte, 1, meaning);
    return byte == TS_DIRECT || byte == TS_INVERSE;
}

static gboolean
walk_format_byte(AtrWalk *walk)
{
    if (!has_byte(walk, "T0"))
        return FALSE;
    guint8 byte = walk->bytes[walk->at++];
    g_autofree char *next = format_announced(byte >> 4, 1);
    g_autofree char *count = g_strdup_printf(_("historical bytes: %u"), byte & 0x0F);
    g_autofree char *meaning = g_strjoin(*next ? "; " : "", count, next, NULL);
    ctl_atr_add_line(walk->text, "T0", &byte, 1, meaning);
    return TRUE;
}

char *
ctl_atr_explain(const guint8 *bytes, gsize length)
{
    AtrWalk walk = {.text = g_string_new(NULL), .bytes = bytes, .length = length};

    if (length > 0 && walk_first_byte(&walk) && walk_format_byte(&walk) &&
        walk_interface_bytes(&walk, bytes[1] >> 4) &&
        walk_historical_bytes(&walk, bytes[1] & 0x0F) && walk_check_byte(&walk) && walk.at < length)
        ctl_atr_add_line(walk.text, "", bytes + walk.at, length - walk.at,
                         _("after the end of the ATR"));
    return g_string_free(walk.text, FALSE);
}
