/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "watch.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BUS "org.freedesktop.DBus"
#define SERVICE "org.smartcardd1"
#define ROOT "/org/smartcardd1"
#define MANAGER SERVICE ".Manager"
#define OBJECT_MANAGER "org.freedesktop.DBus.ObjectManager"
#define PROPERTIES "org.freedesktop.DBus.Properties"
#define LOGIND "org.freedesktop.login1"

/* After an error of a service that is running. */
#define RETRY_US UINT64_C(1000000)

/* After each of the two signals of a suspend. */
#define SLEEP_US UINT64_C(10000000)

struct LgnWatch {
    sd_bus *bus;
    LgnReportFunction report;
    void *data;

    char *owner;  /* the service's unique name on the bus; NULL if not known */
    bool has_run; /* the service has had an owner */

    char *logind; /* the same of systemd-logind, while sleep is followed */
    uint64_t sleep_ends_us;

    uint64_t retry_at_us;         /* UINT64_MAX: no error to recover from */
    sd_event_source *retry_timer; /* NULL without an event loop */

    LgnReaderList list;
    bool available;          /* Manager.Available, of the last reply */
    bool available_is_known; /* that reply was no error */
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

static uint64_t
now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* error: NULL if the list was read. */
static void
send_report(LgnWatch *watch, const char *error)
{
    if (!error && !watch->available)
        error = "pcscd is not available";
    LgnReport report = {
        .list = error ? NULL : &watch->list,
        .error = error,
        .has_run = watch->has_run,
        .was_away = watch->was_away || error,
        .is_around_sleep = now_us() < watch->sleep_ends_us,
        .gone = watch->gone,
        .gone_count = watch->gone_count,
    };
    watch->report(&report, watch->data);
    watch->was_away = error;
    clear_gone(watch);
}

static void
set_retry(LgnWatch *watch, uint64_t at_us)
{
    watch->retry_at_us = at_us;
    if (!watch->retry_timer)
        return;
    sd_event_source_set_time(watch->retry_timer, at_us);
    sd_event_source_set_enabled(watch->retry_timer,
                                at_us == UINT64_MAX ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

/* owner: NULL or "" if the name has none. */
static void
copy_owner(char **copy, const char *owner)
{
    free(*copy);
    *copy = owner && *owner ? strdup(owner) : NULL;
}

static void
set_owner(LgnWatch *watch, const char *owner)
{
    copy_owner(&watch->owner, owner);
    watch->has_run |= watch->owner != NULL;
}

/*
 * Returns whether it is the sender of the message. The rules of the bus select signals that are
 * sent to all; but any user may send a signal to this connection alone, and libsystemd does not
 * know who has the service's name.
 */
static bool
is_from(sd_bus_message *message, const char *name)
{
    const char *sender = sd_bus_message_get_sender(message);

    return name && sender && strcmp(sender, name) == 0;
}

static const char *
text_of_error(const sd_bus_error *error)
{
    return error->message ? error->message : error->name;
}

/* A service that is away announces itself when it is back. */
static bool
is_worth_a_retry(const sd_bus_error *error)
{
    return !sd_bus_error_has_name(error, SD_BUS_ERROR_SERVICE_UNKNOWN) &&
           !sd_bus_error_has_name(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER) &&
           !sd_bus_error_has_name(error, SD_BUS_ERROR_ACCESS_DENIED);
}

static void read_readers(LgnWatch *watch, bool start_service);

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
    if (!error)
        set_owner(watch, sd_bus_message_get_sender(reply));
    if (error ? is_worth_a_retry(error) : !watch->available_is_known)
        set_retry(watch, now_us() + RETRY_US);
    if (error)
        send_report(watch, text_of_error(error));
    else
        send_report(watch, r < 0 ? strerror(-r) : NULL);
    if (watch->is_stale)
        read_readers(watch, false);
    return 0;
}

/* This reply precedes that of GetManagedObjects. */
static int
handle_available_reply(sd_bus_message *reply, void *data, sd_bus_error *unused)
{
    LgnWatch *watch = data;
    int available = 0;

    watch->available_is_known = !sd_bus_message_is_method_error(reply, NULL);
    if (watch->available_is_known)
        set_owner(watch, sd_bus_message_get_sender(reply));
    watch->available = watch->available_is_known &&
                       sd_bus_message_read(reply, "v", "b", &available) >= 0 && available;
    return 0;
}

static int
call_service(LgnWatch *watch, const char *interface, const char *method, bool start_service,
             const char *property, sd_bus_message_handler_t handle)
{
    sd_bus_message *call = NULL;
    int r = sd_bus_message_new_method_call(watch->bus, &call, SERVICE, ROOT, interface, method);

    if (r >= 0 && property)
        r = sd_bus_message_append(call, "ss", MANAGER, property);
    if (r >= 0)
        r = sd_bus_message_set_auto_start(call, start_service);
    if (r >= 0)
        r = sd_bus_call_async(watch->bus, NULL, call, handle, watch, 0);
    sd_bus_message_unref(call);
    return r;
}

/* Sends the calls, unless calls are pending: then it does so after their reply. */
static void
read_readers(LgnWatch *watch, bool start_service)
{
    watch->is_stale = watch->is_reading;
    if (watch->is_reading)
        return;
    set_retry(watch, UINT64_MAX);
    int r =
        call_service(watch, PROPERTIES, "Get", start_service, "Available", handle_available_reply);
    if (r >= 0)
        r = call_service(watch, OBJECT_MANAGER, "GetManagedObjects", start_service, NULL,
                         handle_readers_reply);
    watch->is_reading = r >= 0;
    if (r < 0)
        send_report(watch, strerror(-r));
}

void
lgn_watch_read(LgnWatch *watch)
{
    read_readers(watch, true);
}

void
lgn_watch_read_if_running(LgnWatch *watch)
{
    read_readers(watch, false);
}

static int
handle_owner_changed(sd_bus_message *message, void *data, sd_bus_error *unused)
{
    LgnWatch *watch = data;
    const char *name, *before, *after;

    if (!is_from(message, BUS) || sd_bus_message_read(message, "sss", &name, &before, &after) < 0)
        return 0;
    if (!watch->owner) /* it had one that has not answered yet */
        set_owner(watch, before);
    set_owner(watch, after);
    if (*before != '\0') {
        watch->was_away = true;
        lgn_reader_list_clear(&watch->list);
        send_report(watch, "the smart card service is not running");
    }
    if (*after != '\0')
        read_readers(watch, false);
    return 0;
}

/* Remembers that a reader was removed, for the next report. Returns false when out of memory. */
static bool
add_gone(LgnWatch *watch, const char *path)
{
    for (size_t i = 0; i < watch->gone_count; i++)
        if (strcmp(watch->gone[i], path) == 0)
            return true;
    char **gone = reallocarray(watch->gone, watch->gone_count + 1, sizeof *gone);
    if (!gone)
        return false;
    watch->gone = gone;
    gone[watch->gone_count] = strdup(path);
    if (!gone[watch->gone_count])
        return false;
    watch->gone_count++;
    return true;
}

static int
handle_objects_changed(sd_bus_message *message, void *data, sd_bus_error *unused)
{
    LgnWatch *watch = data;
    const char *path;

    if (!is_from(message, watch->owner))
        return 0;
    if (sd_bus_message_is_signal(message, OBJECT_MANAGER, "InterfacesRemoved") > 0 &&
        sd_bus_message_read(message, "o", &path) >= 0 && lgn_reader_list_find(&watch->list, path) &&
        !add_gone(watch, path))
        return -ENOMEM;
    read_readers(watch, false);
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

    if (!is_from(message, watch->owner) || sd_bus_message_skip(message, "s") < 0 ||
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
        read_readers(watch, false);
    return 0;
}

/*
 * The connection ends if the bus has no room for the rules of this user: without them the watch
 * would miss a card that is pulled.
 */
static int
add_rules(LgnWatch *watch)
{
    static const struct {
        const char *rule;
        sd_bus_message_handler_t handle;
    } rules[] = {
        {"type='signal',sender='" BUS "',interface='" BUS "',"
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
        r = sd_bus_add_match_async(watch->bus, NULL, rules[i].rule, rules[i].handle, NULL, watch);
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
    (*watch)->retry_at_us = UINT64_MAX;
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
    sd_event_source_disable_unref(watch->retry_timer);
    sd_bus_detach_event(watch->bus);
    sd_bus_close_unref(watch->bus);
    lgn_reader_list_clear(&watch->list);
    clear_gone(watch);
    free(watch->owner);
    free(watch->logind);
    free(watch);
}

static int
handle_logind_reply(sd_bus_message *reply, void *data, sd_bus_error *unused)
{
    LgnWatch *watch = data;
    const char *owner;

    if (!sd_bus_message_is_method_error(reply, NULL) &&
        sd_bus_message_read(reply, "s", &owner) >= 0)
        copy_owner(&watch->logind, owner);
    return 0;
}

static int
handle_logind_changed(sd_bus_message *message, void *data, sd_bus_error *unused)
{
    LgnWatch *watch = data;
    const char *name, *before, *after;

    if (is_from(message, BUS) && sd_bus_message_read(message, "sss", &name, &before, &after) >= 0)
        copy_owner(&watch->logind, after);
    return 0;
}

static int
handle_sleep(sd_bus_message *message, void *data, sd_bus_error *unused)
{
    LgnWatch *watch = data;
    int begins;

    if (!is_from(message, watch->logind) || sd_bus_message_read(message, "b", &begins) < 0)
        return 0;
    watch->sleep_ends_us = now_us() + SLEEP_US;
    read_readers(watch, !begins);
    return 0;
}

int
lgn_watch_follow_sleep(LgnWatch *watch)
{
    int r = sd_bus_add_match_async(watch->bus, NULL,
                                   "type='signal',sender='" BUS "',interface='" BUS "',"
                                   "member='NameOwnerChanged',arg0='" LOGIND "'",
                                   handle_logind_changed, NULL, watch);

    if (r >= 0)
        r = sd_bus_add_match_async(watch->bus, NULL,
                                   "type='signal',sender='" LOGIND "',interface='" LOGIND
                                   ".Manager',member='PrepareForSleep'",
                                   handle_sleep, NULL, watch);
    if (r >= 0)
        r = sd_bus_call_method_async(watch->bus, NULL, BUS, "/org/freedesktop/DBus", BUS,
                                     "GetNameOwner", handle_logind_reply, watch, "s", LOGIND);
    return r;
}

static int
handle_retry(sd_event_source *source, uint64_t usec, void *data)
{
    read_readers(data, false);
    return 0;
}

int
lgn_watch_attach(LgnWatch *watch, sd_event *event)
{
    int r = sd_event_add_time(event, &watch->retry_timer, CLOCK_MONOTONIC, watch->retry_at_us, 0,
                              handle_retry, watch);

    if (r >= 0)
        set_retry(watch, watch->retry_at_us);
    if (r >= 0)
        r = sd_bus_attach_event(watch->bus, event, 0);
    return r < 0 ? r : sd_bus_set_exit_on_disconnect(watch->bus, true);
}

sd_bus *
lgn_watch_bus(LgnWatch *watch)
{
    return watch->bus;
}

/* Blocks until the bus has something to do, the descriptor is readable, or the time is over. */
static int
wait_for_bus(LgnWatch *watch, uint64_t limit_us, int interrupt)
{
    struct pollfd fds[] = {{.fd = sd_bus_get_fd(watch->bus)}, {.fd = interrupt, .events = POLLIN}};
    int events = sd_bus_get_events(watch->bus);
    uint64_t bus_us, now = now_us();
    int r = sd_bus_get_timeout(watch->bus, &bus_us);

    if (fds[0].fd < 0 || events < 0 || r < 0)
        return -ENOTCONN;
    fds[0].events = (short)events;
    if (r > 0 && bus_us != UINT64_MAX) {
        uint64_t left_us = bus_us > now ? bus_us - now : 0;
        limit_us = left_us < limit_us ? left_us : limit_us;
    }
    struct timespec limit = {.tv_sec = (time_t)(limit_us / 1000000),
                             .tv_nsec = (long)(limit_us % 1000000) * 1000};
    if (ppoll(fds, 2, limit_us == UINT64_MAX ? NULL : &limit, NULL) < 0)
        return errno == EINTR ? 0 : -errno;
    return fds[1].revents ? -ECANCELED : 0;
}

int
lgn_watch_wait(LgnWatch *watch, uint64_t limit_us, int interrupt)
{
    uint64_t now = now_us();

    if (watch->retry_at_us <= now)
        read_readers(watch, false);
    else if (watch->retry_at_us != UINT64_MAX && watch->retry_at_us - now < limit_us)
        limit_us = watch->retry_at_us - now;
    int r = sd_bus_process(watch->bus, NULL);
    if (r == 0)
        return wait_for_bus(watch, limit_us, interrupt);
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
