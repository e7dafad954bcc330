/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The names of readers: those that pcsc-lite gives, "BASE [INTERFACE] (SERIAL) RR SS", and those
 * that aliases may have.
 *
 * BASE, INTERFACE and SERIAL come from the device, and the last two may be missing; RR is the index
 * of the reader and SS the slot, in hexadecimal. Drivers and devices are not trusted: any string
 * may be parsed. A base that itself ends in brackets or parentheses cannot be distinguished from
 * one with an interface or a serial number.
 */

#include <glib.h>

#define SCD_READER_NAME_MAX_LENGTH 127 /* bytes, without the NUL that MAX_READERNAME counts */

typedef struct {
    char *base;      /* the whole name if it is not well-formed */
    char *interface; /* without the brackets; empty if there is none */
    char *serial;    /* without the parentheses; empty if there is none */
    guint index;     /* RR */
    guint slot;      /* SS */
    gboolean well_formed;
} ScdReaderName;

ScdReaderName *scd_reader_name_parse(const char *name);
void scd_reader_name_free(ScdReaderName *name);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdReaderName, scd_reader_name_free)

/*
 * Returns the name as one element of a D-Bus object path: readable, never empty, and different for
 * different names. Letters and digits stay, a space becomes "_"; any other byte, and a space after
 * a space, becomes "__" and its two lower-case hexadecimal digits. The empty name becomes
 * "__unnamed". No label begins with "usb_", the prefix of labels of USB positions (usb-path.h): the
 * "u" is escaped in that case. The caller frees the label.
 */
char *scd_reader_name_to_label(const char *name);

/*
 * Returns whether the name is text: UTF-8 without control characters. A name that pcscd has cut to
 * fit may end inside a character.
 */
gboolean scd_reader_name_is_text(const char *name);

/*
 * Returns the name as text, with U+FFFD in place of each byte that is not UTF-8 and of each control
 * character. Different names may become the same text. The caller frees it.
 */
char *scd_reader_name_to_text(const char *name);

#define SCD_ALIAS_MAX_LENGTH 64 /* bytes */

/*
 * Returns whether an alias may have the name: 1 to SCD_ALIAS_MAX_LENGTH bytes of UTF-8, made of
 * letters and digits of any script and, after the first character, also "-", "_", "." and single
 * spaces. USB ports and PC/SC names ("Front desk 00 00") are refused because they already name
 * readers. The error is SCD_INVALID_ARGS.
 */
gboolean scd_alias_check_name(const char *name, GError **error);
