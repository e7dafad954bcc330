/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/bus-stream.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define BUFFER_SIZE (64 * 1024)

/* Discarding a flood must not keep GDBus's thread from writing. */
#define RECEIVES_MAX 16

/* How long a call that is held back waits at most once it may pass. */
#define HELD_DELAY_MS 2

#define UNUSED_MAX 32

struct _ScdBusInput {
    GInputStream parent;
    GSocket *socket;
    ScdGate *gate;
    ScdBusOutput *output;
    guint8 *buffer;
    gsize size;
    gsize start;      /* received bytes that are left: from here */
    gsize end;        /* to here */
    gsize admitted;   /* of these, that GDBus may read; else a message begins at start */
    gsize discard;    /* to be discarded, received or not */
    gboolean drained; /* the socket was empty after the last bytes */

    gboolean refused; /* calls, whose replies are not sent yet */
    GByteArray *held; /* a call that was held back and that GDBus reads now; or NULL */
    gsize held_at;    /* from here */

    /* The wait for the socket, in GDBus's thread. */
    GTask *reading; /* GDBus's, which waits; or NULL */
    GSource *ready; /* NULL before the first wait, and after the last */
    guint n_unused; /* how often it was ready while GDBus did not read */

    /* The copy of the last message in GDBus's read buffer, but for the fixed header. */
    guint8 *copy;
    gsize copied;
};

G_DEFINE_FINAL_TYPE(ScdBusInput, scd_bus_input, G_TYPE_INPUT_STREAM)

static void
replace_buffer(ScdBusInput *input, gsize size)
{
    guint8 *buffer = g_malloc(size);
    gsize length = input->end - input->start;

    if (length > 0)
        memcpy(buffer, input->buffer + input->start, length);
    if (input->buffer)
        explicit_bzero(input->buffer, input->size);
    g_free(input->buffer);
    input->buffer = buffer;
    input->size = size;
    input->start = 0;
    input->end = length;
}

static void
drop_bytes(ScdBusInput *input, gsize count)
{
    explicit_bzero(input->buffer + input->start, count);
    input->start += count;
    if (input->start < input->end)
        return;
    input->start = input->end = 0;
    if (input->size > BUFFER_SIZE)
        replace_buffer(input, BUFFER_SIZE);
}

/* Makes room for so many bytes from start on. */
static void
ensure_room(ScdBusInput *input, gsize needed)
{
    if (needed > input->size)
        replace_buffer(input, needed);
    else if (needed > input->size - input->start)
        replace_buffer(input, input->size);
}

/* Returns the number of bytes, 0 at the end of the stream, -1 with an error. */
static gssize
receive_bytes(ScdBusInput *input, GError **error)
{
    gsize room = input->size - input->end;
    gssize received =
        recv(g_socket_get_fd(input->socket), input->buffer + input->end, room, MSG_DONTWAIT);

    input->drained = received < (gssize)room;
    if (received < 0)
        g_set_error(error, G_IO_ERROR,
                    errno == EINTR ? G_IO_ERROR_WOULD_BLOCK : g_io_error_from_errno(errno),
                    "Cannot read from the bus: %s", g_strerror(errno));
    else
        input->end += received;
    return received;
}

static void
refuse_call(ScdBusInput *input, const ScdDbusHeader *header, const ScdGateError *reason)
{
    if (header->flags & SCD_DBUS_FLAG_NO_REPLY_EXPECTED)
        return;
    scd_bus_output_refuse(input->output, header, reason);
    input->refused = TRUE;
}

static void
send_refusals(ScdBusInput *input)
{
    if (input->refused)
        scd_bus_output_send_refusals(input->output);
    input->refused = FALSE;
}

/* The service replies to each call: that ends its charge. */
static void
demand_reply(guint8 *message)
{
    message[2] &= ~SCD_DBUS_FLAG_NO_REPLY_EXPECTED;
}

/* The message at start is complete, unless it is refused. */
static void
apply_verdict(ScdBusInput *input, ScdGateVerdict verdict, const ScdDbusHeader *header,
              const ScdGateError *reason, gsize length)
{
    if (verdict == SCD_GATE_PASS) {
        if (header->type == SCD_DBUS_METHOD_CALL)
            demand_reply(input->buffer + input->start);
        input->admitted = length;
        return;
    }
    if (verdict == SCD_GATE_REFUSE)
        refuse_call(input, header, reason);
    input->discard = length;
}

/*
 * Decides about the message at start. Returns 0 when that is done, else the number of its bytes
 * that must be there first; -1 with an error when these are no D-Bus messages. No message of a
 * client leads to that: one with a header that is malformed or too long is dropped.
 */
static gssize
examine_message(ScdBusInput *input, GError **error)
{
    const guint8 *bytes = input->buffer + input->start;
    gsize available = input->end - input->start;
    gsize header_length, length;
    ScdDbusHeader header;
    ScdGateError reason;

    if (available < SCD_DBUS_FIXED_HEADER)
        return SCD_DBUS_FIXED_HEADER;
    if (!scd_dbus_measure(bytes, &header_length, &length)) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                            "The bus sent a malformed message");
        return -1;
    }
    gboolean readable = header_length <= scd_gate_header_max(bytes[1]);
    if (readable && available < header_length)
        return header_length;
    if (!readable || !scd_dbus_read_header(bytes, header_length, &header)) {
        input->discard = length;
        return 0;
    }
    ScdGateVerdict verdict = scd_gate_check_header(&header, length, &reason);
    if (verdict == SCD_GATE_PASS && available < length)
        return length;
    if (verdict == SCD_GATE_PASS)
        verdict = scd_gate_admit(input->gate, &header, bytes, length, &reason);
    apply_verdict(input, verdict, &header, &reason, length);
    return 0;
}

/* Drops bytes that are to be discarded. Returns 0 if all were, 1 if the rest has not arrived yet.
 */
static gssize
discard_bytes(ScdBusInput *input)
{
    gsize count = MIN(input->discard, input->end - input->start);

    input->discard -= count;
    drop_bytes(input, count);
    return input->discard > 0;
}

/* Receives messages until one is for GDBus. Returns 1 then, 0 at the end of the stream, -1 with
 * G_IO_ERROR_WOULD_BLOCK when there is none yet. */
static gssize
receive_message(ScdBusInput *input, GError **error)
{
    guint receives = 0;

    while (input->admitted == 0) {
        gssize needed = input->discard > 0 ? discard_bytes(input) : examine_message(input, error);
        if (needed < 0)
            return -1;
        if (needed == 0)
            continue;
        ensure_room(input, needed);
        if (receives++ == RECEIVES_MAX) {
            g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "Later");
            return -1;
        }
        gssize received = receive_bytes(input, error);
        if (received <= 0)
            return received;
    }
    return 1;
}

static void
free_held_call(ScdBusInput *input)
{
    if (input->held)
        explicit_bzero(input->held->data, input->held->len);
    g_clear_pointer(&input->held, g_byte_array_unref);
    input->held_at = 0;
}

/* Between the messages that are received. Sets the number of bytes; returns FALSE if there is no
 * call that was held back and may pass. */
static gboolean
read_held_call(ScdBusInput *input, void *target, gsize *count)
{
    if (!input->held && input->admitted == 0 && scd_gate_has_held(input->gate)) {
        input->held = scd_gate_take_held(input->gate, scd_bus_output_is_behind(input->output));
        if (input->held)
            demand_reply(input->held->data);
    }
    if (!input->held)
        return FALSE;
    *count = MIN(*count, input->held->len - input->held_at);
    memcpy(target, input->held->data + input->held_at, *count);
    input->held_at += *count;
    if (input->held_at == input->held->len)
        free_held_call(input);
    return TRUE;
}

/* Returns like read(); -1 with G_IO_ERROR_WOULD_BLOCK when there is nothing for GDBus. */
static gssize
read_bytes(ScdBusInput *input, void *target, gsize count, GError **error)
{
    if (read_held_call(input, target, &count))
        return count;
    gssize received = receive_message(input, error);
    send_refusals(input);
    if (received <= 0)
        return received;
    count = MIN(count, input->admitted);
    memcpy(target, input->buffer + input->start, count);
    input->admitted -= count;
    drop_bytes(input, count);
    return count;
}

/*
 * GDBus reads a message into one buffer: first the fixed header, to the start, and the rest behind
 * it. It has parsed the last message when it begins to read the next one. A long message would stay
 * there, as short ones do not overwrite its end. Does nothing if it is not the same buffer.
 */
static void
wipe_copy_of_gdbus(ScdBusInput *input, guint8 *target)
{
    if (input->copied > 0 && input->copy == target + SCD_DBUS_FIXED_HEADER)
        explicit_bzero(input->copy, input->copied);
    input->copied = 0;
}

static void
note_copy_of_gdbus(ScdBusInput *input, guint8 *target, gsize count, gboolean begins)
{
    if (begins)
        return;
    if (input->copied == 0)
        input->copy = target;
    input->copied += count;
}

/* Returns whether GDBus begins to read a message. */
static gboolean
is_between_messages(const ScdBusInput *input)
{
    return input->admitted == 0 && !input->held;
}

typedef struct {
    void *target; /* GDBus's, until the read has finished */
    gsize count;
} BusRead;

/* FALSE while the task waits for bytes. *ends: GDBus will read no more. */
static gboolean
try_to_read(ScdBusInput *input, GTask *task, gboolean *ends)
{
    const BusRead *read = g_task_get_task_data(task);
    gboolean begins = is_between_messages(input);
    GError *error = NULL;
    gssize count = read_bytes(input, read->target, read->count, &error);

    *ends = count == 0;
    if (count >= 0) {
        note_copy_of_gdbus(input, read->target, count, begins);
        g_task_return_int(task, count);
    } else if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
        g_error_free(error);
        return FALSE;
    } else {
        *ends = TRUE;
        g_task_return_error(task, error);
    }
    return TRUE;
}

static void
drop_source(ScdBusInput *input)
{
    if (input->ready)
        g_source_destroy(input->ready);
    g_clear_pointer(&input->ready, g_source_unref);
}

/* If calls are held back, the wait ends after a short time. */
static void
limit_wait(ScdBusInput *input)
{
    gint64 until = scd_gate_has_held(input->gate)
                       ? g_get_monotonic_time() + HELD_DELAY_MS * G_TIME_SPAN_MILLISECOND
                       : -1;

    g_source_set_ready_time(input->ready, until);
}

/*
 * GDBus reads all the time but for the moment after a read that did not wait. A socket that stays
 * ready without being read would keep the thread busy.
 */
static gboolean
read_when_ready(gpointer data)
{
    ScdBusInput *input = data;
    g_autoptr(GTask) task = g_steal_pointer(&input->reading);
    gboolean ends = FALSE;

    if (!task && ++input->n_unused > UNUSED_MAX)
        drop_source(input);
    if (!task)
        return G_SOURCE_CONTINUE;
    if (g_task_return_error_if_cancelled(task)) {
        ends = TRUE;
    } else if (!try_to_read(input, task, &ends)) {
        input->reading = g_steal_pointer(&task);
        limit_wait(input);
    }
    if (ends)
        drop_source(input);
    return G_SOURCE_CONTINUE;
}

static gboolean
dispatch_ready(GSource *source, GSourceFunc callback, gpointer data)
{
    return callback(data);
}

/*
 * One source for all waits. GLib wakes the thread each time when a descriptor is added to those
 * that it polls, and when it is removed: it does both during the dispatch of a source that must not
 * recurse. This one does not in any case.
 */
static void
make_source(ScdBusInput *input, GTask *task)
{
    static GSourceFuncs funcs = {.dispatch = dispatch_ready};
    g_autoptr(GSource) cancelled = NULL;

    input->ready = g_source_new(&funcs, sizeof(GSource));
    g_source_add_unix_fd(input->ready, g_socket_get_fd(input->socket), G_IO_IN);
    if (g_task_get_cancellable(task)) {
        cancelled = g_cancellable_source_new(g_task_get_cancellable(task));
        g_source_set_dummy_callback(cancelled);
        g_source_add_child_source(input->ready, cancelled);
    }
    g_source_set_callback(input->ready, read_when_ready, g_object_ref(input), g_object_unref);
    g_source_set_can_recurse(input->ready, TRUE);
    g_source_set_priority(input->ready, g_task_get_priority(task));
    g_source_attach(input->ready, g_task_get_context(task));
}

/* Until there is something to receive. */
static void
wait_for_message(ScdBusInput *input, GTask *task)
{
    g_assert(!input->reading);
    input->reading = g_object_ref(task);
    input->n_unused = 0;
    if (!input->ready)
        make_source(input, task);
    limit_wait(input);
}

/* Returns whether there was nothing to read a moment ago. */
static gboolean
is_idle(ScdBusInput *input)
{
    return input->drained && input->start == input->end && is_between_messages(input) &&
           !scd_gate_has_held(input->gate);
}

static void
read_async(GInputStream *stream, void *target, gsize count, int priority, GCancellable *cancellable,
           GAsyncReadyCallback callback, gpointer data)
{
    ScdBusInput *input = SCD_BUS_INPUT(stream);
    g_autoptr(GTask) task = g_task_new(stream, cancellable, callback, data);
    BusRead *read = g_new(BusRead, 1);
    gboolean ends = FALSE;

    *read = (BusRead){target, count};
    g_task_set_task_data(task, read, g_free);
    g_task_set_priority(task, priority);
    if (is_between_messages(input))
        wipe_copy_of_gdbus(input, target);
    if (is_idle(input) || !try_to_read(input, task, &ends))
        wait_for_message(input, task);
    if (ends)
        drop_source(input);
}

static gssize
read_finish(GInputStream *stream, GAsyncResult *result, GError **error)
{
    return g_task_propagate_int(G_TASK(result), error);
}

static void
finalize_input(GObject *object)
{
    ScdBusInput *input = SCD_BUS_INPUT(object);

    g_assert(!input->reading && !input->ready);
    explicit_bzero(input->buffer, input->size);
    g_free(input->buffer);
    free_held_call(input);
    g_object_unref(input->output);
    g_object_unref(input->socket);
    scd_gate_unref(input->gate);
    G_OBJECT_CLASS(scd_bus_input_parent_class)->finalize(object);
}

static void
scd_bus_input_class_init(ScdBusInputClass *class)
{
    G_OBJECT_CLASS(class)->finalize = finalize_input;
    G_INPUT_STREAM_CLASS(class)->read_async = read_async;
    G_INPUT_STREAM_CLASS(class)->read_finish = read_finish;
}

static void
scd_bus_input_init(ScdBusInput *input)
{
    replace_buffer(input, BUFFER_SIZE);
}

ScdBusInput *
scd_bus_input_new(GSocket *socket, ScdGate *gate, ScdBusOutput *output)
{
    ScdBusInput *input = g_object_new(SCD_TYPE_BUS_INPUT, NULL);

    input->socket = g_object_ref(socket);
    input->gate = scd_gate_ref(gate);
    input->output = g_object_ref(output);
    return input;
}
