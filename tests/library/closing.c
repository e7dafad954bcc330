/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Closes or cancels in one thread or process while another one waits. pcsc-lite never returns in
 * some of these cases, so they are not part of the conformance program.
 *
 *   scd-closing CASE
 *
 * Prints PC/SC codes in hex, one a line, in the order in which the comment at each case lists them.
 * Readers A and B of the simulator have cards.
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

/* A command and its length. */
#define COMMAND (const BYTE *)"\x80\x10\0\0", 4

typedef struct {
    SCARDCONTEXT context;
    SCARDHANDLE card;
    LONG code;
    atomic_int thread; /* thread ID of the kernel */
} ClosingThread;

static void
show(LONG code)
{
    printf("%08X\n", (unsigned)(uint32_t)code);
    fflush(stdout);
}

static void
require_success(LONG code)
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

    require_success(SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context));
    return context;
}

static SCARDHANDLE
new_card(SCARDCONTEXT context, const char *reader, DWORD share_mode)
{
    SCARDHANDLE card;
    DWORD protocol;

    require_success(SCardConnect(context, reader, share_mode, SCARD_PROTOCOL_T1, &card, &protocol));
    return card;
}

/* Reads the system call that the thread is blocked in. Returns false if it is running. */
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

/* Returns when the thread waits for a reply on a channel: it blocks on a SOCK_SEQPACKET socket. */
static void
wait_for_channel_to_block(const ClosingThread *use)
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

/* Returns when the thread waits for events or for the reply to a method call, or pauses. */
static void
wait_for_poll_to_block(const ClosingThread *use)
{
    unsigned long first, count = 0;
    long call;

    while (!read_call(use->thread, &call, &first, &count) ||
           !((call == SYS_ppoll && count == 2) || call == SYS_clock_nanosleep))
        sched_yield();
}

static void *
begin_in_thread(void *data)
{
    ClosingThread *use = data;

    use->thread = gettid();
    use->code = SCardBeginTransaction(use->card);
    return NULL;
}

static void *
wait_in_thread(void *data)
{
    ClosingThread *use = data;
    SCARD_READERSTATE state = {.szReader = READER_A, .dwCurrentState = SCARD_STATE_PRESENT};

    use->thread = gettid();
    use->code = SCardGetStatusChange(use->context, INFINITE, &state, 1);
    return NULL;
}

static void *
transmit_in_thread(void *data)
{
    ClosingThread *use = data;
    unsigned char answer[MAX_BUFFER_SIZE];
    DWORD length = sizeof answer;

    use->thread = gettid();
    use->code = SCardTransmit(use->card, SCARD_PCI_T1, COMMAND, NULL, answer, &length);
    return NULL;
}

static void *
connect_in_thread(void *data)
{
    ClosingThread *use = data;
    DWORD protocol;

    use->thread = gettid();
    use->code = SCardConnect(use->context, READER_A, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1,
                             &use->card, &protocol);
    return NULL;
}

/* As the only user of the card, while another handle shares it, or has a transaction. */
static void *
reconnect_in_thread(void *data)
{
    ClosingThread *use = data;
    DWORD protocol;

    use->thread = gettid();
    use->code = SCardReconnect(use->card, SCARD_SHARE_EXCLUSIVE, SCARD_PROTOCOL_T1,
                               SCARD_LEAVE_CARD, &protocol);
    return NULL;
}

/* A thread that waits with its handle while another handle of the card has a transaction. */
typedef struct {
    SCARDCONTEXT others; /* the context of the holder */
    SCARDCONTEXT ours;
    SCARDHANDLE holder;
    ClosingThread use;
    pthread_t thread;
} WaitingThread;

/* Returns when the function blocks in its thread. */
static void
start_waiting(WaitingThread *waiting, void *(*function)(void *))
{
    waiting->others = new_context();
    waiting->ours = new_context();
    waiting->holder = new_card(waiting->others, READER_A, SCARD_SHARE_SHARED);
    waiting->use = (ClosingThread){.card = new_card(waiting->ours, READER_A, SCARD_SHARE_SHARED)};
    require_success(SCardBeginTransaction(waiting->holder));
    pthread_create(&waiting->thread, NULL, function, &waiting->use);
    wait_for_channel_to_block(&waiting->use);
}

/* Prints the code of the call that waited. */
static void
join_and_show(WaitingThread *waiting)
{
    pthread_join(waiting->thread, NULL);
    show(waiting->use.code);
}

static void
release_both_contexts(WaitingThread *waiting)
{
    SCardReleaseContext(waiting->ours);
    SCardReleaseContext(waiting->others);
}

/* The handle of a thread that waits is disconnected. */
static void
close_waiting(void *(*function)(void *))
{
    WaitingThread waiting;

    start_waiting(&waiting, function);
    LONG code = SCardDisconnect(waiting.use.card, SCARD_LEAVE_CARD);
    join_and_show(&waiting);
    show(code);
    release_both_contexts(&waiting);
}

/* Prints SCardBeginTransaction, SCardDisconnect. */
static void
close_waiting_transaction(void)
{
    close_waiting(begin_in_thread);
}

/* Prints SCardTransmit, SCardDisconnect. */
static void
close_waiting_command(void)
{
    close_waiting(transmit_in_thread);
}

/*
 * A thread waits for a transaction that another handle has, and the wait is cancelled. Prints
 * SCardBeginTransaction, then for a transaction of the other handle and one of this handle
 * SCardBeginTransaction and SCardEndTransaction.
 */
static void
cancel_waiting_transaction(void)
{
    WaitingThread waiting;

    start_waiting(&waiting, begin_in_thread);
    SCardCancel(waiting.ours);
    join_and_show(&waiting);
    require_success(SCardEndTransaction(waiting.holder, SCARD_LEAVE_CARD));
    show(SCardBeginTransaction(waiting.holder));
    show(SCardEndTransaction(waiting.holder, SCARD_LEAVE_CARD));
    show(SCardBeginTransaction(waiting.use.card));
    show(SCardEndTransaction(waiting.use.card, SCARD_LEAVE_CARD));
    release_both_contexts(&waiting);
}

/*
 * A thread waits with a command for a transaction to end: SCardCancel does not end this wait.
 * Prints SCardTransmit.
 */
static void
cancel_waiting_command(void)
{
    WaitingThread waiting;

    start_waiting(&waiting, transmit_in_thread);
    SCardCancel(waiting.ours);
    require_success(SCardEndTransaction(waiting.holder, SCARD_LEAVE_CARD));
    join_and_show(&waiting);
    release_both_contexts(&waiting);
}

/*
 * A thread waits in SCardConnect for a transaction to end, and the call is cancelled. Then the
 * other handle is alone. Prints SCardConnect, SCardReconnect of the other handle to exclusive.
 */
static void
cancel_waiting_connection(void)
{
    SCARDCONTEXT others = new_context();
    SCARDHANDLE holder = new_card(others, READER_A, SCARD_SHARE_SHARED);
    ClosingThread use = {.context = new_context()}, alone = {.card = holder};
    pthread_t thread;

    require_success(SCardBeginTransaction(holder));
    pthread_create(&thread, NULL, connect_in_thread, &use);
    wait_for_poll_to_block(&use);
    SCardCancel(use.context);
    pthread_join(thread, NULL);
    show(use.code);
    require_success(SCardEndTransaction(holder, SCARD_LEAVE_CARD));
    reconnect_in_thread(&alone);
    show(alone.code);
    SCardReleaseContext(use.context);
    SCardReleaseContext(others);
}

/* The same, but the context is released. Prints SCardConnect, SCardReleaseContext. */
static void
release_waiting_connection(void)
{
    SCARDCONTEXT others = new_context();
    SCARDHANDLE holder = new_card(others, READER_A, SCARD_SHARE_SHARED);
    ClosingThread use = {.context = new_context()};
    pthread_t thread;

    require_success(SCardBeginTransaction(holder));
    pthread_create(&thread, NULL, connect_in_thread, &use);
    wait_for_poll_to_block(&use);
    LONG code = SCardReleaseContext(use.context);
    pthread_join(thread, NULL);
    show(use.code);
    show(code);
    SCardReleaseContext(others);
}

/*
 * A thread waits in SCardReconnect until it has the card alone. The call is cancelled, begun again,
 * and its handle is disconnected. Prints SCardReconnect, SCardReconnect, SCardDisconnect.
 */
static void
end_waiting_reconnections(void)
{
    SCARDCONTEXT others = new_context(), ours = new_context();
    SCARDHANDLE holder = new_card(others, READER_A, SCARD_SHARE_SHARED);
    ClosingThread use = {.card = new_card(ours, READER_A, SCARD_SHARE_SHARED)};
    pthread_t thread;

    pthread_create(&thread, NULL, reconnect_in_thread, &use);
    wait_for_poll_to_block(&use);
    SCardCancel(ours);
    pthread_join(thread, NULL);
    show(use.code);
    use.thread = 0;
    require_success(SCardBeginTransaction(holder));
    pthread_create(&thread, NULL, reconnect_in_thread, &use);
    wait_for_poll_to_block(&use);
    LONG code = SCardDisconnect(use.card, SCARD_LEAVE_CARD);
    pthread_join(thread, NULL);
    show(use.code);
    show(code);
    SCardReleaseContext(ours);
    SCardReleaseContext(others);
}

/*
 * A thread waits for events, and its context is released. Prints SCardGetStatusChange,
 * SCardReleaseContext.
 */
static void
release_waiting_context(void)
{
    ClosingThread use = {.context = new_context()};
    pthread_t thread;

    pthread_create(&thread, NULL, wait_in_thread, &use);
    wait_for_poll_to_block(&use);
    LONG code = SCardReleaseContext(use.context);
    pthread_join(thread, NULL);
    show(use.code);
    show(code);
}

/*
 * While a thread waits for a transaction with card A, the same context is used for other calls.
 * Prints SCardTransmit to card B, SCardGetStatusChange of A, the thread's SCardBeginTransaction.
 */
static void
use_two_cards(void)
{
    WaitingThread waiting;
    SCARD_READERSTATE state = {.szReader = READER_A};
    unsigned char answer[MAX_BUFFER_SIZE];
    DWORD length = sizeof answer;

    start_waiting(&waiting, begin_in_thread);
    SCARDHANDLE card = new_card(waiting.ours, READER_B, SCARD_SHARE_SHARED);
    show(SCardTransmit(card, SCARD_PCI_T1, COMMAND, NULL, answer, &length));
    show(SCardGetStatusChange(waiting.ours, 0, &state, 1));
    require_success(SCardEndTransaction(waiting.holder, SCARD_LEAVE_CARD));
    join_and_show(&waiting);
    release_both_contexts(&waiting);
}

static void *
reconnect_often_in_thread(void *data)
{
    ClosingThread *use = data;
    DWORD protocol;

    for (int i = 0; i < 50 && use->code == SCARD_S_SUCCESS; i++)
        use->code = SCardReconnect(use->card, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1,
                                   SCARD_LEAVE_CARD, &protocol);
    return NULL;
}

/*
 * Two threads make method calls with two cards of one context at once: they share a D-Bus
 * connection. Prints the last SCardReconnect of each.
 */
static void
share_connection(void)
{
    SCARDCONTEXT context = new_context();
    ClosingThread uses[] = {{.card = new_card(context, READER_A, SCARD_SHARE_SHARED)},
                            {.card = new_card(context, READER_B, SCARD_SHARE_SHARED)}};
    pthread_t threads[2];

    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, reconnect_often_in_thread, &uses[i]);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        show(uses[i].code);
    }
    SCardReleaseContext(context);
}

/* The parent exits with an open card handle; its child runs until the end of standard input. */
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
        {"command", close_waiting_command},
        {"cancel-transaction", cancel_waiting_transaction},
        {"cancel-command", cancel_waiting_command},
        {"cancel-connection", cancel_waiting_connection},
        {"release-connection", release_waiting_connection},
        {"reconnections", end_waiting_reconnections},
        {"wait", release_waiting_context},
        {"cards", use_two_cards},
        {"connection", share_connection},
        {"child", leave_child_behind},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0] && argc == 2; i++) {
        if (strcmp(argv[1], cases[i].name) == 0) {
            cases[i].run();
            return EXIT_SUCCESS;
        }
    }
    fprintf(stderr, "Usage: scd-closing CASE\n");
    return 2;
}
