/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "reader.h"

#include "card.h"
#include "smartcardd-enum-types.h"
#include "values.h"

/**
 * SmartcarddReader:
 *
 * A reader, or one slot of it.
 *
 * Its properties change in the main context of the client, which emits
 * [signal@GObject.Object::notify]. Use them in that context only; the methods that call the service
 * may be called in any thread.
 *
 * ```c
 * SmartcarddCard *card = smartcardd_reader_get_card(reader);
 * g_print("%s: %s\n", smartcardd_reader_get_name(reader),
 *         card ? smartcardd_card_get_atr_hex(card) : "no card");
 * ```
 */

enum {
    VALUE_NAME,
    VALUE_PCSC_NAME,
    VALUE_VENDOR,
    VALUE_PRODUCT,
    VALUE_SERIAL,
    VALUE_SLOT,
    VALUE_USB_PATH,
    VALUE_USB_BUS,
    VALUE_USB_ADDRESS,
    VALUE_USB_VENDOR_ID,
    VALUE_USB_PRODUCT_ID,
    VALUE_BUILT_IN,
    VALUE_ALIAS,
    VALUE_DRIVER_VERSION,
    VALUE_FEATURES,
    VALUE_MUTE,
    VALUE_IN_USE,
    VALUE_EXCLUSIVE,
    VALUE_STATE,
    VALUE_EVENT_COUNT,
    VALUE_SEAT,
    VALUE_LOGIN_CANDIDATE,
    VALUE_MAX_COMMAND_LENGTH,
    VALUE_DISPLAY_LINES,
    VALUE_DISPLAY_COLUMNS,
    VALUE_CARD_PATH,
    N_VALUES,
    PROP_OBJECT_PATH,
    PROP_CARD,
    PROP_PRESENT,
};

struct _SmartcarddReader {
    GObject parent;
    SmartcarddBus *bus;
    char *path;
    SmartcarddValue values[N_VALUES];
    GVariant *dictionary; /* a{sv}: all that the service has sent */
    gint gone;            /* atomic */
    GMutex lock;
    SmartcarddCard *card; /* set with the lock, in the main context of the client */
};

G_DEFINE_FINAL_TYPE(SmartcarddReader, smartcardd_reader, G_TYPE_OBJECT)

/* The properties of the service. */
static const SmartcarddField fields[N_VALUES] = {
    /**
     * SmartcarddReader:name: (getter get_name)
     *
     * The PC/SC name. Two readers of the same model can swap names when they are plugged in
     * again.
     */
    [VALUE_NAME] = {"Name", "name", G_VARIANT_TYPE_STRING, "Name"},
    /**
     * SmartcarddReader:pcsc-name:
     *
     * The bytes of the PC/SC name, which need not be UTF-8.
     */
    [VALUE_PCSC_NAME] = {"PcscName", "pcsc-name", G_VARIANT_TYPE_BYTESTRING, "PC/SC name"},
    /**
     * SmartcarddReader:vendor: (getter get_vendor)
     *
     * The name of the manufacturer. Empty if not known.
     */
    [VALUE_VENDOR] = {"Vendor", "vendor", G_VARIANT_TYPE_STRING, "Vendor"},
    /**
     * SmartcarddReader:product: (getter get_product)
     *
     * The name of the model. Empty if not known.
     */
    [VALUE_PRODUCT] = {"Product", "product", G_VARIANT_TYPE_STRING, "Product"},
    /**
     * SmartcarddReader:serial: (getter get_serial)
     *
     * The serial number. Empty if not known.
     */
    [VALUE_SERIAL] = {"Serial", "serial", G_VARIANT_TYPE_STRING, "Serial number"},
    /**
     * SmartcarddReader:slot:
     *
     * The number of the slot, from 0.
     */
    [VALUE_SLOT] = {"Slot", "slot", G_VARIANT_TYPE_UINT32, "Slot"},
    /**
     * SmartcarddReader:usb-path: (getter get_usb_path)
     *
     * The USB position and interface, such as "1-3.1:1.0". Empty if not known.
     */
    [VALUE_USB_PATH] = {"UsbPath", "usb-path", G_VARIANT_TYPE_STRING, "USB position"},
    /**
     * SmartcarddReader:usb-bus:
     *
     * The number of the USB bus. 0 if not known.
     */
    [VALUE_USB_BUS] = {"UsbBus", "usb-bus", G_VARIANT_TYPE_BYTE, "USB bus"},
    /**
     * SmartcarddReader:usb-address:
     *
     * The address on the USB bus. 0 if not known.
     */
    [VALUE_USB_ADDRESS] = {"UsbAddress", "usb-address", G_VARIANT_TYPE_BYTE, "USB address"},
    /**
     * SmartcarddReader:usb-vendor-id:
     *
     * The vendor id of the USB device. 0 if not known.
     */
    [VALUE_USB_VENDOR_ID] = {"UsbVendorId", "usb-vendor-id", G_VARIANT_TYPE_UINT16, "USB vendor"},
    /**
     * SmartcarddReader:usb-product-id:
     *
     * The product id of the USB device. 0 if not known.
     */
    [VALUE_USB_PRODUCT_ID] = {"UsbProductId", "usb-product-id", G_VARIANT_TYPE_UINT16,
                              "USB product"},
    /**
     * SmartcarddReader:built-in:
     *
     * Whether the reader is part of the machine.
     */
    [VALUE_BUILT_IN] = {"BuiltIn", "built-in", G_VARIANT_TYPE_BOOLEAN, "Built in"},
    /**
     * SmartcarddReader:alias: (getter get_alias)
     *
     * The name that the administrator gave to the reader. Empty if there is none.
     */
    [VALUE_ALIAS] = {"Alias", "alias", G_VARIANT_TYPE_STRING, "Alias"},
    /**
     * SmartcarddReader:driver-version:
     *
     * The version of the driver. Empty if not known.
     */
    [VALUE_DRIVER_VERSION] = {"DriverVersion", "driver-version", G_VARIANT_TYPE_STRING,
                              "Driver version"},
    /**
     * SmartcarddReader:features: (getter get_features)
     *
     * Features beyond the exchange of commands, such as "verify-pin-direct".
     */
    [VALUE_FEATURES] = {"Features", "features", G_VARIANT_TYPE_STRING_ARRAY, "Features"},
    /**
     * SmartcarddReader:mute: (getter is_mute)
     *
     * Whether there is a card that does not answer.
     */
    [VALUE_MUTE] = {"Mute", "mute", G_VARIANT_TYPE_BOOLEAN, "Mute"},
    /**
     * SmartcarddReader:in-use: (getter is_in_use)
     *
     * Whether a program is connected to the reader or its card.
     */
    [VALUE_IN_USE] = {"InUse", "in-use", G_VARIANT_TYPE_BOOLEAN, "In use"},
    /**
     * SmartcarddReader:exclusive: (getter is_exclusive)
     *
     * Whether a program has exclusive use of the reader or its card.
     */
    [VALUE_EXCLUSIVE] = {"Exclusive", "exclusive", G_VARIANT_TYPE_BOOLEAN, "Exclusive"},
    /**
     * SmartcarddReader:state:
     *
     * SCARD_STATE_* bits of the reader.
     */
    [VALUE_STATE] = {"State", "state", G_VARIANT_TYPE_UINT32, "State"},
    /**
     * SmartcarddReader:event-count:
     *
     * The number of insertions and removals since the reader appeared.
     */
    [VALUE_EVENT_COUNT] = {"EventCount", "event-count", G_VARIANT_TYPE_UINT32, "Event count"},
    /**
     * SmartcarddReader:seat: (getter get_seat)
     *
     * The seat of the reader.
     */
    [VALUE_SEAT] = {"Seat", "seat", G_VARIANT_TYPE_STRING, "Seat"},
    /**
     * SmartcarddReader:login-candidate:
     *
     * Whether a login screen should react to cards in the reader.
     */
    [VALUE_LOGIN_CANDIDATE] = {"LoginCandidate", "login-candidate", G_VARIANT_TYPE_BOOLEAN,
                               "Login candidate"},
    /**
     * SmartcarddReader:max-command-length:
     *
     * The length of the longest command that the reader takes, in bytes. 0 if not known.
     */
    [VALUE_MAX_COMMAND_LENGTH] = {"MaxCommandLength", "max-command-length", G_VARIANT_TYPE_UINT32,
                                  "Maximum command length"},
    /**
     * SmartcarddReader:display-lines:
     *
     * The number of lines of the display of the reader. 0 if there is none.
     */
    [VALUE_DISPLAY_LINES] = {"DisplayLines", "display-lines", G_VARIANT_TYPE_UINT32,
                             "Display lines"},
    /**
     * SmartcarddReader:display-columns:
     *
     * The number of characters of a line of the display of the reader. 0 if there is none.
     */
    [VALUE_DISPLAY_COLUMNS] = {"DisplayColumns", "display-columns", G_VARIANT_TYPE_UINT32,
                               "Display columns"},
    /* The path of the card: no property, see SmartcarddReader:card. */
    [VALUE_CARD_PATH] = {"Card", NULL, G_VARIANT_TYPE_OBJECT_PATH, NULL},
};

static GParamSpec *specs[N_VALUES];
static GParamSpec *card_spec, *present_spec;

static void
dispose_reader(GObject *object)
{
    g_clear_object(&SMARTCARDD_READER(object)->card);
    G_OBJECT_CLASS(smartcardd_reader_parent_class)->dispose(object);
}

static void
finalize_reader(GObject *object)
{
    SmartcarddReader *self = SMARTCARDD_READER(object);

    smartcardd_values_clear(self->values, fields, N_VALUES);
    g_variant_unref(self->dictionary);
    smartcardd_bus_unref(self->bus);
    g_free(self->path);
    g_mutex_clear(&self->lock);
    G_OBJECT_CLASS(smartcardd_reader_parent_class)->finalize(object);
}

static void
get_reader_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
    SmartcarddReader *self = SMARTCARDD_READER(object);

    if (id <= N_VALUES)
        smartcardd_values_get(&self->values[id - 1], &fields[id - 1], value);
    else if (id == PROP_OBJECT_PATH)
        g_value_set_string(value, self->path);
    else if (id == PROP_CARD)
        g_value_set_object(value, self->card);
    else if (id == PROP_PRESENT)
        g_value_set_boolean(value, smartcardd_reader_is_present(self));
    else
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

static void
smartcardd_reader_class_init(SmartcarddReaderClass *class)
{
    const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;
    GObjectClass *object_class = G_OBJECT_CLASS(class);

    object_class->dispose = dispose_reader;
    object_class->finalize = finalize_reader;
    object_class->get_property = get_reader_property;
    smartcardd_values_install(object_class, fields, N_VALUES, specs);
    /**
     * SmartcarddReader:object-path: (getter get_object_path)
     *
     * The path of the object on the bus, which is derived from the USB port.
     */
    g_object_class_install_property(
        object_class, PROP_OBJECT_PATH,
        g_param_spec_string("object-path", "Object path", NULL, NULL, flags));
    /**
     * SmartcarddReader:card: (getter get_card)
     *
     * The card in the reader.
     */
    card_spec = g_param_spec_object("card", "Card", NULL, SMARTCARDD_TYPE_CARD, flags);
    g_object_class_install_property(object_class, PROP_CARD, card_spec);
    /**
     * SmartcarddReader:present: (getter is_present)
     *
     * Whether the reader is connected to the machine.
     */
    present_spec = g_param_spec_boolean("present", "Present", NULL, TRUE, flags);
    g_object_class_install_property(object_class, PROP_PRESENT, present_spec);
}

static void
smartcardd_reader_init(SmartcarddReader *self)
{
    g_mutex_init(&self->lock);
    smartcardd_values_init(self->values, fields, N_VALUES);
}

SmartcarddReader *
smartcardd_reader_new(SmartcarddBus *bus, const char *path, GVariant *properties)
{
    SmartcarddReader *self = g_object_new(SMARTCARDD_TYPE_READER, NULL);

    self->bus = smartcardd_bus_ref(bus);
    self->path = g_strdup(path);
    self->dictionary = g_variant_ref(properties);
    smartcardd_values_update(self->values, fields, N_VALUES, properties, NULL, specs);
    return self;
}

void
smartcardd_reader_update(SmartcarddReader *self, GVariant *properties)
{
    g_autoptr(GVariant) old = self->dictionary;

    self->dictionary = smartcardd_values_merge(old, properties);
    smartcardd_values_update(self->values, fields, N_VALUES, properties, G_OBJECT(self), specs);
}

void
smartcardd_reader_set_card(SmartcarddReader *self, SmartcarddCard *card)
{
    g_mutex_lock(&self->lock);
    g_autoptr(SmartcarddCard) old = g_steal_pointer(&self->card);
    self->card = card ? g_object_ref(card) : NULL;
    g_mutex_unlock(&self->lock);
    if (old != card)
        g_object_notify_by_pspec(G_OBJECT(self), card_spec);
}

void
smartcardd_reader_set_gone(SmartcarddReader *self)
{
    if (g_atomic_int_compare_and_exchange(&self->gone, 0, 1))
        g_object_notify_by_pspec(G_OBJECT(self), present_spec);
}

SmartcarddCard *
smartcardd_reader_ref_card(SmartcarddReader *self)
{
    g_mutex_lock(&self->lock);
    SmartcarddCard *card = self->card ? g_object_ref(self->card) : NULL;
    g_mutex_unlock(&self->lock);
    return card;
}

const char *
smartcardd_reader_card_path(SmartcarddReader *self)
{
    return self->values[VALUE_CARD_PATH].text;
}

SmartcarddBus *
smartcardd_reader_bus(SmartcarddReader *self)
{
    return self->bus;
}

/**
 * smartcardd_reader_get_object_path: (get-property object-path)
 * @self: a reader
 *
 * Returns: the path of the object on the bus
 */
const char *
smartcardd_reader_get_object_path(SmartcarddReader *self)
{
    return self->path;
}

/**
 * smartcardd_reader_get_dictionary:
 * @self: a reader
 *
 * For programs that show all properties, also those that this version of the library does not know.
 *
 * Returns: (transfer none): the properties as the service has sent them, with their names on the
 *   bus: a dictionary of the type a{sv}
 */
GVariant *
smartcardd_reader_get_dictionary(SmartcarddReader *self)
{
    return self->dictionary;
}

/**
 * smartcardd_reader_get_card: (get-property card)
 * @self: a reader
 *
 * Returns: (transfer none) (nullable): the card in the reader
 */
SmartcarddCard *
smartcardd_reader_get_card(SmartcarddReader *self)
{
    return self->card;
}

/**
 * smartcardd_reader_is_present: (get-property present)
 * @self: a reader
 *
 * Returns: whether the reader is connected to the machine
 */
gboolean
smartcardd_reader_is_present(SmartcarddReader *self)
{
    return !g_atomic_int_get(&self->gone);
}

/**
 * smartcardd_reader_get_name: (get-property name)
 * @self: a reader
 *
 * Returns: the PC/SC name; two readers of the same model can swap names when they are plugged in
 *   again
 */
const char *
smartcardd_reader_get_name(SmartcarddReader *self)
{
    return self->values[VALUE_NAME].text;
}

/**
 * smartcardd_reader_get_vendor: (get-property vendor)
 * @self: a reader
 *
 * Returns: the name of the manufacturer; empty if not known
 */
const char *
smartcardd_reader_get_vendor(SmartcarddReader *self)
{
    return self->values[VALUE_VENDOR].text;
}

/**
 * smartcardd_reader_get_product: (get-property product)
 * @self: a reader
 *
 * Returns: the name of the model; empty if not known
 */
const char *
smartcardd_reader_get_product(SmartcarddReader *self)
{
    return self->values[VALUE_PRODUCT].text;
}

/**
 * smartcardd_reader_get_serial: (get-property serial)
 * @self: a reader
 *
 * Returns: the serial number; empty if not known
 */
const char *
smartcardd_reader_get_serial(SmartcarddReader *self)
{
    return self->values[VALUE_SERIAL].text;
}

/**
 * smartcardd_reader_get_usb_path: (get-property usb-path)
 * @self: a reader
 *
 * Returns: the USB position and interface, such as "1-3.1:1.0"; empty if not known
 */
const char *
smartcardd_reader_get_usb_path(SmartcarddReader *self)
{
    return self->values[VALUE_USB_PATH].text;
}

/**
 * smartcardd_reader_get_alias: (get-property alias)
 * @self: a reader
 *
 * Returns: the name that the administrator gave to the reader; empty if there is none
 */
const char *
smartcardd_reader_get_alias(SmartcarddReader *self)
{
    return self->values[VALUE_ALIAS].text;
}

/**
 * smartcardd_reader_get_features: (get-property features)
 * @self: a reader
 *
 * Returns: (transfer none) (array zero-terminated=1): features beyond the exchange of commands,
 *   such as "verify-pin-direct"
 */
const char *const *
smartcardd_reader_get_features(SmartcarddReader *self)
{
    return (const char *const *)self->values[VALUE_FEATURES].list;
}

/**
 * smartcardd_reader_is_mute: (get-property mute)
 * @self: a reader
 *
 * Returns: whether there is a card that does not answer
 */
gboolean
smartcardd_reader_is_mute(SmartcarddReader *self)
{
    return self->values[VALUE_MUTE].number != 0;
}

/**
 * smartcardd_reader_is_in_use: (get-property in-use)
 * @self: a reader
 *
 * Returns: whether a program is connected to the reader or its card
 */
gboolean
smartcardd_reader_is_in_use(SmartcarddReader *self)
{
    return self->values[VALUE_IN_USE].number != 0;
}

/**
 * smartcardd_reader_is_exclusive: (get-property exclusive)
 * @self: a reader
 *
 * Returns: whether a program has exclusive use of the reader or its card
 */
gboolean
smartcardd_reader_is_exclusive(SmartcarddReader *self)
{
    return self->values[VALUE_EXCLUSIVE].number != 0;
}

/**
 * smartcardd_reader_get_seat: (get-property seat)
 * @self: a reader
 *
 * Returns: the seat of the reader
 */
const char *
smartcardd_reader_get_seat(SmartcarddReader *self)
{
    return self->values[VALUE_SEAT].text;
}

/**
 * smartcardd_reader_has_feature:
 * @self: a reader
 * @feature: the name of a feature, such as "verify-pin-direct" for a PIN pad
 *
 * Returns: whether the reader has it
 */
gboolean
smartcardd_reader_has_feature(SmartcarddReader *self, const char *feature)
{
    return g_strv_contains(smartcardd_reader_get_features(self), feature);
}
