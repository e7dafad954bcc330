/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A program that logs a person in with PAM, as a display manager does:
 *
 *     pam-client FOLDER SERVICE [NAME=VALUE | fail | ITEM=VALUE | OPERATION]...
 *
 * FOLDER has the stacks. NAME=VALUE sets a PAM variable, "tty=", "xdisplay=" and "rhost=" set
 * items, and "fail" makes the conversation fail from then on. The operations auth, silent (auth
 * without messages), setcred, account, open and close are executed in order. It prints a line for
 * each message of a module ("info: TEXT") and for each result ("auth: success"). "descriptors"
 * prints how many files are open, "wait" waits for SIGUSR1, and "handle" and "ignore" set what
 * SIGINT and SIGWINCH do.
 */

#include <fcntl.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool conversation_fails;

static int
converse(int count, const struct pam_message **messages, struct pam_response **responses,
         void *data)
{
    struct pam_response *answers = calloc((size_t)count, sizeof *answers);

    if (!answers || conversation_fails) {
        printf("conversation failed\n");
        free(answers);
        return PAM_CONV_ERR;
    }
    for (int i = 0; i < count; i++)
        printf("%s: %s\n", messages[i]->msg_style == PAM_TEXT_INFO ? "info" : "other",
               messages[i]->msg);
    *responses = answers;
    return PAM_SUCCESS;
}

static const char *
name_of_result(int result)
{
    static const struct {
        int result;
        const char *name;
    } names[] = {
        {PAM_SUCCESS, "success"},
        {PAM_AUTH_ERR, "auth_err"},
        {PAM_AUTHINFO_UNAVAIL, "authinfo_unavail"},
        {PAM_CRED_ERR, "cred_err"},
        {PAM_CRED_EXPIRED, "cred_expired"},
        {PAM_IGNORE, "ignore"},
        {PAM_PERM_DENIED, "perm_denied"},
        {PAM_SESSION_ERR, "session_err"},
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].result == result)
            return names[i].name;
    return "another error";
}

static bool
run_operation(pam_handle_t *pam, const char *name)
{
    static const struct {
        const char *name;
        int (*run)(pam_handle_t *pam, int flags);
        int flags;
    } operations[] = {
        {"auth", pam_authenticate, 0},
        {"silent", pam_authenticate, PAM_SILENT},
        {"setcred", pam_setcred, PAM_ESTABLISH_CRED},
        {"account", pam_acct_mgmt, 0},
        {"open", pam_open_session, 0},
        {"close", pam_close_session, 0},
    };

    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++)
        if (strcmp(operations[i].name, name) == 0) {
            int result = operations[i].run(pam, operations[i].flags);
            printf("%s: %s\n", name, name_of_result(result));
            return true;
        }
    return false;
}

static bool
print_descriptors(void)
{
    int count = 0;

    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    printf("descriptors: %d\n", count);
    return true;
}

/* The signal is blocked from the beginning, so that an early one is not lost. */
static bool
wait_for_signal(void)
{
    sigset_t signals;
    int number;

    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    printf("waiting\n");
    return sigwait(&signals, &number) == 0;
}

static void
handle_signal(int number)
{
    static const char line[] = "interrupted\n";

    if (write(STDOUT_FILENO, line, strlen(line)) < 0)
        _exit(EXIT_FAILURE);
}

static bool
set_handler(void (*handler)(int number))
{
    const struct sigaction action = {.sa_handler = handler};

    return sigaction(SIGINT, &action, NULL) == 0 && sigaction(SIGWINCH, &action, NULL) == 0;
}

static void
block_signal(void)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    sigprocmask(SIG_BLOCK, &signals, NULL);
}

/* Returns whether the argument is one of an item, and could be set. */
static bool
set_item(pam_handle_t *pam, const char *argument)
{
    static const struct {
        const char *prefix;
        int item;
    } items[] = {{"tty=", PAM_TTY}, {"xdisplay=", PAM_XDISPLAY}, {"rhost=", PAM_RHOST}};

    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
        size_t length = strlen(items[i].prefix);
        if (strncmp(argument, items[i].prefix, length) == 0)
            return pam_set_item(pam, items[i].item, argument + length) == PAM_SUCCESS;
    }
    return false;
}

static bool
apply_argument(pam_handle_t *pam, const char *argument)
{
    if (strcmp(argument, "fail") == 0)
        return conversation_fails = true;
    if (strcmp(argument, "descriptors") == 0)
        return print_descriptors();
    if (strcmp(argument, "wait") == 0)
        return wait_for_signal();
    if (strcmp(argument, "handle") == 0)
        return set_handler(handle_signal);
    if (strcmp(argument, "ignore") == 0)
        return set_handler(SIG_IGN);
    if (set_item(pam, argument))
        return true;
    if (strchr(argument, '='))
        return pam_putenv(pam, argument) == PAM_SUCCESS;
    return run_operation(pam, argument);
}

int
main(int argc, char **argv)
{
    const struct pam_conv conversation = {.conv = converse};
    pam_handle_t *pam;

    setvbuf(stdout, NULL, _IOLBF, 0);
    block_signal();
    if (argc < 3 ||
        pam_start_confdir(argv[2], "nobody", &conversation, argv[1], &pam) != PAM_SUCCESS) {
        fprintf(stderr, "pam-client: cannot start PAM\n");
        return EXIT_FAILURE;
    }
    int status = EXIT_SUCCESS;
    for (int i = 3; i < argc && status == EXIT_SUCCESS; i++)
        if (!apply_argument(pam, argv[i])) {
            fprintf(stderr, "pam-client: %s?\n", argv[i]);
            status = EXIT_FAILURE;
        }
    pam_end(pam, PAM_SUCCESS);
    return status;
}
