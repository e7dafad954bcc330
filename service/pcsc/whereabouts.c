/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/whereabouts.h"

#include "base/usb-tree.h"
#include "pcsc/main-call.h"

/* The thread's until it has told the main thread. */
typedef struct {
    ScdWhereabouts *whereabouts; /* NULL when nobody waits for it any more; the main thread's */
    char *sysfs;
    GHashTable *readers; /* PC/SC name → ScdIdentity; in the end of those that have moved */
} Check;

struct ScdWhereabouts {
    char *sysfs;
    ScdWhereaboutsFunc func;
    gpointer data;
    Check *check; /* NULL when none is under way */
};

ScdWhereabouts *
scd_whereabouts_new(const char *sysfs, ScdWhereaboutsFunc func, gpointer data)
{
    ScdWhereabouts *whereabouts = g_new0(ScdWhereabouts, 1);
    whereabouts->sysfs = g_strdup(sysfs);
    whereabouts->func = func;
    whereabouts->data = data;
    return whereabouts;
}

void
scd_whereabouts_free(ScdWhereabouts *whereabouts)
{
    if (whereabouts->check)
        whereabouts->check->whereabouts = NULL;
    g_free(whereabouts->sysfs);
    g_free(whereabouts);
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
    ScdWhereabouts *whereabouts = check->whereabouts;
    GHashTableIter iter;
    gpointer reader;

    if (!whereabouts)
        return G_SOURCE_REMOVE;
    whereabouts->check = NULL;
    g_hash_table_iter_init(&iter, check->readers);
    while (g_hash_table_iter_next(&iter, &reader, NULL))
        whereabouts->func(reader, whereabouts->data);
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
    scd_main_call(checked, check, free_check);
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
scd_whereabouts_check(ScdWhereabouts *whereabouts, GHashTable *readers)
{
    if (whereabouts->check)
        return;
    Check *check = g_new0(Check, 1);
    check->whereabouts = whereabouts;
    check->sysfs = g_strdup(whereabouts->sysfs);
    check->readers =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)scd_identity_unref);
    g_hash_table_foreach(readers, add_reader, check->readers);
    if (g_hash_table_size(check->readers) == 0) {
        free_check(check);
        return;
    }
    whereabouts->check = check;
    g_thread_unref(g_thread_new("whereabouts", check_in_thread, check));
}
