/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The interface Manager of the root object. */

#include "base/settings.h"
#include "bus/authorization.h"
#include "bus/readers.h"
#include "bus/session.h"
#include "bus/thread-calls.h"
#include "bus/wait-calls.h"

/*
 * The method ListUnservedDevices, in unserved.c: USB devices that look like readers, but are no
 * readers on the bus, with the reason as far as it can be known.
 */

typedef struct ScdUnserved ScdUnserved;

/* All of it must outlive it. */
typedef struct {
    const char *sysfs; /* the path of /sys */
    const ScdReaders *readers;
    ScdSettings *const *settings; /* the present ones */
    char *const *trouble;         /* why pcscd is not available; NULL while it is */
} ScdUnservedParts;

ScdUnserved *scd_unserved_new(const ScdUnservedParts *parts);

/* Ends pending calls with SCD_P_SHUTDOWN. */
void scd_unserved_free(ScdUnserved *unserved);

/* Takes the call, and replies to it when sysfs has been read in a thread. */
void scd_unserved_list(ScdUnserved *unserved, GDBusMethodInvocation *invocation);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdUnserved, scd_unserved_free)

/* Why pcscd is not available, until it is known. */
#define SCD_MANAGER_FIRST_TROUBLE "pcscd has not answered yet"

typedef struct ScdManager ScdManager;

/* All of it must outlive the manager. */
typedef struct {
    ScdTree *tree;
    ScdReaders *readers;
    ScdClients *clients;
    ScdAuthorization *authorization;
    ScdWaitCalls *wait_calls;
    ScdSessions *sessions;
    ScdCallRegistry *registry;
    ScdThreadCalls *reload;
    ScdUnserved *unserved;
} ScdManagerParts;

/* Fails if the path is in use. */
ScdManager *scd_manager_new(const ScdManagerParts *parts, GError **error);
void scd_manager_free(ScdManager *manager);

/* Sets Available and UnavailableReason. trouble: why pcscd is not available; NULL: it is. */
void scd_manager_set_trouble(ScdManager *manager, const char *trouble);

/* Updates ReaderChanges, after readers were added or removed. */
void scd_manager_update_reader_changes(ScdManager *manager);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdManager, scd_manager_free)
