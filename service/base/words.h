/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The words that methods take for the numbers of PC/SC: share modes, protocols, dispositions.
 *
 * Each is a closed list. The error for a word that is not in it is SCD_INVALID_ARGS, and its
 * message has those that are. The numbers are those of winscard.h, which pcsc/code.c asserts.
 */

#include <glib.h>

typedef enum {
    SCD_SHARE_EXCLUSIVE = 1,
    SCD_SHARE_SHARED = 2,
    SCD_SHARE_DIRECT = 3,
} ScdShareMode;

/* Bits. */
typedef enum {
    SCD_PROTOCOL_NONE = 0,
    SCD_PROTOCOL_T0 = 1,
    SCD_PROTOCOL_T1 = 2,
    SCD_PROTOCOL_RAW = 4,
    SCD_PROTOCOL_T15 = 8,
    SCD_PROTOCOL_ANY = SCD_PROTOCOL_T0 | SCD_PROTOCOL_T1,
} ScdProtocol;

/* The action on the card at the end of a connection or a transaction. */
typedef enum {
    SCD_DISPOSITION_LEAVE = 0,
    SCD_DISPOSITION_RESET = 1,
    SCD_DISPOSITION_UNPOWER = 2,
    SCD_DISPOSITION_EJECT = 3,
} ScdDisposition;

/* The words are: shared, exclusive, direct. */
gboolean scd_share_mode_from_word(const char *word, ScdShareMode *mode, GError **error);
const char *scd_share_mode_to_word(ScdShareMode mode);

/* The words are: T=0, T=1, raw, T=15. */
gboolean scd_protocol_from_word(const char *word, ScdProtocol *protocol, GError **error);

/* Sets the bits of all words in a NULL-terminated vector; SCD_PROTOCOL_ANY if it is empty. */
gboolean scd_protocols_from_words(const char *const *words, ScdProtocol *protocols, GError **error);

/* Returns the word of one protocol; empty for SCD_PROTOCOL_NONE. */
const char *scd_protocol_to_word(ScdProtocol protocol);

/* The words are: leave, reset, unpower, eject. */
gboolean scd_disposition_from_word(const char *word, ScdDisposition *disposition, GError **error);

/* The words for the action of SCardReconnect before it connects: all of these but eject. */
gboolean scd_initialization_from_word(const char *word, ScdDisposition *initialization,
                                      GError **error);
