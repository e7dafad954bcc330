/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/options.h"

#include <string.h>

#include "base/error.h"

#define KEY_SHOWN_MAX 40 /* bytes of an unknown key that an error repeats */

#define OPTIONS_MAX 32

static const ScdOption *
find_option(const ScdOption *known, const char *key)
{
    for (; known->key != NULL; known++) {
        if (g_str_equal(known->key, key))
            return known;
    }
    return NULL;
}

/* The type is the format without the characters that only affect how a value is read. */
static char *
get_type_of_format(const char *format)
{
    GString *type = g_string_new(NULL);

    for (; *format != '\0'; format++) {
        if (strchr("@&^", *format) == NULL)
            g_string_append_c(type, *format);
    }
    return g_string_free(type, FALSE);
}

static gboolean
refuse_key(const ScdOption *known, const char *key, GError **error)
{
    g_autofree char *head = g_strndup(key, KEY_SHOWN_MAX);
    g_autofree char *shown = g_strescape(head, NULL);
    g_autoptr(GString) keys = g_string_new(NULL);

    for (const ScdOption *option = known; option->key != NULL; option++)
        g_string_append_printf(keys, "%s%s", option == known ? "" : ", ", option->key);
    g_set_error(error, SCD_ERROR, SCD_INVALID_ARGS, "unknown option \"%s\": %s%s", shown,
                keys->len > 0 ? "supported are " : "none supported", keys->str);
    return FALSE;
}

static gboolean
check_type(const ScdOption *option, GVariant *value, GError **error)
{
    g_autofree char *type = get_type_of_format(option->format);

    if (g_variant_is_of_type(value, G_VARIANT_TYPE(type)))
        return TRUE;
    g_set_error(error, SCD_ERROR, SCD_INVALID_ARGS,
                "option \"%s\" has a value of type %s, where %s is expected", option->key,
                g_variant_get_type_string(value), type);
    return FALSE;
}

/*
 * Sets the value of each option that is given, a reference, also if it fails. Stops at the first
 * invalid entry, so the number of known options bounds the work.
 */
static gboolean
take_values(GVariant *dictionary, const ScdOption *known, GVariant *values[OPTIONS_MAX],
            GError **error)
{
    GVariantIter entries;
    const char *key;
    GVariant *child;

    g_variant_iter_init(&entries, dictionary);
    while (g_variant_iter_next(&entries, "{&sv}", &key, &child)) {
        g_autoptr(GVariant) value = child;
        const ScdOption *option = find_option(known, key);

        if (option == NULL)
            return refuse_key(known, key, error);
        if (!check_type(option, value, error))
            return FALSE;
        if (values[option - known] != NULL) {
            g_set_error(error, SCD_ERROR, SCD_INVALID_ARGS, "option \"%s\" is given twice", key);
            return FALSE;
        }
        values[option - known] = g_steal_pointer(&value);
    }
    return TRUE;
}

gboolean
scd_options_read(GVariant *dictionary, const ScdOption *known, GError **error)
{
    GVariant *values[OPTIONS_MAX] = {NULL};

    if (g_variant_n_children(dictionary) == 0) /* the usual case */
        return TRUE;
    gboolean valid = take_values(dictionary, known, values, error);
    for (guint i = 0; known[i].key != NULL; i++) {
        if (values[i] != NULL && valid)
            g_variant_get(values[i], known[i].format, known[i].target);
        g_clear_pointer(&values[i], g_variant_unref);
    }
    return valid;
}

#define CALL_ID_MAX 64 /* bytes */

struct ScdCallRegistry {
    GMutex lock;
    GHashTable *calls; /* the key of a call, which it owns → ScdRegisteredCall */
};

struct ScdRegisteredCall {
    ScdCallRegistry *registry;
    char *key;
    ScdCancelFunc cancel;
    gpointer data; /* an atomic rc box: shared with a cancellation that is under way */
};

/* The data of a call and its destructor, released with the last reference. */
typedef struct {
    gpointer data;
    GDestroyNotify free_data;
} CancelTarget;

void
scd_call_options_clear(ScdCallOptions *options)
{
    g_clear_pointer(&options->timeout_ms, g_variant_unref);
    g_clear_pointer(&options->call_id, g_free);
}

gboolean
scd_call_options_read(ScdCallOptions *options, GVariant *dictionary, GError **error)
{
    const ScdOption known[] = {SCD_CALL_OPTION_ROWS(*options), {NULL, NULL, NULL}};
    return scd_options_read(dictionary, known, error) && scd_call_options_check(options, error);
}

gboolean
scd_call_options_check(const ScdCallOptions *options, GError **error)
{
    return !options->call_id || scd_call_id_check(options->call_id, error);
}

gboolean
scd_call_options_get_timeout(const ScdCallOptions *options, guint32 *timeout_ms)
{
    if (!options->timeout_ms)
        return FALSE;
    *timeout_ms = g_variant_get_uint32(options->timeout_ms);
    return TRUE;
}

ScdCallRegistry *
scd_call_registry_new(void)
{
    ScdCallRegistry *registry = g_new0(ScdCallRegistry, 1);

    g_mutex_init(&registry->lock);
    registry->calls = g_hash_table_new(g_str_hash, g_str_equal);
    return registry;
}

void
scd_call_registry_free(ScdCallRegistry *registry)
{
    g_assert(g_hash_table_size(registry->calls) == 0);
    g_hash_table_unref(registry->calls);
    g_mutex_clear(&registry->lock);
    g_free(registry);
}

gboolean
scd_call_id_check(const char *call_id, GError **error)
{
    gsize length = strlen(call_id);

    if (length > 0 && length <= CALL_ID_MAX)
        return TRUE;
    g_set_error(error, SCD_ERROR, SCD_INVALID_ARGS, "a call-id must have 1 to %d bytes",
                CALL_ID_MAX);
    return FALSE;
}

static void
release_target(gpointer data)
{
    CancelTarget *target = data;

    if (target->free_data)
        target->free_data(target->data);
}

/* No unique name contains a space. */
static char *
make_key(const char *sender, const char *call_id)
{
    return g_strconcat(sender, " ", call_id, NULL);
}

static ScdRegisteredCall *
new_registered_call(ScdCallRegistry *registry, char *key, ScdCancelFunc cancel, gpointer data,
                    GDestroyNotify free_data)
{
    ScdRegisteredCall *call = g_new(ScdRegisteredCall, 1);
    CancelTarget *target = g_atomic_rc_box_new(CancelTarget);

    *target = (CancelTarget){data, free_data};
    *call = (ScdRegisteredCall){registry, key, cancel, target};
    return call;
}

static void
free_call(ScdRegisteredCall *call)
{
    g_atomic_rc_box_release_full(call->data, release_target);
    g_free(call->key);
    g_free(call);
}

/* Returns FALSE if the sender has a call with this id. */
static gboolean
add_call(ScdCallRegistry *registry, ScdRegisteredCall *call)
{
    g_mutex_lock(&registry->lock);
    gboolean is_new = !g_hash_table_contains(registry->calls, call->key);
    if (is_new)
        g_hash_table_insert(registry->calls, call->key, call);
    g_mutex_unlock(&registry->lock);
    return is_new;
}

ScdRegisteredCall *
scd_call_registry_add(ScdCallRegistry *registry, const char *sender, const char *call_id,
                      ScdCancelFunc cancel, gpointer data, GDestroyNotify free_data, GError **error)
{
    ScdRegisteredCall *call =
        new_registered_call(registry, make_key(sender, call_id), cancel, data, free_data);

    if (scd_call_id_check(call_id, error)) {
        if (add_call(registry, call))
            return call;
        g_set_error_literal(error, SCD_ERROR, SCD_INVALID_ARGS,
                            "another call with this call-id is pending");
    }
    free_call(call);
    return NULL;
}

void
scd_registered_call_free(ScdRegisteredCall *call)
{
    g_mutex_lock(&call->registry->lock);
    g_hash_table_remove(call->registry->calls, call->key);
    g_mutex_unlock(&call->registry->lock);
    free_call(call);
}

void
scd_call_registry_cancel(ScdCallRegistry *registry, const char *sender, const char *call_id)
{
    g_autofree char *key = make_key(sender, call_id);
    CancelTarget *target = NULL;
    ScdCancelFunc cancel = NULL;

    g_mutex_lock(&registry->lock);
    const ScdRegisteredCall *call = g_hash_table_lookup(registry->calls, key);
    if (call) {
        cancel = call->cancel;
        target = g_atomic_rc_box_acquire(call->data);
    }
    g_mutex_unlock(&registry->lock);
    if (!target)
        return;
    cancel(target->data);
    g_atomic_rc_box_release_full(target, release_target);
}
