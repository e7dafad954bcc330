/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A program that calls the functions of winscard.h, with a service that answers by the input. The
 * first bytes of the input are the sizes of the program's buffers.
 */

#include <string.h>
#include <winscard.h>

#include <reader.h>

#include "fake-bus.h"
#include "fuzz.h"

#define READER "Fake 00 00"

/* A buffer of the heap of just the size that the function is told: sanitizers detect the rest. */
typedef struct {
    guint8 *bytes;
    DWORD size;
    DWORD length;
} Buffer;

static Buffer
new_buffer(guint size)
{
    return (Buffer){g_malloc0(MAX(size, 1)), size, size};
}

static void
free_buffer(Buffer *buffer, LONG code)
{
    if (code == SCARD_S_SUCCESS)
        g_assert_cmpuint(buffer->length, <=, buffer->size);
    g_free(buffer->bytes);
}

static void
list_readers(SCARDCONTEXT context, guint size)
{
    Buffer buffer = new_buffer(size);
    LONG code = SCardListReaders(context, NULL, (LPSTR)buffer.bytes, &buffer.length);

    if (code == SCARD_S_SUCCESS) {
        g_assert_cmpuint(buffer.length, >=, 2);
        g_assert_cmpuint(buffer.bytes[buffer.length - 1] | buffer.bytes[buffer.length - 2], ==, 0);
    }
    free_buffer(&buffer, code);

    LPSTR allocated = NULL;
    DWORD length = SCARD_AUTOALLOCATE;
    if (SCardListReaders(context, NULL, (LPSTR)&allocated, &length) == SCARD_S_SUCCESS)
        SCardFreeMemory(context, allocated);
}

/* A reader that is not known, the last one, is an error if it is passed. */
static void
get_status_change(SCARDCONTEXT context, guint8 known)
{
    SCARD_READERSTATE states[] = {
        {.szReader = READER, .dwCurrentState = known % 2 ? SCARD_STATE_PRESENT : 0},
        {.szReader = "\\\\?PnP?\\Notification", .dwCurrentState = known & 2 ? 1 << 16 : 0},
        {.szReader = "Other 00 00", .dwCurrentState = SCARD_STATE_UNAWARE},
    };

    SCardGetStatusChange(context, 0, states, G_N_ELEMENTS(states) - (known & 4 ? 0 : 1));
    for (gsize i = 0; i < G_N_ELEMENTS(states); i++)
        g_assert_cmpuint(states[i].cbAtr, <=, MAX_ATR_SIZE);
}

static void
get_status(SCARDHANDLE card, guint size)
{
    Buffer name = new_buffer(size);
    Buffer atr = new_buffer(size);
    DWORD state, protocol;
    LONG code = SCardStatus(card, (LPSTR)name.bytes, &name.length, &state, &protocol, atr.bytes,
                            &atr.length);

    free_buffer(&name, code);
    free_buffer(&atr, code);
}

static void
transmit(SCARDHANDLE card, guint size)
{
    static const guint8 command[] = {0x00, 0xA4, 0x00, 0x00};
    SCARD_IO_REQUEST header = *SCARD_PCI_T1;
    Buffer buffer = new_buffer(size);
    LONG code = SCardTransmit(card, SCARD_PCI_T1, command, sizeof command, &header, buffer.bytes,
                              &buffer.length);

    free_buffer(&buffer, code);
}

static void
use_driver(SCARDHANDLE card, guint size)
{
    Buffer answer = new_buffer(size), value = new_buffer(size);
    LONG code =
        SCardControl(card, SCARD_CTL_CODE(3400), "x", 1, answer.bytes, answer.size, &answer.length);

    free_buffer(&answer, code);
    code = SCardGetAttrib(card, SCARD_ATTR_VENDOR_NAME, value.bytes, &value.length);
    free_buffer(&value, code);
    SCardSetAttrib(card, SCARD_ATTR_VENDOR_NAME, (LPCBYTE) "x", 1);
}

static void
use_card(SCARDCONTEXT context, ScdFuzzInput *sizes)
{
    guint size = scd_fuzz_take_u16(sizes);
    SCARDHANDLE card;
    DWORD protocol = 0;

    if (SCardConnect(context, READER, SCARD_SHARE_SHARED, SCARD_PROTOCOL_ANY, &card, &protocol) !=
        SCARD_S_SUCCESS)
        return;
    get_status(card, size % 300);
    transmit(card, size);
    SCardBeginTransaction(card);
    transmit(card, size % 300);
    SCardEndTransaction(card, SCARD_LEAVE_CARD);
    use_driver(card, size % 300);
    SCardReconnect(card, SCARD_SHARE_SHARED, SCARD_PROTOCOL_ANY, SCARD_RESET_CARD, &protocol);
    transmit(card, size);
    SCardDisconnect(card, SCARD_LEAVE_CARD);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    ScdFuzzInput input = {data, size};
    ScdFuzzInput sizes = {data, MIN(size, 4)};
    SCARDCONTEXT context;

    scd_fuzz_take_u32(&input);
    scd_fake_bus_set_answers(input.data, input.size, SCD_FAKE_BUS_STAYS);
    if (SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context) != SCARD_S_SUCCESS)
        return 0;
    list_readers(context, scd_fuzz_take_byte(&sizes));
    get_status_change(context, scd_fuzz_take_byte(&sizes));
    use_card(context, &sizes);
    get_status_change(context, 0);
    SCardReleaseContext(context);
    return 0;
}
