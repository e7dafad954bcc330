/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A D-Bus connection to the service, one for each context, and the list of readers: read once with
 * GetManagedObjects, then kept up to date from signals. Signals stay in the socket until
 * pld_connection_process() or a method call reads them; no thread of the library runs for them.
 *
 * When the service leaves the bus, the connection is detached until pld_connection_attach() has
 * read the objects of the service that follows. A connection is lost for good when the bus or pcscd
 * terminates, like a context of pcsc-lite. There is no lock: the caller serializes all functions
 * (see context.h).
 */

#include <poll.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>

#include "readers.h"

/* Called while messages are processed. */
typedef struct {
    void (*session_closed)(const char *session, const char *reason, void *data);
    void (*service_ended)(void *data); /* and all sessions with it */
    void *data;
} PldConnectionCallbacks;

typedef struct {
    sd_bus *bus;
    int fd;        /* of the bus; -1 if there is none */
    ino_t socket;  /* inode number of fd */
    char *service; /* unique bus name; signals of other senders are ignored. NULL: detached */
    PldReaders readers;
    PldReaders new_readers; /* of the service that is being attached */
    bool lost;
    bool was_open;        /* the bus has accepted it */
    long long changed_ns; /* when a service has last left or joined the bus (CLOCK_MONOTONIC) */

    /* Results of the first calls to a service, and what has happened since they were sent. */
    LONG code;
    bool stopping;      /* the service has refused them */
    bool without_pcscd; /* the service waits for pcscd; it is still in "service" */
    bool owner_left;    /* a service has left the bus */
    bool changed;       /* it is worth another attempt */
    unsigned pending_replies;
    sd_bus_slot *first_calls[2];
    PldConnectionCallbacks callbacks;
} PldConnection;

/*
 * Connects, and blocks until the service has sent its objects; while it restarts, as for
 * pld_connection_attach(). The caller must call pld_connection_close() also after an error. Returns
 * SCARD_E_SERVICE_STOPPED, with a message on the standard error, if the service is of another
 * version that this library cannot use.
 */
LONG pld_connection_open(PldConnection *connection, const PldConnectionCallbacks *callbacks);
void pld_connection_close(PldConnection *connection);

/*
 * Returns whether the descriptor still is the socket of the connection: a daemon may have closed
 * all that it inherited, and opened others.
 */
bool pld_connection_has_socket(const PldConnection *connection);

/* Returns whether the service has left the bus, and the objects of the next one are not known. */
bool pld_connection_is_detached(const PldConnection *connection);

/*
 * How a wait ends early: is_ended() is called at the beginning, and each time that wake_fd, an
 * eventfd, is readable. wake_fd: -1 if nothing ends the wait.
 */
typedef struct {
    int wake_fd;
    bool (*is_ended)(const void *data);
    const void *data;
} PldWaitEnd;

/* Takes the service for one that has left the bus, if there is one: it is about to. */
void pld_connection_detach(PldConnection *connection);

/*
 * Reads the objects of the service again. The bus starts the service if it can; if not, waits for a
 * few seconds after its end, and as long for pcscd after its start. Returns SCARD_E_NO_SERVICE if
 * it has not come back, or ends again and again, and SCARD_E_NO_MEMORY at once if a limit on the
 * calls of the user has refused these; a later call tries it again.
 */
LONG pld_connection_attach(PldConnection *connection, const PldWaitEnd *end);

/*
 * Sleeps until a message arrives, wake_fd is readable, or the time is over (CLOCK_MONOTONIC;
 * negative: never). pld_poll_sleep() does not use the connection, so the lock may be released for
 * it. It returns at once if sd-bus has read a message already, or in case of an error.
 */
typedef struct {
    struct pollfd fds[2];
    long long until_ns;
} PldPoll;

PldPoll pld_connection_prepare_sleep(PldConnection *connection, int wake_fd, long long until_ns);
void pld_poll_sleep(PldPoll *sleep);

/* Returns the time of CLOCK_MONOTONIC. */
long long pld_now_ns(void);

#define PLD_NSEC_PER_MSEC 1000000LL

/* Processes the messages that have arrived. Does not block. May set lost. */
void pld_connection_process(PldConnection *connection);

/*
 * Converts a D-Bus error of the service or of the bus to an error code of winscard.h. Returns
 * SCARD_E_INVALID_HANDLE if the object does not exist (any more), SCARD_E_NO_SERVICE for an unknown
 * error; never SCARD_S_SUCCESS.
 */
LONG pld_bus_error_code(const sd_bus_error *error);

/* Returns whether this is the error of a call to a service that is stopping, or has just ended. */
bool pld_bus_error_is_service_end(const sd_bus_error *error);

/*
 * In handshake.c: connects to the system bus, and waits for the answer to each step of the
 * authentication. sd-bus sends all steps and the first message at once. xdg-dbus-proxy, through
 * which an application in a Flatpak sandbox reaches the bus, does not support that: it parses the
 * answers as messages, and closes the connection.
 *
 * Sets *bus to a connection that is authenticated already. Blocks until the bus has answered.
 * Returns a negative errno on failure, -EPROTONOSUPPORT if the address of the bus is not the path
 * of a socket.
 */
int pld_handshake_open_system(sd_bus **bus);
