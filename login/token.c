/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "token.h"

#include <string.h>

#define TOKEN LGN_GNOME_NAME ".Token"
#define TOKENS LGN_GNOME_MANAGER "/Tokens/"

/* An unplugged reader is a removal; a restart of the service or of pcscd is none. */
static const LgnGrace grace = {.reader_grace_us = 0, .service_grace_us = 30 * LGN_US_PER_S};

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
    lgn_presence_clear(&token->presence);
    lgn_record_free(token->record);
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
    if (token->path && token->reader && token->name &&
        sd_bus_add_object_vtable(bus, &token->slot, token->path, TOKEN, vtable, token) >= 0)
        return token;
    lgn_token_free(token);
    return NULL;
}

void
lgn_token_announce(LgnToken *token)
{
    if (!token->is_announced)
        token->is_announced = sd_bus_emit_object_added(token->bus, token->path) >= 0;
}

static void
announce_change(LgnToken *token, const char *property)
{
    if (!token->is_announced)
        return;
    sd_bus_emit_properties_changed(token->bus, token->path, TOKEN, property, NULL);
}

static void
set_name(LgnToken *token, const char *name)
{
    char *copy = strdup(name);

    if (!copy || strcmp(token->name, name) == 0) {
        free(copy);
        return;
    }
    free(token->name);
    token->name = copy;
    announce_change(token, "Name");
}

void
lgn_token_insert_card(LgnToken *token, const LgnReader *reader, const char *name,
                      bool is_used_to_login)
{
    token->record = lgn_record_new(reader);
    if (!token->record)
        return;
    lgn_presence_init(&token->presence, token->record, &grace);
    set_name(token, name);
    if (token->is_used_to_login != is_used_to_login) {
        token->is_used_to_login = is_used_to_login;
        announce_change(token, "UsedToLogin");
    }
    token->is_inserted = true;
    announce_change(token, "IsInserted");
}

void
lgn_token_remove_card(LgnToken *token)
{
    token->is_inserted = false;
    lgn_presence_clear(&token->presence);
    lgn_record_free(token->record);
    token->record = NULL;
    announce_change(token, "IsInserted");
}
