/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Keeps the probe and the worker of a reader from using a card at once, and remembers whether the
 * card has the state of an ended session. All functions may be called from any thread. reader: the
 * PC/SC name
 *
 * A card is reset after a session only if no other handle is connected to it, since another program
 * may need its state. A probe has such a handle. So the worker waits until the probe has closed it,
 * and meanwhile no other probe opens one.
 */

#include <glib.h>

/* To be called before a probe opens a handle. Blocks until the worker has finished its reset. */
void scd_reader_use_begin_probe(const char *reader);
void scd_reader_use_end_probe(const char *reader);

/*
 * To be called before the worker resets the card. Blocks until no probe has a handle, but not
 * longer than a driver may take for a probe: the handle of a slower probe prevents the reset.
 */
void scd_reader_use_begin_reset(const char *reader);
void scd_reader_use_end_reset(const char *reader);

/* unclean: TRUE if the card has to be reset, and could not be yet; FALSE if it was reset or removed
 */
void scd_reader_use_set_unclean(const char *reader, gboolean unclean);
gboolean scd_reader_use_is_unclean(const char *reader);
