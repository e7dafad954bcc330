/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/bus-stream.h"

#include <gio/gio.h>
#include <string.h>

/* How long signals wait for the reply that comes with them. */
#define SIGNALS_DELAY_MS 10

/*
 * Overwrites the arguments of method calls, which may contain PINs.
 *
 * The message of a call owns them, and all that the service needs for longer is a copy. So they are
 * overwritten when the last reference to the message is dropped, which is after the reply. That
 * covers all methods, and calls that no handler receives because GDBus refuses them, or because
 * their object goes while they are on their way.
 */

/* Byte arrays and strings are contiguous in a message that GDBus has read. */
static void
wipe_value(GVariant *value)
{
    gsize length = 0;
    gconstpointer bytes = NULL;

    if (g_variant_is_of_type(value, G_VARIANT_TYPE_BYTESTRING)) {
        bytes = g_variant_get_fixed_array(value, &length, 1);
    } else if (g_variant_is_of_type(value, G_VARIANT_TYPE_STRING)) {
        bytes = g_variant_get_string(value, &length);
    } else if (g_variant_is_container(value)) {
        for (gsize i = 0; i < g_variant_n_children(value); i++) {
            g_autoptr(GVariant) child = g_variant_get_child_value(value, i);
            wipe_value(child);
        }
    }
    if (length > 0)
        explicit_bzero((gpointer)bytes, length);
}

static void
wipe_and_unref(gpointer data)
{
    g_autoptr(GVariant) arguments = data;

    wipe_value(arguments);
}

/* Called in GDBus's thread, before GDBus looks for the object. */
static GDBusMessage *
attach_wipe(GDBusConnection *bus, GDBusMessage *message, gboolean incoming, gpointer data)
{
    GVariant *arguments = g_dbus_message_get_body(message);

    if (incoming && arguments &&
        g_dbus_message_get_message_type(message) == G_DBUS_MESSAGE_TYPE_METHOD_CALL)
        g_object_set_data_full(G_OBJECT(message), "scd-call-arguments", g_variant_ref(arguments),
                               wipe_and_unref);
    return message;
}

/* For all calls of the connection that arrive from now on. */
static void
wipe_arguments_of_calls(GDBusConnection *bus)
{
    g_dbus_connection_add_filter(bus, attach_wipe, NULL, NULL);
}

struct _ScdBusStream {
    GIOStream parent;
    GSocketConnection *connection; /* closes the socket at its end */
    ScdGate *gate;
    ScdBusInput *input;
    ScdBusOutput *output;
    guint delay; /* the timer, in the main thread; it goes on when the signals were sent */
};

G_DEFINE_FINAL_TYPE(ScdBusStream, scd_bus_stream, G_TYPE_IO_STREAM)

static GInputStream *
get_input_stream(GIOStream *stream)
{
    return G_INPUT_STREAM(SCD_BUS_STREAM(stream)->input);
}

static GOutputStream *
get_output_stream(GIOStream *stream)
{
    return G_OUTPUT_STREAM(SCD_BUS_STREAM(stream)->output);
}

static gboolean
close_stream(GIOStream *stream, GCancellable *cancellable, GError **error)
{
    return g_io_stream_close(G_IO_STREAM(SCD_BUS_STREAM(stream)->connection), cancellable, error);
}

static void
finalize(GObject *object)
{
    ScdBusStream *stream = SCD_BUS_STREAM(object);

    g_object_unref(stream->input);
    g_object_unref(stream->output);
    g_object_unref(stream->connection);
    scd_gate_unref(stream->gate);
    G_OBJECT_CLASS(scd_bus_stream_parent_class)->finalize(object);
}

static void
scd_bus_stream_class_init(ScdBusStreamClass *class)
{
    G_OBJECT_CLASS(class)->finalize = finalize;
    G_IO_STREAM_CLASS(class)->get_input_stream = get_input_stream;
    G_IO_STREAM_CLASS(class)->get_output_stream = get_output_stream;
    G_IO_STREAM_CLASS(class)->close_fn = close_stream;
}

static void
scd_bus_stream_init(ScdBusStream *stream)
{
}

static ScdBusStream *
new_stream(GSocketConnection *connection, ScdGate *gate)
{
    GSocket *socket = g_socket_connection_get_socket(connection);
    ScdBusStream *stream = g_object_new(SCD_TYPE_BUS_STREAM, NULL);

    stream->connection = g_object_ref(connection);
    stream->gate = scd_gate_ref(gate);
    stream->output = scd_bus_output_new(socket, gate);
    stream->input = scd_bus_input_new(socket, gate, stream->output);
    return stream;
}

gboolean
scd_bus_stream_reply(ScdBusStream *stream, GDBusMessage *reply, GError **error)
{
    if (scd_gate_reply(stream->gate, g_dbus_message_get_destination(reply),
                       g_dbus_message_get_reply_serial(reply), TRUE) == SCD_GATE_DROP)
        return TRUE;
    return scd_bus_output_send(stream->output, reply, error);
}

ScdBusOutput *
scd_bus_stream_output(ScdBusStream *stream)
{
    return stream->output;
}

ScdGate *
scd_bus_stream_gate(ScdBusStream *stream)
{
    return stream->gate;
}

/* Reads the line that the server sends next, without its end. */
static char *
read_line(GSocket *socket, GError **error)
{
    g_autoptr(GString) line = g_string_new(NULL);
    char byte;

    while (!g_str_has_suffix(line->str, "\r\n")) {
        gssize count = g_socket_receive(socket, &byte, 1, NULL, error);
        if (count == 0 || (count > 0 && line->len == 512))
            g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_FAILED,
                                "The bus ended the authentication");
        if (count <= 0 || line->len == 512)
            return NULL;
        g_string_append_c(line, byte);
    }
    g_string_truncate(line, line->len - 2);
    return g_string_free(g_steal_pointer(&line), FALSE);
}

/*
 * The D-Bus authentication protocol, as a client that the bus identifies by its
 * socket (EXTERNAL): no user id is sent, for the service may be in a user
 * namespace. All is sent at once, and the server's replies are compared.
 */
static gboolean
authenticate(GSocket *socket, GError **error)
{
    static const char request[] = "\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n";
    static const char *const replies[] = {"DATA", "OK ", "AGREE_UNIX_FD"};

    if (g_socket_send(socket, request, sizeof request - 1, NULL, error) < 0)
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(replies); i++) {
        g_autofree char *line = read_line(socket, error);
        if (!line)
            return FALSE;
        if (!g_str_has_prefix(line, replies[i])) {
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
                        "The bus refuses the authentication: '%s'", line);
            return FALSE;
        }
    }
    return TRUE;
}

static ScdBusStream *
connect_stream(ScdGate *gate, GError **error)
{
    g_autofree char *address = g_dbus_address_get_for_bus_sync(G_BUS_TYPE_SYSTEM, NULL, error);
    g_autoptr(GIOStream) stream =
        address ? g_dbus_address_get_stream_sync(address, NULL, NULL, error) : NULL;

    if (!stream)
        return NULL;
    if (!G_IS_SOCKET_CONNECTION(stream)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "%s is no socket", address);
        return NULL;
    }
    GSocket *socket = g_socket_connection_get_socket(G_SOCKET_CONNECTION(stream));
    if (!authenticate(socket, error))
        return NULL;
    g_socket_set_blocking(socket, FALSE);
    return new_stream(G_SOCKET_CONNECTION(stream), gate);
}

static void
connect_in_thread(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
    GError *error = NULL;
    g_autoptr(ScdBusStream) stream = connect_stream(data, &error);
    GDBusConnection *bus =
        stream ? g_dbus_connection_new_sync(G_IO_STREAM(stream), NULL,
                                            G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION, NULL,
                                            NULL, &error)
               : NULL;

    if (!bus) {
        g_task_return_error(task, error);
        return;
    }
    wipe_arguments_of_calls(bus);
    g_task_return_pointer(task, bus, g_object_unref);
}

void
scd_bus_connect_async(ScdGate *gate, GAsyncReadyCallback callback, gpointer data)
{
    g_autoptr(GTask) task = g_task_new(NULL, NULL, callback, data);

    g_task_set_task_data(task, scd_gate_ref(gate), (GDestroyNotify)scd_gate_unref);
    g_task_run_in_thread(task, connect_in_thread);
}

GDBusConnection *
scd_bus_connect_finish(GAsyncResult *result, GError **error)
{
    return g_task_propagate_pointer(G_TASK(result), error);
}

ScdBusStream *
scd_bus_get_stream(GDBusConnection *bus)
{
    return SCD_BUS_STREAM(g_dbus_connection_get_stream(bus));
}

void
scd_bus_hold(GDBusConnection *bus)
{
    scd_bus_output_hold(scd_bus_get_stream(bus)->output);
}

void
scd_bus_release(GDBusConnection *bus)
{
    scd_bus_output_release(scd_bus_get_stream(bus)->output);
}

static gboolean
send_delayed(gpointer data)
{
    ScdBusStream *stream = data;

    stream->delay = 0;
    scd_bus_output_release(stream->output);
    return G_SOURCE_REMOVE;
}

void
scd_bus_release_soon(GDBusConnection *bus)
{
    ScdBusStream *stream = scd_bus_get_stream(bus);

    if (scd_bus_output_delay(stream->output) && !stream->delay)
        stream->delay = g_timeout_add_full(G_PRIORITY_DEFAULT, SIGNALS_DELAY_MS, send_delayed,
                                           g_object_ref(stream), g_object_unref);
}

void
scd_bus_on_unknown_object(GDBusConnection *bus, ScdBusExplainFunc func, gpointer data)
{
    scd_bus_output_on_unknown_object(scd_bus_get_stream(bus)->output, func, data);
}
