/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>

/* Runs a line, which has no newline and is modified, and writes the line of the answer. */
void command_run(char *line, FILE *answers);
