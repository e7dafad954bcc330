/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "sim-client.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "measure.h"

static int simulator;
static int64_t ordered_at;

void
sim_client_connect(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    simulator = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    check(connect(simulator, (struct sockaddr *)&address, sizeof address) == 0, path);
}

void
sim_client_order(const char *what, const char *reader)
{
    char text[128], answer[256];
    int length = snprintf(text, sizeof text, "%s %s\n", what, reader);

    ordered_at = now_ns();
    check(write(simulator, text, (size_t)length) == length, "order");
    check(read(simulator, answer, sizeof answer) > 0 && strncmp(answer, "ok", 2) == 0, text);
}

int64_t
sim_client_ordered_at(void)
{
    return ordered_at;
}
