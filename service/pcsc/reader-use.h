/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the probe and the worker of a reader have to know of each other; and whether the card has
 * been left with the state of an ended session. All functions are for any thread; reader: its PC/SC
 * name.
 *
 * A card is reset after a session only if no other handle is connected to it, since another program
 * may need its state. A probe has such a handle. So the worker waits until the probe has closed it,
 * and meanwhile no other probe opens one.
 */

#include <glib.h>

/* The probe opens a handle. Waits until the worker has finished with the card. */
void scd_reader_use_begin_probe(const char *reader);
void scd_reader_use_end_probe(const char *reader);

/*
 * The worker is about to reset the card. Waits until no probe has a handle, but not longer than a
 * driver may take for a probe: then the handle is one of those that prevent the reset.
 */
void scd_reader_use_begin_reset(const char *reader);
void scd_reader_use_end_reset(const char *reader);

/* The card has to be reset, which was not possible yet; or it was reset or removed. */
void scd_reader_use_set_unclean(const char *reader, gboolean unclean);
gboolean scd_reader_use_is_unclean(const char *reader);
