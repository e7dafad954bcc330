/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/descriptors.h"

#include <sys/eventfd.h>
#include <unistd.h>

#define GROUP_MAX 8

/* A main context, the journal, and the sockets that SCardCancel opens; some are to spare. */
#define RESERVE GROUP_MAX

static int reserve[RESERVE];
static guint n_reserved;

static guint
open_group(int *group, guint count)
{
    guint n = 0;

    while (n < count && (group[n] = eventfd(0, EFD_CLOEXEC)) >= 0)
        n++;
    return n;
}

static void
close_group(const int *group, guint count)
{
    for (guint i = 0; i < count; i++)
        close(group[i]);
}

gboolean
scd_descriptors_are_left(guint count)
{
    int group[GROUP_MAX];

    g_assert(count <= GROUP_MAX);
    guint n = open_group(group, count);
    close_group(group, n);
    return n == count;
}

void
scd_descriptor_reserve_open(void)
{
    n_reserved = open_group(reserve, RESERVE);
}

void
scd_descriptor_reserve_close(void)
{
    close_group(reserve, n_reserved);
    n_reserved = 0;
}
