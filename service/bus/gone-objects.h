/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Answers calls on objects that do not exist: on a card that was removed with RemovedCard, on a
 * session that was closed with InvalidHandle, and on any other object with UnknownObject. Nothing
 * is kept for an object that is gone: its number shows that there has been one.
 */

#include "bus/session.h"

typedef struct ScdGoneObjects ScdGoneObjects;

/* The sessions must outlive it. Fails if the paths are in use. */
ScdGoneObjects *scd_gone_objects_new(GDBusConnection *bus, ScdSessions *sessions, GError **error);
void scd_gone_objects_free(ScdGoneObjects *gone);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdGoneObjects, scd_gone_objects_free)
