/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The limit of file descriptors of the process (LimitNOFILE= of the unit).
 *
 * Without a free descriptor, GLib aborts the process when it creates a main context, and
 * libpcsclite reports that there is no pcscd. The service therefore
 *
 *   - keeps a reserve from its start, and closes it before it stops, because the orderly stop needs
 *     some descriptors;
 *   - queries whether there are descriptors left before it does something that fails in an unclear
 *     way without them.
 */

#include <glib.h>

/* Returns whether that many descriptors can be opened now, at most 8. In any thread. */
gboolean scd_descriptors_are_left(guint count);

/* Opens the reserve, or as much of it as the limit allows. */
void scd_descriptor_reserve_open(void);

void scd_descriptor_reserve_close(void);
