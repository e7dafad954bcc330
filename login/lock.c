/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * smartcardd-lock: a user service that locks the user's sessions when the card that was used to log
 * in is gone. See smartcardd-lock(8). It has one thread, sleeps until something happens, and asks
 * systemd-logind to lock: any desktop follows that.
 */

#include <dirent.h>
#include <errno.h>
#include <glib/gi18n.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <systemd/sd-login.h>
#include <unistd.h>

#include "lock-settings.h"
#include "login-config.h"

#define LOGIND "org.freedesktop.login1"
#define LOGIND_PATH "/org/freedesktop/login1"
#define LOGIND_MANAGER LOGIND ".Manager"
#define LOGIND_ATTEMPTS 3

typedef struct Locker Locker;

/* A session of the user that was opened with a card; owned by the locker. */
typedef struct {
    Locker *locker;
    char *name;
    LgnRecord *record;
    LgnPresence presence;
} LockedSession;

struct Locker {
    sd_event *event;
    sd_event_source *timer;
    LgnWatch *watch;
    LgnLockSettings settings;
    GPtrArray *sessions; /* of LockedSession */
    bool is_ready;
};

static void
free_session(gpointer data)
{
    LockedSession *session = data;

    lgn_presence_clear(&session->presence);
    lgn_record_free(session->record);
    g_free(session->name);
    g_free(session);
}

/* A call of logind that is pending; its slot owns it. */
typedef struct {
    sd_bus *bus;
    const char *method;
    char *session;
    guint attempts;
} LogindCall;

static void call_logind(sd_bus *bus, const char *method, const char *session, guint attempts);

/* A logind that restarts while it has the call must not leave the session unlocked. */
static gboolean
is_worth_another_attempt(const LogindCall *call, const sd_bus_error *error)
{
    return call->attempts < LOGIND_ATTEMPTS &&
           (sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY) ||
            sd_bus_error_has_name(error, SD_BUS_ERROR_TIMEOUT));
}

static int
handle_logind_reply(sd_bus_message *reply, void *data, sd_bus_error *unused)
{
    const LogindCall *call = data;
    const sd_bus_error *error = sd_bus_message_get_error(reply);

    if (error && is_worth_another_attempt(call, error))
        call_logind(call->bus, call->method, call->session, call->attempts + 1);
    else if (error)
        g_warning(_("systemd-logind refused to end or lock the session: %s"),
                  error->message ? error->message : error->name);
    return 0;
}

static void
free_call(void *data)
{
    LogindCall *call = data;

    g_free(call->session);
    g_free(call);
}

static void
call_logind(sd_bus *bus, const char *method, const char *session, guint attempts)
{
    LogindCall *call = g_new(LogindCall, 1);
    sd_bus_slot *slot = NULL;

    *call = (LogindCall){bus, method, g_strdup(session), attempts};
    int r = sd_bus_call_method_async(bus, &slot, LOGIND, LOGIND_PATH, LOGIND_MANAGER, method,
                                     handle_logind_reply, call, "s", session);
    if (r < 0) {
        g_warning("%s: %s", method, strerror(-r));
        free_call(call);
        return;
    }
    sd_bus_slot_set_destroy_callback(slot, free_call);
    sd_bus_slot_set_floating(slot, true);
    sd_bus_slot_unref(slot);
}

static gboolean
is_own_session(const char *name)
{
    uid_t uid;

    return sd_session_get_uid(name, &uid) >= 0 && uid == getuid();
}

/* A record may outlive its session: a PAM stack that closes the session for its user keeps it. */
static void
act_on_removal(LockedSession *session)
{
    sd_bus *bus = lgn_watch_bus(session->locker->watch);

    if (!is_own_session(session->name))
        return;
    switch (lgn_lock_settings_action(&session->locker->settings)) {
    case LGN_ACTION_NONE:
        break;
    case LGN_ACTION_LOCK:
        g_message(_("The card of session %s was removed: locking the session"), session->name);
        call_logind(bus, "LockSession", session->name, 1);
        break;
    case LGN_ACTION_LOG_OUT:
        g_message(_("The card of session %s was removed: ending the session"), session->name);
        call_logind(bus, "TerminateSession", session->name, 1);
        break;
    }
}

static uint64_t
now_us(Locker *locker)
{
    uint64_t now = 0;

    sd_event_now(locker->event, CLOCK_MONOTONIC, &now);
    return now;
}

static void
set_timer(Locker *locker)
{
    uint64_t deadline_us = UINT64_MAX;

    for (guint i = 0; i < locker->sessions->len; i++) {
        LockedSession *session = locker->sessions->pdata[i];
        deadline_us = MIN(deadline_us, lgn_presence_deadline(&session->presence));
    }
    sd_event_source_set_time(locker->timer, deadline_us);
    sd_event_source_set_enabled(locker->timer,
                                deadline_us == UINT64_MAX ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

static int
handle_timer(sd_event_source *source, uint64_t usec, void *data)
{
    Locker *locker = data;

    for (guint i = 0; i < locker->sessions->len; i++) {
        LockedSession *session = locker->sessions->pdata[i];
        LgnVerdict verdict = lgn_presence_apply_time(&session->presence, now_us(locker));
        if (verdict == LGN_CARD_IS_GONE)
            act_on_removal(session);
        else if (verdict == LGN_LOOK_AGAIN)
            lgn_watch_read_if_running(locker->watch);
    }
    set_timer(locker);
    return 0;
}

/* For "systemctl --user status". */
static void
show_status(Locker *locker)
{
    guint in = 0;

    for (guint i = 0; i < locker->sessions->len; i++) {
        const LockedSession *session = locker->sessions->pdata[i];
        in += session->presence.state == LGN_CARD_IN;
    }
    sd_notifyf(0, "STATUS=Cards of sessions: %u, of which %u are in their readers",
               locker->sessions->len, in);
}

static void
handle_report(const LgnReport *report, void *data)
{
    Locker *locker = data;

    for (guint i = 0; i < locker->sessions->len; i++) {
        LockedSession *session = locker->sessions->pdata[i];
        if (lgn_presence_apply_report(&session->presence, report, now_us(locker)))
            act_on_removal(session);
    }
    set_timer(locker);
    show_status(locker);
    if (!locker->is_ready)
        sd_notify(0, "READY=1");
    locker->is_ready = true;
}

static gboolean
find_session(Locker *locker, const char *name, guint *index)
{
    for (guint i = 0; i < locker->sessions->len; i++) {
        LockedSession *session = locker->sessions->pdata[i];
        if (g_str_equal(session->name, name)) {
            *index = i;
            return TRUE;
        }
    }
    return FALSE;
}

/* Loads the record of a session; it replaces an older one, after a session was opened again. */
static void
load_session(Locker *locker, const char *name)
{
    LgnRecord *record;
    guint index;

    if (!lgn_record_is_session_name(name) || !is_own_session(name))
        return;
    int r = lgn_record_load(&record, name);
    if (r < 0) {
        g_warning("%s/%s: %s", LGN_RECORD_FOLDER, name, strerror(-r));
        return;
    }
    if (find_session(locker, name, &index))
        g_ptr_array_remove_index(locker->sessions, index);
    LockedSession *session = g_new0(LockedSession, 1);
    session->locker = locker;
    session->name = g_strdup(name);
    session->record = record;
    lgn_presence_init(&session->presence, record, &locker->settings.grace);
    g_ptr_array_add(locker->sessions, session);
}

static int
handle_folder(sd_event_source *source, const struct inotify_event *event, void *data)
{
    Locker *locker = data;
    guint index;

    if (event->mask & (IN_IGNORED | IN_DELETE_SELF | IN_Q_OVERFLOW))
        return sd_event_exit(locker->event, EXIT_FAILURE); /* the service manager restarts it */
    if (event->len == 0)
        return 0;
    if (event->mask & IN_DELETE) {
        if (find_session(locker, event->name, &index))
            g_ptr_array_remove_index(locker->sessions, index);
        set_timer(locker);
        return 0;
    }
    load_session(locker, event->name);
    lgn_watch_read(locker->watch);
    return 0;
}

static int
load_sessions(Locker *locker)
{
    DIR *folder = opendir(LGN_RECORD_FOLDER);

    if (!folder)
        return -errno;
    for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder))
        load_session(locker, entry->d_name);
    closedir(folder);
    return 0;
}

static int
set_up(Locker *locker)
{
    int r = sd_event_default(&locker->event);

    if (r >= 0)
        r = sd_event_set_signal_exit(locker->event, true);
    if (r >= 0)
        r = sd_event_add_time(locker->event, &locker->timer, CLOCK_MONOTONIC, UINT64_MAX, 1,
                              handle_timer, locker);
    if (r >= 0)
        r = sd_event_add_inotify(locker->event, NULL, LGN_RECORD_FOLDER,
                                 IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_ONLYDIR,
                                 handle_folder, locker);
    if (r >= 0)
        r = load_sessions(locker);
    if (r < 0) {
        g_printerr("smartcardd-lock: %s: %s\n", LGN_RECORD_FOLDER, strerror(-r));
        return r;
    }
    r = lgn_watch_open(&locker->watch, handle_report, locker);
    if (r >= 0)
        r = lgn_watch_follow_sleep(locker->watch);
    if (r >= 0)
        r = lgn_watch_attach(locker->watch, locker->event);
    if (r < 0)
        g_printerr("smartcardd-lock: the system bus: %s\n", strerror(-r));
    return r;
}

static int
run(const char *settings)
{
    Locker locker = {.settings = lgn_lock_settings_load(settings),
                     .sessions = g_ptr_array_new_with_free_func(free_session)};
    int r = set_up(&locker);

    if (r >= 0)
        r = sd_event_loop(locker.event);
    lgn_watch_free(locker.watch);
    g_ptr_array_unref(locker.sessions);
    sd_event_source_unref(locker.timer);
    sd_event_unref(locker.event);
    return r < 0 ? EXIT_FAILURE : r;
}

int
main(int argc, char **argv)
{
    setlocale(LC_ALL, "");
    bindtextdomain(GETTEXT_PACKAGE, LOCALEDIR);
    bind_textdomain_codeset(GETTEXT_PACKAGE, "UTF-8");
    textdomain(GETTEXT_PACKAGE);

    if (argc > 2 || (argc == 2 && argv[1][0] == '-')) {
        g_printerr("Usage: smartcardd-lock [SETTINGS]\n");
        return 2;
    }
    return run(argc == 2 ? argv[1] : LOCK_SETTINGS);
}
