/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A connection to the bus of its own for each context, and what the service
 * told on it: the readers, at first by one question, then by signals. They are
 * read when somebody follows, and wait in the socket until then: nobody is woken
 * who does not wait.
 *
 * A connection is lost for good when the bus, the service or pcscd goes, as
 * contexts of pcsc-lite are. Not for two threads at once: see context.h.
 */

#include "readers.h"

typedef struct {
    /* The service has closed a session; reason: as for its signal Closed. */
    void (*session_closed)(const char *session, const char *reason, void *data);
    void *data;
} PldConnectionOwner;

typedef struct {
    sd_bus *bus;
    int fd;        /* the socket; -1 when there is none */
    char *service; /* its unique name: nobody else's signals count */
    PldReaders readers;
    bool lost;
    LONG code; /* of the first questions */
    unsigned unanswered;
    PldConnectionOwner owner;
} PldConnection;

/* Asks the service for all there is; to be closed whatever comes of it. */
LONG pld_connection_open(PldConnection *connection, const PldConnectionOwner *owner);
void pld_connection_close(PldConnection *connection);

/* Takes note of what has come; does not wait. */
void pld_connection_follow(PldConnection *connection);

/* A call of the service; NULL when out of memory. */
sd_bus_message *pld_connection_new_call(PldConnection *connection, const char *path,
                                        const char *interface, const char *method);

/*
 * Takes over the call, and waits for the answer for as long as it takes.
 * SCARD_E_INVALID_HANDLE: the service has no such object. reply may be NULL.
 */
LONG pld_connection_call(PldConnection *connection, sd_bus_message *call, sd_bus_message **reply);
