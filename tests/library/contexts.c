/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Establishing and releasing contexts, and calls without a valid context. */

#include "fixture.h"
#include "show.h"
#include "subjects.h"

enum { MANY = 30, UNKNOWN = 0x12345678 };

static void
show_establish(const char *name, DWORD scope, const void *reserved, SCARDCONTEXT *context)
{
    *context = (SCARDCONTEXT)UNTOUCHED;
    show(SCardEstablishContext(scope, reserved, reserved, context), "%s", name);
    show_handle("context", *context);
}

static void
show_scopes(void)
{
    static const DWORD scopes[] = {
        SCARD_SCOPE_USER, SCARD_SCOPE_TERMINAL, SCARD_SCOPE_SYSTEM, SCARD_SCOPE_GLOBAL, 4,
        0xFFFFFFFF};
    SCARDCONTEXT context;

    for (size_t i = 0; i < sizeof scopes / sizeof scopes[0]; i++) {
        show_establish("establish", scopes[i], NULL, &context);
        show_bits("scope", scopes[i]);
        if (SCardIsValidContext(context) == SCARD_S_SUCCESS)
            release_context(context);
    }
    show_establish("establish, reserved pointers", SCARD_SCOPE_SYSTEM, scopes, &context);
    release_context(context);
    show(SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, NULL), "establish, nowhere");
}

/* The functions that need no more than a context. */
static void
show_all(const char *state, SCARDCONTEXT context)
{
    SCARD_READERSTATE reader = {.szReader = READER_A};
    SCARDHANDLE card = (SCARDHANDLE)UNTOUCHED;
    DWORD length = UNTOUCHED, protocol = UNTOUCHED;

    show(SCardIsValidContext(context), "%s, is valid", state);
    show(SCardListReaders(context, NULL, NULL, &length), "%s, list readers", state);
    show_number("length", length);
    length = UNTOUCHED;
    show(SCardListReaderGroups(context, NULL, &length), "%s, list groups", state);
    show_number("length", length);
    show(SCardGetStatusChange(context, 0, &reader, 1), "%s, status change", state);
    show_bits("event", reader.dwEventState);
    show(SCardGetStatusChange(context, 0, NULL, 0), "%s, status change of nothing", state);
    show(SCardConnect(context, READER_A, SCARD_SHARE_SHARED, BOTH_PROTOCOLS, &card, &protocol),
         "%s, connect", state);
    show_handle("card", card);
    show_number("protocol", protocol);
    show(SCardCancel(context), "%s, cancel", state);
    show(SCardFreeMemory(context, NULL), "%s, free", state);
    show(SCardReleaseContext(context), "%s, release", state);
}

static void
show_two(void)
{
    SCARDCONTEXT first = new_context(), second = new_context();

    show(SCARD_S_SUCCESS, "two contexts");
    show_word(first == second ? "are the same" : "differ");
    release_context(first);
    show(SCardIsValidContext(first), "the first of two, released");
    show(SCardIsValidContext(second), "the second, after the first");
    release_context(second);
}

static void
show_many(void)
{
    SCARDCONTEXT contexts[MANY];

    for (size_t i = 0; i < MANY; i++)
        contexts[i] = new_context();
    show(SCardIsValidContext(contexts[MANY - 1]), "one of many contexts");
    for (size_t i = 0; i < MANY; i++)
        release_context(contexts[i]);
    show(SCardIsValidContext(contexts[0]), "one of many, all released");
}

/* Releasing a context closes its card handles; the open transaction causes a reset. */
static void
show_release_with_cards(void)
{
    SCARDCONTEXT context = new_context(), other = new_context();
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, BOTH_PROTOCOLS);
    SCARDHANDLE second = new_card(context, READER_A, SCARD_SHARE_SHARED, BOTH_PROTOCOLS);
    SCARDHANDLE witness = new_card(other, READER_A, SCARD_SHARE_SHARED, BOTH_PROTOCOLS);

    verify_pin(witness);
    show(SCardReleaseContext(context), "release with two cards");
    show(SCardBeginTransaction(card), "its first card");
    show(SCardDisconnect(second, SCARD_LEAVE_CARD), "its second card");
    show(SCardStatus(witness, NULL, NULL, NULL, NULL, NULL, NULL), "who is left");
    show_verified(witness);

    context = new_context();
    card = new_card(context, READER_A, SCARD_SHARE_SHARED, BOTH_PROTOCOLS);
    require_success(SCardBeginTransaction(card), "begin");
    show(SCardReleaseContext(context), "release in a transaction");
    show(SCardStatus(witness, NULL, NULL, NULL, NULL, NULL, NULL), "who is left then");
    release_context(other);
}

void
run_contexts(void)
{
    show_all("before any context", UNKNOWN);
    show_scopes();

    SCARDCONTEXT context = new_context();
    show(SCardIsValidContext(context), "good, is valid");
    show(SCardFreeMemory(context, NULL), "good, free nothing");
    show(SCardCancel(context), "good, cancel");
    release_context(context);
    show_all("released", context);
    show_all("none", 0);
    show_all("unknown", UNKNOWN);
    show_two();
    show_many();
    show_release_with_cards();
}
