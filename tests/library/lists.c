/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SCardListReaders and SCardListReaderGroups with all kinds of buffers, and the error texts. */

#include "fixture.h"
#include "show.h"
#include "subjects.h"

#include "../../introspection/error-table.h"

#include <stdlib.h>
#include <string.h>

typedef LONG list_names_function(SCARDCONTEXT context, char *names, DWORD *length);

static LONG
list_readers(SCARDCONTEXT context, char *names, DWORD *length)
{
    return SCardListReaders(context, NULL, names, length);
}

static LONG
list_readers_of_group(SCARDCONTEXT context, char *names, DWORD *length)
{
    return SCardListReaders(context, "SCard$DefaultReaders\0", names, length);
}

static LONG
list_readers_of_unknown_group(SCARDCONTEXT context, char *names, DWORD *length)
{
    return SCardListReaders(context, "unknown group\0", names, length);
}

static LONG
list_readers_of_no_group(SCARDCONTEXT context, char *names, DWORD *length)
{
    return SCardListReaders(context, "\0", names, length);
}

static LONG
list_groups(SCARDCONTEXT context, char *names, DWORD *length)
{
    return SCardListReaderGroups(context, names, length);
}

static void
show_list(list_names_function *list, const char *case_name, SCARDCONTEXT context, DWORD length)
{
    char names[500];

    memset(names, FILLING, sizeof names);
    show(list(context, names, &length), "%s", case_name);
    show_number("length", length);
    show_text("names", names, sizeof names);
}

static void
show_allocated(list_names_function *list, SCARDCONTEXT context)
{
    char *names = NULL;
    DWORD length = SCARD_AUTOALLOCATE;

    show(list(context, (char *)&names, &length), "allocated");
    show_number("length", length);
    if (names != NULL)
        show_text("names", names, length);
    show(SCardFreeMemory(context, names), "freed");
    length = SCARD_AUTOALLOCATE;
    show(list(context, NULL, &length), "allocated, nowhere");
    show_number("length", length == SCARD_AUTOALLOCATE ? UNTOUCHED : length);
}

static void
show_buffers(list_names_function *list, SCARDCONTEXT context)
{
    DWORD length = UNTOUCHED;

    show(list(context, NULL, &length), "no buffer");
    show_number("length", length);

    DWORD needed = length;
    show_list(list, "a larger buffer", context, 500);
    show_list(list, "the very size", context, needed);
    show_list(list, "a byte too short", context, needed - 1);
    show_list(list, "one byte", context, 1);
    show_list(list, "no byte", context, 0);
    show_allocated(list, context);
}

void
run_lists(void)
{
    SCARDCONTEXT context = new_context();

    show_subject("readers");
    show_buffers(list_readers, context);
    show(SCardListReaders(context, NULL, NULL, NULL), "no length");
    show_subject("readers of a group");
    show_list(list_readers_of_group, "the group that there is", context, 500);
    show_list(list_readers_of_unknown_group, "an unknown group", context, 500);
    show_list(list_readers_of_no_group, "no group", context, 500);
    show_subject("groups");
    show_buffers(list_groups, context);
    release_context(context);
}

void
run_texts(void)
{
    static const LONG codes[] = {SCARD_S_SUCCESS,
                                 0x80100022, /* two undefined codes */
                                 0x80100032,
                                 1,
                                 -1,
#define CODE(constant, byte, name, text) SCARD_##constant,
                                 SCD_PCSC_ERROR_TABLE(CODE)
#undef CODE
    };

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        const char *text = pcsc_stringify_error(codes[i]);

        show(codes[i], "text");
        show_text("is", text, strlen(text));
    }
}
