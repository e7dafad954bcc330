/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The sub-commands: each has a file of its name, and a place in the table of main.c. */

#include "output.h"

typedef struct {
    gboolean json;
    const char *reader; /* UTF-8, not empty; NULL when none is named */
} ScdArguments;

/* Give an exit status, and say why when it is not 0. Whether all was written is for the caller. */
int scd_command_list(const ScdArguments *arguments, ScdOutput *output);
int scd_command_status(const ScdArguments *arguments, ScdOutput *output);
int scd_command_monitor(const ScdArguments *arguments, ScdOutput *output);
