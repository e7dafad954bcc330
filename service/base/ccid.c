/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/ccid.h"

enum {
    TYPE_CONFIGURATION = 0x02,
    TYPE_INTERFACE = 0x04,
    TYPE_CCID = 0x21,
};

/* Bits of dwFeatures: the level of exchange. */
enum {
    LEVEL_TPDU = 0x00010000,
    LEVEL_SHORT_APDU = 0x00020000,
    LEVEL_EXTENDED_APDU = 0x00040000,
};

enum {
    LENGTH_CONFIGURATION = 9,
    LENGTH_INTERFACE = 9,
    LENGTH_CCID = 54,
};

static guint32
read_le32(const guint8 *bytes)
{
    return bytes[0] | (guint32)bytes[1] << 8 | (guint32)bytes[2] << 16 | (guint32)bytes[3] << 24;
}

gboolean
scd_ccid_find(const guint8 *descriptors, gsize length, guint8 configuration, guint8 interface,
              ScdCcid *ccid)
{
    gboolean in_configuration = FALSE, in_interface = FALSE;

    while (length >= 2 && descriptors[0] >= 2 && descriptors[0] <= length) {
        guint8 size = descriptors[0], type = descriptors[1];

        if (type == TYPE_CONFIGURATION && size >= LENGTH_CONFIGURATION) {
            in_configuration = descriptors[5] == configuration;
            in_interface = FALSE;
        } else if (type == TYPE_INTERFACE && size >= LENGTH_INTERFACE) {
            in_interface = in_configuration && descriptors[2] == interface;
        } else if (type == TYPE_CCID && size >= LENGTH_CCID && in_interface) {
            ccid->features = read_le32(descriptors + 40);
            ccid->lcd_layout = (guint16)(descriptors[50] | descriptors[51] << 8);
            return TRUE;
        }
        descriptors += size;
        length -= size;
    }
    return FALSE;
}

guint32
scd_ccid_command_max(const ScdCcid *ccid)
{
    if (ccid->features & (LEVEL_EXTENDED_APDU | LEVEL_TPDU))
        return SCD_CCID_EXTENDED_APDU_MAX;
    return ccid->features & LEVEL_SHORT_APDU ? SCD_CCID_SHORT_APDU_MAX : 0;
}
