/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Sends a PIN to the card by each function for commands, and prints how often the PIN is in the
 * memory of this process afterwards, and whether the commands went through a channel.
 */

#include <fcntl.h>
#include <smartcardd-glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIN_LENGTH 8
#define BLOCK 65536
#define AREA_MAX (1ul << 28) /* the address sanitizer has areas of terabytes */

/* The PIN is 12345678; here it is kept in another form. */
static void
write_pin(char *pin, int mask)
{
    for (int i = 0; i < PIN_LENGTH; i++)
        pin[i] = (char)(('1' + i) ^ mask);
}

/* The caller's own bytes are wiped by the caller. */
static void
wipe_bytes(gpointer data)
{
    explicit_bzero(data, 5 + PIN_LENGTH);
    g_free(data);
}

static GBytes *
new_verify(void)
{
    static const guint8 head[] = {0x00, 0x20, 0x00, 0x80, PIN_LENGTH};
    guint8 *apdu = g_malloc(sizeof head + PIN_LENGTH);

    memcpy(apdu, head, sizeof head);
    write_pin((char *)apdu + sizeof head, 0);
    return g_bytes_new_with_free_func(apdu, sizeof head + PIN_LENGTH, wipe_bytes, apdu);
}

static void
handle_result(GObject *source, GAsyncResult *result, gpointer data)
{
    GAsyncResult **place = data;

    *place = g_object_ref(result);
}

static void
send_pin(SmartcarddSession *session)
{
    g_autoptr(GBytes) apdu = new_verify();
    g_autoptr(SmartcarddCommand) command = smartcardd_command_new_from_bytes(apdu, NULL);
    g_autoptr(GAsyncResult) result = NULL;
    g_autoptr(GPtrArray) many = g_ptr_array_new();

    g_ptr_array_add(many, apdu);
    g_autoptr(GBytes) first = smartcardd_session_transmit(session, apdu, -1, NULL, NULL);
    g_autoptr(GBytes) second = smartcardd_session_send(session, command, -1, NULL, NULL, NULL);
    g_autoptr(GPtrArray) third =
        smartcardd_session_transmit_many(session, many, NULL, -1, NULL, NULL);
    g_autoptr(GBytes) copy = smartcardd_command_to_bytes(command);
    smartcardd_session_transmit_async(session, copy, -1, NULL, handle_result, &result);
    while (!result)
        g_main_context_iteration(NULL, TRUE);
    g_autoptr(GBytes) fourth = smartcardd_session_transmit_finish(session, result, NULL);
    if (!first || !second || !third || !fourth)
        exit(1);
}

static int
count_in_block(const char *block, gsize length, const char *masked)
{
    int count = 0;

    for (gsize i = 0; i + PIN_LENGTH <= length; i++) {
        int same = 0;
        while (same < PIN_LENGTH && (char)(block[i + (gsize)same] ^ 0x55) == masked[same])
            same++;
        count += same == PIN_LENGTH;
    }
    return count;
}

/* Reads all memory that can be written, but the block with which it is read. */
static int
count_pins(void)
{
    static char block[BLOCK];
    char masked[PIN_LENGTH], line[512];
    int memory = open("/proc/self/mem", O_RDONLY), count = 0;
    FILE *maps = fopen("/proc/self/maps", "r");

    write_pin(masked, 0x55);
    while (fgets(line, sizeof line, maps)) {
        unsigned long start, end;
        char mode[5];
        if (sscanf(line, "%lx-%lx %4s", &start, &end, mode) != 3 || mode[1] != 'w' ||
            end - start > AREA_MAX)
            continue;
        for (unsigned long at = start; at < end; at += BLOCK - PIN_LENGTH) {
            gsize size = MIN(BLOCK, end - at);
            ssize_t length = pread(memory, block, size, (off_t)at);
            if (length > 0 &&
                !(at < (unsigned long)block + BLOCK && (unsigned long)block < at + size))
                count += count_in_block(block, (gsize)length, masked);
        }
    }
    fclose(maps);
    close(memory);
    return count;
}

int
main(void)
{
    g_autoptr(SmartcarddClient) client = smartcardd_client_new(NULL, NULL);
    g_autoptr(SmartcarddCard) card =
        client ? g_list_model_get_item(smartcardd_client_get_cards(client), 0) : NULL;
    g_autoptr(SmartcarddSession) session =
        card ? smartcardd_card_open_session(card, SMARTCARDD_SHARE_MODE_SHARED,
                                            SMARTCARDD_PROTOCOLS_ANY, -1, NULL, NULL)
             : NULL;

    if (!session)
        return 1;
    send_pin(session);
    printf("%d %s\n", count_pins(), smartcardd_session_has_channel(session) ? "channel" : "bus");
    return 0;
}
