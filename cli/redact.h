/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A reader without what tells it, or its card, from others of its kind, for a text that anybody may
 * read. What goes is:
 *
 * - the serial number, and in the PC/SC name, where it stands in parentheses, all in these: of a
 *   base that ends in parentheses of its own nobody can tell;
 * - the alias, which its owner chose, and object paths, which may be made of the name;
 * - of the card's ATR the historical bytes and what follows: they tell what the card's issuer
 * likes, on some cards a number of the card or of its holder. "3B0214.." has one hidden byte.
 */

#include "object-cache.h"

/* The text with "..." for a serial number in it; NULL or a very short one is in too many. */
char *ctl_redact_serial(const char *text, const char *serial);

/* Of the properties of both new ones, for ctl_redact_clear_reader(). */
CtlReaderView ctl_redact_reader(const CtlReaderView *reader);
void ctl_redact_clear_reader(CtlReaderView *reader);
