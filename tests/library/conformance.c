/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Calls each PC/SC function in each state with valid and invalid arguments, and prints one line for
 * each case: its name, the returned code, and the output arguments. The test runs it with two
 * libraries on the same readers and compares the lines. Arguments: names of subjects. fixture.c
 * describes its standard input.
 */

#include "show.h"
#include "subjects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct conformance_subject {
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

static const struct conformance_subject *
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
        const struct conformance_subject *subject = find_subject(argv[i]);

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
