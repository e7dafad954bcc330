/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A PC/SC program that calls each function in each state with good and bad arguments, and writes a
 * line a case: what it is called, the code, and what came back. Run with two libraries, on the same
 * readers, it tells where they differ. Its arguments are subjects; stage.c tells what its input is
 * for.
 */

#include "show.h"
#include "subjects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct subject {
    const char *name;
    void (*run)(void);
} subjects[] = {
    {"contexts", run_contexts},     {"lists", run_lists},
    {"texts", run_texts},           {"connect", run_connect},
    {"reconnect", run_reconnect},   {"states", run_states},
    {"buffers", run_buffers},       {"attributes", run_attributes},
    {"transmit", run_transmit},     {"transactions", run_transactions},
    {"others", run_others},         {"changes", run_changes},
    {"cancel", run_cancel},         {"fork", run_fork},
    {"threads", run_threads},       {"no-blocking", run_no_blocking},
    {"no-service", run_no_service}, {"unplug", run_unplug},
};

static const struct subject *
find_subject(const char *name)
{
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++)
        if (strcmp(subjects[i].name, name) == 0)
            return &subjects[i];
    return NULL;
}

int
main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const struct subject *subject = find_subject(argv[i]);

        if (subject == NULL) {
            fprintf(stderr, "conformance: unknown subject '%s'\n", argv[i]);
            return EXIT_FAILURE;
        }
        show_subject(subject->name);
        subject->run();
        show_end();
    }
    return EXIT_SUCCESS;
}
