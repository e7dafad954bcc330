/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "helper.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "waiting.h"

#define AGENT_LIMIT_US (2 * G_USEC_PER_SEC)
#define END_LIMIT_MS 1000 /* before a helper is killed */

typedef struct {
    pid_t parent;
    gboolean ignores_interrupt;
} ChildSetup;

/* Runs in the child process before the program: only functions that are safe there. */
static void
set_up_child(gpointer data)
{
    const ChildSetup *setup = data;

    if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != setup->parent)
        _exit(EXIT_FAILURE);
    if (setup->ignores_interrupt)
        signal(SIGINT, SIG_IGN);
}

GPid
ctl_helper_start(const CtlHelper *helper, GError **error)
{
    const GSpawnFlags flags = G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD |
                              G_SPAWN_CHILD_INHERITS_STDIN |
                              (helper->is_silent ? G_SPAWN_STDERR_TO_DEV_NULL : 0);
    ChildSetup setup = {getpid(), helper->ignores_interrupt};
    const int target = CTL_HELPER_FD;
    GPid process = 0;

    g_spawn_async_with_pipes_and_fds(NULL, helper->command, NULL, flags, set_up_child, &setup,
                                     helper->stream, helper->stream, -1, &helper->fd, &target,
                                     helper->fd < 0 ? 0 : 1, &process, NULL, NULL, NULL, error);
    return process;
}

/* Returns FALSE if the process still runs after a while. */
static gboolean
wait_for_end(GPid process)
{
    GPollFD end = {pidfd_open(process, 0), G_IO_IN, 0};
    int count;

    if (end.fd < 0)
        return FALSE;
    do
        count = g_poll(&end, 1, END_LIMIT_MS);
    while (count < 0 && errno == EINTR);
    close(end.fd);
    return count > 0;
}

void
ctl_helper_stop(GPid process)
{
    if (process == 0)
        return;
    kill(process, SIGTERM);
    kill(process, SIGCONT); /* it may have been stopped from the terminal */
    if (!wait_for_end(process))
        kill(process, SIGKILL);
    waitpid(process, NULL, 0);
}

/* polkit allows everything to root. */
static gboolean
needs_agent(void)
{
    return geteuid() != 0 && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

GPid
ctl_helper_start_agent(CtlOutput *output)
{
    static const char *const command[] = {"pkttyagent", "--notify-fd", G_STRINGIFY(CTL_HELPER_FD),
                                          "--fallback", NULL};
    int fds[2];

    if (!needs_agent() || pipe2(fds, O_CLOEXEC) < 0)
        return 0;
    const CtlHelper helper = {.command = command, .stream = -1, .fd = fds[1], .is_silent = TRUE};
    GPid process = ctl_helper_start(&helper, NULL);
    close(fds[1]);
    /* The agent closes its end when it is registered. */
    CtlWaiting waiting = {
        .output = output,
        .status = _("Waiting for the program that asks for passwords."),
        .delay_ms = CTL_WAITING_DELAY_MS,
        .end = ctl_waiting_get_end(AGENT_LIMIT_US),
    };
    if (process != 0)
        ctl_waiting_run_until_readable(&waiting, fds[0]);
    close(fds[0]);
    return process;
}
