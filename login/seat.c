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

char *
lgn_seat_find(pam_handle_t *pam)
{
    const char *seat = pam_getenv(pam, "XDG_SEAT");
    const void *terminal = NULL;

    if (seat && *seat)
        return strdup(seat);
    LGN_CLEANUP(lgn_free_text) char *session = find_session();
    if (session) /* one over ssh has no seat, even if the user has another one that has */
        return read_seat_of_session(session);
    bool is_local = pam_get_item(pam, PAM_TTY, &terminal) == PAM_SUCCESS && terminal &&
                    is_virtual_terminal(terminal);
    return is_local ? strdup("seat0") : NULL;
}
