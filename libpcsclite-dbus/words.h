/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The numbers of winscard.h, as the words that the service takes for them. */

#include "pcsc.h"

/* NULL for a number that has none. */
const char *pld_share_mode_to_word(DWORD share_mode);
const char *pld_disposition_to_word(DWORD disposition);

/* Room for the words of all protocols, and NULL at the end. */
#define PLD_PROTOCOL_WORDS 5

/* How many there are; those that the service does not know are left out. */
unsigned pld_protocols_to_words(DWORD protocols, const char *words[PLD_PROTOCOL_WORDS]);

/* SCARD_PROTOCOL_UNDEFINED for a word that is none. */
DWORD pld_protocol_from_word(const char *word);
