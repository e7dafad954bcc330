/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>

/* Does what a line without its end orders, cutting it up, and writes the line that answers it. */
void command_run(char *line, FILE *answers);
