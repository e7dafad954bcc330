/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The state of a SmartcarddClient. */

#include "bus.h"
#include "smartcardd-client.h"
#include "tree.h"
#include "values.h"

enum {
    SMARTCARDD_VALUE_AVAILABLE,
    SMARTCARDD_VALUE_UNAVAILABLE_REASON,
    SMARTCARDD_VALUE_VERSION,
    SMARTCARDD_VALUE_FEATURES,
    SMARTCARDD_VALUE_CHANNEL_VERSION,
    SMARTCARDD_N_VALUES,
};

/* All but home is used in the context home only. */
struct _SmartcarddClient {
    GObject parent;
    GMainContext *home;
    gboolean allow_interaction;
    GDBusConnection *given; /* the connection of the caller; NULL: the client makes its own */
    SmartcarddTree *tree;
    SmartcarddValue values[SMARTCARDD_N_VALUES];
    SmartcarddBus *bus; /* NULL while there is no connection to the bus */
    gboolean running;   /* the lists are those of the service that runs */
    char *owner;        /* the unique name of the service; NULL until its objects are loaded */
    guint subscriptions[2];
    gulong closed_handler;
    guint generation; /* of the objects: the reply of an earlier one is dropped */
    GSource *retry;   /* tries to connect to the bus again; NULL: there is no need */
    GList *waits;     /* of GTask: calls of wait_for_card() */
};

void smartcardd_client_set_running(SmartcarddClient *self, gboolean running);
