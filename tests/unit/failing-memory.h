/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A program that runs out of memory: the linker replaces the functions that allocate (the option
 * --wrap, in failing_memory_link_args of meson.build). GLib's own allocations are not concerned.
 */

#include <limits.h>

#define ALLOCATIONS_UNLIMITED INT_MAX

/* count: of the allocations that succeed before all others fail. */
void set_allocations_left(int count);
