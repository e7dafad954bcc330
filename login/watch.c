/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SERVICE "org.smartcardd1"
#define ROOT "/org/smartcardd1"
#define MANAGER SERVICE ".Manager"
#define OBJECT_MANAGER "org.freedesktop.DBus.ObjectManager"
#define PROPERTIES "org.freedesktop.DBus.Properties"

struct LgnWatch {
    sd_bus *bus;
    LgnReportFunction report;
    void *data;

    LgnReaderList list;
    bool available; /* Manager.Available, of the last reply */
    bool is_reading;
    bool is_stale; /* something has changed since the calls that are pending were sent */

    /* Since the last report. */
    bool was_away;
    char **gone;
    size_t gone_count;
};

static void
clear_gone(LgnWatch *watch)
{
    for (size_t i = 0; i < watch->gone_count; i++)
        free(watch->gone[i]);
    free(watch->gone);
    watch->gone = NULL;
    watch->gone_count = 0;
}

/* error: NULL if the list was read. */
static void
send_report(LgnWatch *watch, const char *error)
{
    bool is_running = !error;

    if (is_running && !watch->available)
        error = "pcscd is not available";
    LgnReport report = {
        .list = error ? NULL : &watch->list,
        .error = error,
        .is_running = is_running,
        .was_away = watch->was_away || error,
        .gone = watch->gone,
        .gone_count = watch->gone_count,
    };
    watch->report(&report, watch->data);
    watch->was_away = error;
    clear_gone(watch);
}

static int
handle_readers_reply(sd_bus_message *reply, void *data, sd_bus_error *unused)
{
    LgnWatch *watch = data;
    const sd_bus_error *error = sd_bus_message_get_error(reply);
    LgnReaderList list = {0};

    watch->is_reading = false;
    int r = error ? -EIO : lgn_reader_list_read(&list, reply);
    lgn_reader_list_clear(&watch->list);
    watch->list = list;
    if (r < 0)
        send_report(watch, error && error->message ? error->message : strerror(-r));
    else
        send_report(watch, NULL);
    if (watch->is_stale)
        lgn_watch_read(watch);
    return 0;
}

/* This reply precedes that of GetManagedObjects, which reports an error. */
static int
handle_available_reply(sd_bus_message *reply, void *data, sd_bus_error *unused)
{
    LgnWatch *watch = data;
    int available = 0;

    watch->available = !sd_bus_message_is_method_error(reply, NULL) &&
                       sd_bus_message_read(reply, "v", "b", &available) >= 0 && available;
    return 0;
}

/* Sends the calls, unless calls are pending: then it does so after their reply. */
void
lgn_watch_read(LgnWatch *watch)
{
    watch->is_stale = watch->is_reading;
    if (watch->is_reading)
        return;
    int r = sd_bus_call_method_async(watch->bus, NULL, SERVICE, ROOT, PROPERTIES, "Get",
                                     handle_available_reply, watch, "ss", MANAGER, "Available");
    if (r >= 0)
        r = sd_bus_call_method_async(watch->bus, NULL, SERVICE, ROOT, OBJECT_MANAGER,
                                     "GetManagedObjects", handle_readers_reply, watch, NULL);
    watch->is_reading = r >= 0;
    if (r < 0)
        send_report(watch, strerror(-r));
}

static int
handle_owner_changed(sd_bus_message *message, void *data, sd_bus_error *unused)
{
    LgnWatch *watch = data;
    const char *name, *before, *after;

    if (sd_bus_message_read(message, "sss", &name, &before, &after) < 0)
        return 0;
    if (*before != '\0') {
        watch->was_away = true;
        lgn_reader_list_clear(&watch->list);
        send_report(watch, "the smart card service is not running");
    }
    if (*after != '\0')
        lgn_watch_read(watch);
    return 0;
}

static int
handle_objects_changed(sd_bus_message *message, void *data, sd_bus_error *unused)
{
    LgnWatch *watch = data;
    const char *path;

    if (sd_bus_message_is_signal(message, OBJECT_MANAGER, "InterfacesRemoved") > 0 &&
        sd_bus_message_read(message, "o", &path) >= 0 && lgn_reader_list_find(&watch->list, path)) {
        char **gone = reallocarray(watch->gone, watch->gone_count + 1, sizeof *gone);
        if (!gone)
            return -ENOMEM;
        watch->gone = gone;
        gone[watch->gone_count] = strdup(path);
        if (!gone[watch->gone_count])
            return -ENOMEM;
        watch->gone_count++;
    }
    lgn_watch_read(watch);
    return 0;
}

/* Returns whether a login depends on the property, whose value is next in the message. */
static bool
is_property_of_login(sd_bus_message *message, const char *name, bool *unavailable)
{
    static const char *const names[] = {"Alias", "Card",  "LoginCandidate",
                                        "Seat",  "State", "UsbPath"};
    int available = 1;

    if (strcmp(name, "Available") == 0) {
        if (sd_bus_message_read(message, "v", "b", &available) < 0)
            return false;
        *unavailable = !available;
        return true;
    }
    sd_bus_message_skip(message, "v");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static int
handle_properties_changed(sd_bus_message *message, void *data, sd_bus_error *unused)
{
    LgnWatch *watch = data;
    bool found = false, unavailable = false;
    const char *name;

    if (sd_bus_message_skip(message, "s") < 0 ||
        sd_bus_message_enter_container(message, 'a', "{sv}") < 0)
        return 0;
    while (sd_bus_message_enter_container(message, 'e', "sv") > 0) {
        if (sd_bus_message_read(message, "s", &name) < 0)
            return 0;
        found |= is_property_of_login(message, name, &unavailable);
        if (sd_bus_message_exit_container(message) < 0)
            return 0;
    }
    if (unavailable) { /* the replies that are pending may have been made before and after */
        watch->was_away = true;
        watch->available = false;
    }
    if (found)
        lgn_watch_read(watch);
    return 0;
}

/* The bus replies to a rule; an error means that it has no room for rules of this user. */
static int
handle_rule_reply(sd_bus_message *reply, void *data, sd_bus_error *unused)
{
    if (sd_bus_message_is_method_error(reply, NULL))
        send_report(data, sd_bus_message_get_error(reply)->message);
    return 0;
}

static int
add_rules(LgnWatch *watch)
{
    static const struct {
        const char *rule;
        sd_bus_message_handler_t handle;
    } rules[] = {
        {"type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
         "member='NameOwnerChanged',arg0='" SERVICE "'",
         handle_owner_changed},
        {"type='signal',sender='" SERVICE "',interface='" OBJECT_MANAGER "'",
         handle_objects_changed},
        {"type='signal',sender='" SERVICE "',interface='" PROPERTIES
         "',member='PropertiesChanged',path_namespace='" ROOT "'",
         handle_properties_changed},
    };
    int r = 0;

    for (size_t i = 0; i < sizeof rules / sizeof rules[0] && r >= 0; i++)
        r = sd_bus_add_match_async(watch->bus, NULL, rules[i].rule, rules[i].handle,
                                   handle_rule_reply, watch);
    return r;
}

int
lgn_watch_open(LgnWatch **watch, LgnReportFunction report, void *data)
{
    *watch = calloc(1, sizeof **watch);
    if (!*watch)
        return -ENOMEM;
    (*watch)->report = report;
    (*watch)->data = data;
    int r = sd_bus_open_system(&(*watch)->bus);
    if (r >= 0)
        r = add_rules(*watch);
    if (r >= 0)
        lgn_watch_read(*watch);
    else
        lgn_watch_free(*watch);
    if (r < 0)
        *watch = NULL;
    return r < 0 ? r : 0;
}

void
lgn_watch_free(LgnWatch *watch)
{
    if (!watch)
        return;
    sd_bus_detach_event(watch->bus);
    sd_bus_close_unref(watch->bus);
    lgn_reader_list_clear(&watch->list);
    clear_gone(watch);
    free(watch);
}

int
lgn_watch_attach(LgnWatch *watch, sd_event *event)
{
    int r = sd_bus_attach_event(watch->bus, event, 0);

    return r < 0 ? r : sd_bus_set_exit_on_disconnect(watch->bus, true);
}

sd_bus *
lgn_watch_bus(LgnWatch *watch)
{
    return watch->bus;
}

int
lgn_watch_wait(LgnWatch *watch, uint64_t limit_us)
{
    int r = sd_bus_process(watch->bus, NULL);

    if (r == 0)
        r = sd_bus_wait(watch->bus, limit_us);
    return r < 0 && r != -EINTR ? r : 0;
}

bool
lgn_report_has_gone(const LgnReport *report, const char *path)
{
    for (size_t i = 0; i < report->gone_count; i++)
        if (strcmp(report->gone[i], path) == 0)
            return true;
    return false;
}
