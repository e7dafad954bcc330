/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The seat at which a person logs in or unlocks a screen. */

#include <security/pam_modules.h>

/*
 * Returns the seat (systemd-logind), to be freed; NULL if the person sits at none, as over ssh.
 * The first of these counts:
 *
 * - the PAM variable XDG_SEAT, which GDM sets;
 * - the session of the calling process, as for sudo;
 * - the graphical session of the process's user, for a screen locker that is a user service;
 * - "seat0" on a virtual terminal of the kernel: no other seat has one;
 * - the seat of the X display, which LightDM sets;
 * - the only seat that shows a login screen, if there is no remote host and no other terminal: SDDM
 *   sets nothing.
 */
char *lgn_seat_find(pam_handle_t *pam);
