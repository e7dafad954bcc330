/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Control codes of readers' drivers: which of them belong to the use of a card.
 */

#include <glib.h>

/*
 * FALSE for the question which features of PC/SC part 10 there are, and for
 * those by which a program has a PIN entered and never sees it. TRUE for all
 * else: what only the driver knows the meaning of.
 */
gboolean scd_control_code_is_driver_command(guint32 code);
