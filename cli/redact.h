/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Removes data that identifies a single reader, card or person, for texts that are published:
 *
 * - the serial number, and everything in parentheses in the PC/SC name: if the name itself ends in
 *   parentheses, they cannot be told from those of the serial number;
 * - the alias, which the owner chose, and object paths, which may contain the name;
 * - the historical bytes and the check byte of the card's ATR: the issuer chooses them, and on some
 *   cards they contain a number of the card or of its holder. "3B0214.." has one hidden byte.
 */

#include "reader-view.h"

/*
 * Returns the text with "..." in place of the serial number. Ignores a serial that is NULL or so
 * short that other numbers contain it.
 */
char *ctl_redact_serial(const char *text, const char *serial);

/* Returns a view that owns its properties: free them with ctl_redact_clear_reader(). */
CtlReaderView ctl_redact_reader(const CtlReaderView *reader);
void ctl_redact_clear_reader(CtlReaderView *reader);
