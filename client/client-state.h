/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The state of a SmartcarddClient. Its "home" is the thread-default main context of the thread that
 * has created it: signals are emitted there, and its other members are used only there.
 */

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

struct _SmartcarddClient {
    GObject parent;
    GMainContext *home;
    gboolean allow_interaction;
    GDBusConnection *given; /* the connection of the caller; NULL: the client makes its own */
    SmartcarddTree *tree;
    SmartcarddValue values[SMARTCARDD_N_VALUES];
    SmartcarddBus *bus; /* NULL while there is no connection to the bus */
    gboolean running;   /* the lists are those of a service that is running */
    char *owner;        /* the unique name of the service; NULL until its objects are loaded */
    guint subscriptions[2];
    gulong closed_handler;
    guint generation; /* grows when the service is lost: replies of an earlier one are dropped */
    GSource *retry;   /* tries to connect to the bus again; NULL while there is a connection */
    GList *waits;     /* of GTask: calls of wait_for_card() */
};

/* Sets the property "running", and notifies of a change. */
void smartcardd_client_set_running(SmartcarddClient *self, gboolean running);
