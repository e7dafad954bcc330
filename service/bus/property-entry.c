/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/property-entry.h"

#include <string.h>

#include "base/dbus-message.h"

/* All entries that are in use. */
static GHashTable *entries;

static guint
hash_entry(gconstpointer data)
{
    const ScdPropertyEntry *entry = data;
    guint hash = 5381;

    for (guint32 i = 0; i < entry->length; i++)
        hash = hash * 33 + entry->bytes[i];
    return hash;
}

static gboolean
are_equal(gconstpointer data, gconstpointer other_data)
{
    const ScdPropertyEntry *entry = data, *other = other_data;

    return entry->length == other->length && memcmp(entry->bytes, other->bytes, entry->length) == 0;
}

/* The entry behind the fields of the structure. */
static GByteArray *
encode_entry(const char *name, GVariant *value)
{
    static const ScdPropertyEntry empty = {.references = 1};
    const gsize start = sizeof empty;
    GByteArray *bytes = g_byte_array_sized_new(128);

    g_byte_array_append(bytes, (const guint8 *)&empty, start);
    scd_dbus_append_string(bytes, start, name);
    guint32 value_at = bytes->len - start;
    scd_dbus_append_signature(bytes, g_variant_get_type_string(value));
    scd_dbus_append_value(bytes, start, value);

    ScdPropertyEntry *entry = (ScdPropertyEntry *)bytes->data;
    entry->length = bytes->len - start;
    entry->value_at = value_at;
    return bytes;
}

ScdPropertyEntry *
scd_property_entry_get(const char *name, GVariant *value)
{
    g_autoptr(GVariant) own = g_variant_ref_sink(value);
    g_autoptr(GByteArray) encoded = encode_entry(name, own);

    if (!entries)
        entries = g_hash_table_new(hash_entry, are_equal);
    ScdPropertyEntry *entry = g_hash_table_lookup(entries, encoded->data);
    if (entry) {
        entry->references++;
        return entry;
    }
    entry = g_memdup2(encoded->data, encoded->len);
    g_hash_table_add(entries, entry);
    return entry;
}

void
scd_property_entry_unref(ScdPropertyEntry *entry)
{
    if (--entry->references > 0)
        return;
    g_hash_table_remove(entries, entry);
    g_free(entry);
    if (g_hash_table_size(entries) == 0)
        g_clear_pointer(&entries, g_hash_table_unref);
}

/* Behind the signature, padding and the length. */
const char *
scd_property_entry_text(const ScdPropertyEntry *entry)
{
    gsize at = entry->value_at + entry->bytes[entry->value_at] + 2;

    g_assert(entry->bytes[entry->value_at + 1] == 's' || entry->bytes[entry->value_at + 1] == 'o');
    return (const char *)entry->bytes + ((at + 3) & ~(gsize)3) + sizeof(guint32);
}

void
scd_property_entry_append(const ScdPropertyEntry *entry, GByteArray *message, gsize start)
{
    scd_dbus_append_padding(message, start, 8);
    g_byte_array_append(message, entry->bytes, entry->length);
}

void
scd_property_entry_append_variant(const ScdPropertyEntry *entry, GByteArray *message, gsize start)
{
    const char *signature = (const char *)entry->bytes + entry->value_at + 1;
    gsize alignment = scd_dbus_alignment_of(*signature);
    gsize at = entry->value_at + strlen(signature) + 2;

    at = (at + alignment - 1) & ~(alignment - 1);
    scd_dbus_append_signature(message, signature);
    scd_dbus_append_padding(message, start, alignment);
    g_byte_array_append(message, entry->bytes + at, entry->length - at);
}
