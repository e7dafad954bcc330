/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The control program: passes commands to the socket of the simulated readers, and prints the
 * answers. command.c describes the commands; this program does not interpret them.
 */

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { STATUS_OK = 0, STATUS_FAILED = 1, STATUS_USAGE = 2 };

static const char usage[] =
    "Usage: scd-sim [--socket PATH] COMMAND [ARGUMENT...]\n"
    "       scd-sim [--socket PATH] -\n"
    "\n"
    "Gives one command to the simulated readers and prints the answer's value; with - gives each\n"
    "line of the standard input and prints each answer, a line each.\n"
    "\n"
    "  list                       the readers; slot N of reader NAME is NAME@N, slot 0 NAME\n"
    "  insert|swap READER [ATR]   a card comes in (after the one that is in has gone)\n"
    "  remove READER              the card goes out\n"
    "  status READER              what is in the reader and what it has done\n"
    "  mute READER on|off         power-ups fail\n"
    "  delay READER MILLISECONDS  how long each command takes\n"
    "  fail READER COUNT          the next commands fail\n"
    "  pull READER                the card goes out in the middle of the next command\n"
    "  unplugged READER on|off    the reader does not answer\n"
    "  control READER CODE HEX|none|silent\n"
    "  attribute READER TAG HEX|none|silent\n"
    "                             the answer to a control code or attribute\n"
    "  pinpad READER direct|keys|keys-without-abort|both|none BASE\n"
    "                             a PIN pad with the control codes BASE (hex) and a tag\n"
    "  press READER KEYS          its keys: digits, e enter, c cancel, b back, t time is over\n"
    "  pinpad-status READER       what it was told, and what it has done\n"
    "\n"
    "The socket is the one given, or $SCD_SIM_SOCKET, or /run/scd-sim/control.\n";

static const char gone[] = "the simulated readers are gone";

static int
report_failure(const char *why)
{
    fprintf(stderr, "scd-sim: %s\n", why);
    return STATUS_FAILED;
}

static FILE *
connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fdopen(fd, "r");
    if (fd >= 0)
        close(fd);
    return NULL;
}

/* Returns the answer, to be freed; NULL if there is none because the readers are gone. */
static char *
send_command(FILE *readers, const char *line)
{
    char *answer = NULL;
    size_t size = 0;

    if (dprintf(fileno(readers), "%s\n", line) < 0 || getline(&answer, &size, readers) <= 0) {
        free(answer);
        return NULL;
    }
    answer[strcspn(answer, "\n")] = '\0';
    return answer;
}

static bool
is_ok(const char *answer)
{
    return strncmp(answer, "ok", 2) == 0;
}

static int
run_words(FILE *readers, char **words)
{
    char *line = NULL;
    size_t length;
    FILE *stream = open_memstream(&line, &length);

    if (stream == NULL)
        return report_failure(strerror(errno));
    for (; *words != NULL; words++)
        fprintf(stream, "%s ", *words);
    fclose(stream);

    char *answer = send_command(readers, line);
    int status = STATUS_OK;
    if (answer == NULL)
        status = report_failure(gone);
    else if (!is_ok(answer))
        status = report_failure(answer + strlen("error "));
    else if (answer[2] != '\0')
        puts(answer + strlen("ok "));
    free(answer);
    free(line);
    return status;
}

static int
run_lines(FILE *readers)
{
    char *line = NULL;
    size_t size = 0;
    int status = STATUS_OK;

    while (getline(&line, &size, stdin) > 0) {
        line[strcspn(line, "\n")] = '\0';
        char *answer = send_command(readers, line);
        if (answer == NULL) {
            status = report_failure(gone);
            break;
        }
        if (!is_ok(answer))
            status = STATUS_FAILED;
        puts(answer);
        fflush(stdout);
        free(answer);
    }
    free(line);
    return status;
}

int
main(int argc, char **argv)
{
    static const struct option options[] = {
        {"socket", required_argument, NULL, 's'},
        {"help", no_argument, NULL, 'h'},
        {NULL},
    };
    const char *path = getenv("SCD_SIM_SOCKET");
    int option;

    while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            return STATUS_OK;
        }
        if (option != 's')
            return STATUS_USAGE;
        path = optarg;
    }
    if (optind == argc) {
        fputs(usage, stderr);
        return STATUS_USAGE;
    }

    signal(SIGPIPE, SIG_IGN);
    FILE *readers = connect_to(path != NULL ? path : "/run/scd-sim/control");
    if (readers == NULL)
        return report_failure(strerror(errno));
    bool from_input = strcmp(argv[optind], "-") == 0 && optind + 1 == argc;
    int status = from_input ? run_lines(readers) : run_words(readers, argv + optind);
    fclose(readers);
    return status;
}
