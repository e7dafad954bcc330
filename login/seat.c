/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "seat.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-login.h>
#include <unistd.h>

#include "reader-list.h"

/* The seat of a session; NULL if it has none. */
static char *
read_seat_of_session(const char *session)
{
    char *seat = NULL;

    return sd_session_get_seat(session, &seat) >= 0 ? seat : NULL;
}

/*
 * Finds the session of the process, or else the graphical one of its user: a screen locker may be a
 * user service, which has no session. Root has none that could need a screen locker.
 */
static char *
find_session(void)
{
    char *session = NULL;

    if (sd_pid_get_session(0, &session) >= 0)
        return session;
    return getuid() != 0 && sd_uid_get_display(getuid(), &session) >= 0 ? session : NULL;
}

/* Returns whether the name is that of a virtual terminal, such as "tty1" or "/dev/tty1". */
static bool
is_virtual_terminal(const char *name)
{
    static const char folder[] = "/dev/", prefix[] = "tty";

    if (strncmp(name, folder, strlen(folder)) == 0)
        name += strlen(folder);
    if (strncmp(name, prefix, strlen(prefix)) != 0)
        return false;
    name += strlen(prefix);
    return *name != '\0' && name[strspn(name, "0123456789")] == '\0';
}

/* Returns the text of an item; NULL if it is not set, or empty. */
static const char *
read_item(pam_handle_t *pam, int item)
{
    const void *text = NULL;

    return pam_get_item(pam, item, &text) == PAM_SUCCESS && text && *(const char *)text ? text
                                                                                        : NULL;
}

static void
free_list(char ***list)
{
    for (char **text = *list; text && *text; text++)
        free(*text);
    free(*list);
}

/* Returns whether the property that the function reads has that value. */
static bool
is_property(int (*read)(const char *session, char **value), const char *session,
            const char *expected)
{
    LGN_CLEANUP(lgn_free_text) char *value = NULL;

    return read(session, &value) >= 0 && strcmp(value, expected) == 0;
}

/* Returns the seat of an X display such as ":0", which a greeter has; NULL if there is none. */
static char *
find_seat_of_display(const char *display)
{
    LGN_CLEANUP(free_list) char **sessions = NULL;

    if (sd_get_sessions(&sessions) <= 0)
        return NULL;
    for (char **session = sessions; *session; session++)
        if (is_property(sd_session_get_display, *session, display) &&
            !is_property(sd_session_get_state, *session, "closing"))
            return read_seat_of_session(*session);
    return NULL;
}

static bool
shows_greeter(const char *seat)
{
    LGN_CLEANUP(lgn_free_text) char *session = NULL;

    return sd_seat_get_active(seat, &session, NULL) >= 0 &&
           is_property(sd_session_get_class, session, "greeter");
}

/* Returns the only seat that shows a greeter; NULL if there is none, or more than one. */
static char *
find_seat_of_greeter(void)
{
    LGN_CLEANUP(free_list) char **seats = NULL;
    const char *found = NULL;

    if (sd_get_seats(&seats) <= 0)
        return NULL;
    for (char **seat = seats; *seat; seat++) {
        if (!shows_greeter(*seat))
            continue;
        if (found)
            return NULL;
        found = *seat;
    }
    return found ? strdup(found) : NULL;
}

/* Finds the seat of a program that runs in no session, as a display manager. */
static char *
find_seat_of_login(pam_handle_t *pam)
{
    const char *terminal = read_item(pam, PAM_TTY);
    const char *display = read_item(pam, PAM_XDISPLAY);

    if (terminal && is_virtual_terminal(terminal))
        return strdup("seat0");
    if (!display && terminal && *terminal == ':')
        display = terminal;
    if (read_item(pam, PAM_RHOST) || (terminal && !display) || (display && *display != ':'))
        return NULL;
    char *seat = display ? find_seat_of_display(display) : NULL;
    return seat ? seat : find_seat_of_greeter();
}

char *
lgn_seat_find(pam_handle_t *pam)
{
    const char *seat = pam_getenv(pam, "XDG_SEAT");

    if (seat && *seat)
        return strdup(seat);
    LGN_CLEANUP(lgn_free_text) char *session = find_session();
    if (session) /* one over ssh has no seat, even if the user has another one that has */
        return read_seat_of_session(session);
    return find_seat_of_login(pam);
}
