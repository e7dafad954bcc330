/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/object.h"

#include <glib.h>
#include <string.h>
#include <time.h>

#include "base/dbus-message.h"
#include "bus/bus-stream.h"
#include "bus/reply.h"
#include "scd-interface-info.h"

/*
 * The value of a property in the encoding of D-Bus: an entry {sv} of the dictionaries that are
 * sent. Equal entries are the same object: most properties of one reader have the values of
 * another. In the main thread only.
 */

typedef struct {
    guint references;
    guint32 length;   /* of the entry */
    guint32 value_at; /* where its variant begins, a signature */
    guint8 bytes[];   /* alignment counts from the first one */
} PropertyEntry;

/* All entries that are in use. */
static GHashTable *entries;

static guint
hash_entry(gconstpointer data)
{
    const PropertyEntry *entry = data;
    guint hash = 5381;

    for (guint32 i = 0; i < entry->length; i++)
        hash = hash * 33 + entry->bytes[i];
    return hash;
}

static gboolean
are_equal(gconstpointer data, gconstpointer other_data)
{
    const PropertyEntry *entry = data, *other = other_data;

    return entry->length == other->length && memcmp(entry->bytes, other->bytes, entry->length) == 0;
}

/* The entry behind the fields of the structure. */
static GByteArray *
encode_entry(const char *name, GVariant *value)
{
    static const PropertyEntry empty = {.references = 1};
    const gsize start = sizeof empty;
    GByteArray *bytes = g_byte_array_sized_new(128);

    g_byte_array_append(bytes, (const guint8 *)&empty, start);
    scd_dbus_append_string(bytes, start, name);
    guint32 value_at = bytes->len - start;
    scd_dbus_append_signature(bytes, g_variant_get_type_string(value));
    scd_dbus_append_value(bytes, start, value);

    PropertyEntry *entry = (PropertyEntry *)bytes->data;
    entry->length = bytes->len - start;
    entry->value_at = value_at;
    return bytes;
}

/*
 * Returns a reference. value: a basic type or an array of such, none of them with an alignment
 * above 4, so that the variant can be moved to any multiple of 4; a floating one is sunk.
 */
static PropertyEntry *
get_entry(const char *name, GVariant *value)
{
    g_autoptr(GVariant) own = g_variant_ref_sink(value);
    g_autoptr(GByteArray) encoded = encode_entry(name, own);

    if (!entries)
        entries = g_hash_table_new(hash_entry, are_equal);
    PropertyEntry *entry = g_hash_table_lookup(entries, encoded->data);
    if (entry) {
        entry->references++;
        return entry;
    }
    entry = g_memdup2(encoded->data, encoded->len);
    g_hash_table_add(entries, entry);
    return entry;
}

static void
unref_entry(PropertyEntry *entry)
{
    if (--entry->references > 0)
        return;
    g_hash_table_remove(entries, entry);
    g_free(entry);
    if (g_hash_table_size(entries) == 0)
        g_clear_pointer(&entries, g_hash_table_unref);
}

/* Behind the signature, padding and the length. */
/* Returns the value of a string or an object path. */
static const char *
get_entry_text(const PropertyEntry *entry)
{
    gsize at = entry->value_at + entry->bytes[entry->value_at] + 2;

    g_assert(entry->bytes[entry->value_at + 1] == 's' || entry->bytes[entry->value_at + 1] == 'o');
    return (const char *)entry->bytes + ((at + 3) & ~(gsize)3) + sizeof(guint32);
}

/* Appends the entry, or its variant alone, to a message that begins at start. */
static void
append_entry(const PropertyEntry *entry, GByteArray *message, gsize start)
{
    scd_dbus_append_padding(message, start, 8);
    g_byte_array_append(message, entry->bytes, entry->length);
}

static void
append_entry_variant(const PropertyEntry *entry, GByteArray *message, gsize start)
{
    const char *signature = (const char *)entry->bytes + entry->value_at + 1;
    gsize alignment = scd_dbus_alignment_of(*signature);
    gsize at = entry->value_at + strlen(signature) + 2;

    at = (at + alignment - 1) & ~(alignment - 1);
    scd_dbus_append_signature(message, signature);
    scd_dbus_append_padding(message, start, alignment);
    g_byte_array_append(message, entry->bytes + at, entry->length - at);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(PropertyEntry, unref_entry)

#define PROPERTIES "org.freedesktop.DBus.Properties"

struct ScdObject {
    GDBusConnection *bus;
    char *path;
    const ScdInterface *interface;
    gpointer owner;
    char *client;
    guint registration;
    gboolean *tree_changed; /* of the tree that it is in, or NULL */
    guint64 changed;        /* bits by property: since the last announcement */
    guint n_properties;
    PropertyEntry *properties[]; /* in the order of the interface's; NULL until it is set */
};

/* The number of bits in "changed". */
#define PROPERTIES_MAX 64

/* The paths of all objects that are registered with GDBus, as keys; the objects own them. */
static GHashTable *paths_in_use;

static guint
get_property_index(const ScdObject *object, const char *name)
{
    for (guint i = 0; i < object->n_properties; i++)
        if (g_str_equal(object->interface->info->properties[i]->name, name))
            return i;
    g_assert_not_reached();
}

/* Appends an a{sv} of the properties in the mask, each of which must have been set. */
static void
append_properties(const ScdObject *object, guint64 mask, GByteArray *message)
{
    gsize array = scd_dbus_begin_array(message, 0, 8);

    for (guint i = 0; i < object->n_properties; i++)
        if (mask & G_GUINT64_CONSTANT(1) << i)
            append_entry(object->properties[i], message, 0);
    scd_dbus_end_array(message, array);
}

/* GDBus has checked that the property exists, and refuses to set any. */
static void
call_properties(ScdObject *object, const char *method, GVariant *arguments,
                GDBusMethodInvocation *invocation)
{
    gboolean all = g_str_equal(method, "GetAll");
    GByteArray *body = g_byte_array_sized_new(all ? 1024 : 64);
    const char *name;

    if (object->interface->refresh)
        object->interface->refresh(object->owner);
    if (all) {
        append_properties(object, G_MAXUINT64, body);
    } else {
        g_variant_get_child(arguments, 1, "&s", &name);
        append_entry_variant(object->properties[get_property_index(object, name)], body, 0);
    }
    g_autoptr(GBytes) bytes = g_byte_array_free_to_bytes(body);
    scd_reply_body(invocation, all ? "a{sv}" : "v", bytes);
}

guint64
scd_object_next_number(guint64 *last)
{
    if (*last == 0) {
        struct timespec now;
        clock_gettime(CLOCK_BOOTTIME, &now);
        *last = (guint64)now.tv_sec * G_USEC_PER_SEC + (guint64)now.tv_nsec / 1000;
    }
    return ++*last;
}

guint64
scd_object_number_of_path(const char *path, const char *prefix)
{
    guint64 number = 0;

    if (g_str_has_prefix(path, prefix))
        g_ascii_string_to_unsigned(path + strlen(prefix), 10, 1, G_MAXUINT64, &number, NULL);
    return number;
}

static void
call_method(GDBusConnection *bus, const char *sender, const char *path, const char *interface_name,
            const char *method_name, GVariant *arguments, GDBusMethodInvocation *invocation,
            gpointer user_data)
{
    ScdObject *object = user_data;

    if (object->client && !g_str_equal(object->client, sender)) {
        g_autoptr(GError) error =
            g_error_new(SCD_ERROR, SCD_NOT_OWNER, "%s belongs to another program", path);
        scd_reply_error(invocation, error);
        return;
    }
    if (g_str_equal(interface_name, PROPERTIES)) {
        call_properties(object, method_name, arguments, invocation);
        return;
    }
    /* GDBus has checked name and arguments against the interface, which the table covers. */
    for (const ScdMethod *method = object->interface->methods; method->name; method++) {
        if (g_str_equal(method->name, method_name)) {
            method->func(object->owner, arguments, invocation);
            return;
        }
    }
    g_assert_not_reached();
}

/* Without functions for properties, GDBus passes the methods of Properties to call_method(). */
static const GDBusInterfaceVTable vtable = {call_method, NULL, NULL, {NULL}};

ScdObject *
scd_object_new(GDBusConnection *bus, const char *path, const ScdInterface *interface,
               gpointer owner, const char *client, GError **error)
{
    GDBusPropertyInfo **properties = interface->info->properties;
    guint n_properties = properties ? g_strv_length((char **)properties) : 0;
    g_autoptr(ScdObject) object =
        g_malloc0(sizeof(ScdObject) + n_properties * sizeof(PropertyEntry *));

    g_assert(n_properties <= PROPERTIES_MAX);
    object->bus = g_object_ref(bus);
    object->path = g_strdup(path);
    object->interface = interface;
    object->n_properties = n_properties;
    object->owner = owner;
    object->client = g_strdup(client);
    object->registration = g_dbus_connection_register_object(
        bus, path, (GDBusInterfaceInfo *)interface->info, &vtable, object, NULL, error);
    if (!object->registration)
        return NULL;
    if (!paths_in_use)
        paths_in_use = g_hash_table_new(g_str_hash, g_str_equal);
    g_hash_table_add(paths_in_use, object->path);
    return g_steal_pointer(&object);
}

void
scd_object_withdraw(ScdObject *object)
{
    if (!object->registration)
        return;
    g_hash_table_remove(paths_in_use, object->path);
    g_dbus_connection_unregister_object(object->bus, object->registration);
    object->registration = 0;
}

void
scd_object_free(ScdObject *object)
{
    scd_object_withdraw(object);
    for (guint i = 0; i < object->n_properties; i++)
        g_clear_pointer(&object->properties[i], unref_entry);
    g_free(object->client);
    g_free(object->path);
    g_object_unref(object->bus);
    g_free(object);
}

const char *
scd_object_path(const ScdObject *object)
{
    return object->path;
}

static const char *
get_interface_name(const ScdObject *object)
{
    return object->interface->info->name;
}

/* Returns a signal, to which the caller adds the body, for scd_signal_send(). */
static GByteArray *
begin_signal(const ScdObject *object, const char *interface, const char *member,
             const char *signature)
{
    const ScdSignalHeader header = {
        .client = object->client,
        .path = object->path,
        .interface = interface,
        .member = member,
        .signature = signature,
    };

    return scd_signal_begin(object->bus, &header);
}

void
scd_object_set(ScdObject *object, const char *name, GVariant *value)
{
    guint index = get_property_index(object, name);
    PropertyEntry **property = &object->properties[index];
    g_autoptr(PropertyEntry) entry = get_entry(name, value);

    if (entry == *property)
        return;
    if (object->tree_changed)
        *object->tree_changed = TRUE;
    if (*property)
        object->changed |= G_GUINT64_CONSTANT(1) << index;
    g_clear_pointer(property, unref_entry);
    *property = g_steal_pointer(&entry);
}

const char *
scd_object_get_string(const ScdObject *object, const char *name)
{
    return get_entry_text(object->properties[get_property_index(object, name)]);
}

void
scd_object_announce(ScdObject *object)
{
    if (object->changed == 0)
        return;
    GByteArray *signal = begin_signal(object, PROPERTIES, "PropertiesChanged", "sa{sv}as");
    scd_dbus_append_string(signal, 0, get_interface_name(object));
    append_properties(object, object->changed, signal);
    scd_dbus_append_uint32(signal, 0, 0);
    scd_signal_send(object->bus, signal);
    object->changed = 0;
}

void
scd_object_emit(ScdObject *object, const char *member, GVariant *arguments)
{
    g_autoptr(GVariant) own = arguments ? g_variant_ref_sink(arguments) : NULL;
    const char *type = own ? g_variant_get_type_string(own) : "()";
    g_autofree char *signature = g_strndup(type + 1, strlen(type) - 2);
    GByteArray *signal = begin_signal(object, get_interface_name(object), member, signature);

    if (own)
        scd_dbus_append_value(signal, 0, own);
    scd_signal_send(object->bus, signal);
}

struct ScdTree {
    GDBusConnection *bus;
    GHashTable *objects; /* path → ScdObject */
    ScdObject *root;
    gboolean silent;
    GBytes *body;     /* the encoded reply of GetManagedObjects; or NULL */
    gboolean changed; /* since it was encoded */
};

/* Appends an a{sa{sv}} of its only interface. */
static void
append_interfaces(const ScdObject *object, GByteArray *message)
{
    gsize array = scd_dbus_begin_array(message, 0, 8);

    scd_dbus_append_string(message, 0, get_interface_name(object));
    append_properties(object, G_MAXUINT64, message);
    scd_dbus_end_array(message, array);
}

static GBytes *
encode_objects(const ScdTree *tree)
{
    GByteArray *body = g_byte_array_new();
    gsize array = scd_dbus_begin_array(body, 0, 8);
    GHashTableIter iter;
    gpointer path, object;

    g_hash_table_iter_init(&iter, tree->objects);
    while (g_hash_table_iter_next(&iter, &path, &object)) {
        scd_dbus_append_padding(body, 0, 8);
        scd_dbus_append_string(body, 0, path);
        append_interfaces(object, body);
    }
    scd_dbus_end_array(body, array);
    return g_byte_array_free_to_bytes(body);
}

/* Many programs ask when they start: the reply is encoded again only if something has changed. */
static void
get_managed_objects(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdTree *tree = owner;

    if (tree->changed)
        g_clear_pointer(&tree->body, g_bytes_unref);
    tree->changed = FALSE;
    if (!tree->body)
        tree->body = encode_objects(tree);
    scd_reply_charge(invocation, g_bytes_get_size(tree->body));
    scd_reply_body(invocation, "a{oa{sa{sv}}}", tree->body);
}

static const ScdMethod methods[] = {
    {"GetManagedObjects", get_managed_objects},
    {NULL, NULL},
};

static const ScdInterface root_interface = {
    &scd_org_freedesktop_dbus_object_manager_interface,
    methods,
};

ScdTree *
scd_tree_new(GDBusConnection *bus, GError **error)
{
    g_autoptr(ScdTree) tree = g_new0(ScdTree, 1);
    tree->bus = g_object_ref(bus);
    tree->objects = g_hash_table_new(g_str_hash, g_str_equal);
    tree->root = scd_object_new(bus, SCD_ROOT_PATH, &root_interface, tree, NULL, error);
    return tree->root ? g_steal_pointer(&tree) : NULL;
}

void
scd_tree_free(ScdTree *tree)
{
    g_assert(g_hash_table_size(tree->objects) == 0);
    g_clear_pointer(&tree->root, scd_object_free);
    g_clear_pointer(&tree->body, g_bytes_unref);
    g_hash_table_unref(tree->objects);
    g_object_unref(tree->bus);
    g_free(tree);
}

GDBusConnection *
scd_tree_bus(const ScdTree *tree)
{
    return tree->bus;
}

void
scd_tree_add(ScdTree *tree, ScdObject *object)
{
    g_hash_table_insert(tree->objects, (gpointer)scd_object_path(object), object);
    object->tree_changed = &tree->changed;
    tree->changed = TRUE;
    GByteArray *signal =
        begin_signal(tree->root, get_interface_name(tree->root), "InterfacesAdded", "oa{sa{sv}}");
    scd_dbus_append_string(signal, 0, scd_object_path(object));
    append_interfaces(object, signal);
    scd_signal_send(tree->bus, signal);
}

void
scd_tree_remove(ScdTree *tree, ScdObject *object)
{
    const char *interfaces[] = {get_interface_name(object), NULL};

    g_hash_table_remove(tree->objects, scd_object_path(object));
    object->tree_changed = NULL;
    tree->changed = TRUE;
    scd_object_withdraw(object);
    if (tree->silent)
        return;
    scd_object_emit(tree->root, "InterfacesRemoved",
                    g_variant_new("(o^as)", scd_object_path(object), interfaces));
}

void
scd_tree_stop_signals(ScdTree *tree)
{
    tree->silent = TRUE;
}

struct ScdGoneObjects {
    GDBusConnection *bus;
    GError *(*explain)(const char *path, const char *sender, gpointer data);
    gpointer data;
};

/* Returns the interface of the objects in the branch of the path; NULL for a path of none. */
static const GDBusInterfaceInfo *
get_interface(const char *path)
{
    static const struct {
        const char *prefix;
        const GDBusInterfaceInfo *interface;
    } branches[] = {
        {SCD_ROOT_PATH "/cards", &scd_card_interface},
        {SCD_ROOT_PATH "/sessions", &scd_session_interface},
        {SCD_ROOT_PATH "/readers", &scd_reader_interface},
    };

    for (guint i = 0; i < G_N_ELEMENTS(branches); i++)
        if (g_str_has_prefix(path, branches[i].prefix))
            return branches[i].interface;
    return NULL;
}

/*
 * GDBus refuses a call if there is no object at the path, if the object was removed between the
 * acceptance of the call and its dispatch, and if the object does not have the interface. An
 * unknown method of Properties is refused like an unknown interface.
 */
static GError *
explain_unknown(const char *path, const char *interface, const char *sender, gpointer data)
{
    const ScdGoneObjects *gone = data;
    const GDBusInterfaceInfo *own = get_interface(path);
    gboolean exists = !own || (paths_in_use && g_hash_table_contains(paths_in_use, path));
    gboolean fits = own && interface && g_str_equal(interface, own->name);

    if (interface && exists && !fits)
        return NULL;
    return gone->explain(path, sender, gone->data);
}

ScdGoneObjects *
scd_gone_objects_new(GDBusConnection *bus,
                     GError *(*explain)(const char *path, const char *sender, gpointer data),
                     gpointer data)
{
    ScdGoneObjects *gone = g_new0(ScdGoneObjects, 1);

    gone->bus = g_object_ref(bus);
    gone->explain = explain;
    gone->data = data;
    scd_bus_on_unknown_object(bus, explain_unknown, gone);
    return gone;
}

void
scd_gone_objects_free(ScdGoneObjects *gone)
{
    scd_bus_on_unknown_object(gone->bus, NULL, NULL);
    g_object_unref(gone->bus);
    g_free(gone);
}
