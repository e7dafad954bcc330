/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The attributes of PC/SC part 3, with the numbers and names of pcsc-lite's
 * reader.h. What a driver says of one is bytes, in no form that anybody would
 * check: what does not have the attribute's form is shown as bytes.
 *
 * SCARD_ATTR_ESC_* are left out: they are orders to a reader rather than what
 * it knows.
 */

#include <json-glib/json-glib.h>

typedef struct {
    const char *name; /* "vendor-name" is SCARD_ATTR_VENDOR_NAME */
    guint32 id;
    int form;
} CtlAttribute;

extern const CtlAttribute ctl_attributes[];
extern const guint ctl_n_attributes;

/* For people; safe for a terminal. */
char *ctl_attribute_to_text(const CtlAttribute *attribute, GBytes *value);

/* A text, a number, or hexadecimal digits, into the object that is open. */
void ctl_attribute_to_json(const CtlAttribute *attribute, GBytes *value, JsonBuilder *builder);
