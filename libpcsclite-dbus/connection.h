/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A D-Bus connection to the service, one for each context, and the list of readers: read once with
 * GetManagedObjects, then kept up to date from signals. Signals stay in the socket until
 * pld_connection_process() or a method call reads them; no thread of the library runs for them.
 *
 * A connection is lost for good when the bus, the service or pcscd terminates, like a context of
 * pcsc-lite. There is no lock: the caller serializes all functions (see context.h).
 */

#include "readers.h"

typedef struct {
    /* Called while messages are processed. reason: of the signal Session.Closed. */
    void (*session_closed)(const char *session, const char *reason, void *data);
    void *data;
} PldConnectionCallbacks;

typedef struct {
    sd_bus *bus;
    int fd;        /* of the bus; -1 if there is none */
    char *service; /* unique bus name; signals of other senders are ignored */
    PldReaders readers;
    bool lost;
    LONG code; /* the result of pld_connection_open() */
    unsigned pending_replies;
    PldConnectionCallbacks callbacks;
} PldConnection;

/*
 * Connects, and blocks until the service has sent its objects. The caller must call
 * pld_connection_close() also after an error.
 */
LONG pld_connection_open(PldConnection *connection, const PldConnectionCallbacks *callbacks);
void pld_connection_close(PldConnection *connection);

/* Processes the messages that have arrived. Does not block. May set lost. */
void pld_connection_process(PldConnection *connection);

/*
 * Converts a D-Bus error of the service or of the bus to an error code of winscard.h. Returns
 * SCARD_E_INVALID_HANDLE if the object does not exist (any more), SCARD_E_NO_SERVICE for an unknown
 * error; never SCARD_S_SUCCESS.
 */
LONG pld_bus_error_code(const sd_bus_error *error);
