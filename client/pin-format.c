/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pin-format.h"

#include <string.h>

#include "secret.h"
#include "smartcardd-enum-types.h"

/**
 * SmartcarddPinFormat:
 *
 * Where a reader with a PIN pad writes the digits into a command, see
 * [method@Session.verify_pin].
 *
 * The command has a field for the PIN, filled as the card expects it for unused places, often with
 * FF. This is the format of a PIN of 6 to 8 digits in ASCII, in a field of 8 bytes at the beginning
 * of the data:
 *
 * ```c
 * g_autoptr(SmartcarddPinFormat) format =
 *     smartcardd_pin_format_new(SMARTCARDD_PIN_ENCODING_ASCII, 6, 8);
 * g_object_set(format, "field-length", 8, NULL);
 * ```
 */
struct _SmartcarddPinFormat {
    GObject parent;
    SmartcarddPinEncoding encoding;
    guint min_length;
    guint max_length;
    guint field_length;
    guint offset;
    gboolean justify_right;
    gboolean ask_current;
    gboolean confirm_new;
    guint current_offset;
    gint new_offset;   /* -1: the service's default */
    GVariant *options; /* a{sv}, in place of all above; NULL for none */
};

G_DEFINE_FINAL_TYPE(SmartcarddPinFormat, smartcardd_pin_format, G_TYPE_OBJECT)

enum {
    PROP_ENCODING = 1,
    PROP_MIN_LENGTH,
    PROP_MAX_LENGTH,
    PROP_FIELD_LENGTH,
    PROP_OFFSET,
    PROP_JUSTIFY_RIGHT,
    PROP_ASK_CURRENT,
    PROP_CONFIRM_NEW,
    PROP_CURRENT_OFFSET,
    PROP_NEW_OFFSET,
};

static void
set_format_property(GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
    SmartcarddPinFormat *self = SMARTCARDD_PIN_FORMAT(object);

    switch (id) {
    case PROP_ENCODING:
        self->encoding = (SmartcarddPinEncoding)g_value_get_enum(value);
        break;
    case PROP_MIN_LENGTH:
        self->min_length = g_value_get_uint(value);
        break;
    case PROP_MAX_LENGTH:
        self->max_length = g_value_get_uint(value);
        break;
    case PROP_FIELD_LENGTH:
        self->field_length = g_value_get_uint(value);
        break;
    case PROP_OFFSET:
        self->offset = g_value_get_uint(value);
        break;
    case PROP_JUSTIFY_RIGHT:
        self->justify_right = g_value_get_boolean(value);
        break;
    case PROP_ASK_CURRENT:
        self->ask_current = g_value_get_boolean(value);
        break;
    case PROP_CONFIRM_NEW:
        self->confirm_new = g_value_get_boolean(value);
        break;
    case PROP_CURRENT_OFFSET:
        self->current_offset = g_value_get_uint(value);
        break;
    case PROP_NEW_OFFSET:
        self->new_offset = g_value_get_int(value);
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    }
}

static void
get_format_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
    SmartcarddPinFormat *self = SMARTCARDD_PIN_FORMAT(object);

    switch (id) {
    case PROP_ENCODING:
        g_value_set_enum(value, (gint)self->encoding);
        break;
    case PROP_MIN_LENGTH:
        g_value_set_uint(value, self->min_length);
        break;
    case PROP_MAX_LENGTH:
        g_value_set_uint(value, self->max_length);
        break;
    case PROP_FIELD_LENGTH:
        g_value_set_uint(value, self->field_length);
        break;
    case PROP_OFFSET:
        g_value_set_uint(value, self->offset);
        break;
    case PROP_JUSTIFY_RIGHT:
        g_value_set_boolean(value, self->justify_right);
        break;
    case PROP_ASK_CURRENT:
        g_value_set_boolean(value, self->ask_current);
        break;
    case PROP_CONFIRM_NEW:
        g_value_set_boolean(value, self->confirm_new);
        break;
    case PROP_CURRENT_OFFSET:
        g_value_set_uint(value, self->current_offset);
        break;
    case PROP_NEW_OFFSET:
        g_value_set_int(value, self->new_offset);
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    }
}

static void
install_digits(GObjectClass *object_class)
{
    const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

    /**
     * SmartcarddPinFormat:encoding:
     *
     * How digits are written.
     */
    g_object_class_install_property(object_class, PROP_ENCODING,
                                    g_param_spec_enum("encoding", "Encoding", NULL,
                                                      SMARTCARDD_TYPE_PIN_ENCODING,
                                                      SMARTCARDD_PIN_ENCODING_ASCII, flags));
    /**
     * SmartcarddPinFormat:min-length:
     *
     * The smallest number of digits.
     */
    g_object_class_install_property(
        object_class, PROP_MIN_LENGTH,
        g_param_spec_uint("min-length", "Minimum length", NULL, 0, 255, 4, flags));
    /**
     * SmartcarddPinFormat:max-length:
     *
     * The largest number of digits.
     */
    g_object_class_install_property(
        object_class, PROP_MAX_LENGTH,
        g_param_spec_uint("max-length", "Maximum length", NULL, 0, 255, 8, flags));
}

static void
install_field(GObjectClass *object_class)
{
    const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

    /**
     * SmartcarddPinFormat:field-length:
     *
     * The length of the field for the PIN in the data of the command, in bytes. 0: the field is as
     * long as the PIN, and the reader sets the length of the data.
     */
    g_object_class_install_property(
        object_class, PROP_FIELD_LENGTH,
        g_param_spec_uint("field-length", "Field length", NULL, 0, 15, 0, flags));
    /**
     * SmartcarddPinFormat:offset:
     *
     * Where the field begins in the data of the command, in bytes.
     */
    g_object_class_install_property(object_class, PROP_OFFSET,
                                    g_param_spec_uint("offset", "Offset", NULL, 0, 15, 0, flags));
    /**
     * SmartcarddPinFormat:justify-right:
     *
     * Whether the PIN is at the end of its field.
     */
    g_object_class_install_property(
        object_class, PROP_JUSTIFY_RIGHT,
        g_param_spec_boolean("justify-right", "Justify right", NULL, FALSE, flags));
}

static void
install_modification(GObjectClass *object_class)
{
    const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

    /**
     * SmartcarddPinFormat:ask-current:
     *
     * For [method@Session.modify_pin]: whether the user enters the current PIN, too.
     */
    g_object_class_install_property(
        object_class, PROP_ASK_CURRENT,
        g_param_spec_boolean("ask-current", "Ask current", NULL, TRUE, flags));
    /**
     * SmartcarddPinFormat:confirm-new:
     *
     * For [method@Session.modify_pin]: whether the user enters the new PIN twice.
     */
    g_object_class_install_property(
        object_class, PROP_CONFIRM_NEW,
        g_param_spec_boolean("confirm-new", "Confirm new", NULL, TRUE, flags));
    /**
     * SmartcarddPinFormat:current-offset:
     *
     * For [method@Session.modify_pin]: where the field of the current PIN begins in the data of the
     * command, in bytes.
     */
    g_object_class_install_property(
        object_class, PROP_CURRENT_OFFSET,
        g_param_spec_uint("current-offset", "Current offset", NULL, 0, 255, 0, flags));
    /**
     * SmartcarddPinFormat:new-offset:
     *
     * For [method@Session.modify_pin]: where the field of the new PIN begins in the data of the
     * command, in bytes. -1: behind the field of the current PIN.
     */
    g_object_class_install_property(
        object_class, PROP_NEW_OFFSET,
        g_param_spec_int("new-offset", "New offset", NULL, -1, 255, -1, flags));
}

static void
finalize_format(GObject *object)
{
    g_clear_pointer(&SMARTCARDD_PIN_FORMAT(object)->options, g_variant_unref);
    G_OBJECT_CLASS(smartcardd_pin_format_parent_class)->finalize(object);
}

static void
smartcardd_pin_format_class_init(SmartcarddPinFormatClass *class)
{
    GObjectClass *object_class = G_OBJECT_CLASS(class);

    object_class->set_property = set_format_property;
    object_class->get_property = get_format_property;
    object_class->finalize = finalize_format;
    install_digits(object_class);
    install_field(object_class);
    install_modification(object_class);
}

static void
smartcardd_pin_format_init(SmartcarddPinFormat *self)
{
    self->encoding = SMARTCARDD_PIN_ENCODING_ASCII;
    self->min_length = 4;
    self->max_length = 8;
    self->ask_current = self->confirm_new = TRUE;
    self->new_offset = -1;
}

/**
 * smartcardd_pin_format_new:
 * @encoding: how digits are written
 * @min_length: the smallest number of digits
 * @max_length: the largest number of digits
 *
 * Makes a format for a PIN at the beginning of the data. Its other properties can be set.
 *
 * Returns: the format
 */
SmartcarddPinFormat *
smartcardd_pin_format_new(SmartcarddPinEncoding encoding, guint min_length, guint max_length)
{
    return g_object_new(SMARTCARDD_TYPE_PIN_FORMAT, "encoding", encoding, "min-length", min_length,
                        "max-length", max_length, NULL);
}

/**
 * smartcardd_pin_format_new_from_options:
 * @options: a dictionary (a{sv}) with the keys of VerifyPin and ModifyPin in org.smartcardd1(5)
 *
 * Makes a format that the service gets as it is, with all that readers can do: messages, a language
 * or a time limit for the entry. The service checks it, and has defaults for keys that are missing.
 * The properties of the object have no effect.
 *
 * Returns: the format
 */
SmartcarddPinFormat *
smartcardd_pin_format_new_from_options(GVariant *options)
{
    SmartcarddPinFormat *self = g_object_new(SMARTCARDD_TYPE_PIN_FORMAT, NULL);

    g_variant_ref_sink(options);
    g_return_val_if_fail(g_variant_is_of_type(options, G_VARIANT_TYPE_VARDICT), self);
    self->options = options;
    return self;
}

gboolean
smartcardd_pin_format_has_options(SmartcarddPinFormat *self)
{
    return self->options != NULL;
}

static void
insert_modification(SmartcarddPinFormat *self, GVariantDict *format)
{
    g_variant_dict_insert(format, "ask-current", "b", self->ask_current);
    g_variant_dict_insert(format, "confirm-new", "b", self->confirm_new);
    g_variant_dict_insert(format, "current-offset", "u", self->current_offset);
    if (self->new_offset >= 0)
        g_variant_dict_insert(format, "new-offset", "u", (guint)self->new_offset);
}

GVariant *
smartcardd_pin_format_to_variant(SmartcarddPinFormat *self, gboolean for_modification)
{
    static const char *const encodings[] = {"binary", "bcd", "ascii"};
    g_auto(GVariantDict) format = G_VARIANT_DICT_INIT(self->options);

    if (self->options)
        return g_variant_dict_end(&format);
    g_variant_dict_insert(&format, "encoding", "s", encodings[self->encoding]);
    g_variant_dict_insert(&format, "min-length", "u", self->min_length);
    g_variant_dict_insert(&format, "max-length", "u", self->max_length);
    g_variant_dict_insert(&format, "block-length", "u", self->field_length);
    g_variant_dict_insert(&format, "pin-bit-offset", "u", 8 * self->offset);
    g_variant_dict_insert(&format, "justification", "s", self->justify_right ? "right" : "left");
    if (for_modification)
        insert_modification(self, &format);
    return g_variant_dict_end(&format);
}

#define IN_BYTES 0x80
#define WHEN_THE_KEY_IS_PRESSED 0x02 /* the key that ends the entry */
#define ENGLISH 0x0409
#define VERIFY_HEADER 19

GBytes *
smartcardd_pin_format_new_verification(SmartcarddPinFormat *self, GBytes *command)
{
    gsize length;
    const guint8 *apdu = g_bytes_get_data(command, &length);
    guint8 *bytes;
    GBytes *result = smartcardd_secret_new_empty(VERIFY_HEADER + length, &bytes);

    memset(bytes, 0, VERIFY_HEADER);
    bytes[2] = (guint8)(IN_BYTES | self->offset << 3 | (self->justify_right ? 1u << 2 : 0) |
                        (guint)self->encoding);
    bytes[3] = (guint8)self->field_length;
    bytes[5] = (guint8)self->max_length;
    bytes[6] = (guint8)self->min_length;
    bytes[7] = WHEN_THE_KEY_IS_PRESSED;
    bytes[8] = 1; /* message */
    bytes[9] = ENGLISH & 0xFF;
    bytes[10] = ENGLISH >> 8;
    bytes[15] = (guint8)length;
    bytes[16] = (guint8)(length >> 8);
    memcpy(bytes + VERIFY_HEADER, apdu, length);
    return result;
}
