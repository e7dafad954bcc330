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
    ScdOutput *output; /* that may tell what is waited for, else NULL */
} ScdReader;

/* The reader that the arguments name, else the only one that there is. */
ScdReader *scd_reader_choose(const ScdArguments *arguments, ScdOutput *output, GError **error);
void scd_reader_free(ScdReader *reader);

/* path: of the reader, its card or a session. Its error is for the user; the service's: SCD_ERROR.
 */
GVariant *scd_reader_call(ScdReader *reader, const char *path, const char *interface,
                          const char *method, GVariant *arguments, const char *type,
                          GError **error);

/* A call that waits while others have the reader; on a terminal it says so after a while. */
GVariant *scd_reader_call_in_turn(ScdReader *reader, const char *path, const char *interface,
                                  const char *method, GVariant *arguments, const char *type,
                                  GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdReader, scd_reader_free)
