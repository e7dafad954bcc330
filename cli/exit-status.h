/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Exit statuses, by which a script can distinguish errors; smartcardctl(1) lists them. EXIT_SUCCESS
 * is 0, and EXIT_FAILURE, 1, is for errors without a status of their own. "smartcardctl run"
 * returns others.
 */

#include <glib.h>

typedef enum {
    CTL_STATUS_USAGE = 2,             /* the arguments are wrong */
    CTL_STATUS_TIMEOUT = 3,           /* the time of --timeout ran out */
    CTL_STATUS_NO_READER = 4,         /* no reader fits the name, or several do */
    CTL_STATUS_NO_CARD = 5,           /* there is no card in the reader, or it does not answer */
    CTL_STATUS_REFUSED = 6,           /* the user is not allowed to do this */
    CTL_STATUS_NO_SERVICE = 7,        /* smartcardd or pcscd cannot be reached */
    CTL_STATUS_UNEXPECTED_ANSWER = 8, /* a status word that the script does not expect */
    CTL_STATUS_IN_USE = 9,            /* another program is using the card */
} CtlExitStatus;

/* The domain of errors of smartcardctl itself; their code is a CtlExitStatus. */
#define CTL_ERROR (ctl_error_quark())
GQuark ctl_error_quark(void);

/* Returns the status for an error of any domain, never EXIT_SUCCESS. */
int ctl_exit_status_get(const GError *error);
