/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The time from exec until a program owns its name on the bus.
 *
 *   start ROUNDS [NAME PROGRAM]...
 *
 * Starts the programs one after the other, waits for the name of each, and ends it. Prints one line
 * for each round: milliseconds of each.
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "measure.h"

#define NAMES_MAX 4

typedef struct {
    const char *name;
    const char *program;
    int owned;
} StartedService;

static int
note_owner(sd_bus_message *message, void *data, sd_bus_error *error)
{
    StartedService *service = data;
    const char *name, *before, *now;

    check(sd_bus_message_read(message, "sss", &name, &before, &now) >= 0, "NameOwnerChanged");
    service->owned = *now != '\0';
    return 0;
}

static void
watch_name(sd_bus *bus, StartedService *service)
{
    char match[256];

    snprintf(match, sizeof match,
             "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='%s'",
             service->name);
    check(sd_bus_add_match(bus, NULL, match, note_owner, service) >= 0, "match");
}

static void
wait_until(sd_bus *bus, const StartedService *service, int owned)
{
    while (service->owned != owned) {
        int done = sd_bus_process(bus, NULL);
        check(done >= 0, "sd_bus_process");
        if (done == 0)
            check(sd_bus_wait(bus, 20000000) > 0, service->name);
    }
}

static double
measure_start(sd_bus *bus, const StartedService *service)
{
    int64_t begin = now_ns();
    pid_t child = fork();

    check(child >= 0, "fork");
    if (child == 0) {
        check(dup2(STDERR_FILENO, STDOUT_FILENO) >= 0, "output");
        execl(service->program, service->program, (char *)NULL);
        _exit(1);
    }
    wait_until(bus, service, 1);
    int64_t end = now_ns();
    kill(child, SIGTERM);
    check(waitpid(child, NULL, 0) == child, "waitpid");
    wait_until(bus, service, 0);
    return (double)(end - begin) / 1000000;
}

int
main(int argc, char **argv)
{
    sd_bus *bus = NULL;
    StartedService services[NAMES_MAX];
    int count = argc / 2 - 1;

    if (argc % 2 != 0 || count < 1 || count > NAMES_MAX) {
        fprintf(stderr, "Usage: start ROUNDS [NAME PROGRAM]...\n");
        return 2;
    }
    check(sd_bus_open_system(&bus) >= 0, "bus");
    for (int i = 0; i < count; i++) {
        services[i] = (StartedService){argv[2 * i + 2], argv[2 * i + 3], 0};
        watch_name(bus, &services[i]);
    }
    for (int round = atoi(argv[1]); round > 0; round--) {
        for (int i = 0; i < count; i++)
            printf("%.2f ", measure_start(bus, &services[i]));
        printf("\n");
        fflush(stdout);
    }
    sd_bus_unref(bus);
    return 0;
}
