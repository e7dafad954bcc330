/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* USB devices that look like readers, but are not available as readers, each with the reason. */

#include <json-glib/json-glib.h>

#include "client.h"
#include "output.h"

/*
 * Returns an array of a{sv}, as Manager.ListUnservedDevices has them; an empty one if the service
 * does not answer. The caller frees it.
 */
GPtrArray *ctl_unserved_load(const CtlRoute *route, SmartcarddClient *client);

/* Prints a note for each device. */
void ctl_unserved_print_notes(GPtrArray *devices, CtlOutput *output);

/* Prints a line for each device, without its name, which may contain a serial number. */
void ctl_unserved_print(GPtrArray *devices, CtlOutput *output);

/* Adds an array, likewise without names. */
void ctl_unserved_add_to_json(GPtrArray *devices, JsonBuilder *builder);
