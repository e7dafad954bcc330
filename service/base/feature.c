/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/feature.h"

#include <string.h>

#include "base/usb-device.h"

static const struct {
    guint8 tag;
    const char *word;
} features[] = {
    {0x01, "verify-pin-start"},
    {0x02, "verify-pin-finish"},
    {0x03, "modify-pin-start"},
    {0x04, "modify-pin-finish"},
    {0x05, "get-key-pressed"},
    {0x06, "verify-pin-direct"},
    {0x07, "modify-pin-direct"},
    {0x08, "mct-reader-direct"},
    {0x09, "mct-universal"},
    {SCD_FEATURE_IFD_PIN_PROPERTIES, "ifd-pin-properties"},
    {0x0B, "abort"},
    {0x0C, "set-spe-message"},
    {0x0D, "verify-pin-direct-app-id"},
    {0x0E, "modify-pin-direct-app-id"},
    {0x0F, "write-display"},
    {0x10, "get-key"},
    {SCD_FEATURE_IFD_DISPLAY_PROPERTIES, "ifd-display-properties"},
    {SCD_FEATURE_GET_TLV_PROPERTIES, "get-tlv-properties"},
    {0x13, "ccid-esc-command"},
    {0x20, "execute-pace"},
};

/*
 * Commands of drivers that a list cannot turn into a feature: escapes to the device, and the USB
 * path. SCARD_CTL_CODE(1), (3500) and (3601).
 */
static const guint32 driver_commands[] = {0x42000001, 0x42000DAC, 0x42000E11};

enum {
    PROPERTY_LCD_LAYOUT = 0x01,
    PROPERTY_LCD_MAX_CHARACTERS = 0x04,
    PROPERTY_LCD_MAX_LINES = 0x05,
    PROPERTY_FIRMWARE_ID = 0x08,
    PROPERTY_MAX_APDU_DATA_SIZE = 0x0A,
    PROPERTY_VENDOR_ID = 0x0B,
    PROPERTY_PRODUCT_ID = 0x0C,
};

typedef struct {
    const guint8 *at;
    gsize left;
} ScdTlvRecords;

typedef struct {
    guint8 tag;
    guint8 length;
    const guint8 *value;
} ScdTlvRecord;

static gboolean
read_next_record(ScdTlvRecords *records, ScdTlvRecord *record)
{
    if (records->left < 2 || records->left - 2 < records->at[1])
        return FALSE;
    record->tag = records->at[0];
    record->length = records->at[1];
    record->value = records->at + 2;
    records->at += 2 + record->length;
    records->left -= 2 + (gsize)record->length;
    return TRUE;
}

static guint32
read_code(const ScdTlvRecord *record)
{
    return (guint32)record->value[0] << 24 | (guint32)record->value[1] << 16 |
           (guint32)record->value[2] << 8 | record->value[3];
}

guint32
scd_features_find_code(const guint8 *list, gsize length, guint8 feature)
{
    ScdTlvRecords records = {list, length};
    ScdTlvRecord record;

    while (read_next_record(&records, &record)) {
        if (record.tag == feature && record.length == 4)
            return read_code(&record);
    }
    return 0;
}

char **
scd_features_dup_words(const guint8 *list, gsize length)
{
    g_autoptr(GStrvBuilder) words = g_strv_builder_new();

    for (gsize i = 0; i < G_N_ELEMENTS(features); i++) {
        if (scd_features_find_code(list, length, features[i].tag) != 0)
            g_strv_builder_add(words, features[i].word);
    }
    return g_strv_builder_end(words);
}

static guint16
read_le16(const guint8 *bytes)
{
    return (guint16)(bytes[0] | bytes[1] << 8);
}

/* Leaves the number unchanged if it is already set or the record does not have 16 bits. */
static void
read_number(const ScdTlvRecord *record, guint16 *number)
{
    if (*number == 0 && record->length == 2)
        *number = read_le16(record->value);
}

/* Returns the variable for a number of 16 bits, NULL for other properties. */
static guint16 *
find_number(ScdTlvProperties *properties, guint8 tag)
{
    switch (tag) {
    case PROPERTY_VENDOR_ID:
        return &properties->vendor_id;
    case PROPERTY_PRODUCT_ID:
        return &properties->product_id;
    case PROPERTY_LCD_LAYOUT:
        return &properties->lcd_layout;
    case PROPERTY_LCD_MAX_CHARACTERS:
        return &properties->lcd_columns;
    case PROPERTY_LCD_MAX_LINES:
        return &properties->lcd_lines;
    default:
        return NULL;
    }
}

ScdTlvProperties *
scd_tlv_properties_parse(const guint8 *bytes, gsize length)
{
    ScdTlvProperties *properties = g_new0(ScdTlvProperties, 1);
    ScdTlvRecords records = {bytes, length};
    ScdTlvRecord record;

    while (read_next_record(&records, &record)) {
        guint16 *number = find_number(properties, record.tag);

        if (number != NULL)
            read_number(&record, number);
        else if (record.tag == PROPERTY_FIRMWARE_ID && properties->firmware == NULL)
            properties->firmware = scd_device_text_clean(record.value, record.length);
        else if (record.tag == PROPERTY_MAX_APDU_DATA_SIZE && record.length == 4 &&
                 !properties->has_command_max) {
            properties->has_command_max = TRUE;
            properties->command_max = read_le16(record.value) | (guint32)read_le16(record.value + 2)
                                                                    << 16;
        }
    }
    if (properties->firmware == NULL)
        properties->firmware = g_strdup("");
    return properties;
}

void
scd_tlv_properties_free(ScdTlvProperties *properties)
{
    if (properties == NULL)
        return;
    g_free(properties->firmware);
    g_free(properties);
}

ScdDisplaySize
scd_display_size_of_layout(guint16 lcd_layout)
{
    return (ScdDisplaySize){lcd_layout >> 8, lcd_layout & 0xFF};
}

/* PIN_PROPERTIES_STRUCTURE begins with wLcdLayout. */
ScdDisplaySize
scd_display_size_of_pin_properties(const guint8 *bytes, gsize length)
{
    return scd_display_size_of_layout(length >= 2 ? read_le16(bytes) : 0);
}

/* DISPLAY_PROPERTIES_STRUCTURE: wLcdMaxCharacters, wLcdMaxLines. */
ScdDisplaySize
scd_display_size_of_display_properties(const guint8 *bytes, gsize length)
{
    if (length < 4)
        return (ScdDisplaySize){0, 0};
    return (ScdDisplaySize){.lines = read_le16(bytes + 2), .columns = read_le16(bytes)};
}

/*
 * The features that let the user enter a PIN without the program seeing it, and those that describe
 * the PIN pad. Excluded are writing to the display and reading keys, which together let the program
 * read a PIN, and the features that pass on commands of the reader's vendor.
 */
static const guint8 pin_features[] = {
    0x01, 0x02, 0x06, 0x0D, /* verify a PIN: start, finish, direct, with an application's id */
    0x03, 0x04, 0x07, 0x0E, /* modify a PIN, likewise */
    0x05, 0x0B, 0x0C,       /* get key pressed, abort, set message */
    0x0A, 0x11, 0x12,       /* properties: of the PIN pad, of the display, all */
    0x20,                   /* execute PACE */
};

/* Those of them after which a PIN may be verified. */
static const guint8 entry_features[] = {
    0x01, 0x02, 0x06, 0x0D, 0x03, 0x04, 0x07, 0x0E, 0x20,
};

static gboolean
is_pin_feature(guint8 feature)
{
    return memchr(pin_features, feature, sizeof pin_features) != NULL;
}

gboolean
scd_control_code_is_driver_command(guint32 code, const guint8 *list, gsize length)
{
    ScdTlvRecords records = {list, length};
    ScdTlvRecord record;
    gboolean announced = FALSE;

    if (code == SCD_CODE_GET_FEATURE_REQUEST)
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(driver_commands); i++)
        if (code == driver_commands[i])
            return TRUE;
    while (read_next_record(&records, &record)) {
        if (record.length != 4 || read_code(&record) != code)
            continue;
        if (!is_pin_feature(record.tag))
            return TRUE;
        announced = TRUE;
    }
    return code == 0 || !announced;
}

gboolean
scd_control_code_enters_pin(guint32 code, const guint8 *list, gsize length)
{
    ScdTlvRecords records = {list, length};
    ScdTlvRecord record;

    while (read_next_record(&records, &record))
        if (record.length == 4 && read_code(&record) == code &&
            memchr(entry_features, record.tag, sizeof entry_features) != NULL)
            return TRUE;
    return FALSE;
}

guint32
scd_features_find_pin_code(const guint8 *list, gsize length, guint8 feature)
{
    guint32 code = scd_features_find_code(list, length, feature);
    ScdTlvRecords records = {list, length};
    ScdTlvRecord record;

    if (code == SCD_CODE_GET_FEATURE_REQUEST ||
        scd_control_code_is_driver_command(code, list, length))
        return 0;
    while (read_next_record(&records, &record))
        if (record.length == 4 && record.tag != feature && read_code(&record) == code)
            return 0;
    return code;
}
