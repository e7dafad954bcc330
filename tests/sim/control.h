/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* False, and the reason on the standard error, when the socket cannot be served. */
bool control_start(void);
void control_stop(void);
