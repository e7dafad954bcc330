/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A PC/SC program that executes the commands it reads from standard input, one a line, in order. It
 * prints one line for each: "ok", "ok VALUE", or "error CODE" with the PC/SC code in hex. It has at
 * most one card handle.
 *
 *   connect shared|exclusive|direct READER   the rest of the line is the reader's name
 *   reconnect leave|reset                    with share mode shared
 *   begin                                    begins a transaction
 *   end leave|reset
 *   transmit HEX                             upper-case digits; VALUE is the response
 *   control CODE                             in hex, without data; VALUE is the response
 *   disconnect leave|reset
 *   wait READER                              SCardGetStatusChange of an unknown state
 *   cancelled-connect READER                 SCardConnect, while a thread calls SCardCancel
 */

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <winscard.h>

static SCARDCONTEXT context;
static SCARDHANDLE card;
static DWORD protocol;

static const char digits[] = "0123456789ABCDEF";

/* The output data of the last command. */
static unsigned char response[MAX_BUFFER_SIZE_EXTENDED];
static DWORD response_length;

static DWORD
parse_share_mode(const char *word)
{
    if (strcmp(word, "exclusive") == 0)
        return SCARD_SHARE_EXCLUSIVE;
    return strcmp(word, "direct") == 0 ? SCARD_SHARE_DIRECT : SCARD_SHARE_SHARED;
}

static DWORD
parse_disposition(const char *word)
{
    return strcmp(word, "reset") == 0 ? SCARD_RESET_CARD : SCARD_LEAVE_CARD;
}

static LONG
run_connect(char *words)
{
    const char *share_mode = strtok_r(words, " ", &words);
    DWORD mode = parse_share_mode(share_mode);
    DWORD protocols = mode == SCARD_SHARE_DIRECT ? 0 : SCARD_PROTOCOL_ANY;

    return SCardConnect(context, words, mode, protocols, &card, &protocol);
}

static LONG
run_reconnect(char *words)
{
    return SCardReconnect(card, SCARD_SHARE_SHARED, SCARD_PROTOCOL_ANY, parse_disposition(words),
                          &protocol);
}

static LONG
run_begin(char *words)
{
    return SCardBeginTransaction(card);
}

static LONG
run_end(char *words)
{
    return SCardEndTransaction(card, parse_disposition(words));
}

static unsigned
parse_digit(char digit)
{
    return (unsigned)(strchr(digits, digit) - digits);
}

static LONG
run_transmit(char *words)
{
    static unsigned char command[MAX_BUFFER_SIZE_EXTENDED];
    const SCARD_IO_REQUEST *pci = protocol == SCARD_PROTOCOL_T0 ? SCARD_PCI_T0 : SCARD_PCI_T1;
    size_t length = 0;

    for (; *words != '\0' && length < sizeof command; words += 2)
        command[length++] = (unsigned char)(parse_digit(words[0]) << 4 | parse_digit(words[1]));
    response_length = sizeof response;
    LONG code = SCardTransmit(card, pci, command, length, NULL, response, &response_length);
    if (code != SCARD_S_SUCCESS)
        response_length = 0;
    return code;
}

static LONG
run_control(char *words)
{
    DWORD code = strtoul(words, NULL, 16);

    return SCardControl(card, code, NULL, 0, response, sizeof response, &response_length);
}

static LONG
run_disconnect(char *words)
{
    return SCardDisconnect(card, parse_disposition(words));
}

static LONG
run_wait(char *words)
{
    SCARD_READERSTATE state = {.szReader = words, .dwCurrentState = SCARD_STATE_UNAWARE};

    return SCardGetStatusChange(context, INFINITE, &state, 1);
}

static void *
cancel_until_over(void *data)
{
    atomic_bool *is_over = data;

    while (!*is_over) {
        SCardCancel(context);
        sched_yield();
    }
    return NULL;
}

static LONG
run_cancelled_connect(char *words)
{
    atomic_bool is_over = false;
    pthread_t thread;

    pthread_create(&thread, NULL, cancel_until_over, &is_over);
    LONG code =
        SCardConnect(context, words, SCARD_SHARE_SHARED, SCARD_PROTOCOL_ANY, &card, &protocol);
    is_over = true;
    pthread_join(thread, NULL);
    return code;
}

static const struct client_command {
    const char *name;
    LONG (*run)(char *words);
} commands[] = {
    {"connect", run_connect},
    {"reconnect", run_reconnect},
    {"begin", run_begin},
    {"end", run_end},
    {"transmit", run_transmit},
    {"control", run_control},
    {"disconnect", run_disconnect},
    {"wait", run_wait},
    {"cancelled-connect", run_cancelled_connect},
};

static LONG
run_command(char *line)
{
    const char *name = strtok_r(line, " ", &line);

    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(name, commands[i].name) == 0)
            return commands[i].run(line);
    return SCARD_E_INVALID_VALUE;
}

static void
print_result(LONG code)
{
    if (code == SCARD_S_SUCCESS)
        fputs(response_length > 0 ? "ok " : "ok", stdout);
    else
        printf("error %08X", (unsigned)(uint32_t)code);
    for (DWORD i = 0; i < response_length; i++) {
        putchar(digits[response[i] >> 4]);
        putchar(digits[response[i] & 0xF]);
    }
    putchar('\n');
    fflush(stdout);
    response_length = 0;
}

int
main(void)
{
    char *line = NULL;
    size_t size = 0;

    if (SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context) != SCARD_S_SUCCESS)
        return EXIT_FAILURE;
    while (getline(&line, &size, stdin) > 1) {
        line[strcspn(line, "\n")] = '\0';
        print_result(run_command(line));
    }
    free(line);
    SCardReleaseContext(context);
    return EXIT_SUCCESS;
}
