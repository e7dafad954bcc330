/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The features of a reader beyond transmitting APDUs: PC/SC part 10, revision 2.02.09.
 *
 * A driver answers CM_IOCTL_GET_FEATURE_REQUEST with a list of records: the tag of a feature, the
 * length 4, and the control code of the feature, highest byte first. It answers the control code of
 * GET_TLV_PROPERTIES with records of the same form, whose numbers have the lowest byte first. Any
 * bytes may be parsed: records with unknown tags, with wrong lengths, and truncated ones are
 * ignored.
 */

#include <glib.h>

/* The control code CM_IOCTL_GET_FEATURE_REQUEST, SCARD_CTL_CODE(3400). */
#define SCD_CODE_GET_FEATURE_REQUEST 0x42000D48u

#define SCD_FEATURE_IFD_PIN_PROPERTIES 0x0A
#define SCD_FEATURE_IFD_DISPLAY_PROPERTIES 0x11
#define SCD_FEATURE_GET_TLV_PROPERTIES 0x12

/*
 * Returns the features in the list as words such as "verify-pin-direct", in the order of their
 * tags, each once. The caller frees the vector.
 */
char **scd_features_dup_words(const guint8 *list, gsize length);

/* Returns the control code of a feature, 0 if the list does not have the feature. */
guint32 scd_features_find_code(const guint8 *list, gsize length, guint8 feature);

/* Numbers are 0 if absent. */
typedef struct {
    guint16 vendor_id; /* of the USB device */
    guint16 product_id;
    char *firmware;           /* cleaned with scd_device_text_clean(); empty if absent */
    gboolean has_command_max; /* dwMaxAPDUDataSize */
    guint32 command_max;      /* the same; 0 for short APDUs only */
    guint16 lcd_layout;       /* wLcdLayout: lines in the high byte, columns in the low one */
    guint16 lcd_columns;      /* wLcdMaxCharacters */
    guint16 lcd_lines;        /* wLcdMaxLines */
} ScdTlvProperties;

ScdTlvProperties *scd_tlv_properties_parse(const guint8 *records, gsize length);
void scd_tlv_properties_free(ScdTlvProperties *properties);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdTlvProperties, scd_tlv_properties_free)

/* The size of a display in characters; both 0 if unknown. */
typedef struct {
    guint16 lines;
    guint16 columns;
} ScdDisplaySize;

/* Reads the layout that the features IFD_PIN_PROPERTIES and CCID descriptors have. */
ScdDisplaySize scd_display_size_of_layout(guint16 lcd_layout);

/* Parse the answers of the driver to these features: bytes of any length. */
ScdDisplaySize scd_display_size_of_pin_properties(const guint8 *bytes, gsize length);
ScdDisplaySize scd_display_size_of_display_properties(const guint8 *bytes, gsize length);

/*
 * Returns whether a control code is a command to the driver, whose effect only the driver defines.
 * FALSE for the request for the list of features and, if the driver's list has them, for the codes
 * of features that describe the PIN pad or let the user enter a PIN there. TRUE for all other
 * codes, for a code that the list has for another feature as well, and for well-known commands of
 * drivers.
 */
gboolean scd_control_code_is_driver_command(guint32 code, const guint8 *list, gsize length);

/*
 * Returns whether the driver's list has the control code for a feature that sends a PIN to the
 * card. FALSE for codes that only describe the reader.
 */
gboolean scd_control_code_enters_pin(guint32 code, const guint8 *list, gsize length);

/*
 * Returns the control code of a feature for PIN entry; 0 if the list does not have the feature, or
 * if the code has another meaning, too.
 */
guint32 scd_features_find_pin_code(const guint8 *list, gsize length, guint8 feature);
