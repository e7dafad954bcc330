/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The seats of USB devices (systemd-logind), as udev has them: systemd-logind or the administrator
 * sets them ("loginctl attach").
 *
 * The watch follows changes. udev reports its events by netlink, which the sandbox of the service
 * excludes. But it also writes a record of each device, so the watch is notified by inotify when
 * the record of a USB device is written, and reads the seats of all readers again, in a thread.
 */

#include "base/identity.h"

#define SCD_REAL_SYSFS "/sys" /* the only one that udev supports */

/*
 * Returns the seat, which the caller frees: SCD_DEFAULT_SEAT unless udev has another one. NULL if
 * there is no such device, or if it cannot be read. Reads sysfs and the records of udev: may block.
 */
char *scd_seat_read(const ScdUsbPort *port);

typedef struct ScdSeatWatch ScdSeatWatch;

/* Called in the main thread, for each reader. port: of the device whose seat was read. */
typedef void (*ScdSeatFunc)(const char *reader, const ScdUsbPort *port, const char *seat,
                            gpointer data);

/*
 * readers: PC/SC name → ScdIdentity or NULL; must outlive the watch. Returns NULL if udev does not
 * run, or if the user's limit of inotify instances is reached: then the seats stay as they are.
 */
ScdSeatWatch *scd_seat_watch_new(GHashTable *readers, ScdSeatFunc func, gpointer data);

/* Abandons a thread that is reading. */
void scd_seat_watch_free(ScdSeatWatch *watch);
