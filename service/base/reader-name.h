/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The names that pcsc-lite gives to readers: "BASE [INTERFACE] (SERIAL) RR SS".
 *
 * BASE, INTERFACE and SERIAL are what the device says, and the last two may be missing; RR is the
 * reader's index and SS the slot, in hexadecimal. Drivers and devices are strangers: any string may
 * be parsed. A base that ends in brackets or parentheses of its own cannot be told from one with an
 * interface or a serial number.
 */

#include <glib.h>

#define SCD_READER_NAME_MAX_LENGTH 127 /* bytes, without the NUL that MAX_READERNAME counts */

typedef struct {
    char *base;      /* the whole name where it is not well-formed */
    char *interface; /* without the brackets; empty where there is none */
    char *serial;    /* without the parentheses; empty where there is none */
    guint index;     /* RR */
    guint slot;      /* SS */
    gboolean well_formed;
} ScdReaderName;

ScdReaderName *scd_reader_name_parse(const char *name);
void scd_reader_name_free(ScdReaderName *name);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdReaderName, scd_reader_name_free)

/*
 * The name as one element of a D-Bus object path: readable, never empty, and never the same for two
 * names. Letters and digits stay, a space becomes "_"; any other byte, and a space after a space,
 * becomes "__" and its two lower-case hexadecimal digits. The empty name becomes "__unnamed". No
 * label begins with "usb_", which is how those of USB positions begin (usb-path.h): the "u" is
 * escaped as well then.
 */
char *scd_reader_name_to_label(const char *name);

/*
 * Whether this can be the name of a reader at all: UTF-8 of 1 to SCD_READER_NAME_MAX_LENGTH bytes
 * without control characters. pcsc-lite 2.5 sometimes answers with a list of garbage.
 */
gboolean scd_reader_name_is_sane(const char *name);
