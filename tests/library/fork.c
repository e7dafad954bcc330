/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fork(): which handles of the parent a child can use, and the effect on the parent. */

#include "fixture.h"
#include "show.h"
#include "subjects.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void
wait_for_child(const char *case_name, pid_t child)
{
    int status = -1;

    waitpid(child, &status, 0);
    show(SCARD_S_SUCCESS, "%s", case_name);
    show_number("status", (DWORD)status);
}

static void
show_parent(const char *when, SCARDCONTEXT context, SCARDHANDLE card)
{
    DWORD length = 0;

    show(SCardStatus(card, NULL, NULL, NULL, NULL, NULL, NULL), "the parent's card %s", when);
    show_verified(card);
    show(SCardListReaders(context, NULL, NULL, &length), "the parent's context %s", when);
    show_number("length", length);
}

/* A child that exits immediately, and one with a context of its own. */
static void
show_harmless_children(SCARDCONTEXT context, SCARDHANDLE card)
{
    show_end();
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    wait_for_child("a child that does nothing", child);
    show_parent("after it", context, card);

    show_end();
    child = fork();
    if (child == 0) {
        SCARDCONTEXT own = new_context();
        SCARDHANDLE own_card = new_card(own, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);

        show(SCardBeginTransaction(own_card), "a child with a context of its own, begin");
        show_verified(own_card);
        show(SCardEndTransaction(own_card, SCARD_LEAVE_CARD), "its end");
        disconnect_card(own_card, SCARD_LEAVE_CARD);
        release_context(own);
        show_end();
        _exit(0);
    }
    wait_for_child("its exit", child);
    show_parent("after that", context, card);
}

static void
show_child_that_execs(SCARDCONTEXT context, SCARDHANDLE card)
{
    show_end();
    pid_t child = fork();
    if (child == 0) {
        execl("/bin/true", "true", (char *)NULL);
        _exit(1);
    }
    wait_for_child("a child that runs another program", child);
    show_parent("after it", context, card);
}

/* A child that uses the handles of its parent. */
static void
show_child_with_parents_handles(SCARDCONTEXT context, SCARDHANDLE card)
{
    show_end();
    pid_t child = fork();
    if (child == 0) {
        show(SCardIsValidContext(context), "the child, the parent's context");
        show(SCardBeginTransaction(card), "the child, the parent's card");
        show(SCardDisconnect(card, SCARD_RESET_CARD), "the child disconnects it");
        show(SCardReleaseContext(context), "the child releases the context");
        show_end();
        _exit(0);
    }
    wait_for_child("the child's exit", child);
    show(SCardStatus(card, NULL, NULL, NULL, NULL, NULL, NULL), "the parent's card after it");
    show(SCardReleaseContext(context), "the parent's release after it");
}

void
run_fork(void)
{
    SCARDCONTEXT context = new_context();
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1);

    verify_pin(card);
    show_harmless_children(context, card);
    show_child_that_execs(context, card);
    show_child_with_parents_handles(context, card);
}
