/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/reader-relocation.h"

#include "base/usb-tree.h"
#include "pcsc/main-thread.h"

/* The thread's until it has told the main thread. */
typedef struct {
    ScdReaderRelocation *relocation; /* NULL when nobody waits for it any more; the main thread's */
    char *sysfs;
    GHashTable *readers; /* PC/SC name → ScdIdentity; in the end of those that have moved */
} Check;

struct ScdReaderRelocation {
    char *sysfs;
    ScdReaderRelocationFunc func;
    gpointer data;
    Check *check; /* NULL when none is under way */
};

ScdReaderRelocation *
scd_reader_relocation_new(const char *sysfs, ScdReaderRelocationFunc func, gpointer data)
{
    ScdReaderRelocation *relocation = g_new0(ScdReaderRelocation, 1);
    relocation->sysfs = g_strdup(sysfs);
    relocation->func = func;
    relocation->data = data;
    return relocation;
}

void
scd_reader_relocation_free(ScdReaderRelocation *relocation)
{
    if (relocation->check)
        relocation->check->relocation = NULL;
    g_free(relocation->sysfs);
    g_free(relocation);
}

static void
free_check(gpointer data)
{
    Check *check = data;
    g_hash_table_unref(check->readers);
    g_free(check->sysfs);
    g_free(check);
}

static gboolean
checked(gpointer data)
{
    Check *check = data;
    ScdReaderRelocation *relocation = check->relocation;
    GHashTableIter iter;
    gpointer reader;

    if (!relocation)
        return G_SOURCE_REMOVE;
    relocation->check = NULL;
    g_hash_table_iter_init(&iter, check->readers);
    while (g_hash_table_iter_next(&iter, &reader, NULL))
        relocation->func(reader, relocation->data);
    return G_SOURCE_REMOVE;
}

static gboolean
is_where_it_was(gpointer reader, gpointer identity_of_it, gpointer sysfs)
{
    const ScdIdentity *identity = identity_of_it;

    return scd_usb_tree_read_address(sysfs, &identity->usb_port) == identity->usb_address;
}

static gpointer
check_in_thread(gpointer data)
{
    Check *check = data;

    g_hash_table_foreach_remove(check->readers, is_where_it_was, check->sysfs);
    scd_main_thread_invoke(checked, check, free_check);
    return NULL;
}

static void
add_reader(gpointer reader, gpointer identity_of_it, gpointer readers)
{
    const ScdIdentity *identity = identity_of_it;

    if (identity && identity->complete && identity->in_kernel)
        g_hash_table_insert(readers, g_strdup(reader), scd_identity_ref(identity));
}

void
scd_reader_relocation_check(ScdReaderRelocation *relocation, GHashTable *readers)
{
    if (relocation->check)
        return;
    Check *check = g_new0(Check, 1);
    check->relocation = relocation;
    check->sysfs = g_strdup(relocation->sysfs);
    check->readers =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)scd_identity_unref);
    g_hash_table_foreach(readers, add_reader, check->readers);
    if (g_hash_table_size(check->readers) == 0) {
        free_check(check);
        return;
    }
    relocation->check = check;
    g_thread_unref(g_thread_new("relocation", check_in_thread, check));
}
