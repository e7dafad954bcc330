/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The tokens of the bridge to GNOME: one object on the session bus for each reader for logins,
 * below /org/gnome/SettingsDaemon/Smartcard, with the interface
 * org.gnome.SettingsDaemon.Smartcard.Token. A token stays when its card or its reader goes, and
 * changes IsInserted: gnome-shell reacts to that change.
 */

#include <stdbool.h>

#include "reader-list.h"

#define LGN_GNOME_NAME "org.gnome.SettingsDaemon.Smartcard"
#define LGN_GNOME_ROOT "/org/gnome/SettingsDaemon/Smartcard"
#define LGN_GNOME_MANAGER LGN_GNOME_ROOT "/Manager"
#define LGN_GNOME_DRIVER LGN_GNOME_MANAGER "/Drivers/smartcardd"

typedef struct {
    char *path;
    char *reader; /* object path of the reader at the service */
    char *name;
    char *card; /* object path of the card; NULL if there is none */
    char *atr;
    bool is_inserted;
    bool is_used_to_login;
    sd_bus *bus;
    sd_bus_slot *slot;
} LgnToken;

/* Exports a token without a card. Returns NULL on failure. */
LgnToken *lgn_token_new(sd_bus *bus, const LgnReader *reader);
void lgn_token_free(LgnToken *token);

/*
 * Sets the card of the token (NULL: none) with its name, and announces all changes with their
 * values. A card in the place of another one is two changes of IsInserted.
 */
void lgn_token_set_card(LgnToken *token, const LgnReader *reader, const char *name,
                        bool is_used_to_login);

/* The same card has another object path, after a restart of the service. */
void lgn_token_keep_card(LgnToken *token, const char *card);
