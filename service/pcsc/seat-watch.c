/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/seat-watch.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/inotify.h>
#include <systemd/sd-device.h>
#include <unistd.h>

#include "base/usb-device.h"
#include "pcsc/main-thread.h"

#define RECORDS "/run/udev/data"

/* The record of a character device with the major number of USB devices, as in "c189:5". */
#define USB_RECORD "c189:"

/* udev writes the records of a hub and its devices one after the other. A probe that has read the
 * former seat meanwhile reports first. */
#define DELAY_MS 200

struct ScdSeatWatch {
    GHashTable *readers;
    ScdSeatFunc func;
    gpointer data;
    int inotify;
    guint source;
    guint timer;
    ScdThreadTask *task; /* NULL if no seats are being read */
};

typedef struct {
    char *reader;
    ScdUsbPort port;
    char *seat; /* NULL if the device is gone */
} ReaderSeat;

typedef struct {
    ScdSeatWatch *watch; /* the main thread's */
    GPtrArray *seats;    /* of ReaderSeat */
} SeatReading;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(sd_device, sd_device_unref)

char *
scd_seat_read(const ScdUsbPort *port)
{
    g_autofree char *text = scd_usb_port_to_string(port);
    g_autofree char *folder = g_build_filename("/sys/bus/usb/devices", text, NULL);
    g_autoptr(sd_device) device = NULL;
    const char *seat;

    if (sd_device_new_from_syspath(&device, folder) < 0)
        return NULL;
    int r = sd_device_get_property_value(device, "ID_SEAT", &seat);
    if (r == -ENOENT || (r >= 0 && *seat == '\0'))
        return g_strdup(SCD_DEFAULT_SEAT);
    return r < 0 ? NULL : scd_device_text_clean(seat, strlen(seat));
}

static void
free_reader_seat(gpointer data)
{
    ReaderSeat *seat = data;

    g_free(seat->reader);
    g_free(seat->seat);
    g_free(seat);
}

static void
free_seat_reading(gpointer data)
{
    SeatReading *reading = data;

    g_ptr_array_unref(reading->seats);
    g_free(reading);
}

static void
read_seats_in_thread(gpointer data)
{
    SeatReading *reading = data;

    for (guint i = 0; i < reading->seats->len; i++) {
        ReaderSeat *seat = reading->seats->pdata[i];
        seat->seat = scd_seat_read(&seat->port);
    }
}

static void
report_seats(gpointer data)
{
    SeatReading *reading = data;
    ScdSeatWatch *watch = reading->watch;

    watch->task = NULL;
    for (guint i = 0; i < reading->seats->len; i++) {
        const ReaderSeat *seat = reading->seats->pdata[i];
        if (seat->seat)
            watch->func(seat->reader, &seat->port, seat->seat, watch->data);
    }
}

static void
add_reader_seat(gpointer reader, gpointer identity_of_it, gpointer seats)
{
    const ScdIdentity *identity = identity_of_it;

    if (!identity || !identity->in_kernel)
        return;
    ReaderSeat *seat = g_new0(ReaderSeat, 1);
    seat->reader = g_strdup(reader);
    seat->port = identity->usb_port;
    g_ptr_array_add(seats, seat);
}

static gboolean
read_seats(gpointer data)
{
    static const ScdThreadTaskFuncs funcs = {read_seats_in_thread, report_seats, free_seat_reading};
    ScdSeatWatch *watch = data;

    if (watch->task) /* after that one */
        return G_SOURCE_CONTINUE;
    watch->timer = 0;
    SeatReading *reading = g_new0(SeatReading, 1);
    reading->watch = watch;
    reading->seats = g_ptr_array_new_with_free_func(free_reader_seat);
    g_hash_table_foreach(watch->readers, add_reader_seat, reading->seats);
    if (reading->seats->len > 0)
        watch->task = scd_thread_task_start("seats", &funcs, reading);
    if (!watch->task) /* none is needed, or there is no thread: the next event reads them */
        free_seat_reading(reading);
    return G_SOURCE_REMOVE;
}

/* Reads all pending events. */
static gboolean
has_usb_record_changed(int inotify)
{
    char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    gboolean changed = FALSE;
    gssize length;

    while ((length = read(inotify, buffer, sizeof buffer)) > 0) {
        for (char *at = buffer; at < buffer + length;) {
            const struct inotify_event *event = (const struct inotify_event *)at;
            changed |= (event->mask & IN_Q_OVERFLOW) ||
                       (event->len > 0 && g_str_has_prefix(event->name, USB_RECORD));
            at += sizeof *event + event->len;
        }
    }
    return changed;
}

static gboolean
handle_events(int inotify, GIOCondition condition, gpointer data)
{
    ScdSeatWatch *watch = data;

    if (has_usb_record_changed(inotify) && !watch->timer)
        watch->timer = g_timeout_add(DELAY_MS, read_seats, watch);
    return G_SOURCE_CONTINUE;
}

ScdSeatWatch *
scd_seat_watch_new(GHashTable *readers, ScdSeatFunc func, gpointer data)
{
    int inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

    /* udev writes a record to another name, and renames it. */
    if (inotify >= 0 && inotify_add_watch(inotify, RECORDS, IN_MOVED_TO | IN_ONLYDIR) < 0) {
        close(inotify);
        inotify = -1;
    }
    if (inotify < 0)
        return NULL;
    ScdSeatWatch *watch = g_new0(ScdSeatWatch, 1);
    watch->readers = readers;
    watch->func = func;
    watch->data = data;
    watch->inotify = inotify;
    watch->source = g_unix_fd_add(inotify, G_IO_IN, handle_events, watch);
    return watch;
}

void
scd_seat_watch_free(ScdSeatWatch *watch)
{
    g_clear_pointer(&watch->task, scd_thread_task_abandon);
    g_clear_handle_id(&watch->timer, g_source_remove);
    g_source_remove(watch->source);
    close(watch->inotify);
    g_free(watch);
}
