/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/bus-stream.h"

#include <errno.h>
#include <gio/gunixfdlist.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "bus/error.h"
#include "pcsc/main-thread.h"

/* An error of GDBus may have text that a program has sent. */
#define ERROR_BODY_MAX 2048

/* The bus is behind if it has not read so many bytes, with those that the kernel adds. */
#define BEHIND_MAX (4 * 1024)

#define REFUSALS_DELAY_MS 10

struct _ScdBusOutput {
    GOutputStream parent;
    GSocket *socket;
    ScdGate *gate;
    GMutex lock;
    GQueue packets;    /* of ScdBusPacket; the first one may be sent in part */
    gsize rest;        /* of GDBus's message, whose first bytes were sent */
    gsize skip;        /* of GDBus's message, which is not sent */
    gboolean held;     /* packets wait until scd_bus_output_release() */
    gboolean delayed;  /* packets, all of them signals, wait for the next one or for a release */
    guint32 serial;    /* of the last refusal or message that GDBus has encoded */
    GSource *flushing; /* waits for room in the socket; NULL while nothing has to wait */
    ScdRefusals *refusals;
    GSource *refusing; /* the timer of the refusals; NULL while none waits */

    /* Of the main thread. */
    ScdBusExplainFunc explain; /* or NULL */
    gpointer explain_data;
};

G_DEFINE_FINAL_TYPE(ScdBusOutput, scd_bus_output, G_TYPE_OUTPUT_STREAM)

/* Ends the charge of the call whose reply the packet is. Returns FALSE if the caller wants none. */
static gboolean
begin_packet_locked(ScdBusOutput *output, ScdBusPacket *packet)
{
    g_autofree char *destination = g_steal_pointer(&packet->destination);

    return !destination ||
           scd_gate_reply(output->gate, destination, packet->reply_serial, packet->succeeded) !=
               SCD_GATE_DROP ||
           scd_bus_packet_drop_reply(packet);
}

/* Between GDBus's messages. Returns FALSE if packets are left. */
static gboolean
flush_packets_locked(ScdBusOutput *output)
{
    output->delayed = FALSE;
    for (ScdBusPacket *packet; (packet = g_queue_peek_head(&output->packets));) {
        if (begin_packet_locked(output, packet) && !scd_bus_packet_send(packet, output->socket))
            return FALSE;
        scd_bus_packet_free(g_queue_pop_head(&output->packets));
    }
    return TRUE;
}

static gboolean
flush_when_ready(GSocket *socket, GIOCondition condition, gpointer data)
{
    ScdBusOutput *output = data;

    g_mutex_lock(&output->lock);
    /* Within a message, GDBus waits for room itself, and packets follow that message. */
    gboolean again = output->rest == 0 && !flush_packets_locked(output);
    if (!again)
        g_clear_pointer(&output->flushing, g_source_unref);
    g_mutex_unlock(&output->lock);
    return again;
}

static void
flush_later_locked(ScdBusOutput *output)
{
    if (output->flushing)
        return;
    output->flushing = g_socket_create_source(output->socket, G_IO_OUT, NULL);
    g_source_set_callback(output->flushing, G_SOURCE_FUNC(flush_when_ready), g_object_ref(output),
                          g_object_unref);
    g_source_attach(output->flushing, NULL);
}

/* Takes the bytes. */
static ScdBusPacket *
add_packet_locked(ScdBusOutput *output, GByteArray *bytes)
{
    ScdBusPacket *packet = scd_bus_packet_new(bytes);

    g_queue_push_tail(&output->packets, packet);
    return packet;
}

static gboolean
queue_packet_locked(ScdBusOutput *output, GDBusMessage *message, GError **error)
{
    gsize length;

    if (output->packets.length >= SCD_BUS_OUTPUT_PACKETS_MAX) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_BUSY, "The bus does not take messages");
        return FALSE;
    }
    output->serial = scd_dbus_next_serial(output->serial);
    g_dbus_message_set_serial(message, output->serial);
    guint8 *bytes =
        g_dbus_message_to_blob(message, &length, G_DBUS_CAPABILITY_FLAGS_UNIX_FD_PASSING, error);
    if (!bytes)
        return FALSE;
    ScdBusPacket *packet = add_packet_locked(output, g_byte_array_new_take(bytes, length));
    GUnixFDList *descriptors = g_dbus_message_get_unix_fd_list(message);
    packet->descriptors = descriptors ? g_object_ref(descriptors) : NULL;
    return TRUE;
}

static void
send_or_wait_locked(ScdBusOutput *output)
{
    if (output->rest == 0 && !flush_packets_locked(output))
        flush_later_locked(output);
}

void
scd_bus_output_send_packet(ScdBusOutput *output, ScdBusPacket *packet)
{
    g_mutex_lock(&output->lock);
    gboolean waits = output->held || output->delayed;
    ScdBusPacket *last = waits ? g_queue_peek_tail(&output->packets) : NULL;
    if (last && scd_bus_packet_append(last, packet))
        scd_bus_packet_free(packet);
    else
        g_queue_push_tail(&output->packets, packet);
    if (!output->held)
        send_or_wait_locked(output);
    g_mutex_unlock(&output->lock);
}

void
scd_bus_output_hold(ScdBusOutput *output)
{
    g_mutex_lock(&output->lock);
    output->held = TRUE;
    g_mutex_unlock(&output->lock);
}

void
scd_bus_output_release(ScdBusOutput *output)
{
    g_mutex_lock(&output->lock);
    output->held = FALSE;
    send_or_wait_locked(output);
    g_mutex_unlock(&output->lock);
}

gboolean
scd_bus_output_delay(ScdBusOutput *output)
{
    g_mutex_lock(&output->lock);
    const ScdBusPacket *last = g_queue_peek_tail(&output->packets);
    output->held = FALSE;
    output->delayed = last && !last->destination && output->rest == 0 && !output->flushing;
    gboolean delayed = output->delayed;
    if (!delayed)
        send_or_wait_locked(output);
    g_mutex_unlock(&output->lock);
    return delayed;
}

gboolean
scd_bus_output_has_sent_packets(ScdBusOutput *output)
{
    g_mutex_lock(&output->lock);
    gboolean sent = g_queue_is_empty(&output->packets);
    g_mutex_unlock(&output->lock);
    return sent;
}

guint32
scd_bus_output_next_serial(ScdBusOutput *output)
{
    g_mutex_lock(&output->lock);
    guint32 serial = output->serial = scd_dbus_next_serial(output->serial);
    g_mutex_unlock(&output->lock);
    return serial;
}

gboolean
scd_bus_output_send(ScdBusOutput *output, GDBusMessage *message, GError **error)
{
    g_mutex_lock(&output->lock);
    gboolean queued = queue_packet_locked(output, message, error);
    if (queued)
        send_or_wait_locked(output);
    g_mutex_unlock(&output->lock);
    return queued;
}

static gboolean send_refusals_when_due(gpointer data);

/* In GDBus's thread. */
static void
wait_with_refusals_locked(ScdBusOutput *output)
{
    if (output->refusing || scd_refusals_is_empty(output->refusals))
        return;
    output->refusing = g_timeout_source_new(REFUSALS_DELAY_MS);
    g_source_set_callback(output->refusing, send_refusals_when_due, g_object_ref(output),
                          g_object_unref);
    g_source_attach(output->refusing, g_main_context_get_thread_default());
}

/* Returns whether the bus has read nearly all that was sent. */
static gboolean
is_read_by_bus_locked(const ScdBusOutput *output)
{
    int unread = 0;

    return output->rest == 0 && (output->packets.length == 0 || output->delayed) &&
           ioctl(g_socket_get_fd(output->socket), SIOCOUTQ, &unread) == 0 && unread <= BEHIND_MAX;
}

gboolean
scd_bus_output_is_behind(ScdBusOutput *output)
{
    g_mutex_lock(&output->lock);
    gboolean behind = !is_read_by_bus_locked(output);
    g_mutex_unlock(&output->lock);
    return behind;
}

static void
send_refusals_locked(ScdBusOutput *output)
{
    GByteArray *bytes;

    while (is_read_by_bus_locked(output) &&
           (bytes = scd_refusals_take(output->refusals, &output->serial, g_get_monotonic_time()))) {
        add_packet_locked(output, bytes);
        send_or_wait_locked(output);
    }
    wait_with_refusals_locked(output);
}

static gboolean
send_refusals_when_due(gpointer data)
{
    ScdBusOutput *output = data;

    g_mutex_lock(&output->lock);
    g_clear_pointer(&output->refusing, g_source_unref);
    send_refusals_locked(output);
    g_mutex_unlock(&output->lock);
    return G_SOURCE_REMOVE;
}

void
scd_bus_output_refuse(ScdBusOutput *output, const ScdDbusHeader *call, const ScdGateError *reason)
{
    g_mutex_lock(&output->lock);
    scd_refusals_add(output->refusals, call, reason);
    g_mutex_unlock(&output->lock);
}

void
scd_bus_output_send_refusals(ScdBusOutput *output)
{
    g_mutex_lock(&output->lock);
    send_refusals_locked(output);
    g_mutex_unlock(&output->lock);
}

void
scd_bus_output_on_unknown_object(ScdBusOutput *output, ScdBusExplainFunc explain, gpointer data)
{
    output->explain = explain;
    output->explain_data = data;
}

/* A call for which GDBus has found no object. */
typedef struct {
    ScdBusOutput *output;
    char *sender;
    guint32 serial;
    char *name; /* of the error, and its text: GDBus's */
    char *text;
    char *path;
    char *interface;
} UnknownObject;

static void
free_unknown(gpointer data)
{
    UnknownObject *unknown = data;

    g_object_unref(unknown->output);
    g_free(unknown->sender);
    g_free(unknown->name);
    g_free(unknown->text);
    g_free(unknown->path);
    g_free(unknown->interface);
    g_free(unknown);
}

static gboolean
reply_to_unknown(gpointer data)
{
    const UnknownObject *unknown = data;
    ScdBusOutput *output = unknown->output;
    g_autoptr(GError) error = output->explain
                                  ? output->explain(unknown->path, unknown->interface,
                                                    unknown->sender, output->explain_data)
                                  : NULL;
    const ScdDbusHeader header = {
        .serial = scd_bus_output_next_serial(output),
        .reply_serial = unknown->serial,
        .destination = unknown->sender,
        .error_name = error ? scd_error_dbus_name(error) : unknown->name,
    };

    scd_bus_output_send_packet(
        output, scd_bus_packet_new_error(&header, error ? error->message : unknown->text));
    return G_SOURCE_REMOVE;
}

/* Returns the text between the two, without quotation marks; an empty end: all the rest.
 * NULL if they do not occur. */
static char *
find_between(const char *text, const char *begin, const char *end)
{
    static const char open[] = "\u201c", close[] = "\u201d";
    const char *from = strstr(text, begin);
    const char *to = from ? strstr(from + strlen(begin), end) : NULL;

    if (!to)
        return NULL;
    from += strlen(begin);
    if (!*end)
        to = from + strlen(from);
    g_autofree char *found = g_strndup(from, (gsize)(to - from));
    if (!g_str_has_prefix(found, open) || !g_str_has_suffix(found, close))
        return g_steal_pointer(&found);
    return g_strndup(found + strlen(open), strlen(found) - strlen(open) - strlen(close));
}

/*
 * Such an error cannot be told from others but by its text, which is not translated, because the
 * service sets no locale. Returns NULL for any other message.
 */
static UnknownObject *
read_unknown(ScdBusOutput *output, const ScdDbusHeader *header, const guint8 *body)
{
    if (header->type != SCD_DBUS_ERROR || !g_str_equal(header->signature, "s") ||
        g_strcmp0(header->error_name, SCD_DBUS_ERROR_PREFIX "UnknownMethod") != 0)
        return NULL;
    const char *text = (const char *)body + sizeof(guint32);
    g_autofree char *path = find_between(text, "Object does not exist at path ", "");
    g_autofree char *interface =
        path ? NULL : find_between(text, "No such interface ", " on object at path ");
    if (interface)
        path = find_between(text, " on object at path ", "");
    if (!path)
        return NULL;
    UnknownObject *unknown = g_new0(UnknownObject, 1);
    unknown->output = g_object_ref(output);
    unknown->sender = g_strdup(header->destination);
    unknown->serial = header->reply_serial;
    unknown->name = g_strdup(header->error_name);
    unknown->text = g_strdup(text);
    unknown->path = g_steal_pointer(&path);
    unknown->interface = interface ? g_steal_pointer(&interface) : NULL;
    return unknown;
}

static gboolean
is_long_error(const ScdDbusHeader *header)
{
    return header->type == SCD_DBUS_ERROR && header->body_length > ERROR_BODY_MAX &&
           g_str_has_prefix(header->signature, "s");
}

/* The same error with as much of its text as errors may have. */
static void
queue_short_error_locked(ScdBusOutput *output, const ScdDbusHeader *header, const guint8 *body)
{
    const ScdDbusHeader error = {
        .serial = header->serial,
        .reply_serial = header->reply_serial,
        .destination = header->destination,
        .error_name = header->error_name,
    };
    const char *text = (const char *)body + sizeof(guint32);

    g_queue_push_tail(&output->packets, scd_bus_packet_new_error(&error, text));
}

/* Ends the charge of a call with its reply. Returns FALSE if the message is not sent, or another
 * one in place of it. */
static gboolean
should_send_locked(ScdBusOutput *output, const ScdDbusHeader *header, const guint8 *body)
{
    if ((header->type != SCD_DBUS_METHOD_RETURN && header->type != SCD_DBUS_ERROR) ||
        !header->destination)
        return TRUE;
    UnknownObject *unknown = read_unknown(output, header, body);
    if (unknown) {
        scd_main_thread_invoke(reply_to_unknown, unknown, free_unknown);
        return FALSE;
    }
    if (is_long_error(header)) {
        queue_short_error_locked(output, header, body);
        return FALSE;
    }
    return scd_gate_reply(output->gate, header->destination, header->reply_serial,
                          header->type == SCD_DBUS_METHOD_RETURN) != SCD_GATE_DROP;
}

/* GDBus begins a message: bytes has all of it. */
static void
begin_message_locked(ScdBusOutput *output, const guint8 *bytes, gsize count)
{
    gsize header_length, length;
    ScdDbusHeader header;

    if (count < SCD_DBUS_FIXED_HEADER || !scd_dbus_measure(bytes, &header_length, &length) ||
        count < length || !scd_dbus_read_header(bytes, header_length, &header))
        g_error("GDBus writes a message that cannot be read");
    if (header.type == SCD_DBUS_METHOD_CALL)
        scd_gate_expect_reply(output->gate, header.serial);
    if (should_send_locked(output, &header, bytes + header_length))
        output->rest = length;
    else
        output->skip = length;
}

/* -1 with G_IO_ERROR_WOULD_BLOCK when the socket has no room. */
static gssize
send_bytes(ScdBusOutput *output, gconstpointer bytes, gsize count, GError **error)
{
    gssize sent = send(g_socket_get_fd(output->socket), bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (sent < 0)
        g_set_error(error, G_IO_ERROR,
                    errno == EINTR ? G_IO_ERROR_WOULD_BLOCK : g_io_error_from_errno(errno),
                    "Cannot write to the bus: %s", g_strerror(errno));
    return sent;
}

static gssize
write_bytes_locked(ScdBusOutput *output, gconstpointer bytes, gsize count, GError **error)
{
    if (output->rest == 0 && output->skip == 0) {
        if (!flush_packets_locked(output)) {
            g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "No room");
            return -1;
        }
        begin_message_locked(output, bytes, count);
    }
    gssize written = output->skip > 0 ? (gssize)MIN(count, output->skip)
                                      : send_bytes(output, bytes, MIN(count, output->rest), error);
    if (written < 0)
        return -1;
    if (output->skip > 0)
        output->skip -= written;
    else
        output->rest -= written;
    send_or_wait_locked(output);
    return written;
}

typedef struct {
    gconstpointer bytes; /* GDBus's, until the write has finished */
    gsize count;
} BusWrite;

/* FALSE while the task waits for room. */
static gboolean
try_to_write(ScdBusOutput *output, GTask *task)
{
    const BusWrite *write = g_task_get_task_data(task);
    GError *error = NULL;

    g_mutex_lock(&output->lock);
    gssize written = write_bytes_locked(output, write->bytes, write->count, &error);
    g_mutex_unlock(&output->lock);
    if (written >= 0) {
        /* GDBus frees its serialized message without reading it again, or wiping it. */
        explicit_bzero((void *)write->bytes, written);
        g_task_return_int(task, written);
    } else if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
        g_error_free(error);
        return FALSE;
    } else {
        g_task_return_error(task, error);
    }
    return TRUE;
}

static gboolean
write_when_ready(GSocket *socket, GIOCondition condition, gpointer data)
{
    GTask *task = data;

    if (g_task_return_error_if_cancelled(task))
        return G_SOURCE_REMOVE;
    return !try_to_write(g_task_get_source_object(task), task);
}

static void
write_async(GOutputStream *stream, const void *bytes, gsize count, int priority,
            GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
    ScdBusOutput *output = SCD_BUS_OUTPUT(stream);
    g_autoptr(GTask) task = g_task_new(stream, cancellable, callback, data);
    BusWrite *write = g_new(BusWrite, 1);

    *write = (BusWrite){bytes, count};
    g_task_set_task_data(task, write, g_free);
    g_task_set_priority(task, priority);
    if (try_to_write(output, task))
        return;
    g_autoptr(GSource) source = g_socket_create_source(output->socket, G_IO_OUT, cancellable);
    g_task_attach_source(task, source, G_SOURCE_FUNC(write_when_ready));
}

static gssize
write_finish(GOutputStream *stream, GAsyncResult *result, GError **error)
{
    return g_task_propagate_int(G_TASK(result), error);
}

/* All that was written is with the kernel. */
static void
flush_async(GOutputStream *stream, int priority, GCancellable *cancellable,
            GAsyncReadyCallback callback, gpointer data)
{
    g_autoptr(GTask) task = g_task_new(stream, cancellable, callback, data);
    g_task_return_boolean(task, TRUE);
}

static gboolean
flush_finish(GOutputStream *stream, GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}

static void
finalize(GObject *object)
{
    ScdBusOutput *output = SCD_BUS_OUTPUT(object);

    g_assert(!output->flushing && !output->refusing);
    scd_refusals_free(output->refusals);
    g_queue_clear_full(&output->packets, (GDestroyNotify)scd_bus_packet_free);
    g_mutex_clear(&output->lock);
    g_object_unref(output->socket);
    scd_gate_unref(output->gate);
    G_OBJECT_CLASS(scd_bus_output_parent_class)->finalize(object);
}

static void
scd_bus_output_class_init(ScdBusOutputClass *class)
{
    G_OBJECT_CLASS(class)->finalize = finalize;
    G_OUTPUT_STREAM_CLASS(class)->write_async = write_async;
    G_OUTPUT_STREAM_CLASS(class)->write_finish = write_finish;
    G_OUTPUT_STREAM_CLASS(class)->flush_async = flush_async;
    G_OUTPUT_STREAM_CLASS(class)->flush_finish = flush_finish;
}

static void
scd_bus_output_init(ScdBusOutput *output)
{
    g_mutex_init(&output->lock);
    g_queue_init(&output->packets);
    output->refusals = scd_refusals_new();
}

ScdBusOutput *
scd_bus_output_new(GSocket *socket, ScdGate *gate)
{
    ScdBusOutput *output = g_object_new(SCD_TYPE_BUS_OUTPUT, NULL);

    output->socket = g_object_ref(socket);
    output->gate = scd_gate_ref(gate);
    return output;
}
