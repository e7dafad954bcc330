/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "token.h"

#include <string.h>

#define TOKEN LGN_GNOME_NAME ".Token"
#define TOKENS LGN_GNOME_MANAGER "/Tokens/"

static int
get_driver(sd_bus *bus, const char *path, const char *interface, const char *property,
           sd_bus_message *reply, void *data, sd_bus_error *error)
{
    return sd_bus_message_append(reply, "o", LGN_GNOME_DRIVER);
}

static int
get_flag(sd_bus *bus, const char *path, const char *interface, const char *property,
         sd_bus_message *reply, void *data, sd_bus_error *error)
{
    return sd_bus_message_append(reply, "b", (int)*(const bool *)data);
}

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("Name", "s", NULL, offsetof(LgnToken, name),
                    SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Driver", "o", get_driver, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("IsInserted", "b", get_flag, offsetof(LgnToken, is_inserted),
                    SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("UsedToLogin", "b", get_flag, offsetof(LgnToken, is_used_to_login),
                    SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_VTABLE_END,
};

void
lgn_token_free(LgnToken *token)
{
    if (!token)
        return;
    sd_bus_slot_unref(token->slot);
    free(token->path);
    free(token->reader);
    free(token->name);
    free(token->card);
    free(token->atr);
    free(token);
}

/* Returns the path of the token of a reader, whose own path ends in a name that is unique. */
static char *
make_path(const char *reader)
{
    const char *name = strrchr(reader, '/');
    char *path;

    return name && asprintf(&path, TOKENS "%s", name + 1) >= 0 ? path : NULL;
}

LgnToken *
lgn_token_new(sd_bus *bus, const LgnReader *reader)
{
    LgnToken *token = calloc(1, sizeof *token);

    if (!token)
        return NULL;
    token->bus = bus;
    token->path = make_path(reader->path);
    token->reader = strdup(reader->path);
    token->name = strdup(reader->name);
    token->atr = strdup("");
    if (token->path && token->reader && token->name && token->atr &&
        sd_bus_add_object_vtable(bus, &token->slot, token->path, TOKEN, vtable, token) >= 0 &&
        sd_bus_emit_object_added(bus, token->path) >= 0)
        return token;
    lgn_token_free(token);
    return NULL;
}

static void
set_text(char **text, const char *value)
{
    char *copy = strdup(value);

    if (!copy)
        return;
    free(*text);
    *text = copy;
}

static void
set_inserted(LgnToken *token, bool is_inserted, bool is_used_to_login)
{
    bool use_changes = token->is_used_to_login != is_used_to_login;

    token->is_used_to_login = is_used_to_login;
    if (use_changes)
        sd_bus_emit_properties_changed(token->bus, token->path, TOKEN, "UsedToLogin", NULL);
    if (token->is_inserted == is_inserted)
        return;
    token->is_inserted = is_inserted;
    sd_bus_emit_properties_changed(token->bus, token->path, TOKEN, "IsInserted", NULL);
}

void
lgn_token_keep_card(LgnToken *token, const char *card)
{
    set_text(&token->card, card);
}

void
lgn_token_set_card(LgnToken *token, const LgnReader *reader, const char *name,
                   bool is_used_to_login)
{
    /* The token remains the one of the login while its card is away, as gnome-shell expects. */
    set_inserted(token, false, token->is_used_to_login);
    free(token->card);
    token->card = NULL;
    if (!reader)
        return;
    lgn_token_keep_card(token, reader->card);
    set_text(&token->atr, reader->atr);
    if (strcmp(token->name, name) != 0) {
        set_text(&token->name, name);
        sd_bus_emit_properties_changed(token->bus, token->path, TOKEN, "Name", NULL);
    }
    set_inserted(token, true, is_used_to_login);
}
