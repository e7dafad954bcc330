/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * pam_smartcardd.so: waits for a card before the module that authenticates with it, and remembers
 * the card of a session. It never authenticates a user: no function returns PAM_SUCCESS, so that a
 * stack with a mistake in it denies the login. See pam_smartcardd(8).
 *
 * The module runs in other programs, as root: no GLib, no thread, no signal handler. All that it
 * opens is closed, and the mask of signals is restored, when a function returns.
 */

#include <errno.h>
#include <libintl.h>
#include <pwd.h>
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <security/pam_modutil.h>
#include <stdarg.h>
#include <string.h>
#include <syslog.h>
#include <systemd/sd-login.h>
#include <time.h>
#include <unistd.h>

#include "interrupt.h"
#include "login-config.h"
#include "options.h"
#include "record.h"
#include "seat.h"
#include "watch.h"

#define EXPORTED __attribute__((visibility("default")))

/* Time for the service to start and to identify its readers. */
#define FIRST_REPORT_US (5 * UINT64_C(1000000))

/* The name under which PAM keeps the card that authentication found, an LgnRecord. */
#define FOUND_CARD "smartcardd_found_card"

/* The name under which PAM keeps the session whose card pam_sm_open_session() remembered. */
#define RECORDED_SESSION "smartcardd_recorded_session"

typedef enum {
    WAITING,
    FOUND,
    FAILED, /* nothing can come of waiting */
} WaitState;

/* One wait for a card; on the stack of the function that waits. */
typedef struct {
    pam_handle_t *pam;
    const char *seat;
    bool is_silent;
    WaitState state;
    bool has_report;    /* at least one */
    char *shown;        /* the latest message */
    LgnRecord *found;   /* the first login card */
    size_t found_count; /* login cards in all readers of the seat */
} LoginWait;

__attribute__((format_arg(1))) static const char *
translate(const char *message)
{
    return dgettext(GETTEXT_PACKAGE, message);
}

#define _(message) translate(message)

static uint64_t
now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void
clear_wait(LoginWait *wait)
{
    free(wait->shown);
    lgn_record_free(wait->found);
}

/* Shows a message once. A conversation that fails ends the wait: the program has gone away. */
__attribute__((format(printf, 2, 3))) static void
show(LoginWait *wait, const char *format, ...)
{
    char *message;
    va_list arguments;

    va_start(arguments, format);
    int length = vasprintf(&message, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    if (wait->is_silent || (wait->shown && strcmp(wait->shown, message) == 0)) {
        free(message);
        return;
    }
    free(wait->shown);
    wait->shown = message;
    if (pam_info(wait->pam, "%s", message) != PAM_SUCCESS)
        wait->state = FAILED;
}

/* Returns the length of the control character at the place, in UTF-8; 0 if there is none. */
static size_t
control_length(const char *at)
{
    const unsigned char *byte = (const unsigned char *)at;

    if (byte[0] < ' ' || byte[0] == 0x7F)
        return 1;
    return byte[0] == 0xC2 && byte[1] >= 0x80 && byte[1] < 0xA0 ? 2 : 0; /* C1 */
}

/* Text from a device must not control the terminal. Returns NULL when out of memory. */
static char *
copy_printable(const char *text)
{
    char *copy = malloc(strlen(text) + 1), *end = copy;

    if (!copy)
        return NULL;
    while (*text) {
        size_t length = control_length(text);
        *end++ = length > 0 ? '?' : *text;
        text += length > 0 ? length : 1;
    }
    *end = '\0';
    return copy;
}

static void
show_what_to_do(LoginWait *wait, const LgnReaderList *list)
{
    const LgnReader *occupied = NULL;

    for (size_t i = 0; i < list->count; i++) {
        const LgnReader *reader = &list->readers[i];
        if (!lgn_reader_serves_seat(reader, wait->seat))
            continue;
        if (!reader->card) {
            occupied = NULL;
            break;
        }
        occupied = occupied ? occupied : reader;
    }
    if (!occupied) {
        show(wait, "%s", _("Insert your smart card."));
        return;
    }
    LGN_CLEANUP(lgn_free_text) char *name = copy_printable(occupied->name);
    if (*occupied->atr)
        show(wait, _("Take the card out of the reader %s first, then insert your smart card."),
             name ? name : "");
    else
        show(wait, _("The card in the reader %s does not respond. Insert it again."),
             name ? name : "");
}

static void
find_login_cards(LoginWait *wait, const LgnReaderList *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const LgnReader *reader = &list->readers[i];
        if (!lgn_reader_serves_seat(reader, wait->seat) || !lgn_reader_has_login_card(reader))
            continue;
        if (!wait->found)
            wait->found = lgn_record_new(reader);
        wait->found_count++;
        wait->state = FOUND;
    }
}

static void
handle_report(const LgnReport *report, void *data)
{
    LoginWait *wait = data;

    wait->has_report = true;
    if (wait->state != WAITING)
        return;
    if (report->list)
        find_login_cards(wait, report->list);
    else if (!report->has_run) {
        pam_syslog(wait->pam, LOG_WARNING, "cannot wait for a card: %s", report->error);
        wait->state = FAILED;
    }
}

static void
handle_report_and_show(const LgnReport *report, void *data)
{
    static const LgnReaderList no_readers = {0};
    LoginWait *wait = data;

    handle_report(report, wait);
    if (wait->state == WAITING)
        show_what_to_do(wait, report->list ? report->list : &no_readers);
}

/*
 * Waits until there is a card, for so long at most, or until the program gets a signal to end. The
 * first report may take longer than that: the service may have to start.
 */
static void
run_wait(LoginWait *wait, uint64_t limit_us, LgnReportFunction handle)
{
    uint64_t start = now_us();
    LgnInterrupt interrupt;
    LgnWatch *watch;
    int r = lgn_watch_open(&watch, handle, wait);

    lgn_interrupt_open(&interrupt);
    while (r >= 0 && wait->state == WAITING) {
        uint64_t limit =
            wait->has_report || limit_us > FIRST_REPORT_US ? limit_us : FIRST_REPORT_US;
        uint64_t passed = now_us() - start;
        if (passed >= limit)
            break;
        r = lgn_watch_wait(watch, limit == UINT64_MAX ? UINT64_MAX : limit - passed, interrupt.fd);
    }
    if (r < 0 && r != -ECANCELED)
        pam_syslog(wait->pam, LOG_WARNING, "cannot wait for a card: the system bus: %s",
                   strerror(-r));
    lgn_watch_free(watch);
    lgn_interrupt_close(&interrupt);
}

static void
free_found_card(pam_handle_t *pam, void *data, int status)
{
    lgn_record_free(data);
}

/* Keeps the card for pam_sm_open_session(), unless it could be one of several. */
static void
keep_found_card(LoginWait *wait)
{
    pam_set_data(wait->pam, FOUND_CARD, NULL, NULL); /* of an attempt that failed */
    if (wait->found && wait->found_count == 1 &&
        pam_set_data(wait->pam, FOUND_CARD, wait->found, free_found_card) == PAM_SUCCESS)
        wait->found = NULL;
}

EXPORTED int
pam_sm_authenticate(pam_handle_t *pam, int flags, int argc, const char **argv)
{
    LgnOptions options = lgn_options_parse(pam, argc, argv);
    LGN_CLEANUP(lgn_free_text)
    char *seat = options.seat ? strdup(options.seat) : lgn_seat_find(pam);
    LGN_CLEANUP(clear_wait)
    LoginWait wait = {.pam = pam, .seat = seat, .is_silent = flags & PAM_SILENT};

    if (seat)
        run_wait(&wait, options.nowait ? 0 : options.timeout_us,
                 options.nowait ? handle_report : handle_report_and_show);
    keep_found_card(&wait);
    if (wait.state == FOUND)
        return PAM_IGNORE;
    return options.require_card ? PAM_AUTH_ERR : PAM_AUTHINFO_UNAVAIL;
}

EXPORTED int
pam_sm_setcred(pam_handle_t *pam, int flags, int argc, const char **argv)
{
    return PAM_IGNORE;
}

EXPORTED int
pam_sm_acct_mgmt(pam_handle_t *pam, int flags, int argc, const char **argv)
{
    return PAM_IGNORE;
}

EXPORTED int
pam_sm_chauthtok(pam_handle_t *pam, int flags, int argc, const char **argv)
{
    return PAM_IGNORE;
}

/*
 * Returns the card of the authentication, or else the only login card at the seat; NULL if there is
 * none, or if it cannot be told which of several cards was used. The wait owns the second one.
 */
static const LgnRecord *
find_used_card(LoginWait *wait)
{
    const void *found = NULL;

    if (pam_get_data(wait->pam, FOUND_CARD, &found) == PAM_SUCCESS && found)
        return found;
    if (wait->seat)
        run_wait(wait, 0, handle_report);
    return wait->found_count == 1 ? wait->found : NULL;
}

static void
free_session_name(pam_handle_t *pam, void *data, int status)
{
    free(data);
}

static void
remember_card(LoginWait *wait, const char *label, const char *session)
{
    const LgnRecord *card = find_used_card(wait);

    if (!card) {
        pam_syslog(wait->pam, LOG_WARNING,
                   "cannot remember the card: it cannot be told which one of the cards in the "
                   "readers was used");
        return;
    }
    char *name = strdup(session);
    int r = name ? lgn_record_save(card, label, session) : -ENOMEM;
    if (r < 0)
        pam_syslog(wait->pam, LOG_WARNING, "cannot remember the card: " LGN_RECORD_FOLDER "/%s: %s",
                   session, strerror(-r));
    if (r < 0 || pam_set_data(wait->pam, RECORDED_SESSION, name, free_session_name) != PAM_SUCCESS)
        free(name);
}

/*
 * Returns whether this login opens the session: the session belongs to the user, and the caller is
 * started from outside of it. "su" and the like run inside of a session, which they must neither
 * give another card nor leave without one when they end.
 */
static bool
opens_session(pam_handle_t *pam, const char *session)
{
    LGN_CLEANUP(lgn_free_text) char *outer = NULL;
    const void *user = NULL;
    uid_t uid;

    if (pam_get_item(pam, PAM_USER, &user) != PAM_SUCCESS || !user)
        return false;
    const struct passwd *entry = pam_modutil_getpwnam(pam, user);
    if (!entry || sd_session_get_uid(session, &uid) < 0 || uid != entry->pw_uid)
        return false;
    return sd_pid_get_session(getppid(), &outer) < 0 || strcmp(outer, session) != 0;
}

EXPORTED int
pam_sm_open_session(pam_handle_t *pam, int flags, int argc, const char **argv)
{
    LgnOptions options = lgn_options_parse(pam, argc, argv);
    const char *token = pam_getenv(pam, "PKCS11_LOGIN_TOKEN_NAME");
    const char *session = pam_getenv(pam, "XDG_SESSION_ID");
    bool card_used = (token && *token) || options.card_used;

    if (!session || !lgn_record_is_session_name(session) || !opens_session(pam, session)) {
        if (card_used)
            pam_syslog(pam, LOG_WARNING,
                       "cannot remember the card: there is no new session of systemd-logind; "
                       "pam_systemd must precede in the stack");
        return PAM_IGNORE;
    }
    lgn_record_remove(session); /* of an earlier session of that name, whose login was killed */
    if (!card_used)
        return PAM_IGNORE;
    LGN_CLEANUP(lgn_free_text)
    char *seat = options.seat ? strdup(options.seat) : lgn_seat_find(pam);
    LGN_CLEANUP(clear_wait) LoginWait wait = {.pam = pam, .seat = seat, .is_silent = true};
    remember_card(&wait, token, session);
    return PAM_IGNORE;
}

EXPORTED int
pam_sm_close_session(pam_handle_t *pam, int flags, int argc, const char **argv)
{
    const void *session = NULL;

    if (pam_get_data(pam, RECORDED_SESSION, &session) == PAM_SUCCESS && session)
        lgn_record_remove(session);
    return PAM_IGNORE;
}
