/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The tokens of the bridge to GNOME: one object on the session bus for each reader for logins,
 * below /org/gnome/SettingsDaemon/Smartcard, with the interface
 * org.gnome.SettingsDaemon.Smartcard.Token. A token stays when its card or its reader goes, and
 * changes IsInserted: gnome-shell reacts to that change.
 */

#include <stdbool.h>

#include "presence.h"

#define LGN_GNOME_NAME "org.gnome.SettingsDaemon.Smartcard"
#define LGN_GNOME_ROOT "/org/gnome/SettingsDaemon/Smartcard"
#define LGN_GNOME_MANAGER LGN_GNOME_ROOT "/Manager"
#define LGN_GNOME_DRIVER LGN_GNOME_MANAGER "/Drivers/smartcardd"

typedef struct {
    char *path;
    char *reader; /* object path of the reader at the service */
    char *name;
    bool is_announced;
    bool is_inserted;
    bool is_used_to_login;
    LgnRecord *record;    /* of the card while is_inserted */
    LgnPresence presence; /* of the same */
    sd_bus *bus;
    sd_bus_slot *slot;
} LgnToken;

/* Exports a token without a card, which is not announced yet. Returns NULL on failure. */
LgnToken *lgn_token_new(sd_bus *bus, const LgnReader *reader);
void lgn_token_free(LgnToken *token);

/*
 * Emits InterfacesAdded, once. To be called when the token has its card, if there is one:
 * gnome-shell reads the token then, and would take a change that follows at once for another card.
 */
void lgn_token_announce(LgnToken *token);

/*
 * Both emit PropertiesChanged with the new values of a token that is announced. The token must not
 * have a card before the first one. After the second one it still is the token of the login,
 * because gnome-shell queries whether the card of that token is inserted.
 */
void lgn_token_insert_card(LgnToken *token, const LgnReader *reader, const char *name,
                           bool is_used_to_login);
void lgn_token_remove_card(LgnToken *token);
