/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The responses of a job as the body of a reply, in the encoding of D-Bus. It is a secret: it is
 * written at its place, charged like the responses, and wiped when it is freed. From any thread.
 */

#include "pcsc/job.h"

/* aays: all responses, and why there are no more of them. */
GBytes *scd_responses_encode_list(const ScdJob *job);

/* The same in hexadecimal text: ass. */
GBytes *scd_responses_encode_hex_list(const ScdJob *job);

/* The only response in hexadecimal text: s. */
GBytes *scd_responses_encode_hex(const ScdJob *job);
