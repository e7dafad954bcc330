/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/pin-format.h"

#include <string.h>

#include "base/bytes.h"
#include "base/error.h"

#define COMMAND_HEADER 5 /* bytes: CLA, INS, P1, P2, Lc */
#define LANGUAGE_ENGLISH 0x0409
#define MESSAGES_OF_READER 0xFF /* bNumberMessage */

/* Bytes of the structures before abData. */
enum {
    VERIFY_HEADER = 19,
    MODIFY_HEADER = 24,
};

/* Offsets that scd_pin_entry_of() needs. */
enum {
    VERIFY_MAX_LENGTH = 5,
    VERIFY_COMPLETION = 7,
    MODIFY_MAX_LENGTH = 7,
    MODIFY_CONFIRM = 9,
    MODIFY_COMPLETION = 10,
};

enum {
    COMPLETION_MAX_LENGTH = 0x01,
    COMPLETION_KEY = 0x02,
    COMPLETION_TIMEOUT = 0x04,
};

enum {
    CONFIRM_NEW = 0x01,
    ASK_CURRENT = 0x02,
};

#define ENCODING_BCD 1

typedef struct {
    const char *word; /* NULL ends the table */
    guint8 value;
} Word;

static const Word charsets[] = {{"numeric", 0}, {NULL, 0}};
static const Word encodings[] = {{"ascii", 2}, {"bcd", ENCODING_BCD}, {"binary", 0}, {NULL, 0}};
static const Word justifications[] = {{"left", 0}, {"right", 1}, {NULL, 0}};
static const Word completions[] = {{"key", COMPLETION_KEY},
                                   {"max-length", COMPLETION_MAX_LENGTH},
                                   {"timeout", COMPLETION_TIMEOUT},
                                   {NULL, 0}};

typedef struct {
    guint8 bytes[MODIFY_HEADER + SCD_PIN_TEMPLATE_MAX];
    gsize length;
} Structure;

void
scd_pin_format_init(ScdPinFormat *format)
{
    *format = (ScdPinFormat){
        .min_length = 4,
        .max_length = 8,
        .block_length = 8,
        .language = LANGUAGE_ENGLISH,
        .ask_current = TRUE,
        .confirm_new = TRUE,
    };
}

/* A word that is NULL stands for the first one of the table. */
static gboolean
find_word(const char *key, const Word *table, const char *word, guint8 *value, GError **error)
{
    g_autoptr(GString) known = g_string_new(NULL);

    for (const Word *row = table; row->word != NULL; row++) {
        if (word == NULL || g_str_equal(row->word, word)) {
            *value = row->value;
            return TRUE;
        }
        g_string_append_printf(known, "%s\"%s\"", row == table ? "" : ", ", row->word);
    }
    g_autofree char *shown = scd_error_quote(word);
    g_set_error(error, SCD_ERROR, SCD_INVALID_ARGS, "unknown value %s of \"%s\": supported are %s",
                shown, key, known->str);
    return FALSE;
}

static gboolean
check_range(const char *key, guint32 value, guint32 least, guint32 most, GError **error)
{
    if (value >= least && value <= most)
        return TRUE;
    g_set_error(error, SCD_ERROR, SCD_INVALID_ARGS, "\"%s\" is %u, but must be %u to %u", key,
                value, least, most);
    return FALSE;
}

/* A position has four bits, which count bits or bytes. */
static gboolean
check_position(const char *key, guint32 bits, GError **error)
{
    if (bits <= 15 || (bits % 8 == 0 && bits / 8 <= 15))
        return TRUE;
    g_set_error(error, SCD_ERROR, SCD_INVALID_ARGS,
                "\"%s\" is %u, but must be 0 to 15, or a multiple of 8 up to 120", key, bits);
    return FALSE;
}

/* Returns the four bits, and sets whether they count bytes. */
static guint8
split_position(guint32 bits, gboolean *in_bytes)
{
    *in_bytes = bits % 8 == 0;
    return (guint8)(*in_bytes ? bits / 8 : bits);
}

static gboolean
find_completion(const ScdPinFormat *format, guint8 *bits, GError **error)
{
    *bits = 0;
    if (format->completion == NULL) {
        *bits = COMPLETION_KEY;
        return TRUE;
    }
    for (const char **word = format->completion; *word != NULL; word++) {
        guint8 bit;

        if (!find_word("completion", completions, *word, &bit, error))
            return FALSE;
        *bits |= bit;
    }
    if (*bits == 0)
        g_set_error_literal(error, SCD_ERROR, SCD_INVALID_ARGS,
                            "\"completion\" must have at least one word");
    return *bits != 0;
}

static gboolean
check_numbers(const ScdPinFormat *format, GError **error)
{
    if (!check_range("max-length", format->max_length, 1, G_MAXUINT8, error) ||
        !check_range("min-length", format->min_length, 0, format->max_length, error) ||
        !check_range("block-length", format->block_length, 0, 15, error) ||
        !check_range("length-bit-size", format->length_bit_size, 0, 15, error) ||
        !check_range("entry-timeout-s", format->entry_timeout_s, 0, G_MAXUINT8, error) ||
        !check_range("key-timeout-s", format->key_timeout_s, 0, G_MAXUINT8, error) ||
        !check_range("language", format->language, 0, G_MAXUINT16, error))
        return FALSE;
    return check_position("pin-bit-offset", format->pin_bit_offset, error) &&
           check_position("length-bit-offset", format->length_bit_offset, error);
}

/* BCD has two digits in a byte, the other encodings one. */
static gboolean
check_block(const ScdPinFormat *format, guint8 encoding, GError **error)
{
    guint32 digits = format->block_length * (encoding == ENCODING_BCD ? 2 : 1);

    if (format->block_length == 0 || format->max_length <= digits)
        return TRUE;
    g_set_error(error, SCD_ERROR, SCD_INVALID_ARGS,
                "\"max-length\" is %u, but a block of %u bytes has room for %u digits",
                format->max_length, format->block_length, digits);
    return FALSE;
}

static gboolean
check_messages(const ScdPinFormat *format, gsize most, GError **error)
{
    if (format->n_messages > most) {
        g_set_error(error, SCD_ERROR, SCD_INVALID_ARGS,
                    "\"messages\" has %" G_GSIZE_FORMAT " numbers, but may have %" G_GSIZE_FORMAT,
                    format->n_messages, most);
        return FALSE;
    }
    for (gsize i = 0; i < format->n_messages; i++)
        if (!check_range("messages", format->messages[i], 0, G_MAXUINT8, error))
            return FALSE;
    return TRUE;
}

/* Whether so many bits, at a position in the data of the command, are inside that. */
static gboolean
check_place(const char *what, guint32 bit_offset, guint32 bits, gsize length, GError **error)
{
    if (bits == 0 || bit_offset + bits <= 8 * (length - COMMAND_HEADER))
        return TRUE;
    g_set_error(error, SCD_ERROR, SCD_INVALID_ARGS,
                "%s would not fit into the %" G_GSIZE_FORMAT " data bytes of the template", what,
                length - COMMAND_HEADER);
    return FALSE;
}

static gboolean
check_template(const ScdPinFormat *format, gsize length, GError **error)
{
    if (length < SCD_PIN_TEMPLATE_MIN || length > SCD_PIN_TEMPLATE_MAX) {
        g_set_error(error, SCD_ERROR, SCD_INVALID_ARGS, "a template must have %d to %d bytes",
                    SCD_PIN_TEMPLATE_MIN, SCD_PIN_TEMPLATE_MAX);
        return FALSE;
    }
    return check_place("the PIN block", format->pin_bit_offset, 8 * format->block_length, length,
                       error) &&
           check_place("the length of the PIN", format->length_bit_offset, format->length_bit_size,
                       length, error);
}

static void
add_byte(Structure *structure, guint32 byte)
{
    structure->bytes[structure->length++] = (guint8)byte;
}

static void
add_le16(Structure *structure, guint32 number)
{
    add_byte(structure, number);
    add_byte(structure, number >> 8);
}

static void
add_message_numbers(Structure *structure, const ScdPinFormat *format, const guint8 *usual,
                    gsize count)
{
    add_byte(structure, format->has_messages ? (guint32)format->n_messages : MESSAGES_OF_READER);
    add_le16(structure, format->language);
    for (gsize i = 0; i < count; i++) {
        if (!format->has_messages)
            add_byte(structure, usual[i]);
        else
            add_byte(structure, i < format->n_messages ? format->messages[i] : 0);
    }
}

/* bTimeOut to bmPINLengthFormat, which both structures begin with. */
static gboolean
add_pin_format(Structure *structure, const ScdPinFormat *format, GError **error)
{
    guint8 charset, encoding, justification;
    gboolean pin_in_bytes, length_in_bytes;
    guint8 pin_position = split_position(format->pin_bit_offset, &pin_in_bytes);
    guint8 length_position = split_position(format->length_bit_offset, &length_in_bytes);

    if (!find_word("charset", charsets, format->charset, &charset, error) ||
        !find_word("encoding", encodings, format->encoding, &encoding, error) ||
        !find_word("justification", justifications, format->justification, &justification, error) ||
        !check_block(format, encoding, error))
        return FALSE;
    add_byte(structure, format->entry_timeout_s);
    add_byte(structure, format->key_timeout_s);
    add_byte(structure, (guint32)(pin_in_bytes ? 0x80 : 0) | (guint32)pin_position << 3 |
                            (guint32)justification << 2 | encoding);
    add_byte(structure, format->length_bit_size << 4 | format->block_length);
    add_byte(structure, format->length_bit_size == 0
                            ? 0
                            : (guint32)(length_in_bytes ? 0x10 : 0) | length_position);
    return TRUE;
}

/* bTeoPrologue, ulDataLength and abData. */
static void
add_template(Structure *structure, const guint8 *template, gsize length)
{
    for (guint i = 0; i < 3; i++)
        add_byte(structure, 0); /* the driver knows the prologue of the block */
    add_le16(structure, (guint32)length);
    add_le16(structure, 0);
    memcpy(structure->bytes + structure->length, template, length);
    structure->length += length;
}

static gboolean
build_verify(Structure *structure, const ScdPinFormat *format, GError **error)
{
    static const guint8 usual_message[] = {0};
    guint8 completion;

    if (!check_messages(format, G_N_ELEMENTS(usual_message), error) ||
        !find_completion(format, &completion, error) || !add_pin_format(structure, format, error))
        return FALSE;
    add_le16(structure, format->min_length << 8 | format->max_length);
    add_byte(structure, completion);
    add_message_numbers(structure, format, usual_message, G_N_ELEMENTS(usual_message));
    return TRUE;
}

static guint32
get_new_offset(const ScdPinFormat *format)
{
    if (format->has_new_offset)
        return format->new_offset;
    return format->ask_current ? format->current_offset + format->block_length : 0;
}

static gboolean
check_offsets(const ScdPinFormat *format, gsize length, GError **error)
{
    guint32 block = format->pin_bit_offset + 8 * format->block_length;
    guint32 new_offset = get_new_offset(format);

    if (!check_range("current-offset", format->current_offset, 0, G_MAXUINT8, error) ||
        !check_range("new-offset", new_offset, 0, G_MAXUINT8, error))
        return FALSE;
    return (!format->ask_current ||
            check_place("the block of the current PIN", 8 * format->current_offset, block, length,
                        error)) &&
           check_place("the block of the new PIN", 8 * new_offset, block, length, error);
}

static gboolean
build_modify(Structure *structure, const ScdPinFormat *format, gsize length, GError **error)
{
    guint8 usual_messages[SCD_PIN_MESSAGES_MAX] = {0};
    guint n_messages = 0;
    guint8 completion;

    if (!check_messages(format, SCD_PIN_MESSAGES_MAX, error) ||
        !find_completion(format, &completion, error) || !check_offsets(format, length, error) ||
        !add_pin_format(structure, format, error))
        return FALSE;
    if (format->ask_current)
        usual_messages[n_messages++] = 0; /* of CCID: enter the PIN */
    usual_messages[n_messages++] = 1;     /* enter the new PIN */
    if (format->confirm_new)
        usual_messages[n_messages++] = 2; /* confirm the new PIN */
    add_byte(structure, format->current_offset);
    add_byte(structure, get_new_offset(format));
    add_le16(structure, format->min_length << 8 | format->max_length);
    add_byte(structure, (guint32)(format->confirm_new ? CONFIRM_NEW : 0) |
                            (guint32)(format->ask_current ? ASK_CURRENT : 0));
    add_byte(structure, completion);
    add_message_numbers(structure, format, usual_messages, SCD_PIN_MESSAGES_MAX);
    return TRUE;
}

GBytes *
scd_pin_format_build(const ScdPinFormat *format, ScdPinOperation operation, const guint8 *template,
                     gsize length, GError **error)
{
    Structure structure = {.length = 0};

    if (!check_numbers(format, error) || !check_template(format, length, error))
        return NULL;
    if (operation == SCD_PIN_VERIFY ? !build_verify(&structure, format, error)
                                    : !build_modify(&structure, format, length, error))
        return NULL;
    add_template(&structure, template, length);
    g_assert(structure.length ==
             (operation == SCD_PIN_VERIFY ? VERIFY_HEADER : MODIFY_HEADER) + length);
    GBytes *bytes = scd_secret_new(structure.bytes, structure.length);
    explicit_bzero(structure.bytes, sizeof structure.bytes);
    return bytes;
}

ScdPinEntry
scd_pin_entry_of(ScdPinOperation operation, const guint8 *structure)
{
    gboolean verify = operation == SCD_PIN_VERIFY;
    guint8 confirm = verify ? 0 : structure[MODIFY_CONFIRM];
    guint8 completion = structure[verify ? VERIFY_COMPLETION : MODIFY_COMPLETION];

    return (ScdPinEntry){
        .n_entries = 1u + ((confirm & CONFIRM_NEW) != 0) + ((confirm & ASK_CURRENT) != 0),
        .max_length = structure[verify ? VERIFY_MAX_LENGTH : MODIFY_MAX_LENGTH],
        .ends_with_max = (completion & COMPLETION_MAX_LENGTH) != 0,
    };
}
