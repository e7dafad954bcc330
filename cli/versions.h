/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The versions of the software on this machine that is involved in smart card access. */

#include <glib.h>

typedef struct {
    char *name;    /* "kernel" */
    char *version; /* one line, safe for a terminal; NULL when not known */
} CtlVersion;

/*
 * Returns an array of CtlVersion. service: the version of the service, NULL when not known. The
 * version of libpcsclite is that of the build, as the library does not report one. The versions of
 * pcscd and of the drivers for USB readers, which have the names of their bundles, are those that
 * are installed. Runs "pcscd --version". remote: the service runs on another machine, so that the
 * versions of this machine do not count.
 */
GArray *ctl_versions_read(const char *service, gboolean remote);
