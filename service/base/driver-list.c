/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/driver-list.h"

#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#define BUNDLE_SUFFIX ".bundle"
#define CLASS_DRIVER "CCIDCLASSDRIVER"

struct ScdDriverList {
    gatomicrefcount refs;
    GHashTable *devices; /* a set of the ids of a device, in one pointer */
    gboolean has_class_driver;
};

/* The values of a key are the strings up to the next key, in an array or not. */
typedef struct {
    ScdDriverList *list;
    GString *key;
    GArray *vendors; /* of guint16, in the order of products */
    GArray *products;
} PlistState;

ScdDriverList *
scd_driver_list_new(void)
{
    ScdDriverList *list = g_new0(ScdDriverList, 1);

    g_atomic_ref_count_init(&list->refs);
    list->devices = g_hash_table_new(NULL, NULL);
    return list;
}

void
scd_driver_list_unref(ScdDriverList *list)
{
    if (!g_atomic_ref_count_dec(&list->refs))
        return;
    g_hash_table_unref(list->devices);
    g_free(list);
}

static gpointer
pack_ids(guint16 vendor_id, guint16 product_id)
{
    return GUINT_TO_POINTER((guint)vendor_id << 16 | product_id);
}

/* "0x072F"; 0 for any other text, so that vendors and products stay in step. */
static guint16
parse_id(const char *text)
{
    guint64 id;

    if (g_ascii_strncasecmp(text, "0x", 2) == 0)
        text += 2;
    return g_ascii_string_to_unsigned(text, 16, 0, G_MAXUINT16, &id, NULL) ? (guint16)id : 0;
}

static void
add_value(PlistState *state, const char *value)
{
    guint16 id;

    if (g_str_equal(state->key->str, "CFBundleName") && g_str_equal(value, CLASS_DRIVER))
        state->list->has_class_driver = TRUE;
    id = parse_id(value);
    if (g_str_equal(state->key->str, "ifdVendorID"))
        g_array_append_val(state->vendors, id);
    else if (g_str_equal(state->key->str, "ifdProductID"))
        g_array_append_val(state->products, id);
}

static void
read_text(GMarkupParseContext *context, const char *text, gsize length, gpointer data,
          GError **error)
{
    PlistState *state = data;
    const char *element = g_markup_parse_context_get_element(context);
    g_autofree char *value = g_strstrip(g_strndup(text, length));

    if (g_str_equal(element, "key"))
        g_string_assign(state->key, value);
    else if (g_str_equal(element, "string"))
        add_value(state, value);
}

void
scd_driver_list_add(ScdDriverList *list, const char *text, gsize length)
{
    static const GMarkupParser parser = {.text = read_text};
    PlistState state = {
        .list = list,
        .key = g_string_new(NULL),
        .vendors = g_array_new(FALSE, FALSE, sizeof(guint16)),
        .products = g_array_new(FALSE, FALSE, sizeof(guint16)),
    };
    g_autoptr(GMarkupParseContext) context =
        g_markup_parse_context_new(&parser, G_MARKUP_TREAT_CDATA_AS_TEXT, &state, NULL);

    if (length > 0)
        g_markup_parse_context_parse(context, text, (gssize)length, NULL);
    for (guint i = 0; i < MIN(state.vendors->len, state.products->len); i++)
        g_hash_table_add(list->devices, pack_ids(g_array_index(state.vendors, guint16, i),
                                                 g_array_index(state.products, guint16, i)));
    g_string_free(state.key, TRUE);
    g_array_unref(state.vendors);
    g_array_unref(state.products);
}

/* Returns the paths of the files of all drivers, which may not exist. */
static GPtrArray *
list_files(const char *folder)
{
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *entry;

    while (dir != NULL && (entry = g_dir_read_name(dir)) != NULL) {
        if (g_str_has_suffix(entry, BUNDLE_SUFFIX))
            g_ptr_array_add(paths, g_build_filename(folder, entry, "Contents", "Info.plist", NULL));
    }
    return paths;
}

static void
add_files(ScdDriverList *list, GPtrArray *paths)
{
    for (guint i = 0; i < paths->len; i++) {
        g_autofree char *text = NULL;
        gsize length;

        if (g_file_get_contents(paths->pdata[i], &text, &length, NULL))
            scd_driver_list_add(list, text, length);
    }
}

void
scd_driver_list_add_folder(ScdDriverList *list, const char *folder)
{
    g_autoptr(GPtrArray) paths = list_files(folder);

    add_files(list, paths);
}

/* Returns a text that is another one when a file has changed, or there are other files. */
static char *
make_stamp(GPtrArray *paths)
{
    GString *stamp = g_string_new(NULL);

    for (guint i = 0; i < paths->len; i++) {
        struct stat status;

        if (stat(paths->pdata[i], &status) < 0)
            memset(&status, 0, sizeof status);
        g_string_append_printf(stamp, "%s %ju %jd %jd.%09ld\n", (const char *)paths->pdata[i],
                               (uintmax_t)status.st_ino, (intmax_t)status.st_size,
                               (intmax_t)status.st_ctim.tv_sec, status.st_ctim.tv_nsec);
    }
    return g_string_free(stamp, FALSE);
}

ScdDriverList *
scd_driver_list_get(const char *folder)
{
    static GMutex lock;
    static ScdDriverList *kept; /* has a reference; NULL at first */
    static char *kept_stamp;
    g_autoptr(GPtrArray) paths = list_files(folder);
    g_autofree char *stamp = make_stamp(paths); /* a file that changes now is read again later */

    g_mutex_lock(&lock);
    if (!kept || !g_str_equal(stamp, kept_stamp)) {
        g_clear_pointer(&kept, scd_driver_list_unref);
        g_free(kept_stamp);
        kept = scd_driver_list_new();
        kept_stamp = g_steal_pointer(&stamp);
        add_files(kept, paths);
    }
    ScdDriverList *list = kept;
    g_atomic_ref_count_inc(&list->refs);
    g_mutex_unlock(&lock);
    return list;
}

gboolean
scd_driver_list_has_device(const ScdDriverList *list, guint16 vendor_id, guint16 product_id)
{
    return g_hash_table_contains(list->devices, pack_ids(vendor_id, product_id));
}

static gboolean
has_reader_class(const ScdUsbDevice *device)
{
    for (guint i = 0; i < device->interfaces->len; i++) {
        const ScdUsbInterface *interface = device->interfaces->pdata[i];

        if (interface->is_ccid)
            return TRUE;
    }
    return FALSE;
}

gboolean
scd_driver_list_drives(const ScdDriverList *list, const ScdUsbDevice *device)
{
    return (list->has_class_driver && has_reader_class(device)) ||
           scd_driver_list_has_device(list, device->vendor_id, device->product_id);
}

gboolean
scd_driver_list_is_reader(const ScdDriverList *list, const ScdUsbDevice *device)
{
    return has_reader_class(device) ||
           scd_driver_list_has_device(list, device->vendor_id, device->product_id);
}
