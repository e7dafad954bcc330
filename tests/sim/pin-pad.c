/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The PIN pad of a simulated reader: PC/SC part 10. It does what the structures PIN_VERIFY and
 * PIN_MODIFY say, and answers 6B80 to any that have a value which the specification does not. It
 * uses neither readers nor threads.
 */

#include "pin-pad.h"

#include <string.h>

enum { VERIFY_HEADER = 19, MODIFY_HEADER = 24, COMMAND_HEADER = 5 };

enum { COMPLETE_AT_MAX = 1, COMPLETE_BY_KEY = 2, COMPLETE_BY_TIMEOUT = 4 };

enum {
    STATUS_TIMEOUT = 0x6400,
    STATUS_CANCELLED = 0x6401,
    STATUS_MISMATCH = 0x6402,
    STATUS_LENGTH = 0x6403,
    STATUS_INVALID = 0x6B80,
};

/* A structure, parsed. The names are those of the specification. */
struct format {
    uint8_t format_string, block_string, length_format;
    uint8_t offset_old, offset_new;
    uint8_t pin_min, pin_max;
    uint8_t confirm, validation, messages;
    const uint8_t *prologue;
    size_t header, data_length;
};

static const struct {
    uint8_t tag;
    enum pin_pad_code code;
    bool modify;
} codes[] = {
    {0x01, PIN_PAD_START, false}, {0x02, PIN_PAD_FINISH, false}, {0x03, PIN_PAD_START, true},
    {0x04, PIN_PAD_FINISH, true}, {0x05, PIN_PAD_KEY, false},    {0x06, PIN_PAD_DIRECT, false},
    {0x07, PIN_PAD_DIRECT, true}, {0x0B, PIN_PAD_ABORT, false},
};

static bool
has_code(const struct pin_pad *pad, enum pin_pad_code code)
{
    switch (code) {
    case PIN_PAD_OTHER:
        return false;
    case PIN_PAD_DIRECT:
        return pad->direct;
    case PIN_PAD_ABORT:
        return pad->can_abort;
    default:
        return pad->by_keys;
    }
}

bool
pin_pad_set(struct pin_pad *pad, const char *kind, uint32_t base)
{
    bool both = strcmp(kind, "both") == 0;
    bool direct = both || strcmp(kind, "direct") == 0;
    bool abortable = both || strcmp(kind, "keys") == 0;
    bool by_keys = abortable || strcmp(kind, "keys-without-abort") == 0;

    *pad = (struct pin_pad){
        .direct = direct, .by_keys = by_keys, .can_abort = abortable, .base = base};
    return direct || by_keys || strcmp(kind, "none") == 0;
}

size_t
pin_pad_list_features(const struct pin_pad *pad, uint8_t list[PIN_PAD_FEATURES_MAX])
{
    size_t length = 0;

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        uint32_t code = pad->base + codes[i].tag;

        if (!has_code(pad, codes[i].code))
            continue;
        list[length++] = codes[i].tag;
        list[length++] = 4;
        for (int shift = 24; shift >= 0; shift -= 8)
            list[length++] = (uint8_t)(code >> shift);
    }
    return length;
}

bool
pin_pad_press(struct pin_pad *pad, const char *keys)
{
    size_t count = strlen(keys);

    if (strspn(keys, "0123456789ecbtax") != count || count > PIN_PAD_KEYS_MAX - pad->keys_count)
        return false;
    memcpy(pad->keys + pad->keys_count, keys, count);
    pad->keys_count += count;
    return true;
}

enum pin_pad_code
pin_pad_find(const struct pin_pad *pad, uint32_t code, bool *modify)
{
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (code != pad->base + codes[i].tag || !has_code(pad, codes[i].code))
            continue;
        *modify = codes[i].modify;
        return codes[i].code;
    }
    return PIN_PAD_OTHER;
}

/* bytes: of a structure that is as long as its header. */
static struct format
parse_structure(bool modify, const uint8_t *bytes)
{
    const uint8_t *pin = bytes + (modify ? 7 : 5); /* wPINMaxExtraDigit, the lower byte first */
    const uint8_t *rest = pin + (modify ? 3 : 2);  /* bEntryValidationCondition */
    struct format format = {
        .format_string = bytes[2],
        .block_string = bytes[3],
        .length_format = bytes[4],
        .offset_old = modify ? bytes[5] : 0,
        .offset_new = modify ? bytes[6] : 0,
        .pin_max = pin[0],
        .pin_min = pin[1],
        .confirm = modify ? pin[2] : 0,
        .validation = rest[0],
        .messages = rest[1],
        .header = modify ? MODIFY_HEADER : VERIFY_HEADER,
    };
    const uint8_t *length = bytes + format.header - 4;

    format.prologue = length - 3;
    format.data_length =
        length[0] | (size_t)length[1] << 8 | (size_t)length[2] << 16 | (size_t)length[3] << 24;
    return format;
}

static struct format
get_format(const struct pin_pad *pad)
{
    return parse_structure(pad->modify, pad->structure);
}

static bool
is_valid(bool modify, const uint8_t *bytes, size_t length)
{
    if (length < (modify ? MODIFY_HEADER : VERIFY_HEADER) + COMMAND_HEADER)
        return false;
    struct format format = parse_structure(modify, bytes);
    const uint8_t *command = bytes + format.header;
    uint8_t messages_max = modify ? 3 : 1;

    return length == format.header + format.data_length && (format.format_string & 3) != 3 &&
           (format.length_format & 0xE0) == 0 && format.pin_max > 0 &&
           format.pin_min <= format.pin_max && (format.confirm & 0xFC) == 0 &&
           format.validation >= 1 && format.validation <= 7 &&
           (format.messages <= messages_max || format.messages == 0xFF) &&
           memcmp(format.prologue, "\0\0\0", 3) == 0 &&
           command[4] == format.data_length - COMMAND_HEADER;
}

bool
pin_pad_begin(struct pin_pad *pad, bool modify, const uint8_t *structure, size_t length)
{
    if (pad->active || length > sizeof(pad->structure))
        return false;
    pad->started++;
    pad->modify = modify;
    memcpy(pad->structure, structure, length);
    pad->structure_length = length;
    memset(pad->pins, 0, sizeof(pad->pins));
    pad->complete = 0;
    pad->entries = 1;
    pad->active = true;
    pad->status = is_valid(modify, structure, length) ? 0 : STATUS_INVALID;
    if (pad->status == 0 && modify)
        for (uint8_t bits = get_format(pad).confirm; bits != 0; bits >>= 1)
            pad->entries += bits & 1;
    return true;
}

static void
end_entry(struct pin_pad *pad)
{
    pad->active = false;
    pad->keys_count = 0;
    memset(pad->pins, 0, sizeof(pad->pins));
}

void
pin_pad_abort(struct pin_pad *pad)
{
    pad->aborted++;
    end_entry(pad);
}

static void
complete_pin(struct pin_pad *pad, const struct format *format)
{
    const struct pin *pin = &pad->pins[pad->complete++];
    const struct pin *before = pin - 1; /* the new PIN, of which this one is the confirmation */

    if (pin->count < format->pin_min || pin->count > format->pin_max)
        pad->status = STATUS_LENGTH;
    else if (pad->complete == pad->entries && (format->confirm & 1) != 0 &&
             (pin->count != before->count || memcmp(pin->digits, before->digits, pin->count) != 0))
        pad->status = STATUS_MISMATCH;
}

static uint8_t
handle_digit(struct pin_pad *pad, const struct format *format, uint8_t digit)
{
    struct pin *pin = &pad->pins[pad->complete];

    if (pin->count < sizeof(pin->digits))
        pin->digits[pin->count++] = digit;
    if ((format->validation & COMPLETE_AT_MAX) != 0 && pin->count == format->pin_max)
        complete_pin(pad, format);
    return 0x2B;
}

static uint8_t
handle_key(struct pin_pad *pad, const struct format *format, char key)
{
    struct pin *pin = &pad->pins[pad->complete];

    switch (key) {
    case 'e':
        if ((format->validation & COMPLETE_BY_KEY) != 0)
            complete_pin(pad, format);
        return 0x0D;
    case 'b':
        pin->count -= pin->count > 0;
        return 0x08;
    case 'c':
        pad->status = STATUS_CANCELLED;
        return 0x1B;
    case 'a':
        pad->status = STATUS_CANCELLED;
        return 0x40;
    case 't':
        if ((format->validation & COMPLETE_BY_TIMEOUT) != 0)
            complete_pin(pad, format);
        else
            pad->status = STATUS_TIMEOUT;
        return 0x0E;
    case 'x':
        return 0x7F;
    default:
        return handle_digit(pad, format, (uint8_t)(key - '0'));
    }
}

uint8_t
pin_pad_read_key(struct pin_pad *pad)
{
    if (pad->keys_count == 0 || pin_pad_is_complete(pad))
        return 0;
    struct format format = get_format(pad);
    char key = pad->keys[0];

    memmove(pad->keys, pad->keys + 1, --pad->keys_count);
    return handle_key(pad, &format, key);
}

bool
pin_pad_is_complete(const struct pin_pad *pad)
{
    return pad->active && (pad->status != 0 || pad->complete == pad->entries);
}

/* Writes a number into bits, the highest first. Bits outside of the data are dropped. */
static void
write_bits(uint8_t *data, size_t length, size_t bit, unsigned value, unsigned width)
{
    while (width-- > 0) {
        uint8_t mask = (uint8_t)(0x80 >> bit % 8);

        if (bit / 8 < length)
            data[bit / 8] =
                (uint8_t)((value >> width & 1) != 0 ? data[bit / 8] | mask : data[bit / 8] & ~mask);
        bit++;
    }
}

static size_t
get_position(unsigned units, bool in_bytes)
{
    return in_bytes ? 8 * (size_t)units : units;
}

/* offset: bytes, beside that of the format. */
static void
insert_pin(const struct format *format, const struct pin *pin, size_t offset, uint8_t *data,
           size_t length)
{
    unsigned encoding = format->format_string & 3;
    unsigned digit_width = encoding == 1 ? 4 : 8;
    size_t start =
        get_position(format->format_string >> 3 & 15, (format->format_string & 0x80) != 0);
    size_t block = 8 * (size_t)(format->block_string & 15);
    size_t used = pin->count * digit_width;
    size_t bit = 8 * offset + start;

    if ((format->format_string & 4) != 0 && block > used)
        bit += block - used;
    for (size_t i = 0; i < pin->count; i++, bit += digit_width)
        write_bits(data, length, bit, pin->digits[i] | (encoding == 2 ? 0x30u : 0), digit_width);
    write_bits(data, length,
               get_position(format->length_format & 15, (format->length_format & 0x10) != 0),
               (unsigned)pin->count, format->block_string >> 4);
}

/* Returns the length of the command. A block of no fixed length makes it as long as the PIN. */
static size_t
build_command(const struct pin_pad *pad, uint8_t *command)
{
    struct format format = get_format(pad);
    size_t length = format.data_length - COMMAND_HEADER;
    uint8_t *data = command + COMMAND_HEADER;
    const struct pin *new = &pad->pins[pad->modify && (format.confirm & 2) != 0 ? 1 : 0];

    memcpy(command, pad->structure + format.header, format.data_length);
    if ((format.block_string & 15) == 0 && !pad->modify) {
        length = (format.format_string & 3) == 1 ? (new->count + 1) / 2 : new->count;
        memset(data, 0xFF, length);
        command[4] = (uint8_t)length;
    }
    if (pad->modify && (format.confirm & 2) != 0)
        insert_pin(&format, &pad->pins[0], format.offset_old, data, length);
    insert_pin(&format, new, format.offset_new, data, length);
    return COMMAND_HEADER + length;
}

size_t
pin_pad_finish(struct pin_pad *pad, struct card *card, uint8_t *answer, size_t size)
{
    uint8_t command[COMMAND_HEADER + 255 + PIN_PAD_STRUCTURE_MAX];
    size_t length = 2;

    if (pad->status != 0) {
        answer[0] = (uint8_t)(pad->status >> 8);
        answer[1] = (uint8_t)pad->status;
    } else {
        length = card_execute(card, command, build_command(pad, command), answer, size);
    }
    end_entry(pad);
    return length;
}
