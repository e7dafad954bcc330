/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The input of a reader's PIN pad. */

#include "smartcardd-pin-format.h"

/* Returns the structure PIN_VERIFY of PC/SC part 10, section 2.5.2, with the command. */
GBytes *smartcardd_pin_format_new_verification(SmartcarddPinFormat *format, GBytes *command);
