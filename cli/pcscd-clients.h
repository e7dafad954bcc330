/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The processes that are connected to the socket of pcscd, without the service. The kernel lists
 * the sockets of the caller's network namespace for every user; which process has a socket is seen
 * in /proc, for the processes of the same user only, and for all by root.
 */

#include <glib.h>

typedef struct {
    guint pid;
    guint uid;
    guint connections; /* libpcsclite has one for each context */
    char *program;     /* the name of the process, as /proc/PID/comm has it */
} CtlPcscdClient;

typedef struct {
    GArray *clients; /* of CtlPcscdClient, by pid */
    guint hidden;    /* connections whose process /proc does not show */
} CtlPcscdClients;

/*
 * Reads /proc, and blocks. service: the process of smartcardd, which is left out; 0 if it is not
 * known. Returns NULL if the kernel does not list sockets. Freed by ctl_pcscd_clients_free().
 */
CtlPcscdClients *ctl_pcscd_clients_load(guint service);
void ctl_pcscd_clients_free(CtlPcscdClients *clients);

/* Returns the name of a process, empty if there is none. The caller frees it. */
char *ctl_pcscd_clients_dup_program(guint pid);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CtlPcscdClients, ctl_pcscd_clients_free)
