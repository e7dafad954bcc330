/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The forms in which the service and the drivers of readers take a SmartcarddPinFormat. */

#include "smartcardd-pin-format.h"

/*
 * Returns the argument "format" of VerifyPin, or of ModifyPin: a dictionary (a{sv}) with a floating
 * reference.
 */
GVariant *smartcardd_pin_format_to_variant(SmartcarddPinFormat *format, gboolean for_modification);

/* Whether it was made by smartcardd_pin_format_new_from_options(). */
gboolean smartcardd_pin_format_has_options(SmartcarddPinFormat *format);

/* Returns the structure PIN_VERIFY of PC/SC part 10, section 2.5.2, with the command. */
GBytes *smartcardd_pin_format_new_verification(SmartcarddPinFormat *format, GBytes *command);
