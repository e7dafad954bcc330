/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A program that is notified of readers that are plugged in and out.
 *
 *   plugging direct|bus
 *
 * direct: waits in SCardGetStatusChange for the plug-and-play entry, and lists the readers; bus: an
 * sd-bus client that waits for InterfacesAdded and InterfacesRemoved. Prints a line when it waits,
 * and one for each event: nanoseconds of the monotonic clock.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <winscard.h>

#include "measure.h"

/* Some versions of pcsc-lite lose an event between two waits. */
#define WAIT_MS 2000

static void
print_time(void)
{
    printf("%" PRId64 "\n", now_ns());
    fflush(stdout);
}

static DWORD
count_readers(SCARDCONTEXT context)
{
    char names[4096];
    DWORD size = sizeof names, count = 0;

    if (SCardListReaders(context, NULL, names, &size) != SCARD_S_SUCCESS)
        return 0;
    for (const char *name = names; *name; name += strlen(name) + 1)
        count++;
    return count;
}

static void
watch_directly(void)
{
    SCARD_READERSTATE entry = {.szReader = "\\\\?PnP?\\Notification"};
    SCARDCONTEXT context;

    check(SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context) == SCARD_S_SUCCESS,
          "SCardEstablishContext");
    print_time();
    for (DWORD last = count_readers(context);;) {
        LONG code = SCardGetStatusChange(context, WAIT_MS, &entry, 1);
        check(code == SCARD_S_SUCCESS || code == SCARD_E_TIMEOUT, "SCardGetStatusChange");
        entry.dwCurrentState = entry.dwEventState & ~(DWORD)SCARD_STATE_CHANGED;
        DWORD count = count_readers(context);
        if (count != last)
            print_time();
        last = count;
    }
}

static int
report_signal(sd_bus_message *message, void *data, sd_bus_error *error)
{
    if (sd_bus_message_is_signal(message, NULL, "InterfacesAdded") ||
        sd_bus_message_is_signal(message, NULL, "InterfacesRemoved"))
        print_time();
    return 0;
}

static void
watch_on_bus(void)
{
    sd_bus *bus = NULL;

    check(sd_bus_open_system(&bus) >= 0 && sd_bus_match_signal(bus, NULL, "org.smartcardd1", NULL,
                                                               "org.freedesktop.DBus.ObjectManager",
                                                               NULL, report_signal, NULL) >= 0,
          "bus");
    print_time();
    for (int done; (done = sd_bus_process(bus, NULL)) >= 0;)
        if (done == 0)
            check(sd_bus_wait(bus, UINT64_MAX) >= 0, "bus");
}

int
main(int argc, char **argv)
{
    check(argc == 2, "usage");
    if (strcmp(argv[1], "direct") == 0)
        watch_directly();
    else
        watch_on_bus();
    return 1;
}
