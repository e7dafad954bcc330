/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "command.h"

#include <string.h>

#include "secret.h"

#define CHAINING 0x10 /* bit of the class */
#define DATA_MAX 65535
#define HEADER_LENGTH 4

/**
 * SmartcarddCommand:
 *
 * A command to a card (ISO 7816-4): class, instruction, two parameters, data, and the expected
 * length of the response.
 *
 * [method@Session.send] writes it as a short or an extended APDU, or as a chain of short ones, as
 * the card needs it. To send bytes as they are, use [method@Session.transmit].
 *
 * A command never changes, and its own copies of the data are wiped.
 *
 * ```c
 * g_autoptr(SmartcarddCommand) select =
 *     smartcardd_command_new_from_hex("00 A4 04 00 06 D2 76 00 01 24 01", &error);
 * g_autoptr(SmartcarddCommand) get_data =
 *     smartcardd_command_new(0x00, 0xCA, 0x00, 0x4F, NULL, SMARTCARDD_ALL_RESPONSE_DATA);
 * ```
 */
struct _SmartcarddCommand {
    GObject parent;
    guint8 header[HEADER_LENGTH];
    GBytes *data; /* never NULL */
    gint expected_length;
};

G_DEFINE_FINAL_TYPE(SmartcarddCommand, smartcardd_command, G_TYPE_OBJECT)

static void
finalize_command(GObject *object)
{
    g_bytes_unref(SMARTCARDD_COMMAND(object)->data);
    G_OBJECT_CLASS(smartcardd_command_parent_class)->finalize(object);
}

static void
smartcardd_command_class_init(SmartcarddCommandClass *class)
{
    G_OBJECT_CLASS(class)->finalize = finalize_command;
}

static void
smartcardd_command_init(SmartcarddCommand *self)
{
    self->expected_length = SMARTCARDD_NO_RESPONSE_DATA;
}

/**
 * smartcardd_command_new:
 * @instruction_class: the class byte, CLA
 * @instruction: the instruction byte, INS
 * @p1: the first parameter
 * @p2: the second parameter
 * @data: (nullable): the data, at most 65,535 bytes
 * @expected_length: how many bytes the response should have at most:
 *   %SMARTCARDD_NO_RESPONSE_DATA, %SMARTCARDD_ALL_RESPONSE_DATA, or 1 to 65,536
 *
 * Makes a command. It keeps a reference to the data and copies nothing.
 *
 * Returns: the command
 */
SmartcarddCommand *
smartcardd_command_new(guint8 instruction_class, guint8 instruction, guint8 p1, guint8 p2,
                       GBytes *data, gint expected_length)
{
    SmartcarddCommand *self = NULL;

    g_return_val_if_fail(!data || g_bytes_get_size(data) <= DATA_MAX, NULL);
    g_return_val_if_fail(expected_length >= -1 && expected_length <= DATA_MAX + 1, NULL);
    self = g_object_new(SMARTCARDD_TYPE_COMMAND, NULL);
    self->header[0] = instruction_class;
    self->header[1] = instruction;
    self->header[2] = p1;
    self->header[3] = p2;
    self->data = data ? g_bytes_ref(data) : g_bytes_new(NULL, 0);
    self->expected_length = expected_length;
    return self;
}

/* Offset and length of the data, and the expected length; an Le of 0 asks for all data. */
typedef struct {
    gsize offset;
    gsize length;
    gint expected;
} ApduForm;

static gboolean
parse_extended(const guint8 *apdu, gsize length, ApduForm *form)
{
    guint first = (guint)(apdu[5] << 8 | apdu[6]);

    *form = (ApduForm){7, 0, SMARTCARDD_NO_RESPONSE_DATA};
    if (length == 7) {
        form->expected = (gint)first;
        return TRUE;
    }
    form->length = first;
    if (first > 0 && length == 7 + first + 2) {
        form->expected = apdu[length - 2] << 8 | apdu[length - 1];
        return TRUE;
    }
    return first > 0 && length == 7 + first;
}

/* The seven cases of ISO 7816-3, section 12.1.3. */
static gboolean
parse_apdu(const guint8 *apdu, gsize length, ApduForm *form)
{
    *form = (ApduForm){HEADER_LENGTH, 0, SMARTCARDD_NO_RESPONSE_DATA};
    if (length <= HEADER_LENGTH)
        return length == HEADER_LENGTH;
    if (length == 5) {
        form->expected = apdu[4];
        return TRUE;
    }
    if (apdu[4] == 0)
        return length >= 7 && parse_extended(apdu, length, form);
    *form = (ApduForm){5, apdu[4], SMARTCARDD_NO_RESPONSE_DATA};
    if (length == 5u + apdu[4] + 1u) {
        form->expected = apdu[length - 1];
        return TRUE;
    }
    return length == 5u + apdu[4];
}

/**
 * smartcardd_command_new_from_bytes:
 * @apdu: a command APDU, short or extended
 * @error: return location for an error
 *
 * Reads a command.
 *
 * Returns: the command, or %NULL with %SMARTCARDD_ERROR_INVALID_ARGS if the lengths in the APDU
 *   do not agree with its own
 */
SmartcarddCommand *
smartcardd_command_new_from_bytes(GBytes *apdu, GError **error)
{
    gsize length;
    const guint8 *bytes = g_bytes_get_data(apdu, &length);
    ApduForm form;

    if (!bytes || !parse_apdu(bytes, length, &form)) {
        g_set_error_literal(error, SMARTCARDD_ERROR, SMARTCARDD_ERROR_INVALID_ARGS,
                            "the command is not an APDU: its length fields do not fit its length");
        return NULL;
    }
    g_autoptr(GBytes) data = g_bytes_new_from_bytes(apdu, form.offset, form.length);
    return smartcardd_command_new(bytes[0], bytes[1], bytes[2], bytes[3], data, form.expected);
}

/**
 * smartcardd_command_new_from_hex:
 * @apdu: a command APDU in hexadecimal digits; spaces and colons between bytes are ignored
 * @error: return location for an error
 *
 * Reads a command.
 *
 * Returns: the command, or %NULL with %SMARTCARDD_ERROR_INVALID_ARGS
 */
SmartcarddCommand *
smartcardd_command_new_from_hex(const char *apdu, GError **error)
{
    guint8 *bytes;
    gsize length = 0;
    g_autoptr(GBytes) secret = smartcardd_secret_new_empty(strlen(apdu) / 2 + 1, &bytes);

    for (const char *at = apdu; *at; at++) {
        if (*at == ' ' || *at == ':')
            continue;
        int high = g_ascii_xdigit_value(at[0]), low = g_ascii_xdigit_value(at[1]);
        if (high < 0 || low < 0) {
            g_set_error_literal(error, SMARTCARDD_ERROR, SMARTCARDD_ERROR_INVALID_ARGS,
                                "the command does not consist of pairs of hexadecimal digits");
            return NULL;
        }
        bytes[length++] = (guint8)(high << 4 | low);
        at++;
    }
    g_autoptr(GBytes) used = g_bytes_new_from_bytes(secret, 0, length);
    return smartcardd_command_new_from_bytes(used, error);
}

/**
 * smartcardd_command_get_instruction_class:
 * @self: a command
 *
 * Returns: the class byte, CLA
 */
guint8
smartcardd_command_get_instruction_class(SmartcarddCommand *self)
{
    return self->header[0];
}

/**
 * smartcardd_command_get_instruction:
 * @self: a command
 *
 * Returns: the instruction byte, INS
 */
guint8
smartcardd_command_get_instruction(SmartcarddCommand *self)
{
    return self->header[1];
}

/**
 * smartcardd_command_get_p1:
 * @self: a command
 *
 * Returns: the first parameter
 */
guint8
smartcardd_command_get_p1(SmartcarddCommand *self)
{
    return self->header[2];
}

/**
 * smartcardd_command_get_p2:
 * @self: a command
 *
 * Returns: the second parameter
 */
guint8
smartcardd_command_get_p2(SmartcarddCommand *self)
{
    return self->header[3];
}

/**
 * smartcardd_command_get_data:
 * @self: a command
 *
 * Returns: (transfer none): the data, of no bytes if the command has none
 */
GBytes *
smartcardd_command_get_data(SmartcarddCommand *self)
{
    return self->data;
}

/**
 * smartcardd_command_get_expected_length:
 * @self: a command
 *
 * Returns: %SMARTCARDD_NO_RESPONSE_DATA, %SMARTCARDD_ALL_RESPONSE_DATA, or a number of bytes
 */
gint
smartcardd_command_get_expected_length(SmartcarddCommand *self)
{
    return self->expected_length;
}

gboolean
smartcardd_command_is_long(SmartcarddCommand *self)
{
    return g_bytes_get_size(self->data) > SMARTCARDD_SHORT_DATA_MAX || self->expected_length > 256;
}

static void
write_le(SmartcarddApdu *apdu, gint expected, gboolean extended)
{
    if (expected == SMARTCARDD_NO_RESPONSE_DATA)
        return;
    if (!extended) {
        apdu->tail[apdu->tail_length++] = (guint8)MIN(expected, 256);
        return;
    }
    if (apdu->head_length == HEADER_LENGTH)
        apdu->tail[apdu->tail_length++] = 0;
    apdu->tail[apdu->tail_length++] = (guint8)(expected >> 8);
    apdu->tail[apdu->tail_length++] = (guint8)expected;
}

gsize
smartcardd_command_write(SmartcarddCommand *self, gboolean extended, gsize offset,
                         SmartcarddApdu *apdu)
{
    gsize length;
    const guint8 *data = g_bytes_get_data(self->data, &length);
    gsize count = extended ? length - offset : MIN(length - offset, SMARTCARDD_SHORT_DATA_MAX);

    *apdu = (SmartcarddApdu){.head_length = HEADER_LENGTH};
    memcpy(apdu->head, self->header, HEADER_LENGTH);
    if (count > 0 && extended) {
        apdu->head[apdu->head_length++] = 0;
        apdu->head[apdu->head_length++] = (guint8)(count >> 8);
    }
    if (count > 0) {
        apdu->head[apdu->head_length++] = (guint8)count;
        apdu->data = data + offset;
        apdu->data_length = count;
    }
    if (offset + count < length)
        apdu->head[0] |= CHAINING;
    else
        write_le(apdu, self->expected_length, extended);
    return offset + count;
}

void
smartcardd_apdu_add_to(const SmartcarddApdu *apdu, SmartcarddRequest *request)
{
    smartcardd_request_add_part(request, apdu->head, apdu->head_length);
    smartcardd_request_add_part(request, apdu->data, apdu->data_length);
    smartcardd_request_add_part(request, apdu->tail, apdu->tail_length);
}

/**
 * smartcardd_command_to_bytes:
 * @self: a command
 *
 * Returns: (transfer full): the command as one APDU, in extended form if it needs that
 */
GBytes *
smartcardd_command_to_bytes(SmartcarddCommand *self)
{
    SmartcarddApdu apdu;
    guint8 *bytes;

    smartcardd_command_write(self, smartcardd_command_is_long(self), 0, &apdu);
    GBytes *result =
        smartcardd_secret_new_empty(apdu.head_length + apdu.data_length + apdu.tail_length, &bytes);
    memcpy(bytes, apdu.head, apdu.head_length);
    if (apdu.data_length > 0)
        memcpy(bytes + apdu.head_length, apdu.data, apdu.data_length);
    memcpy(bytes + apdu.head_length + apdu.data_length, apdu.tail, apdu.tail_length);
    return result;
}
