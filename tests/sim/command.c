/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The commands on the control socket: one line is one command, and is answered by one line: "ok",
 * "ok VALUE" or "error WHY". R is a slot's address (see table.c), bytes are in hex.
 *
 *   list                          the addresses of all slots
 *   insert R [ATR]                inserts a card
 *   remove R                      removes the card
 *   swap R [ATR]                  removes the card and inserts another; pcscd sees both
 *   status R                      present=1 powered=1 protocol=1 verified=0 commands=12 powerups=3
 *                                 resets=1 busy=0; protocol is 0 or 1 for T=0 and T=1, or none;
 *                                 counts are since the slot was opened; busy: a command is running
 *   mute R on|off                 power-ups and resets fail
 *   delay R MILLISECONDS          the duration of each command, and of each control code with an
 *                                 order
 *   finish R                      ends the running command now, as if its time had passed
 *   fail R COUNT                  the next COUNT commands fail
 *   pull R                        removes the card after half the delay of the next command
 *   unplugged R on|off            the reader is gone, and a running command is cut off
 *   control R CODE HEX|none|silent
 *   attribute R TAG HEX|none|silent
 *                                 the answer to a control code or an attribute's tag (hex): bytes,
 *                                 not supported (the default for all), or a success without bytes
 *   pinpad R KIND BASE            a PIN pad: direct, keys, keys-without-abort, both or none, whose
 *                                 features have the codes BASE (hex) and their tag; announces it
 *   press R KEYS                  presses keys of it: digits; e enter, c cancel, b backspace, t the
 *                                 time is over, a aborted by the reader, x any other key
 *   pinpad-status R               structure=HEX started=1 aborted=0 active=0: the last structure,
 *                                 counts of entries, and whether one is under way
 */

#include "command.h"

#include "hex.h"
#include "table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 4 };

/* Returns an error text, or NULL on success. */
typedef const char *command_function(struct slot *slot, char **words, FILE *value);

static const char *
parse_number(const char *word, int base, unsigned long max, unsigned long *number)
{
    char *end;

    errno = 0;
    *number = strtoul(word, &end, base);
    if (word[0] == '-' || end == word || *end != '\0' || errno != 0 || *number > max)
        return "bad number";
    return NULL;
}

static const char *
parse_switch(const char *word, bool *on)
{
    *on = strcmp(word, "on") == 0;
    return *on || strcmp(word, "off") == 0 ? NULL : "on or off?";
}

static const char *
run_insert(struct slot *slot, char **words, FILE *value)
{
    struct atr atr = {0};

    if (words[0] != NULL && !atr_parse(words[0], &atr))
        return "bad ATR";
    return slot_insert(slot, &atr) ? NULL : "a card is in";
}

static const char *
run_remove(struct slot *slot, char **words, FILE *value)
{
    return slot_remove(slot) ? NULL : "no card is in";
}

static const char *
run_swap(struct slot *slot, char **words, FILE *value)
{
    struct atr atr = {0};

    if (words[0] != NULL && !atr_parse(words[0], &atr))
        return "bad ATR";
    return slot_remove(slot) && slot_insert(slot, &atr) ? NULL : "no card is in";
}

static const char *
run_status(struct slot *slot, char **words, FILE *value)
{
    const char *protocol = slot->protocol == SCARD_PROTOCOL_T0   ? "0"
                           : slot->protocol == SCARD_PROTOCOL_T1 ? "1"
                                                                 : "none";

    fprintf(value,
            " present=%d powered=%d protocol=%s verified=%d commands=%u powerups=%u resets=%u "
            "busy=%d",
            slot->present, slot->powered, protocol, slot->powered && slot->card.verified,
            slot->commands, slot->powerups, slot->resets, slot->busy);
    return NULL;
}

static const char *
run_mute(struct slot *slot, char **words, FILE *value)
{
    bool mute;
    const char *why = parse_switch(words[0], &mute);

    if (why == NULL)
        slot->mute = mute;
    return why;
}

static const char *
run_delay(struct slot *slot, char **words, FILE *value)
{
    unsigned long delay;
    const char *why = parse_number(words[0], 10, 24 * 3600 * 1000, &delay);

    if (why == NULL)
        slot->delay = (unsigned)delay;
    return why;
}

static const char *
run_finish(struct slot *slot, char **words, FILE *value)
{
    slot_finish(slot);
    return NULL;
}

static const char *
run_fail(struct slot *slot, char **words, FILE *value)
{
    unsigned long count;
    const char *why = parse_number(words[0], 10, UINT16_MAX, &count);

    if (why == NULL)
        slot->failures = (unsigned)count;
    return why;
}

static const char *
run_pull(struct slot *slot, char **words, FILE *value)
{
    slot->pull = true;
    return NULL;
}

static const char *
run_unplugged(struct slot *slot, char **words, FILE *value)
{
    bool unplugged;
    const char *why = parse_switch(words[0], &unplugged);

    if (why == NULL)
        slot_plug(slot, !unplugged);
    return why;
}

static const char *
run_order(struct order **orders, char **words)
{
    uint8_t answer[ORDER_MAX];
    unsigned long code;
    ssize_t length = 0;
    const char *why = parse_number(words[0], 16, UINT32_MAX, &code);

    if (why != NULL)
        return why;
    if (strcmp(words[1], "none") == 0) {
        order_drop(orders, (uint32_t)code);
        return NULL;
    }
    if (strcmp(words[1], "silent") != 0)
        length = hex_parse(words[1], answer, sizeof(answer));
    if (length < 0)
        return "bad bytes";
    return order_set(orders, (uint32_t)code, answer, (size_t)length) ? NULL : "no memory";
}

static const char *
run_control(struct slot *slot, char **words, FILE *value)
{
    return run_order(&slot->controls, words);
}

static const char *
run_attribute(struct slot *slot, char **words, FILE *value)
{
    return run_order(&slot->attributes, words);
}

enum { GET_FEATURE_REQUEST = 0x42000D48 };

static const char *
run_pinpad(struct slot *slot, char **words, FILE *value)
{
    uint8_t list[PIN_PAD_FEATURES_MAX];
    unsigned long base;
    const char *why = parse_number(words[1], 16, UINT32_MAX, &base);

    if (why == NULL && !pin_pad_set(&slot->pin_pad, words[0], (uint32_t)base))
        why = "no such kind of PIN pad";
    if (why != NULL)
        return why;
    size_t length = pin_pad_list_features(&slot->pin_pad, list);
    return order_set(&slot->controls, GET_FEATURE_REQUEST, list, length) ? NULL : "no memory";
}

static const char *
run_press(struct slot *slot, char **words, FILE *value)
{
    return slot_press(slot, words[0]) ? NULL : "no such keys";
}

static const char *
run_pinpad_status(struct slot *slot, char **words, FILE *value)
{
    const struct pin_pad *pad = &slot->pin_pad;

    fputs(" structure=", value);
    for (size_t i = 0; i < pad->structure_length; i++)
        fprintf(value, "%02X", pad->structure[i]);
    fprintf(value, " started=%u aborted=%u active=%d", pad->started, pad->aborted, pad->active);
    return NULL;
}

static const struct command {
    const char *name;
    size_t words_min, words_max; /* after R */
    command_function *run;
} commands[] = {
    {"insert", 0, 1, run_insert},
    {"remove", 0, 0, run_remove},
    {"swap", 0, 1, run_swap},
    {"status", 0, 0, run_status},
    {"mute", 1, 1, run_mute},
    {"delay", 1, 1, run_delay},
    {"finish", 0, 0, run_finish},
    {"fail", 1, 1, run_fail},
    {"pull", 0, 0, run_pull},
    {"unplugged", 1, 1, run_unplugged},
    {"control", 2, 2, run_control},
    {"attribute", 2, 2, run_attribute},
    {"pinpad", 2, 2, run_pinpad},
    {"press", 1, 1, run_press},
    {"pinpad-status", 0, 0, run_pinpad_status},
};

static const char *
run_on_slot(char **words, size_t count, FILE *value)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(words[0], commands[i].name) != 0)
            continue;
        if (count < 2 + commands[i].words_min || count > 2 + commands[i].words_max)
            return "wrong number of words";

        TABLE_AUTORELEASE struct slot *slot = table_acquire_by_address(words[1]);
        return slot != NULL ? commands[i].run(slot, words + 2, value) : "no such reader";
    }
    return "no such command";
}

static const char *
run(char *line, FILE *value)
{
    char *words[WORDS_MAX + 1] = {NULL};
    size_t count = 0;
    char *rest;

    for (char *word = strtok_r(line, " \t\r", &rest); word; word = strtok_r(NULL, " \t\r", &rest)) {
        if (count == WORDS_MAX)
            return "wrong number of words";
        words[count++] = word;
    }
    if (count == 0)
        return "no command";
    if (count > 1 || strcmp(words[0], "list") != 0)
        return run_on_slot(words, count, value);
    table_list(value);
    return NULL;
}

void
command_run(char *line, FILE *answers)
{
    char *text = NULL;
    size_t length;
    FILE *value = open_memstream(&text, &length);
    const char *why = value != NULL ? run(line, value) : "no memory";

    if (value != NULL)
        fclose(value);
    if (why != NULL)
        fprintf(answers, "error %s\n", why);
    else
        fprintf(answers, "ok%s\n", text);
    free(text);
}
