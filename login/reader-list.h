/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The readers of the service with the cards in them, as far as a login needs to know them: one
 * reply of GetManagedObjects. A list is a plain value; its owner clears it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <systemd/sd-bus.h>

#define LGN_CLEANUP(function) __attribute__((cleanup(function)))

/* For LGN_CLEANUP. */
static inline void
lgn_free_text(char **text)
{
    free(*text);
}

typedef struct {
    char *path; /* object path; the same for each device in the same USB port */
    char *port; /* Reader.UsbPath; "" if the reader has none */
    char *name; /* for people: the alias, else the PC/SC name. Any text */
    char *seat;
    bool is_candidate; /* Reader.LoginCandidate */
    bool is_unplugged; /* the kernel has the device no more; pcscd has not noticed yet */
    bool is_empty; /* the reader reports that there is no card; false while it does not answer */

    char *card;             /* object path; NULL if there is no card */
    char *atr;              /* in hexadecimal digits; "" for a mute card and if there is none */
    char *card_name;        /* in the list of cards; "" if it is not known */
    bool card_is_candidate; /* Card.LoginCandidate */
} LgnReader;

typedef struct {
    LgnReader *readers;
    size_t count;
} LgnReaderList;

/*
 * Reads a reply of GetManagedObjects. Returns 0, or a negative errno; the list is then empty. A
 * property of the wrong type is an error; unknown ones are skipped.
 */
int lgn_reader_list_read(LgnReaderList *list, sd_bus_message *reply);

void lgn_reader_list_clear(LgnReaderList *list);

/* Returns NULL if there is no such reader. */
const LgnReader *lgn_reader_list_find(const LgnReaderList *list, const char *path);

/* Returns whether a login on the seat reacts to cards in the reader. */
bool lgn_reader_serves_seat(const LgnReader *reader, const char *seat);

/* Returns whether there is a card in the reader with which a person can log in. */
bool lgn_reader_has_login_card(const LgnReader *reader);
