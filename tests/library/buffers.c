/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SCardStatus and the buffers that it fills: missing, too short, and allocated. */

#include "fixture.h"
#include "show.h"
#include "subjects.h"

#include <stdbool.h>
#include <string.h>

static void
show_sizes(SCARDHANDLE card, const char *case_name, DWORD name_size, DWORD atr_size)
{
    char name[200];
    unsigned char atr[100];
    DWORD bits = UNTOUCHED, protocol = UNTOUCHED;

    memset(name, FILLING, sizeof name);
    memset(atr, FILLING, sizeof atr);
    show(SCardStatus(card, name, &name_size, &bits, &protocol, atr, &atr_size), "%s", case_name);
    show_number("name-length", name_size);
    show_text("name", name, sizeof name);
    show_bits("state", bits);
    show_number("protocol", protocol);
    show_number("atr-length", atr_size);
    show_bytes("atr", atr, sizeof atr);
}

static void
show_lengths_alone(SCARDHANDLE card)
{
    DWORD name_length = UNTOUCHED, atr_length = UNTOUCHED;
    char name[10];

    show(SCardStatus(card, NULL, &name_length, NULL, NULL, NULL, &atr_length), "lengths alone");
    show_number("name-length", name_length);
    show_number("atr-length", atr_length);
    name_length = 0;
    show(SCardStatus(card, NULL, &name_length, NULL, NULL, NULL, NULL), "no buffer, no length");
    show_number("name-length", name_length);
    memset(name, FILLING, sizeof name);
    show(SCardStatus(card, name, NULL, NULL, NULL, NULL, NULL), "buffer without a length");
    show_text("name", name, sizeof name);
}

static void
show_allocated(SCARDCONTEXT context, SCARDHANDLE card, bool with_name, bool with_atr)
{
    char *name = NULL;
    unsigned char *atr = NULL;
    DWORD name_length = SCARD_AUTOALLOCATE, atr_length = SCARD_AUTOALLOCATE;

    show(SCardStatus(card, with_name ? (char *)&name : NULL, with_name ? &name_length : NULL, NULL,
                     NULL, with_atr ? (unsigned char *)&atr : NULL, with_atr ? &atr_length : NULL),
         "allocated%s%s", with_name ? " name" : "", with_atr ? " ATR" : "");
    if (name != NULL) {
        show_number("name-length", name_length);
        show_text("name", name, name_length);
    }
    if (atr != NULL) {
        show_number("atr-length", atr_length);
        show_bytes("atr", atr, atr_length);
    }
    show(SCardFreeMemory(context, name), "freed name");
    show(SCardFreeMemory(context, atr), "freed ATR");
}

static void
show_allocated_nowhere(SCARDHANDLE card)
{
    DWORD length = SCARD_AUTOALLOCATE;

    show(SCardStatus(card, NULL, &length, NULL, NULL, NULL, NULL), "name allocated nowhere");
    show_number("length", length == SCARD_AUTOALLOCATE ? UNTOUCHED : length);
    length = SCARD_AUTOALLOCATE;
    show(SCardStatus(card, NULL, NULL, NULL, NULL, NULL, &length), "ATR allocated nowhere");
    show_number("length", length == SCARD_AUTOALLOCATE ? UNTOUCHED : length);
}

static void
show_all(SCARDCONTEXT context, SCARDHANDLE card)
{
    DWORD name_length = sizeof READER_A;

    show_sizes(card, "larger", 200, 100);
    show_sizes(card, "the very sizes", name_length, 18);
    show_sizes(card, "name too short", name_length - 1, 100);
    show_sizes(card, "name of one byte", 1, 100);
    show_sizes(card, "no byte of the name", 0, 100);
    show_sizes(card, "ATR too short", 200, 17);
    show_sizes(card, "no byte of the ATR", 200, 0);
    show_sizes(card, "both too short", 3, 3);
    show_lengths_alone(card);
    show_allocated(context, card, true, true);
    show_allocated(context, card, true, false);
    show_allocated(context, card, false, true);
    show_allocated_nowhere(card);
}

void
run_buffers(void)
{
    SCARDCONTEXT context = new_context();
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, BOTH_PROTOCOLS);

    show_subject("status");
    show_all(context, card);
    disconnect_card(card, SCARD_UNPOWER_CARD);

    show_subject("status without a card");
    card = new_card(context, READER_B, SCARD_SHARE_DIRECT, 0);
    show_all(context, card);
    disconnect_card(card, SCARD_LEAVE_CARD);
    release_context(context);
}
