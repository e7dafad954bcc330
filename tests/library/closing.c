/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What one thread, or process, closes while another one uses it. pcsc-lite waits for ever in some
 * of these, so it is no case for the conformance program.
 *
 *   scd-closing transaction|wait|cards|child
 *
 * Prints codes of PC/SC in hex, a line each, in the order of the case's description. Readers A and
 * B of the simulator have cards.
 */

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <winscard.h>

#define READER_A "Simulated Reader A 00 00"
#define READER_B "Simulated Reader B 01 00"

typedef struct {
    SCARDCONTEXT context;
    SCARDHANDLE card;
    LONG code;
    atomic_int thread; /* as the kernel calls it */
} Use;

static void
show(LONG code)
{
    printf("%08X\n", (unsigned)(uint32_t)code);
    fflush(stdout);
}

static void
need(LONG code)
{
    if (code != SCARD_S_SUCCESS) {
        show(code);
        exit(EXIT_FAILURE);
    }
}

static SCARDCONTEXT
new_context(void)
{
    SCARDCONTEXT context;

    need(SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context));
    return context;
}

static SCARDHANDLE
new_card(SCARDCONTEXT context, const char *reader, DWORD share_mode)
{
    SCARDHANDLE card;
    DWORD protocol;

    need(SCardConnect(context, reader, share_mode, SCARD_PROTOCOL_T1, &card, &protocol));
    return card;
}

/* The system call that the thread sleeps in; false when it does not. */
static bool
read_call(int thread, long *call, unsigned long *first, unsigned long *second)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/self/task/%d/syscall", thread);
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    int read = fscanf(file, "%ld %lx %lx", call, first, second);
    fclose(file);
    return read == 3;
}

/* Until it waits for the service's answer on a channel. */
static void
see_begin_wait(const Use *use)
{
    unsigned long fd, second;
    long call;
    int type = 0;

    while (type != SOCK_SEQPACKET) {
        socklen_t length = sizeof type;
        sched_yield();
        if (!read_call(use->thread, &call, &fd, &second) || call == SYS_ppoll ||
            getsockopt((int)fd, SOL_SOCKET, SO_TYPE, &type, &length) < 0)
            type = 0;
    }
}

/* Until it waits for events: by two descriptors, unlike calls on the bus. */
static void
see_wait_begin(const Use *use)
{
    unsigned long first, count = 0;
    long call;

    while (!read_call(use->thread, &call, &first, &count) || call != SYS_ppoll || count != 2)
        sched_yield();
}

static void *
begin_in_thread(void *data)
{
    Use *use = data;

    use->thread = gettid();
    use->code = SCardBeginTransaction(use->card);
    return NULL;
}

static void *
wait_in_thread(void *data)
{
    Use *use = data;
    SCARD_READERSTATE state = {.szReader = READER_A, .dwCurrentState = SCARD_STATE_PRESENT};

    use->thread = gettid();
    use->code = SCardGetStatusChange(use->context, INFINITE, &state, 1);
    return NULL;
}

/* The transaction that a thread waits for, since another handle has one; its disconnection. */
static void
close_waiting_transaction(void)
{
    SCARDCONTEXT others = new_context(), ours = new_context();
    SCARDHANDLE holder = new_card(others, READER_A, SCARD_SHARE_SHARED);
    Use use = {.card = new_card(ours, READER_A, SCARD_SHARE_SHARED)};
    pthread_t thread;

    need(SCardBeginTransaction(holder));
    pthread_create(&thread, NULL, begin_in_thread, &use);
    see_begin_wait(&use);
    LONG code = SCardDisconnect(use.card, SCARD_LEAVE_CARD);
    pthread_join(thread, NULL);
    show(use.code);
    show(code);
    SCardReleaseContext(ours);
    SCardReleaseContext(others);
}

/* A thread's wait for events; the release of its context. */
static void
release_waiting_context(void)
{
    Use use = {.context = new_context()};
    pthread_t thread;

    pthread_create(&thread, NULL, wait_in_thread, &use);
    see_wait_begin(&use);
    LONG code = SCardReleaseContext(use.context);
    pthread_join(thread, NULL);
    show(use.code);
    show(code);
}

/* While a thread waits for card A: a command to B, and a look at A; then the thread's transaction.
 */
static void
use_two_cards(void)
{
    SCARDCONTEXT others = new_context(), ours = new_context();
    SCARDHANDLE holder = new_card(others, READER_A, SCARD_SHARE_SHARED);
    Use use = {.card = new_card(ours, READER_A, SCARD_SHARE_SHARED)};
    SCARDHANDLE card = new_card(ours, READER_B, SCARD_SHARE_SHARED);
    SCARD_READERSTATE state = {.szReader = READER_A};
    unsigned char answer[MAX_BUFFER_SIZE];
    DWORD length = sizeof answer;
    pthread_t thread;

    need(SCardBeginTransaction(holder));
    pthread_create(&thread, NULL, begin_in_thread, &use);
    see_begin_wait(&use);
    show(SCardTransmit(card, SCARD_PCI_T1, (const BYTE *)"\x80\x10\0\0", 4, NULL, answer, &length));
    show(SCardGetStatusChange(ours, 0, &state, 1));
    need(SCardEndTransaction(holder, SCARD_LEAVE_CARD));
    pthread_join(thread, NULL);
    show(use.code);
    SCardReleaseContext(ours);
    SCardReleaseContext(others);
}

/* A child stays until the standard input ends; its parent leaves with a card in use. */
static void
leave_child_behind(void)
{
    char byte;

    new_card(new_context(), READER_A, SCARD_SHARE_EXCLUSIVE);
    if (fork() == 0)
        while (read(STDIN_FILENO, &byte, 1) > 0)
            ;
    _exit(EXIT_SUCCESS);
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } cases[] = {
        {"transaction", close_waiting_transaction},
        {"wait", release_waiting_context},
        {"cards", use_two_cards},
        {"child", leave_child_behind},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0] && argc == 2; i++) {
        if (strcmp(argv[1], cases[i].name) == 0) {
            cases[i].run();
            return EXIT_SUCCESS;
        }
    }
    fprintf(stderr, "Usage: scd-closing transaction|wait|cards|child\n");
    return 2;
}
