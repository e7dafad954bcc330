/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/reader-list.h"

#include <string.h>
#include <winscard.h>

#include "base/reader-name.h"

/* Takes a multi-string apart: names that end in NUL each, and an empty one behind the last. */
static void
take_names(ScdReaderList *list, const char *text, gsize length)
{
    const char *end = text + length;

    while (text < end && *text) {
        gsize n = strnlen(text, (gsize)(end - text));
        g_autofree char *name = g_strndup(text, n);
        text += n + 1;
        if (!scd_reader_name_is_sane(name) || g_hash_table_contains(list->set, name)) {
            list->sane = FALSE;
            continue;
        }
        g_hash_table_add(list->set, name);
        g_ptr_array_add(list->names, g_steal_pointer(&name));
    }
}

guint32
scd_reader_list_ask(long context, ScdReaderList **list)
{
    char *text = NULL;
    DWORD length = SCARD_AUTOALLOCATE;
    guint32 code = SCardListReaders(context, NULL, (LPSTR)&text, &length);

    if (code != SCARD_S_SUCCESS && code != SCARD_E_NO_READERS_AVAILABLE)
        return code;
    *list = g_new0(ScdReaderList, 1);
    (*list)->names = g_ptr_array_new_with_free_func(g_free);
    (*list)->set = g_hash_table_new(g_str_hash, g_str_equal);
    (*list)->sane = TRUE;
    if (code == SCARD_S_SUCCESS)
        take_names(*list, text, length);
    if (text)
        SCardFreeMemory(context, text);
    return SCARD_S_SUCCESS;
}

void
scd_reader_list_free(ScdReaderList *list)
{
    g_hash_table_unref(list->set);
    g_ptr_array_unref(list->names);
    g_free(list);
}
