/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Reads what a caller wants sent to a card, and how, into a job.
 */

#include "base/words.h"
#include "pcsc/job.h"

#define SCD_SCRIPT_MAX_COMMANDS 1024
#define SCD_SCRIPT_MAX_BYTES (4 * 1024 * 1024) /* of all commands */

/* What one call from a shell adds: how to connect, and how to leave the card. */
typedef struct {
    ScdProtocol protocols;
    ScdDisposition disposition;
} ScdOneShotOptions;

/*
 * commands: ay, aay, or either in hex: s, as; wiped. options: a{sv}, or NULL.
 * one_shot: what its options go to; NULL for a session, which does not take
 * them. SCD_INVALID_ARGUMENT tells what is wrong with which command.
 */
gboolean scd_script_read(ScdJob *job, GVariant *commands, GVariant *options,
                         ScdOneShotOptions *one_shot, GError **error);
