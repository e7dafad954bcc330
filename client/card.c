/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "card.h"

#include <string.h>

#include "smartcardd-enum-types.h"
#include "smartcardd-reader.h"
#include "values.h"
#include "wait.h"

/**
 * SmartcarddCard:
 *
 * A card in a reader, from its insertion to its removal. The same card is another object when it
 * is inserted again.
 *
 * Its Answer To Reset (ATR) is decoded: protocols, historical bytes and interface bytes.
 *
 * ```c
 * g_print("%s\n", smartcardd_card_get_atr_hex(card));
 * if (smartcardd_card_get_interface_byte(card, "TA1") == 0x11)
 *     g_print("default speed\n");
 * ```
 */
struct _SmartcarddCard {
    GObject parent;
    SmartcarddBus *bus;
    SmartcarddReader *reader;
    char *path;
    GVariant *dictionary; /* a{sv}: all that the service has sent */
    gint gone;            /* atomic */
    SmartcarddCardAbilities abilities;
    SmartcarddValue values[7];
};

G_DEFINE_FINAL_TYPE(SmartcarddCard, smartcardd_card, G_TYPE_OBJECT)

enum {
    VALUE_ATR,
    VALUE_ATR_HEX,
    VALUE_PROTOCOLS,
    VALUE_HISTORICAL_BYTES,
    VALUE_NAMES,
    VALUE_CONTACTLESS,
    VALUE_LOGIN_CANDIDATE,
    N_VALUES,
    PROP_OBJECT_PATH,
    PROP_READER,
    PROP_PRESENT,
};

/* The properties of the service. */
static const SmartcarddField fields[N_VALUES] = {
    /**
     * SmartcarddCard:atr: (getter get_atr)
     *
     * The Answer To Reset as the reader reported it. It has no bytes if the card is mute.
     */
    [VALUE_ATR] = {"Atr", "atr", G_VARIANT_TYPE_BYTESTRING, "ATR"},
    /**
     * SmartcarddCard:atr-hex: (getter get_atr_hex)
     *
     * The same in hexadecimal digits.
     */
    [VALUE_ATR_HEX] = {"AtrHex", "atr-hex", G_VARIANT_TYPE_STRING, "ATR in hex"},
    /**
     * SmartcarddCard:protocols: (getter get_protocols)
     *
     * The protocols that the ATR offers, such as "T=1".
     */
    [VALUE_PROTOCOLS] = {"Protocols", "protocols", G_VARIANT_TYPE_STRING_ARRAY, "Protocols"},
    /**
     * SmartcarddCard:historical-bytes: (getter get_historical_bytes)
     *
     * The historical bytes of the ATR.
     */
    [VALUE_HISTORICAL_BYTES] = {"HistoricalBytes", "historical-bytes", G_VARIANT_TYPE_BYTESTRING,
                                "Historical bytes"},
    /**
     * SmartcarddCard:names: (getter get_names)
     *
     * Names of card types with this ATR. They are guesses.
     */
    [VALUE_NAMES] = {"Names", "names", G_VARIANT_TYPE_STRING_ARRAY, "Names"},
    /**
     * SmartcarddCard:contactless: (getter is_contactless)
     *
     * Whether the ATR has the form that readers construct for contactless cards.
     */
    [VALUE_CONTACTLESS] = {"Contactless", "contactless", G_VARIANT_TYPE_BOOLEAN, "Contactless"},
    /**
     * SmartcarddCard:login-candidate:
     *
     * Whether a login screen should react to the card.
     */
    [VALUE_LOGIN_CANDIDATE] = {"LoginCandidate", "login-candidate", G_VARIANT_TYPE_BOOLEAN,
                               "Login candidate"},
};

static GParamSpec *specs[N_VALUES];
static GParamSpec *present_spec;

static void
dispose_card(GObject *object)
{
    g_clear_object(&SMARTCARDD_CARD(object)->reader);
    G_OBJECT_CLASS(smartcardd_card_parent_class)->dispose(object);
}

static void
finalize_card(GObject *object)
{
    SmartcarddCard *self = SMARTCARDD_CARD(object);

    smartcardd_values_clear(self->values, fields, N_VALUES);
    g_variant_unref(self->dictionary);
    smartcardd_bus_unref(self->bus);
    g_free(self->path);
    G_OBJECT_CLASS(smartcardd_card_parent_class)->finalize(object);
}

static void
get_card_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
    SmartcarddCard *self = SMARTCARDD_CARD(object);

    if (id <= N_VALUES)
        smartcardd_values_get(&self->values[id - 1], &fields[id - 1], value);
    else if (id == PROP_OBJECT_PATH)
        g_value_set_string(value, self->path);
    else if (id == PROP_READER)
        g_value_set_object(value, self->reader);
    else if (id == PROP_PRESENT)
        g_value_set_boolean(value, smartcardd_card_is_present(self));
    else
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

static void
smartcardd_card_class_init(SmartcarddCardClass *class)
{
    const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;
    GObjectClass *object_class = G_OBJECT_CLASS(class);

    object_class->dispose = dispose_card;
    object_class->finalize = finalize_card;
    object_class->get_property = get_card_property;
    smartcardd_values_install(object_class, fields, N_VALUES, specs);
    /**
     * SmartcarddCard:object-path: (getter get_object_path)
     *
     * The path of the object on the bus.
     */
    g_object_class_install_property(
        object_class, PROP_OBJECT_PATH,
        g_param_spec_string("object-path", "Object path", NULL, NULL, flags));
    /**
     * SmartcarddCard:reader: (getter get_reader)
     *
     * The reader that the card is in.
     */
    g_object_class_install_property(
        object_class, PROP_READER,
        g_param_spec_object("reader", "Reader", NULL, SMARTCARDD_TYPE_READER, flags));
    /**
     * SmartcarddCard:present: (getter is_present)
     *
     * Whether the card is in the reader.
     */
    present_spec = g_param_spec_boolean("present", "Present", NULL, TRUE, flags);
    g_object_class_install_property(object_class, PROP_PRESENT, present_spec);
}

static void
smartcardd_card_init(SmartcarddCard *self)
{
    smartcardd_values_init(self->values, fields, N_VALUES);
}

/* The parts of an ATR (ISO 7816-3, section 8.2). Returns FALSE if there is no such byte. */
static gboolean
find_interface_byte(const guint8 *atr, gsize length, guint wanted, guint *value, gsize *position)
{
    gsize at = 2;
    guint present = length >= 2 ? atr[1] >> 4 : 0;

    for (guint number = 0; present != 0 && at < length; number += 4) {
        guint next = 0;
        for (guint letter = 0; letter < 4; letter++) {
            if (!(present & 1u << letter))
                continue;
            if (at >= length)
                return FALSE;
            if (number + letter == wanted) {
                *value = atr[at];
                *position = at;
                return TRUE;
            }
            if (letter == 3)
                next = atr[at] >> 4;
            at++;
        }
        present = next;
    }
    return FALSE;
}

/* The third software function table of the card capabilities (ISO 7816-4, section 12.1.1.9). */
static SmartcarddCardAbilities
read_abilities(GBytes *historical_bytes)
{
    gsize length;
    const guint8 *at = g_bytes_get_data(historical_bytes, &length);
    SmartcarddCardAbilities abilities = {FALSE};

    if (length == 0 || (at[0] != 0x80 && at[0] != 0x00))
        return abilities;
    if (at[0] == 0x00)
        length = length > 3 ? length - 3 : 0; /* the status at the end */
    for (gsize i = 1; i < length; i += 1u + (at[i] & 0xF))
        if (at[i] == 0x73 && i + 3 < length)
            abilities.extended = (at[i + 3] & 0x40) != 0;
    return abilities;
}

SmartcarddCard *
smartcardd_card_new(SmartcarddBus *bus, const char *path, SmartcarddReader *reader,
                    GVariant *properties)
{
    SmartcarddCard *self = g_object_new(SMARTCARDD_TYPE_CARD, NULL);

    self->bus = smartcardd_bus_ref(bus);
    self->path = g_strdup(path);
    self->reader = g_object_ref(reader);
    self->dictionary = g_variant_ref(properties);
    smartcardd_values_update(self->values, fields, N_VALUES, properties, NULL, specs);
    self->abilities = read_abilities(self->values[VALUE_HISTORICAL_BYTES].bytes);
    return self;
}

void
smartcardd_card_set_gone(SmartcarddCard *self)
{
    if (g_atomic_int_compare_and_exchange(&self->gone, 0, 1))
        g_object_notify_by_pspec(G_OBJECT(self), present_spec);
}

SmartcarddCardAbilities
smartcardd_card_abilities(SmartcarddCard *self)
{
    return self->abilities;
}

/**
 * smartcardd_card_get_object_path: (get-property object-path)
 * @self: a card
 *
 * Returns: the path of the object on the bus
 */
const char *
smartcardd_card_get_object_path(SmartcarddCard *self)
{
    return self->path;
}

/**
 * smartcardd_card_get_dictionary:
 * @self: a card
 *
 * For programs that show all properties, also those that this version of the library does not know.
 *
 * Returns: (transfer none): the properties as the service has sent them, with their names on the
 *   bus: a dictionary of the type a{sv}
 */
GVariant *
smartcardd_card_get_dictionary(SmartcarddCard *self)
{
    return self->dictionary;
}

/**
 * smartcardd_card_get_reader: (get-property reader)
 * @self: a card
 *
 * Returns: (transfer none): the reader that the card is in
 */
SmartcarddReader *
smartcardd_card_get_reader(SmartcarddCard *self)
{
    return self->reader;
}

/**
 * smartcardd_card_is_present: (get-property present)
 * @self: a card
 *
 * Returns: whether the card is in the reader
 */
gboolean
smartcardd_card_is_present(SmartcarddCard *self)
{
    return !g_atomic_int_get(&self->gone);
}

/**
 * smartcardd_card_get_atr: (get-property atr)
 * @self: a card
 *
 * Returns: (transfer none): the Answer To Reset; of no bytes if the card is mute
 */
GBytes *
smartcardd_card_get_atr(SmartcarddCard *self)
{
    return self->values[VALUE_ATR].bytes;
}

/**
 * smartcardd_card_get_atr_hex: (get-property atr-hex)
 * @self: a card
 *
 * Returns: the Answer To Reset in hexadecimal digits
 */
const char *
smartcardd_card_get_atr_hex(SmartcarddCard *self)
{
    return self->values[VALUE_ATR_HEX].text;
}

/**
 * smartcardd_card_get_protocols: (get-property protocols)
 * @self: a card
 *
 * Returns: (transfer none) (array zero-terminated=1): the protocols that the ATR offers
 */
const char *const *
smartcardd_card_get_protocols(SmartcarddCard *self)
{
    return (const char *const *)self->values[VALUE_PROTOCOLS].list;
}

/**
 * smartcardd_card_get_historical_bytes: (get-property historical-bytes)
 * @self: a card
 *
 * Returns: (transfer none): the historical bytes of the ATR
 */
GBytes *
smartcardd_card_get_historical_bytes(SmartcarddCard *self)
{
    return self->values[VALUE_HISTORICAL_BYTES].bytes;
}

/**
 * smartcardd_card_get_names: (get-property names)
 * @self: a card
 *
 * Returns: (transfer none) (array zero-terminated=1): names of card types with this ATR
 */
const char *const *
smartcardd_card_get_names(SmartcarddCard *self)
{
    return (const char *const *)self->values[VALUE_NAMES].list;
}

/**
 * smartcardd_card_is_contactless: (get-property contactless)
 * @self: a card
 *
 * Returns: whether the ATR has the form that readers construct for contactless cards
 */
gboolean
smartcardd_card_is_contactless(SmartcarddCard *self)
{
    return self->values[VALUE_CONTACTLESS].number != 0;
}

/**
 * smartcardd_card_get_interface_byte:
 * @self: a card
 * @name: the name of the byte in ISO 7816-3: "TA1" to "TD1", "TA2", and so on
 *
 * Returns: the interface byte of the ATR, 0 to 255; -1 if the ATR does not have it
 */
gint
smartcardd_card_get_interface_byte(SmartcarddCard *self, const char *name)
{
    gsize length;
    const guint8 *atr = g_bytes_get_data(self->values[VALUE_ATR].bytes, &length);
    guint64 level;
    guint value;
    gsize position;

    if (name[0] != 'T' || name[1] < 'A' || name[1] > 'D' ||
        !g_ascii_string_to_unsigned(name + 2, 10, 1, 99, &level, NULL))
        return -1;
    guint wanted = (guint)(level - 1) * 4 + (guint)(name[1] - 'A');
    return find_interface_byte(atr, length, wanted, &value, &position) ? (gint)value : -1;
}

/**
 * smartcardd_card_list_interface_bytes:
 * @self: a card
 *
 * Returns: (transfer full) (array zero-terminated=1): the names of the interface bytes that the
 *   ATR has, in its order
 */
char **
smartcardd_card_list_interface_bytes(SmartcarddCard *self)
{
    g_autoptr(GStrvBuilder) names = g_strv_builder_new();

    for (guint level = 1; level < 33; level++) {
        for (int letter = 'A'; letter <= 'D'; letter++) {
            g_autofree char *name = g_strdup_printf("T%c%u", letter, level);
            if (smartcardd_card_get_interface_byte(self, name) >= 0)
                g_strv_builder_add(names, name);
        }
    }
    return g_strv_builder_end(names);
}

static void
handle_session(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    GError *error = NULL;
    SmartcarddSession *session = smartcardd_session_open_finish(result, &error);

    if (session)
        g_task_return_pointer(task, session, g_object_unref);
    else
        g_task_return_error(task, error);
}

/**
 * smartcardd_card_open_session_async:
 * @self: a card
 * @share_mode: how to share the card with others
 * @protocols: the protocols that are acceptable
 * @timeout_ms: a time limit in milliseconds, %SMARTCARDD_TIMEOUT_DEFAULT or
 *   %SMARTCARDD_TIMEOUT_NONE; 0: fail instead of waiting for others
 * @cancellable: (nullable): cancels the call
 * @callback: (scope async) (closure data): called when the call has ended
 * @data: data for the callback
 *
 * Opens a session with this card: it never reaches another card in the reader. Waits while another
 * program has a transaction. May be called in any thread.
 */
void
smartcardd_card_open_session_async(SmartcarddCard *self, SmartcarddShareMode share_mode,
                                   SmartcarddProtocols protocols, gint timeout_ms,
                                   GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer data)
{
    const SmartcarddConnect connect = {.path = self->path,
                                       .interface = SMARTCARDD_CARD_INTERFACE,
                                       .reader = G_OBJECT(self->reader),
                                       .card = G_OBJECT(self),
                                       .abilities = self->abilities,
                                       .share_mode = share_mode,
                                       .protocols = protocols,
                                       .timeout_ms = timeout_ms};
    GTask *task = g_task_new(self, NULL, callback, data);

    g_task_set_source_tag(task, smartcardd_card_open_session_async);
    smartcardd_session_open_async(self->bus, &connect, cancellable, handle_session, task);
}

/**
 * smartcardd_card_open_session_finish:
 * @self: a card
 * @result: the result of the call
 * @error: return location for an error
 *
 * Returns: (transfer full): the session
 */
SmartcarddSession *
smartcardd_card_open_session_finish(SmartcarddCard *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_pointer(G_TASK(result), error);
}

/**
 * smartcardd_card_open_session:
 * @self: a card
 * @share_mode: how to share the card with others
 * @protocols: the protocols that are acceptable
 * @timeout_ms: a time limit in milliseconds, %SMARTCARDD_TIMEOUT_DEFAULT or
 *   %SMARTCARDD_TIMEOUT_NONE; 0: fail instead of waiting for others
 * @cancellable: (nullable): cancels the call
 * @error: return location for an error
 *
 * Opens a session with this card: it never reaches another card in the reader. Waits while another
 * program has a transaction. May be called in any thread. Blocks until the call has ended.
 *
 * Returns: (transfer full): the session
 */
SmartcarddSession *
smartcardd_card_open_session(SmartcarddCard *self, SmartcarddShareMode share_mode,
                             SmartcarddProtocols protocols, gint timeout_ms,
                             GCancellable *cancellable, GError **error)
{
    SmartcarddWait wait;

    smartcardd_wait_begin(&wait);
    smartcardd_card_open_session_async(self, share_mode, protocols, timeout_ms, cancellable,
                                       smartcardd_wait_callback, &wait);
    SmartcarddSession *value =
        smartcardd_card_open_session_finish(self, smartcardd_wait_end(&wait), error);
    smartcardd_wait_clear(&wait);
    return value;
}
