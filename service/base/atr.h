/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Answer To Reset, which a card sends when it is powered: ISO/IEC 7816-3:2006, clause 8. Parses
 * it, and compares it with a masked value or with a pattern of pcsc-tools.
 *
 * Neither cards nor readers are trusted: any bytes may be parsed, and nothing beyond them is read.
 * Cards with a wrong check byte or with extra bytes exist and work, so these are reported in ScdAtr
 * and not refused. An ATR that announces more bytes than it has is refused.
 */

#include <glib.h>

#define SCD_ATR_MAX_LENGTH 33    /* bytes: TS and 32 more; pcsc-lite's MAX_ATR_SIZE as well */
#define SCD_ATR_MAX_LEVELS 32    /* T0 announces the first, each TD one more; 31 bytes follow T0 */
#define SCD_ATR_MAX_PROTOCOLS 15 /* T=0 to T=14 */

typedef enum {
    SCD_ATR_CONVENTION_DIRECT,  /* TS is 3B */
    SCD_ATR_CONVENTION_INVERSE, /* TS is 3F; the reader has converted the bytes already */
} ScdAtrConvention;

/* The check byte TCK is required if any protocol but T=0 is named, T=15 included. */
typedef enum {
    SCD_ATR_CHECK_ABSENT, /* not required */
    SCD_ATR_CHECK_OK,
    SCD_ATR_CHECK_WRONG,
    SCD_ATR_CHECK_MISSING, /* required, but the ATR ends before it */
} ScdAtrCheck;

typedef enum {
    SCD_ATR_TA,
    SCD_ATR_TB,
    SCD_ATR_TC,
    SCD_ATR_TD,
} ScdAtrInterfaceByte;

typedef struct {
    guint8 present;  /* Y(i): bit n is set if value[n] is present, n a ScdAtrInterfaceByte */
    guint8 value[4]; /* TA(i), TB(i), TC(i), TD(i) */
} ScdAtrLevel;

/* If the ATR is not valid, all members but the raw bytes and their length are zero. */
typedef struct {
    guint8 bytes[SCD_ATR_MAX_LENGTH];
    guint8 length; /* bytes */
    gboolean valid;

    ScdAtrConvention convention;
    ScdAtrLevel levels[SCD_ATR_MAX_LEVELS]; /* levels[0] is TA1 to TD1 */
    guint8 n_levels;

    guint8 protocols[SCD_ATR_MAX_PROTOCOLS]; /* as offered, in the card's order, each once */
    guint8 n_protocols;                      /* at least one in a valid ATR: T=0 is the default */
    gboolean specific_mode;                  /* TA2 is present and names an offered protocol, */
    guint8 specific_protocol;                /* the only one that the card uses after this reset */

    guint8 historical_offset; /* into bytes */
    guint8 n_historical;      /* K, 0 to 15 */
    ScdAtrCheck check;
    guint8 n_extra; /* bytes behind the end of the ATR */
} ScdAtr;

/*
 * Fills atr from any bytes, which may be NULL if length is 0. Returns FALSE if the ATR is not
 * valid; the error is SCD_E_INVALID_ATR and has the reason. The bytes after the first
 * SCD_ATR_MAX_LENGTH are dropped.
 */
gboolean scd_atr_parse(const guint8 *bytes, gsize length, ScdAtr *atr, GError **error);

/*
 * Returns the protocols that can be used to connect, "T=0", "T=1" and so on, the card's first
 * choice first. The vector, which the caller frees, is empty if the ATR is not valid.
 */
char **scd_atr_dup_protocols(const ScdAtr *atr);

/*
 * Returns whether the ATR has the form that readers construct for contactless cards (PC/SC part 3,
 * revision 2, 3.1.3.2.3): 3B 8n 80 01, n historical bytes, TCK. The historical bytes of an ISO/IEC
 * 14443-4 card come from its ATS (type A) or its ATQB and ATTRIB answer (type B) and may be
 * anything; those of a storage card are 80 4F 0C, the RID A0 00 00 03 06, a byte for the standard,
 * two for the card's name and four zeros. Both begin alike, so only the beginning is compared. TCK
 * is not checked, because some readers set it wrongly.
 *
 * This is a guess from the form of the ATR alone. A contact card may offer T=0 and T=1 in the same
 * way, and a reader may construct an ATR of another form for a contactless card.
 */
gboolean scd_atr_is_contactless(const ScdAtr *atr);

/*
 * Selects ATRs of one length that agree with a value in the bits of a mask. An empty filter, all
 * zero, selects every ATR, and also the missing ATR of a mute card.
 */
typedef struct {
    guint8 value[SCD_ATR_MAX_LENGTH]; /* only bits that are in the mask */
    guint8 mask[SCD_ATR_MAX_LENGTH];
    gsize length;
} ScdAtrFilter;

/*
 * atr and mask: arrays of bytes, or NULL if the caller did not provide them. Without a mask all
 * bits are compared. Returns FALSE with SCD_INVALID_ARGS, and leaves the filter unchanged, if
 * the ATR does not have 1 to SCD_ATR_MAX_LENGTH bytes or the mask has another length.
 */
gboolean scd_atr_filter_set(ScdAtrFilter *filter, GVariant *atr, GVariant *mask, GError **error);

gboolean scd_atr_filter_passes(const ScdAtrFilter *filter, const guint8 *atr, gsize length);

/*
 * The regular expressions that describe ATRs in pcsc-tools' smartcard_list.txt.
 *
 * The matcher supports the part of the language that the list uses: a character for itself, "." for
 * any character, "[0-9]" and "[1,3]" for one of some digits, and ".*" for any text, once in a
 * pattern. A pattern with any other construct matches no ATR. The matcher does not backtrack, and
 * takes linear time for any pattern.
 */

/* An ATR in the form of the list, in upper case: "3B 02 14 50". */
typedef struct {
    char text[3 * SCD_ATR_MAX_LENGTH];
    gsize length; /* bytes of text, which does not end with a NUL */
} ScdAtrText;

/* An ATR of 0 or more than SCD_ATR_MAX_LENGTH bytes becomes the empty text. */
void scd_atr_text_init(ScdAtrText *atr, const guint8 *bytes, gsize length);

/* Returns whether the pattern of length bytes matches the whole ATR; the case is ignored. */
gboolean scd_atr_pattern_matches(const char *pattern, gsize length, const ScdAtrText *atr);
