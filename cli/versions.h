/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What runs on this machine, as far as it matters to smart cards, and in which version. */

#include <glib.h>

typedef struct {
    char *name;    /* "kernel" */
    char *version; /* one line, safe for a terminal; NULL when not known */
} CtlVersion;

/*
 * An array of CtlVersion. service: the version that it tells, NULL when it is not known.
 * libpcsclite does not tell its own: it is what the service was built with. pcscd is the one that
 * is installed, and so are the drivers for USB readers, each with the name of its bundle.
 */
GArray *ctl_versions_read(const char *service);
