/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A simulated card: takes the bytes of a command and returns those of the answer. It uses neither
 * readers nor threads, and its whole state is struct card. It treats T=0 and T=1 alike, and short
 * and extended lengths too.
 *
 *   00 A4 04 00 ...       SELECT: 9000 for any name
 *   00 20 00 80 Lc PIN    VERIFY: 9000 for the digits 12345678, else 63C2 and no longer verified
 *   00 24 00 80 10 PINs   CHANGE REFERENCE DATA: 9000 for the PIN, then a new one, of 8 bytes each;
 *                         else 63C2
 *   00 24 01 80 Lc PIN    likewise with the new PIN alone: 9000
 *   00 C0 00 00 Le        GET RESPONSE, also in class 80: the next Le bytes (none or 0: 256) that
 *                         80 16 promised, then 61xx while more remain, else 9000; 6985 if nothing
 *                         is promised
 *   00 CA 00 4F           GET DATA, the application identifier: that of an OpenPGP card, then 9000
 *   80 22 00 00           9000 if verified, else 6982
 *   80 10 .. .. Lc data   echo: the data, then 9000
 *   80 12 P1 P2           P1P2 bytes of the pattern, then 9000
 *   80 14 P1 P2           the status word P1P2
 *   80 16 P1 P2           61xx: P1P2 bytes of the pattern can be fetched by GET RESPONSE
 *   80 18 P1 P2 Le        6Cxx with xx = P2 unless Le is P2; then P2 bytes of the pattern and 9000
 *
 * P1P2 = 0000 means 65,536 bytes, P2 = 00 in 80 18 means 256. Byte i of the pattern is 7 i + 3
 * modulo 256. In 61xx, xx is the number of remaining bytes, 00 for 256 and more. All commands but
 * GET RESPONSE drop the promised bytes. Other commands are answered with 6D00, and a command of
 * fewer than four bytes or with inconsistent lengths with 6700.
 */

#include "card.h"

#include "hex.h"

#include <string.h>

struct command {
    uint8_t p1, p2;
    const uint8_t *data;
    size_t data_length;
    size_t le; /* 0 if the command has none */
};

struct answer {
    uint8_t *bytes;
    size_t length, size;
};

/* T=0 and T=1, and ten historical bytes with the name of this program */
static const struct atr own_atr = {
    {0x3B, 0x9A, 0x11, 0x80, 0x31, 0xFE, 0x45, 's', 'm', 'a', 'r', 't', 'c', 'a', 'r', 'd', 'd',
     0x88},
    18,
};
static const char first_pin[] = "12345678";
static const uint8_t application_id[] = {
    0xD2, 0x76, 0x00, 0x01, 0x24, 0x01, 0x02, 0x00, 0x00, 0x05, 0x00, 0x00, 0x12, 0x34, 0x00, 0x00,
};

static void
answer_byte(struct answer *answer, uint8_t byte)
{
    if (answer->length < answer->size)
        answer->bytes[answer->length] = byte;
    answer->length++;
}

static void
answer_pattern(struct answer *answer, size_t from, size_t count)
{
    for (size_t i = from; i < from + count; i++)
        answer_byte(answer, (uint8_t)(7 * i + 3));
}

static size_t
ordered_count(const struct command *command)
{
    size_t count = (size_t)(command->p1 << 8 | command->p2);

    return count == 0 ? 65536 : count;
}

static uint16_t
promise_bytes(const struct card *card)
{
    return (uint16_t)(0x6100 | (card->pending < 256 ? card->pending : 0));
}

static uint16_t
run_select(struct card *card, const struct command *command, struct answer *answer)
{
    return 0x9000;
}

static uint16_t
run_verify(struct card *card, const struct command *command, struct answer *answer)
{
    card->verified = command->data_length == card->pin_length &&
                     memcmp(command->data, card->pin, command->data_length) == 0;
    return card->verified ? 0x9000 : 0x63C2;
}

static void
set_pin(struct card *card, const uint8_t *pin, size_t length)
{
    memcpy(card->pin, pin, length);
    card->pin_length = length;
}

static uint16_t
run_change(struct card *card, const struct command *command, struct answer *answer)
{
    const size_t half = command->data_length / 2;

    if (half != 8 || half != card->pin_length || memcmp(command->data, card->pin, half) != 0)
        return 0x63C2;
    set_pin(card, command->data + half, half);
    return 0x9000;
}

static uint16_t
run_set(struct card *card, const struct command *command, struct answer *answer)
{
    if (command->data_length > sizeof(card->pin))
        return 0x6700;
    set_pin(card, command->data, command->data_length);
    return 0x9000;
}

static uint16_t
run_get_response(struct card *card, const struct command *command, struct answer *answer)
{
    size_t count = command->le == 0 ? 256 : command->le;

    if (card->pending == 0)
        return 0x6985;
    if (count > card->pending)
        count = card->pending;
    answer_pattern(answer, card->fetched, count);
    card->fetched += count;
    card->pending -= count;
    return card->pending > 0 ? promise_bytes(card) : 0x9000;
}

static uint16_t
run_get_data(struct card *card, const struct command *command, struct answer *answer)
{
    for (size_t i = 0; i < sizeof(application_id); i++)
        answer_byte(answer, application_id[i]);
    return 0x9000;
}

static uint16_t
run_is_verified(struct card *card, const struct command *command, struct answer *answer)
{
    return card->verified ? 0x9000 : 0x6982;
}

static uint16_t
run_echo(struct card *card, const struct command *command, struct answer *answer)
{
    for (size_t i = 0; i < command->data_length; i++)
        answer_byte(answer, command->data[i]);
    return 0x9000;
}

static uint16_t
run_produce(struct card *card, const struct command *command, struct answer *answer)
{
    answer_pattern(answer, 0, ordered_count(command));
    return 0x9000;
}

static uint16_t
run_status(struct card *card, const struct command *command, struct answer *answer)
{
    return (uint16_t)(command->p1 << 8 | command->p2);
}

static uint16_t
run_promise(struct card *card, const struct command *command, struct answer *answer)
{
    card->fetched = 0;
    card->pending = ordered_count(command);
    return promise_bytes(card);
}

static uint16_t
run_exact(struct card *card, const struct command *command, struct answer *answer)
{
    size_t count = command->p2 == 0 ? 256 : command->p2;

    if (command->le != count)
        return (uint16_t)(0x6C00 | command->p2);
    answer_pattern(answer, 0, count);
    return 0x9000;
}

static const struct instruction {
    uint32_t header, mask; /* CLA INS P1 P2, and a mask of the bits that are compared */
    uint16_t (*run)(struct card *card, const struct command *command, struct answer *answer);
} instructions[] = {
    {0x00A40400, 0xFFFFFFFF, run_select},       {0x00200080, 0xFFFFFFFF, run_verify},
    {0x00240080, 0xFFFFFFFF, run_change},       {0x00240180, 0xFFFFFFFF, run_set},
    {0x00C00000, 0x7FFFFFFF, run_get_response}, {0x00CA004F, 0xFFFFFFFF, run_get_data},
    {0x80220000, 0xFFFFFFFF, run_is_verified},  {0x80100000, 0xFFFF0000, run_echo},
    {0x80120000, 0xFFFF0000, run_produce},      {0x80140000, 0xFFFF0000, run_status},
    {0x80160000, 0xFFFF0000, run_promise},      {0x80180000, 0xFFFF0000, run_exact},
};

static const struct instruction *
find_instruction(const uint8_t *bytes)
{
    uint32_t header =
        (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];

    for (size_t i = 0; i < sizeof(instructions) / sizeof(instructions[0]); i++)
        if (((header ^ instructions[i].header) & instructions[i].mask) == 0)
            return &instructions[i];
    return NULL;
}

/* Returns a length field of one or two bytes; 0 if there is none. */
static size_t
parse_length(const uint8_t *bytes, size_t width)
{
    return width == 0 ? 0 : width == 1 ? bytes[0] : (size_t)(bytes[0] << 8 | bytes[1]);
}

static size_t
parse_le(const uint8_t *bytes, size_t width)
{
    size_t le = parse_length(bytes, width);

    return le == 0 && width > 0 ? (size_t)1 << 8 * width : le;
}

/*
 * Parses the four cases of ISO 7816-3, short (lengths of one byte) and extended (0, then two
 * bytes).
 */
static bool
parse_body(const uint8_t *body, size_t length, struct command *command)
{
    bool extended = length >= 3 && body[0] == 0;
    size_t width = extended ? 2 : 1;
    size_t start = extended ? 3 : 1;

    if (length == 0)
        return true;
    if (length == start) {
        command->le = parse_le(body + start - width, width);
        return true;
    }

    command->data = body + start;
    command->data_length = parse_length(body + start - width, width);
    size_t end = start + command->data_length;
    if (command->data_length == 0 || (length != end && length != end + width))
        return false;
    command->le = parse_le(body + end, length - end);
    return true;
}

bool
atr_parse(const char *hex, struct atr *atr)
{
    ssize_t length = hex_parse(hex, atr->bytes, sizeof(atr->bytes));

    atr->length = length < 0 ? 0 : (size_t)length;
    return length >= 2;
}

void
card_init(struct card *card, const struct atr *atr)
{
    card->atr = atr->length > 0 ? *atr : own_atr;
    set_pin(card, (const uint8_t *)first_pin, strlen(first_pin));
    card_reset(card);
}

void
card_reset(struct card *card)
{
    card->verified = false;
    card->pending = 0;
}

size_t
card_execute(struct card *card, const uint8_t *bytes, size_t length, uint8_t *answer_bytes,
             size_t size)
{
    struct answer answer = {.bytes = answer_bytes, .size = size};
    uint16_t status = 0x6700;

    if (length >= 4) {
        const struct instruction *instruction = find_instruction(bytes);
        struct command command = {.p1 = bytes[2], .p2 = bytes[3]};

        if (instruction == NULL || instruction->run != run_get_response)
            card->pending = 0;
        if (instruction == NULL)
            status = 0x6D00;
        else if (parse_body(bytes + 4, length - 4, &command))
            status = instruction->run(card, &command, &answer);
    }
    answer_byte(&answer, (uint8_t)(status >> 8));
    answer_byte(&answer, (uint8_t)status);
    return answer.length;
}
