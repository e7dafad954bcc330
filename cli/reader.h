/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The one reader that a command is about, and calls to it. They take as long as
 * they need, as others may have the card, and the user may have to
 * authenticate.
 */

#include "client.h"
#include "command.h"

typedef struct {
    GDBusConnection *bus;
    char *path;
    char *name;        /* as the user gave it, else the PC/SC name */
    CtlOutput *output; /* that may tell what is waited for, else NULL */
} CtlReader;

/* The reader that the arguments name, else the only one that there is. */
CtlReader *ctl_reader_choose(const CtlArguments *arguments, CtlOutput *output, GError **error);
void ctl_reader_free(CtlReader *reader);

/* path: of the reader, its card or a session. Its error is for the user; the service's: SCD_ERROR.
 */
GVariant *ctl_reader_call(CtlReader *reader, const char *path, const char *interface,
                          const char *method, GVariant *arguments, const char *type,
                          GError **error);

/* A call that waits while others have the reader; on a terminal it says so after a while. */
GVariant *ctl_reader_call_in_turn(CtlReader *reader, const char *path, const char *interface,
                                  const char *method, GVariant *arguments, const char *type,
                                  GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CtlReader, ctl_reader_free)
