/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SCardControl, SCardGetAttrib and SCardSetAttrib: requests to the driver, and buffers. */

#include "fixture.h"
#include "show.h"
#include "subjects.h"

#include <ifdhandler.h>
#include <pcsclite.h>
#include <reader.h>
#include <string.h>

static void
show_control(SCARDHANDLE card, const char *case_name, DWORD code, DWORD length, DWORD size)
{
    static unsigned char request[MAX_BUFFER_SIZE_EXTENDED + 1];
    static unsigned char answer[MAX_BUFFER_SIZE_EXTENDED + 1];
    DWORD answer_length = UNTOUCHED;

    memset(answer, FILLING, sizeof answer);
    show(SCardControl(card, code, request, length, answer, size, &answer_length), "%s", case_name);
    show_number("length", answer_length);
    show_bytes("answer", answer, sizeof answer);
}

static void
show_controls(SCARDHANDLE card)
{
    unsigned char answer[16];
    DWORD length = UNTOUCHED;

    show_subject("control");
    show_control(card, "known code", KNOWN_CODE, 4, 16);
    show_control(card, "no request", KNOWN_CODE, 0, 16);
    show_control(card, "the very size", KNOWN_CODE, 4, 5);
    show_control(card, "a byte too short", KNOWN_CODE, 4, 4);
    show_control(card, "no byte", KNOWN_CODE, 4, 0);
    show_control(card, "unknown code", UNKNOWN_CODE, 4, 16);
    show_control(card, "code 0", 0, 4, 16);
    show_control(card, "code of all ones", 0xFFFFFFFF, 4, 16);
    show_control(card, "the longest request", KNOWN_CODE, MAX_BUFFER_SIZE_EXTENDED, 16);
    show_control(card, "a longer request", KNOWN_CODE, MAX_BUFFER_SIZE_EXTENDED + 1, 16);
    show_control(card, "the largest buffer", KNOWN_CODE, 4, MAX_BUFFER_SIZE_EXTENDED);
    show_control(card, "a larger buffer", KNOWN_CODE, 4, MAX_BUFFER_SIZE_EXTENDED + 1);
    show(SCardControl(card, KNOWN_CODE, NULL, 0, NULL, 0, &length), "no buffers");
    show_number("length", length);
    memset(answer, FILLING, sizeof answer);
    show(SCardControl(card, KNOWN_CODE, NULL, 0, answer, sizeof answer, NULL), "no length");
    show_bytes("answer", answer, sizeof answer);
    request_action("control A %lX silent", (unsigned long)KNOWN_CODE);
    show_control(card, "success without bytes", KNOWN_CODE, 4, 16);
    request_action("control A %lX none", (unsigned long)KNOWN_CODE);
    show_control(card, "known no more", KNOWN_CODE, 4, 16);
    show_control(card, "features", CM_IOCTL_GET_FEATURE_REQUEST, 0, 200);
}

static void
show_get(SCARDHANDLE card, const char *case_name, DWORD id, DWORD length)
{
    unsigned char value[MAX_BUFFER_SIZE + 8];

    memset(value, FILLING, sizeof value);
    show(SCardGetAttrib(card, id, value, &length), "%s", case_name);
    show_number("length", length);
    show_bytes("value", value, sizeof value);
}

static void
show_get_allocated(SCARDCONTEXT context, SCARDHANDLE card, DWORD id)
{
    unsigned char *value = NULL;
    DWORD length = SCARD_AUTOALLOCATE;
    LONG code = SCardGetAttrib(card, id, (unsigned char *)&value, &length);

    show(code, "allocated %#lx", (unsigned long)id);
    if (code == SCARD_S_SUCCESS) {
        show_number("length", length);
        show_bytes("value", value, length);
    }
    show(SCardFreeMemory(context, value), "freed");
    show_word(value != NULL ? "a pointer" : "nothing");
}

static void
show_get_buffers(SCARDCONTEXT context, SCARDHANDLE card)
{
    DWORD length = UNTOUCHED;

    show_get(card, "the very size", SCARD_ATTR_ATR_STRING, 18);
    show_get(card, "a byte too short", SCARD_ATTR_ATR_STRING, 17);
    show_get(card, "no byte", SCARD_ATTR_ATR_STRING, 0);
    show_get(card, "the largest buffer", SCARD_ATTR_ATR_STRING, MAX_BUFFER_SIZE);
    show_get(card, "a larger buffer", SCARD_ATTR_ATR_STRING, MAX_BUFFER_SIZE + 1);
    show(SCardGetAttrib(card, SCARD_ATTR_ATR_STRING, NULL, &length), "no buffer");
    show_number("length", length);
    show(SCardGetAttrib(card, SCARD_ATTR_ATR_STRING, NULL, NULL), "no buffer, no length");
    show_get_allocated(context, card, SCARD_ATTR_ATR_STRING);
    show_get_allocated(context, card, UNKNOWN_ATTRIBUTE);
    length = SCARD_AUTOALLOCATE;
    show(SCardGetAttrib(card, SCARD_ATTR_ATR_STRING, NULL, &length), "allocated nowhere");
    show_number("length", length == SCARD_AUTOALLOCATE ? UNTOUCHED : length);
}

static void
show_get_ids(SCARDHANDLE card)
{
    static const DWORD ids[] = {SCARD_ATTR_VENDOR_NAME,
                                SCARD_ATTR_VENDOR_IFD_TYPE,
                                SCARD_ATTR_VENDOR_IFD_VERSION,
                                SCARD_ATTR_VENDOR_IFD_SERIAL_NO,
                                SCARD_ATTR_CHANNEL_ID,
                                SCARD_ATTR_DEFAULT_CLK,
                                SCARD_ATTR_MAX_IFSD,
                                SCARD_ATTR_CHARACTERISTICS,
                                SCARD_ATTR_CURRENT_PROTOCOL_TYPE,
                                SCARD_ATTR_ICC_PRESENCE,
                                SCARD_ATTR_ICC_INTERFACE_STATUS,
                                SCARD_ATTR_ICC_TYPE_PER_ATR,
                                SCARD_ATTR_DEVICE_UNIT,
                                SCARD_ATTR_DEVICE_IN_USE,
                                SCARD_ATTR_DEVICE_FRIENDLY_NAME_A,
                                SCARD_ATTR_DEVICE_FRIENDLY_NAME_W,
                                SCARD_ATTR_DEVICE_SYSTEM_NAME_A,
                                SCARD_ATTR_DEVICE_SYSTEM_NAME_W,
                                SCARD_ATTR_MAXINPUT,
                                SCARD_ATTR_SUPRESS_T1_IFS_REQUEST,
                                SCARD_ATTR_ESC_RESET,
                                0,
                                0xFFFFFFFF,
                                TAG_IFD_SLOTS_NUMBER,
                                TAG_IFD_ATR};

    show_subject("get attribute");
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        show_get(card, "id", ids[i], 100);
        show_bits("id", ids[i]);
    }
    request_action("attribute A %lX 534D41525400", (unsigned long)KNOWN_ATTRIBUTE);
    show_get(card, "known now", KNOWN_ATTRIBUTE, 100);
    request_action("attribute A %lX silent", (unsigned long)KNOWN_ATTRIBUTE);
    show_get(card, "known, without bytes", KNOWN_ATTRIBUTE, 100);
    request_action("attribute A %lX none", (unsigned long)KNOWN_ATTRIBUTE);
}

static void
show_set(SCARDHANDLE card)
{
    static const unsigned char value[MAX_BUFFER_SIZE + 1];

    show_subject("set attribute");
    show(SCardSetAttrib(card, KNOWN_ATTRIBUTE, value, 1), "one byte");
    show(SCardSetAttrib(card, KNOWN_ATTRIBUTE, value, 0), "no byte");
    show(SCardSetAttrib(card, KNOWN_ATTRIBUTE, NULL, 1), "no value");
    show(SCardSetAttrib(card, KNOWN_ATTRIBUTE, NULL, 0), "nothing");
    show(SCardSetAttrib(card, KNOWN_ATTRIBUTE, value, MAX_BUFFER_SIZE), "the longest value");
    show(SCardSetAttrib(card, KNOWN_ATTRIBUTE, value, MAX_BUFFER_SIZE + 1), "a longer value");
    show(SCardSetAttrib(card, 0, value, 1), "id 0");
    show(SCardSetAttrib(card, SCARD_ATTR_SUPRESS_T1_IFS_REQUEST, value, 4), "IFS request");
}

void
run_attributes(void)
{
    SCARDCONTEXT context = new_context();
    SCARDHANDLE card = new_card(context, READER_A, SCARD_SHARE_SHARED, BOTH_PROTOCOLS);

    request_action("control A %lX 0102039000", (unsigned long)KNOWN_CODE);
    show_controls(card);
    show_get_ids(card);
    show_get_buffers(context, card);
    show_set(card);
    disconnect_card(card, SCARD_UNPOWER_CARD);

    card = new_card(context, READER_B, SCARD_SHARE_DIRECT, 0);
    show_subject("no card");
    show_get(card, "ATR", SCARD_ATTR_ATR_STRING, 100);
    show_get(card, "name", SCARD_ATTR_DEVICE_FRIENDLY_NAME_A, 100);
    show_control(card, "unknown code", UNKNOWN_CODE, 0, 16);
    disconnect_card(card, SCARD_LEAVE_CARD);
    release_context(context);
}
