/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "measure.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#define NS_PER_S INT64_C(1000000000)

int64_t
now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

void
sleep_ns(int64_t time)
{
    nanosleep(&(struct timespec){time / NS_PER_S, time % NS_PER_S}, NULL);
}

void
check(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
    exit(1);
}

int
next_round(const char *rounds)
{
    static int round;
    char line[16];

    if (strcmp(rounds, "-") == 0)
        return fgets(line, sizeof line, stdin) != NULL;
    return round++ < atoi(rounds);
}

void *
new_shared(unsigned long size)
{
    void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    check(shared != MAP_FAILED, "mmap");
    return shared;
}

void
wait_for_children(int count)
{
    int status;

    for (; count > 0; count--)
        check(wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0, "a client");
}
