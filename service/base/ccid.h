/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The class descriptor of a USB reader: CCID specification, revision 1.1, table 5.1-1.
 */

#include <glib.h>

#define SCD_CCID_SHORT_APDU_MAX 255      /* bytes of data in a short command */
#define SCD_CCID_EXTENDED_APDU_MAX 65536 /* as PC/SC part 10 has it for an extended one */

typedef struct {
    guint32 features;   /* dwFeatures */
    guint16 lcd_layout; /* wLcdLayout: lines in the high byte, columns in the low one */
} ScdCcid;

/*
 * Finds the class descriptor of an interface in the descriptors of a device, as the kernel has them
 * in the attribute "descriptors": any bytes. Returns FALSE if there is none.
 */
gboolean scd_ccid_find(const guint8 *descriptors, gsize length, guint8 configuration,
                       guint8 interface, ScdCcid *ccid);

/*
 * Returns the greatest number of bytes of data in a command: that of an extended APDU if the reader
 * takes these, or the parts of which a driver makes commands of any length; 0 if unknown.
 */
guint32 scd_ccid_command_max(const ScdCcid *ccid);
