/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * smartcardd-gnome: the interface org.gnome.SettingsDaemon.Smartcard, which gnome-shell reads, from
 * the events of the service. A session service in place of the plugin of GNOME's settings daemon;
 * see smartcardd-gnome(8). Only cards and readers for logins are shown.
 */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-event.h>
#include <systemd/sd-login.h>
#include <unistd.h>

#include "token.h"
#include "watch.h"

/* Readers may lose their power in suspend, and take so long to come back. */
#define SLEEP_GRACE_US (10 * LGN_US_PER_S)

/* More ports than people plug readers into during a session. */
#define TOKENS_MAX 256

typedef struct {
    sd_event *event;
    sd_event_source *timer;
    sd_bus *bus; /* of the session */
    LgnWatch *watch;
    char *seat;
    char *session; /* NULL if not known */
    LgnToken *tokens[TOKENS_MAX];
    size_t count;
    bool is_announced; /* the bus name is requested */
} Bridge;

static int
get_login_token(sd_bus_message *call, void *data, sd_bus_error *error)
{
    Bridge *bridge = data;

    for (size_t i = 0; i < bridge->count; i++)
        if (bridge->tokens[i]->is_used_to_login)
            return sd_bus_reply_method_return(call, "o", bridge->tokens[i]->path);
    return sd_bus_error_set(error, SD_BUS_ERROR_FILE_NOT_FOUND,
                            "No card was used to log in to this session");
}

static int
get_inserted_tokens(sd_bus_message *call, void *data, sd_bus_error *error)
{
    Bridge *bridge = data;
    sd_bus_message *reply = NULL;
    int r = sd_bus_message_new_method_return(call, &reply);

    if (r >= 0)
        r = sd_bus_message_open_container(reply, 'a', "o");
    for (size_t i = 0; i < bridge->count && r >= 0; i++)
        if (bridge->tokens[i]->is_inserted)
            r = sd_bus_message_append(reply, "o", bridge->tokens[i]->path);
    if (r >= 0)
        r = sd_bus_message_close_container(reply);
    if (r >= 0)
        r = sd_bus_send(NULL, reply, NULL);
    sd_bus_message_unref(reply);
    return r;
}

static int
get_library(sd_bus *bus, const char *path, const char *interface, const char *property,
            sd_bus_message *reply, void *data, sd_bus_error *error)
{
    return sd_bus_message_append(reply, "s", "");
}

static int
get_description(sd_bus *bus, const char *path, const char *interface, const char *property,
                sd_bus_message *reply, void *data, sd_bus_error *error)
{
    return sd_bus_message_append(reply, "s", "smartcardd");
}

static const sd_bus_vtable manager_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("GetLoginToken", "", "o", get_login_token, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("GetInsertedTokens", "", "ao", get_inserted_tokens, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

static const sd_bus_vtable driver_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("Library", "s", get_library, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Description", "s", get_description, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_VTABLE_END,
};

static bool
has_token(const Bridge *bridge, const char *reader)
{
    for (size_t i = 0; i < bridge->count; i++)
        if (strcmp(bridge->tokens[i]->reader, reader) == 0)
            return true;
    return false;
}

static void
add_token(Bridge *bridge, const LgnReader *reader)
{
    if (has_token(bridge, reader->path) || bridge->count == TOKENS_MAX)
        return;
    LgnToken *token = lgn_token_new(bridge->bus, reader);
    if (token)
        bridge->tokens[bridge->count++] = token;
}

/* Returns whether the card in the reader is the one that the PAM module remembered. */
static bool
is_used_to_login(const Bridge *bridge, const LgnReader *reader)
{
    LgnRecord *record = NULL;

    if (!bridge->session || lgn_record_load(&record, bridge->session) < 0)
        return false;
    bool is_used =
        strcmp(record->reader, reader->path) == 0 && strcmp(record->atr, reader->atr) == 0;
    lgn_record_free(record);
    return is_used;
}

/* Returns whether D-Bus can carry the text; a token's label may be any bytes. */
static bool
can_be_sent(Bridge *bridge, const char *text)
{
    sd_bus_message *message = NULL;
    int r =
        sd_bus_message_new_signal(bridge->bus, &message, LGN_GNOME_ROOT, LGN_GNOME_NAME, "Text");

    if (r >= 0)
        r = sd_bus_message_append_basic(message, 's', text);
    sd_bus_message_unref(message);
    return r >= 0;
}

static void
insert_card(Bridge *bridge, LgnToken *token, const LgnReader *reader)
{
    const char *login_name = getenv("PKCS11_LOGIN_TOKEN_NAME");
    bool is_used = is_used_to_login(bridge, reader);
    const char *name = *reader->card_name ? reader->card_name : reader->name;

    if (is_used && login_name && can_be_sent(bridge, login_name))
        name = login_name;
    lgn_token_insert_card(token, reader, name, is_used);
}

static uint64_t
now_us(Bridge *bridge)
{
    uint64_t now = 0;

    sd_event_now(bridge->event, CLOCK_MONOTONIC, &now);
    return now;
}

/* Returns whether the reader, or the card in it, does not count for logins any more. */
static bool
is_withdrawn(const Bridge *bridge, const LgnReader *reader)
{
    return reader && (!lgn_reader_serves_seat(reader, bridge->seat) ||
                      (reader->card && !lgn_reader_has_login_card(reader)));
}

/* reader: of the token; NULL if it is not in the report. */
static void
apply_report(Bridge *bridge, LgnToken *token, const LgnReport *report, const LgnReader *reader)
{
    uint64_t now = now_us(bridge);

    token->presence.grace.reader_grace_us = report->is_around_sleep ? SLEEP_GRACE_US : 0;
    if (token->is_inserted &&
        (lgn_presence_apply_report(&token->presence, report, now) || is_withdrawn(bridge, reader)))
        lgn_token_remove_card(token);
    if (token->is_inserted || !reader || !lgn_reader_serves_seat(reader, bridge->seat) ||
        !lgn_reader_has_login_card(reader))
        return;
    insert_card(bridge, token, reader);
    if (token->is_inserted)
        lgn_presence_apply_report(&token->presence, report, now);
}

static void
set_timer(Bridge *bridge)
{
    uint64_t deadline_us = UINT64_MAX;

    for (size_t i = 0; i < bridge->count; i++) {
        const LgnToken *token = bridge->tokens[i];
        uint64_t at_us = token->is_inserted ? lgn_presence_deadline(&token->presence) : UINT64_MAX;
        if (at_us < deadline_us)
            deadline_us = at_us;
    }
    sd_event_source_set_time(bridge->timer, deadline_us);
    sd_event_source_set_enabled(bridge->timer,
                                deadline_us == UINT64_MAX ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

static int
handle_timer(sd_event_source *source, uint64_t usec, void *data)
{
    Bridge *bridge = data;

    for (size_t i = 0; i < bridge->count; i++) {
        LgnToken *token = bridge->tokens[i];
        LgnVerdict verdict = token->is_inserted
                                 ? lgn_presence_apply_time(&token->presence, now_us(bridge))
                                 : LGN_NOTHING_TO_DO;
        if (verdict == LGN_CARD_IS_GONE)
            lgn_token_remove_card(token);
        else if (verdict == LGN_LOOK_AGAIN)
            lgn_watch_read_if_running(bridge->watch);
    }
    set_timer(bridge);
    return 0;
}

/* A bus name that appears late finds all tokens: gnome-shell reads them once. */
static void
announce(Bridge *bridge)
{
    if (bridge->is_announced)
        return;
    bridge->is_announced = true;
    int r = sd_bus_request_name(bridge->bus, LGN_GNOME_NAME, 0);
    if (r < 0) {
        fprintf(stderr, "smartcardd-gnome: cannot have the name " LGN_GNOME_NAME ": %s\n",
                strerror(-r));
        sd_event_exit(bridge->event, EXIT_FAILURE);
    }
}

static void
handle_report(const LgnReport *report, void *data)
{
    Bridge *bridge = data;

    for (size_t i = 0; report->list && i < report->list->count; i++)
        if (lgn_reader_serves_seat(&report->list->readers[i], bridge->seat))
            add_token(bridge, &report->list->readers[i]);
    for (size_t i = 0; i < bridge->count; i++) {
        LgnToken *token = bridge->tokens[i];
        apply_report(bridge, token, report,
                     report->list ? lgn_reader_list_find(report->list, token->reader) : NULL);
        lgn_token_announce(token);
    }
    set_timer(bridge);
    announce(bridge);
}

static void
find_session(Bridge *bridge)
{
    const char *session = getenv("XDG_SESSION_ID");

    if (session && lgn_record_is_session_name(session))
        bridge->session = strdup(session);
    else if (sd_uid_get_display(getuid(), &bridge->session) < 0)
        bridge->session = NULL;
    if (!bridge->session || sd_session_get_seat(bridge->session, &bridge->seat) < 0)
        bridge->seat = strdup("seat0");
}

static int
open_session_bus(Bridge *bridge)
{
    int r = sd_bus_open_user(&bridge->bus);

    if (r >= 0)
        r = sd_bus_add_object_manager(bridge->bus, NULL, LGN_GNOME_ROOT);
    if (r >= 0)
        r = sd_bus_add_object_vtable(bridge->bus, NULL, LGN_GNOME_MANAGER,
                                     LGN_GNOME_NAME ".Manager", manager_vtable, bridge);
    if (r >= 0)
        r = sd_bus_add_object_vtable(bridge->bus, NULL, LGN_GNOME_DRIVER, LGN_GNOME_NAME ".Driver",
                                     driver_vtable, bridge);
    if (r >= 0)
        r = sd_bus_set_exit_on_disconnect(bridge->bus, true);
    return r < 0 ? r : sd_bus_attach_event(bridge->bus, bridge->event, 0);
}

static int
set_up(Bridge *bridge)
{
    int r = sd_event_default(&bridge->event);

    find_session(bridge);
    if (r >= 0)
        r = sd_event_set_signal_exit(bridge->event, true);
    if (r >= 0)
        r = sd_event_add_time(bridge->event, &bridge->timer, CLOCK_MONOTONIC, UINT64_MAX, 1,
                              handle_timer, bridge);
    if (r >= 0)
        r = open_session_bus(bridge);
    if (r >= 0)
        r = lgn_watch_open(&bridge->watch, handle_report, bridge);
    if (r >= 0)
        r = lgn_watch_follow_sleep(bridge->watch);
    if (r >= 0)
        r = lgn_watch_attach(bridge->watch, bridge->event);
    if (r < 0)
        fprintf(stderr, "smartcardd-gnome: cannot connect to the buses: %s\n", strerror(-r));
    return r;
}

int
main(int argc, char **argv)
{
    Bridge bridge = {0};
    int r = set_up(&bridge);

    if (r >= 0)
        r = sd_event_loop(bridge.event);
    lgn_watch_free(bridge.watch);
    for (size_t i = 0; i < bridge.count; i++)
        lgn_token_free(bridge.tokens[i]);
    sd_bus_flush_close_unref(bridge.bus);
    sd_event_source_unref(bridge.timer);
    sd_event_unref(bridge.event);
    free(bridge.seat);
    free(bridge.session);
    return r < 0 ? EXIT_FAILURE : r;
}
