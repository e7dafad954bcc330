/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The duration of GetManagedObjects for an sd-bus client.
 *
 *   objects ROUNDS CALLS NAME...
 *
 * Prints one line for each round: microseconds for each of CALLS calls, to each of these services.
 */

#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-bus.h>

#include "measure.h"

static int64_t
get_objects(sd_bus *bus, const char *name)
{
    sd_bus_message *reply = NULL;
    int64_t begin = now_ns();

    check(sd_bus_call_method(bus, name, "/org/smartcardd1", "org.freedesktop.DBus.ObjectManager",
                             "GetManagedObjects", NULL, &reply, "") >= 0,
          name);
    int64_t time = now_ns() - begin;
    sd_bus_message_unref(reply);
    return time;
}

int
main(int argc, char **argv)
{
    sd_bus *bus = NULL;

    if (argc < 4) {
        fprintf(stderr, "Usage: objects ROUNDS CALLS NAME...\n");
        return 2;
    }
    int calls = atoi(argv[2]);
    check(sd_bus_open_system(&bus) >= 0, "bus");
    for (int round = atoi(argv[1]); round > 0; round--) {
        for (int i = 3; i < argc; i++) {
            int64_t time = 0;
            for (int call = 0; call < calls; call++)
                time += get_objects(bus, argv[i]);
            printf("%.2f ", (double)time / 1000 / calls);
        }
        printf("\n");
        fflush(stdout);
    }
    sd_bus_unref(bus);
    return 0;
}
