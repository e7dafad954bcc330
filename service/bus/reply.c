/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/reply.h"

#include <string.h>

#include "base/dbus-message.h"
#include "bus/bus-stream.h"

/* Enough for the header of a reply and a short body. */
#define REPLY_SIZE 256
#define SIGNAL_SIZE 512

static ScdBusOutput *
get_output(GDBusConnection *bus)
{
    return scd_bus_stream_output(scd_bus_get_stream(bus));
}

static ScdDbusHeader
make_header(GDBusMethodInvocation *invocation, ScdDbusType type, const char *signature)
{
    GDBusMessage *call = g_dbus_method_invocation_get_message(invocation);
    GDBusConnection *bus = g_dbus_method_invocation_get_connection(invocation);

    return (ScdDbusHeader){
        .type = type,
        .serial = scd_bus_output_next_serial(get_output(bus)),
        .reply_serial = g_dbus_message_get_serial(call),
        .destination = g_dbus_message_get_sender(call),
        .signature = signature,
    };
}

/* Takes both. */
static void
send_packet(GDBusMethodInvocation *invocation, ScdBusPacket *packet)
{
    scd_bus_output_send_packet(get_output(g_dbus_method_invocation_get_connection(invocation)),
                               packet);
    g_object_unref(invocation);
}

/* Takes the bytes: the message, but for the body if there is one apart. */
static void
send_reply(GDBusMethodInvocation *invocation, const ScdDbusHeader *header, GByteArray *bytes,
           GBytes *body)
{
    ScdBusPacket *packet = scd_bus_packet_new(bytes);

    packet->body = body ? g_bytes_ref(body) : NULL;
    packet->destination = g_strdup(header->destination);
    packet->reply_serial = header->reply_serial;
    packet->succeeded = TRUE;
    send_packet(invocation, packet);
}

static void
refuse_length(GDBusMethodInvocation *invocation)
{
    g_autoptr(GError) error =
        g_error_new_literal(SCD_ERROR, SCD_LIMITS_EXCEEDED,
                            "The reply is longer than a message of the bus may be: ask for less in "
                            "one call");
    scd_reply_error(invocation, error);
}

void
scd_reply(GDBusMethodInvocation *invocation, GVariant *value)
{
    g_autoptr(GVariant) results = value ? g_variant_ref_sink(value) : NULL;
    const char *type = results ? g_variant_get_type_string(results) : "()";
    g_autofree char *signature = g_strndup(type + 1, strlen(type) - 2);
    const ScdDbusHeader header = make_header(invocation, SCD_DBUS_METHOD_RETURN, signature);
    GByteArray *bytes = g_byte_array_sized_new(REPLY_SIZE);

    scd_dbus_append_header(bytes, &header);
    if (results)
        scd_dbus_append_value(bytes, 0, results);
    scd_dbus_end_body(bytes, 0);
    if (bytes->len > SCD_BUS_OUTPUT_MESSAGE_MAX) {
        g_byte_array_unref(bytes);
        refuse_length(invocation);
        return;
    }
    send_reply(invocation, &header, bytes, NULL);
}

static void
reply_with_parts(GDBusMethodInvocation *invocation, const char *signature, gboolean is_array,
                 GBytes *body)
{
    ScdDbusHeader header = make_header(invocation, SCD_DBUS_METHOD_RETURN, signature);
    gsize length = g_bytes_get_size(body);
    GByteArray *bytes = g_byte_array_sized_new(REPLY_SIZE);

    header.body_length = length + (is_array ? sizeof(guint32) : 0);
    scd_dbus_append_header(bytes, &header);
    if (is_array)
        scd_dbus_append_uint32(bytes, 0, length);
    send_reply(invocation, &header, bytes, body);
}

void
scd_reply_bytes(GDBusMethodInvocation *invocation, GBytes *bytes)
{
    reply_with_parts(invocation, "ay", TRUE, bytes);
}

void
scd_reply_body(GDBusMethodInvocation *invocation, const char *signature, GBytes *body)
{
    if (g_bytes_get_size(body) > SCD_BUS_OUTPUT_MESSAGE_MAX - REPLY_SIZE)
        refuse_length(invocation);
    else
        reply_with_parts(invocation, signature, FALSE, body);
}

void
scd_reply_charge(GDBusMethodInvocation *invocation, gsize bytes)
{
    GDBusMessage *call = g_dbus_method_invocation_get_message(invocation);
    ScdBusStream *stream = scd_bus_get_stream(g_dbus_method_invocation_get_connection(invocation));

    scd_gate_charge_reply(scd_bus_stream_gate(stream), g_dbus_message_get_sender(call),
                          g_dbus_message_get_serial(call), bytes);
}

static char *
dup_error_name(const GError *error)
{
    return error->domain == SCD_ERROR ? g_strdup(scd_error_dbus_name(error))
                                      : g_dbus_error_encode_gerror(error);
}

void
scd_reply_error(GDBusMethodInvocation *invocation, const GError *error)
{
    g_autofree char *name = dup_error_name(error);
    ScdDbusHeader header = make_header(invocation, SCD_DBUS_ERROR, "s");

    header.error_name = name;
    send_packet(invocation, scd_bus_packet_new_error(&header, error->message));
}

void
scd_reply_take_error(GDBusMethodInvocation *invocation, GError *error)
{
    scd_reply_error(invocation, error);
    g_error_free(error);
}

GByteArray *
scd_signal_begin(GDBusConnection *bus, const ScdSignalHeader *header)
{
    GByteArray *signal = g_byte_array_sized_new(SIGNAL_SIZE);
    const ScdDbusHeader all = {
        .type = SCD_DBUS_SIGNAL,
        .serial = scd_bus_output_next_serial(get_output(bus)),
        .destination = header->client,
        .path = header->path,
        .interface = header->interface,
        .member = header->member,
        .signature = header->signature,
    };

    scd_dbus_append_header(signal, &all);
    return signal;
}

void
scd_signal_send(GDBusConnection *bus, GByteArray *signal)
{
    scd_dbus_end_body(signal, 0);
    scd_bus_output_send_packet(get_output(bus), scd_bus_packet_new(signal));
}
