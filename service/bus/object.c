/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/object.h"

#include <string.h>
#include <time.h>

#include "base/dbus-message.h"
#include "bus/bus-stream.h"
#include "bus/error.h"
#include "scd-interface-info.h"

#define PROPERTIES "org.freedesktop.DBus.Properties"

typedef struct {
    GVariant *value; /* NULL until it is set */
    GVariant *entry; /* {sv}: name and value, for GetAll and PropertiesChanged */
    gboolean changed;
} ObjectProperty;

struct ScdObject {
    GDBusConnection *bus;
    char *path;
    const ScdInterface *interface;
    guint n_properties;
    ObjectProperty *properties; /* in the order of the interface's properties */
    gpointer owner;
    char *client;
    guint registration;
    gboolean *tree_changed; /* of the tree that it is in, or NULL */
};

/* Of all objects that are registered with GDBus; the keys are the objects'. */
static GHashTable *paths_in_use;

static guint
get_property_index(const ScdObject *object, const char *name)
{
    for (guint i = 0; i < object->n_properties; i++)
        if (g_str_equal(object->interface->info->properties[i]->name, name))
            return i;
    g_assert_not_reached();
}

/* All objects share one string for each property, which is never freed: it saves much memory. */
static GVariant *
get_name_variant(const GDBusPropertyInfo *info)
{
    static GHashTable *names;
    GVariant *name;

    if (!names)
        names = g_hash_table_new(NULL, NULL);
    name = g_hash_table_lookup(names, info);
    if (!name) {
        name = g_variant_ref_sink(g_variant_new_string(info->name));
        g_hash_table_insert(names, (gpointer)info, name);
    }
    return name;
}

static void
clear_property(ObjectProperty *property)
{
    g_clear_pointer(&property->value, g_variant_unref);
    g_clear_pointer(&property->entry, g_variant_unref);
}

/* Returns an a{sv} of all properties, each of which must have been set. */
static GVariant *
dup_properties(const ScdObject *object)
{
    g_autofree GVariant **entries = g_new(GVariant *, object->n_properties);

    for (guint i = 0; i < object->n_properties; i++)
        entries[i] = object->properties[i].entry;
    return g_variant_ref_sink(
        g_variant_new_array(G_VARIANT_TYPE("{sv}"), entries, object->n_properties));
}

/* GDBus has checked that the property exists, and refuses to set any. */
static void
call_properties(ScdObject *object, const char *method, GVariant *arguments,
                GDBusMethodInvocation *invocation)
{
    const char *name;

    if (object->interface->refresh)
        object->interface->refresh(object->owner);
    if (g_str_equal(method, "GetAll")) {
        g_autoptr(GVariant) all = dup_properties(object);
        g_dbus_method_invocation_return_value(invocation, g_variant_new("(@a{sv})", all));
        return;
    }
    g_variant_get_child(arguments, 1, "&s", &name);
    g_dbus_method_invocation_return_value(
        invocation,
        g_variant_new("(v)", object->properties[get_property_index(object, name)].value));
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
        g_dbus_method_invocation_return_error(invocation, SCD_ERROR, SCD_NOT_OWNER,
                                              "%s belongs to another program", path);
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
    g_autoptr(ScdObject) object = g_new0(ScdObject, 1);
    object->bus = g_object_ref(bus);
    object->path = g_strdup(path);
    object->interface = interface;
    while (interface->info->properties && interface->info->properties[object->n_properties])
        object->n_properties++;
    object->properties = g_new0(ObjectProperty, object->n_properties);
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
        clear_property(&object->properties[i]);
    g_free(object->properties);
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

static void
emit_signal(ScdObject *object, const char *interface, const char *signal, GVariant *arguments)
{
    /* Fails only if the connection is closed: the arguments are a tuple. */
    g_dbus_connection_emit_signal(object->bus, object->client, object->path, interface, signal,
                                  arguments, NULL);
}

void
scd_object_set(ScdObject *object, const char *name, GVariant *value)
{
    guint index = get_property_index(object, name);
    ObjectProperty *property = &object->properties[index];
    g_autoptr(GVariant) is = g_variant_ref_sink(value);

    if (property->value && g_variant_equal(property->value, is))
        return;
    if (object->tree_changed)
        *object->tree_changed = TRUE;
    property->changed = property->value != NULL;
    clear_property(property);
    property->value = g_variant_ref(is);
    property->entry = g_variant_ref_sink(g_variant_new_dict_entry(
        get_name_variant(object->interface->info->properties[index]), g_variant_new_variant(is)));
}

const char *
scd_object_get_string(const ScdObject *object, const char *name)
{
    return g_variant_get_string(object->properties[get_property_index(object, name)].value, NULL);
}

void
scd_object_announce(ScdObject *object)
{
    g_auto(GVariantBuilder) changed = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);
    gboolean any = FALSE;

    for (guint i = 0; i < object->n_properties; i++) {
        if (!object->properties[i].changed)
            continue;
        g_variant_builder_add_value(&changed, object->properties[i].entry);
        object->properties[i].changed = FALSE;
        any = TRUE;
    }
    if (any)
        emit_signal(object, PROPERTIES, "PropertiesChanged",
                    g_variant_new("(sa{sv}as)", get_interface_name(object), &changed, NULL));
}

void
scd_object_emit(ScdObject *object, const char *signal, GVariant *arguments)
{
    emit_signal(object, get_interface_name(object), signal, arguments);
}

struct ScdTree {
    GDBusConnection *bus;
    GHashTable *objects; /* path → ScdObject */
    ScdObject *root;
    gboolean silent;
    GBytes *body;     /* the encoded reply of GetManagedObjects; or NULL */
    gboolean changed; /* since it was encoded */
};

static GVariant *
new_interfaces_variant(ScdObject *object)
{
    g_autoptr(GVariant) properties = dup_properties(object);
    g_auto(GVariantBuilder) interfaces = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a{sa{sv}}"));
    g_variant_builder_add(&interfaces, "{s@a{sv}}", get_interface_name(object), properties);
    return g_variant_builder_end(&interfaces);
}

static GVariant *
list_objects(const ScdTree *tree)
{
    g_auto(GVariantBuilder) answer = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a{oa{sa{sv}}}"));
    GHashTableIter iter;
    gpointer path, object;

    g_hash_table_iter_init(&iter, tree->objects);
    while (g_hash_table_iter_next(&iter, &path, &object))
        g_variant_builder_add(&answer, "{o@a{sa{sv}}}", path, new_interfaces_variant(object));
    return g_variant_new("(a{oa{sa{sv}}})", &answer);
}

/* Returns the body in the encoding of the bus, to which GDBus encodes whole messages only. */
static GBytes *
encode_objects(const ScdTree *tree)
{
    g_autoptr(GDBusMessage) message = g_dbus_message_new();
    gsize header_length, length;

    g_dbus_message_set_message_type(message, G_DBUS_MESSAGE_TYPE_METHOD_RETURN);
    g_dbus_message_set_serial(message, 1);
    g_dbus_message_set_reply_serial(message, 1);
    g_dbus_message_set_body(message, list_objects(tree));
    guint8 *bytes = g_dbus_message_to_blob(message, &length, G_DBUS_CAPABILITY_FLAGS_NONE, NULL);
    if (!bytes || !scd_dbus_measure(bytes, &header_length, &length))
        g_error("GDBus cannot encode the objects");
    g_autoptr(GBytes) whole = g_bytes_new_take(bytes, length);
    return g_bytes_new_from_bytes(whole, header_length, length - header_length);
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
    scd_bus_reply_with_body(tree->bus, invocation, "a{oa{sa{sv}}}", tree->body);
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
    scd_object_emit(
        tree->root, "InterfacesAdded",
        g_variant_new("(o@a{sa{sv}})", scd_object_path(object), new_interfaces_variant(object)));
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
