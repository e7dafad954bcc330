/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a card says of itself when it is powered: the Answer To Reset, clause 8 of ISO/IEC
 * 7816-3:2006.
 *
 * A card is a stranger and readers make ATRs up: any bytes may be parsed, and nothing beyond them
 * is read. Cards with a wrong check byte or with bytes to spare exist and work, so these are noted,
 * not refused. An ATR that announces more bytes than it has is refused.
 */

#include <glib.h>

#define SCD_ATR_MAX_LENGTH 33    /* bytes: TS and 32 more; pcsc-lite's MAX_ATR_SIZE as well */
#define SCD_ATR_MAX_LEVELS 32    /* T0 announces the first, each TD one more; 31 bytes follow T0 */
#define SCD_ATR_MAX_PROTOCOLS 15 /* T=0 to T=14 */

typedef enum {
    SCD_ATR_CONVENTION_DIRECT,  /* TS is 3B */
    SCD_ATR_CONVENTION_INVERSE, /* TS is 3F; the bytes are already turned by the reader */
} ScdAtrConvention;

/* The check byte TCK is due when any protocol but T=0 is named, T=15 included. */
typedef enum {
    SCD_ATR_CHECK_ABSENT, /* not due */
    SCD_ATR_CHECK_OK,
    SCD_ATR_CHECK_WRONG,
    SCD_ATR_CHECK_MISSING, /* due, but the ATR ends before it */
} ScdAtrCheck;

typedef enum {
    SCD_ATR_TA,
    SCD_ATR_TB,
    SCD_ATR_TC,
    SCD_ATR_TD,
} ScdAtrInterfaceByte;

typedef struct {
    guint8 present;  /* Y(i): bit n is set when value[n] was there, n a ScdAtrInterfaceByte */
    guint8 value[4]; /* TA(i), TB(i), TC(i), TD(i) */
} ScdAtrLevel;

/* The raw bytes are always there; of an ATR that is not valid everything else is zero. */
typedef struct {
    guint8 bytes[SCD_ATR_MAX_LENGTH];
    guint8 length; /* bytes */
    gboolean valid;

    ScdAtrConvention convention;
    ScdAtrLevel levels[SCD_ATR_MAX_LEVELS]; /* levels[0] is TA1 to TD1 */
    guint8 n_levels;

    guint8 protocols[SCD_ATR_MAX_PROTOCOLS]; /* T as offered, in the card's order, each once */
    guint8 n_protocols;                      /* at least one in a valid ATR: T=0 is the default */
    gboolean specific_mode;                  /* TA2 is there and names a protocol offered: */
    guint8 specific_protocol;                /* the only one the card speaks after this reset */

    guint8 historical_offset; /* into bytes */
    guint8 n_historical;      /* K, 0 to 15 */
    ScdAtrCheck check;
    guint8 n_extra; /* bytes after the end of the ATR proper */
} ScdAtr;

/*
 * Fills atr from any bytes; NULL with length 0 will do. FALSE says that the ATR is not valid, and
 * error, SCD_E_INVALID_ATR, what is wrong where. Of more than SCD_ATR_MAX_LENGTH bytes the first
 * are kept.
 */
gboolean scd_atr_parse(const guint8 *bytes, gsize length, ScdAtr *atr, GError **error);

/* "T=0", "T=1", …: what one can connect with, the card's first choice first; empty if not valid. */
char **scd_atr_dup_protocols(const ScdAtr *atr);

/*
 * Whether the ATR has the form that PC/SC part 3, revision 2, 3.1.3.2.3 lets readers make up for
 * contactless cards: 3B 8n 80 01, n historical bytes, TCK. Those of an ISO/IEC 14443-4 card come
 * from its ATS (type A) or its ATQB and ATTRIB answer (type B) and may be anything; those of a
 * storage card are 80 4F 0C, the RID A0 00 00 03 06, a byte for the standard, two for the card's
 * name and four zeros. Both begin alike, so the beginning decides, and TCK is not asked for: some
 * readers get it wrong.
 *
 * This is a judgement from the form of the ATR alone. A contact card may offer T=0 and T=1 in just
 * this way, and a reader may give a contactless card an ATR of another form.
 */
gboolean scd_atr_is_contactless(const ScdAtr *atr);
