/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The arguments of the module in a line of a PAM stack; see pam_smartcardd(8). */

#include <security/pam_modules.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint64_t timeout_us; /* UINT64_MAX: no limit */
    bool nowait;
    bool require_card;
    bool card_used;
    const char *seat; /* NULL: find it. Owned by PAM */
} LgnOptions;

/*
 * Returns the options. An argument that is unknown or wrong is logged and has no effect: a mistake
 * in a stack must not keep people from logging in.
 */
LgnOptions lgn_options_parse(pam_handle_t *pam, int argc, const char **argv);
