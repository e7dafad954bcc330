/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The format of a PIN, and the structures PIN_VERIFY and PIN_MODIFY of PC/SC part 10 (revision
 * 2.02.09), which tell a reader how to put a PIN into a command. Numbers in them have the lowest
 * byte first, and there is no padding.
 */

#include <glib.h>

#define SCD_PIN_TEMPLATE_MIN 5   /* bytes: a header and a length */
#define SCD_PIN_TEMPLATE_MAX 261 /* bytes: a short APDU */
#define SCD_PIN_MESSAGES_MAX 3   /* for PIN_MODIFY; one for PIN_VERIFY */

/* A word that is NULL stands for the default. */
typedef struct {
    const char *charset;       /* "numeric" */
    const char *encoding;      /* "ascii", "bcd" or "binary" */
    const char *justification; /* "left" or "right" */
    const char **completion;   /* any of "key", "max-length", "timeout" */
    guint32 min_length;        /* digits */
    guint32 max_length;
    guint32 block_length;      /* bytes; 0: as many as the PIN has */
    guint32 pin_bit_offset;    /* from the start of the command's data */
    guint32 length_bit_size;   /* of the PIN's length in the command; 0: none */
    guint32 length_bit_offset; /* likewise from the start of the data */
    guint32 entry_timeout_s;   /* to the first key; 0: the reader's */
    guint32 key_timeout_s;     /* between keys; 0: the reader's */
    guint32 language;          /* a LANGID of USB */
    gboolean has_messages;
    const guint32 *messages; /* their numbers in the reader */
    gsize n_messages;

    /* For PIN_MODIFY. */
    gboolean ask_current;
    gboolean confirm_new;
    guint32 current_offset;  /* bytes */
    gboolean has_new_offset; /* else the new PIN follows the current one */
    guint32 new_offset;
} ScdPinFormat;

/* Sets the defaults. */
void scd_pin_format_init(ScdPinFormat *format);

typedef enum {
    SCD_PIN_VERIFY,
    SCD_PIN_MODIFY,
} ScdPinOperation;

/*
 * Returns the structure for a command, whose data is replaced by PINs in the reader, in memory that
 * is wiped when it is freed (bytes.h). Fails with SCD_INVALID_ARGS if a value is out of its range,
 * or the PIN would not be inside the data of the command.
 */
GBytes *scd_pin_format_build(const ScdPinFormat *format, ScdPinOperation operation,
                             const guint8 *template, gsize length, GError **error);

/* How the entry of PINs proceeds, as a structure has it. */
typedef struct {
    guint n_entries;        /* PINs that the user enters, one after the other */
    guint max_length;       /* digits */
    gboolean ends_with_max; /* an entry is complete when it has so many */
} ScdPinEntry;

/* structure: one that was built for the operation. */
ScdPinEntry scd_pin_entry_of(ScdPinOperation operation, const guint8 *structure);
