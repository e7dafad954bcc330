/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* Returns false, and prints the reason, if the socket cannot be served. */
bool control_start(void);
void control_stop(void);
