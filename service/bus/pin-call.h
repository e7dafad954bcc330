/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The arguments of VerifyPin and ModifyPin. */

#include "base/pin-format.h"
#include "pcsc/job.h"

/*
 * Reads the template (ay) and the format (a{sv}) of a call into a job of SCD_JOB_ENTER_PIN, whose
 * number is the operation. Fails with SCD_INVALID_ARGS.
 */
gboolean scd_pin_call_read(ScdJob *job, GVariant *template, GVariant *format, GError **error);
