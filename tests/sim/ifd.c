/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The functions that pcscd calls: the IFD handler interface, version 3.0, on top of the table of
 * slots. Only these functions are visible outside of the library. A logical unit is reader << 16 |
 * slot.
 *
 * The control socket is served while any channel is open. A reader that is gone answers with a
 * communication error: IFD_NO_SUCH_DEVICE would make pcscd search for readers for two seconds.
 */

#include "control.h"
#include "table.h"

#include <reader.h>
#include <string.h>

#pragma GCC visibility push(default)

static pthread_mutex_t channels_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned channels;

static RESPONSECODE
open_channel(DWORD lun, const char *name)
{
    struct device device;
    bool opened = false;

    if (!device_parse(name, &device))
        return IFD_COMMUNICATION_ERROR;
    pthread_mutex_lock(&channels_lock);
    if (channels > 0 || control_start()) {
        opened = table_open(lun, &device);
        if (opened)
            channels++;
        else if (channels == 0)
            control_stop();
    }
    pthread_mutex_unlock(&channels_lock);
    return opened ? IFD_SUCCESS : IFD_COMMUNICATION_ERROR;
}

RESPONSECODE
IFDHCreateChannelByName(DWORD lun, LPSTR device_name)
{
    return open_channel(lun, device_name);
}

/* A reader without a device name is named after its channel. */
RESPONSECODE
IFDHCreateChannel(DWORD lun, DWORD channel)
{
    char name[40];

    snprintf(name, sizeof(name), "sim:channel-%lu", channel);
    return open_channel(lun, name);
}

RESPONSECODE
IFDHCloseChannel(DWORD lun)
{
    pthread_mutex_lock(&channels_lock);
    bool closed = table_close(lun);
    if (closed && --channels == 0)
        control_stop();
    pthread_mutex_unlock(&channels_lock);
    return closed ? IFD_SUCCESS : IFD_COMMUNICATION_ERROR;
}

/* pcscd gets this and the next function by a tag. */
static RESPONSECODE
poll_slot(DWORD lun, int timeout)
{
    TABLE_AUTORELEASE struct slot *slot = table_acquire(lun);

    return slot != NULL ? slot_poll(slot, timeout > 0 ? (unsigned)timeout : 0)
                        : IFD_COMMUNICATION_ERROR;
}

static RESPONSECODE
stop_polling_slot(DWORD lun)
{
    TABLE_AUTORELEASE struct slot *slot = table_acquire(lun);

    if (slot == NULL)
        return IFD_COMMUNICATION_ERROR;
    slot_stop_polling(slot);
    return IFD_SUCCESS;
}

static RESPONSECODE
store_value(const void *bytes, size_t count, PDWORD length, PUCHAR value)
{
    bool fits = count <= *length;

    *length = count;
    if (!fits)
        return IFD_ERROR_INSUFFICIENT_BUFFER;
    memcpy(value, bytes, count);
    return IFD_SUCCESS;
}

static RESPONSECODE
store_byte(unsigned byte, PDWORD length, PUCHAR value)
{
    return store_value(&(uint8_t){(uint8_t)byte}, 1, length, value);
}

/* Available to the clients of pcscd as well. */
static RESPONSECODE
store_attribute(DWORD lun, DWORD tag, PDWORD length, PUCHAR value)
{
    TABLE_AUTORELEASE struct slot *slot = table_acquire(lun);

    if (slot == NULL)
        return IFD_COMMUNICATION_ERROR;
    if (tag == TAG_IFD_ATR || tag == SCARD_ATTR_ATR_STRING)
        return store_value(slot->card.atr.bytes, slot->powered ? slot->card.atr.length : 0, length,
                           value);

    const struct order *order = order_find(slot->attributes, (uint32_t)tag);
    return order != NULL ? store_value(order->answer, order->length, length, value) : IFD_ERROR_TAG;
}

RESPONSECODE
IFDHGetCapabilities(DWORD lun, DWORD tag, PDWORD length, PUCHAR value)
{
    RESPONSECODE (*poll_function)(DWORD, int) = poll_slot;
    RESPONSECODE (*stop_function)(DWORD) = stop_polling_slot;

    switch (tag) {
    case TAG_IFD_THREAD_SAFE:
    case TAG_IFD_SLOT_THREAD_SAFE:
    case TAG_IFD_DEVICE_REMOVED:
        return store_byte(1, length, value);
    case TAG_IFD_SIMULTANEOUS_ACCESS:
        return store_byte(255, length, value);
    case TAG_IFD_SLOTS_NUMBER:
        return store_byte(table_count_slots(lun), length, value);
    case TAG_IFD_POLLING_THREAD_WITH_TIMEOUT:
        return store_value(&poll_function, sizeof(poll_function), length, value);
    case TAG_IFD_STOP_POLLING_THREAD:
        return store_value(&stop_function, sizeof(stop_function), length, value);
    default:
        return store_attribute(lun, tag, length, value);
    }
}

/* pcscd calls this before it closes the channel of an unplugged USB reader. */
RESPONSECODE
IFDHSetCapabilities(DWORD lun, DWORD tag, DWORD length, PUCHAR value)
{
    TABLE_AUTORELEASE struct slot *slot = table_acquire(lun);

    if (slot == NULL)
        return IFD_COMMUNICATION_ERROR;
    if (tag != TAG_IFD_DEVICE_REMOVED)
        return IFD_ERROR_TAG;
    slot_plug(slot, false);
    return IFD_SUCCESS;
}

RESPONSECODE
IFDHSetProtocolParameters(DWORD lun, DWORD protocol, UCHAR flags, UCHAR pts1, UCHAR pts2,
                          UCHAR pts3)
{
    TABLE_AUTORELEASE struct slot *slot = table_acquire(lun);

    if (slot == NULL || !slot->powered)
        return IFD_COMMUNICATION_ERROR;
    if (protocol != SCARD_PROTOCOL_T0 && protocol != SCARD_PROTOCOL_T1)
        return IFD_PROTOCOL_NOT_SUPPORTED;
    slot->protocol = protocol;
    return IFD_SUCCESS;
}

RESPONSECODE
IFDHPowerICC(DWORD lun, DWORD action, PUCHAR atr, PDWORD atr_length)
{
    TABLE_AUTORELEASE struct slot *slot = table_acquire(lun);
    DWORD size = *atr_length;

    *atr_length = 0;
    RESPONSECODE code = slot != NULL ? slot_power(slot, action) : IFD_COMMUNICATION_ERROR;
    if (code != IFD_SUCCESS || !slot->powered)
        return code;
    *atr_length = size;
    return store_value(slot->card.atr.bytes, slot->card.atr.length, atr_length, atr);
}

RESPONSECODE
IFDHTransmitToICC(DWORD lun, SCARD_IO_HEADER send_header, PUCHAR command, DWORD length,
                  PUCHAR answer, PDWORD answer_length, PSCARD_IO_HEADER receive_header)
{
    TABLE_AUTORELEASE struct slot *slot = table_acquire(lun);

    receive_header->Protocol = send_header.Protocol;
    if (slot == NULL) {
        *answer_length = 0;
        return IFD_COMMUNICATION_ERROR;
    }
    return slot_transmit(slot, command, length, answer, answer_length);
}

RESPONSECODE
IFDHICCPresence(DWORD lun)
{
    TABLE_AUTORELEASE struct slot *slot = table_acquire(lun);

    return slot != NULL ? slot_presence(slot) : IFD_COMMUNICATION_ERROR;
}

RESPONSECODE
IFDHControl(DWORD lun, DWORD code, PUCHAR request, DWORD length, PUCHAR answer, DWORD answer_size,
            LPDWORD answer_length)
{
    TABLE_AUTORELEASE struct slot *slot = table_acquire(lun);

    *answer_length = 0;
    if (slot == NULL)
        return IFD_COMMUNICATION_ERROR;
    return slot_control(slot, (uint32_t)code, request, length, answer, answer_size, answer_length);
}

#pragma GCC visibility pop
