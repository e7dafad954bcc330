/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The interface of a sub-command: a CtlCommand, at the end of the code that implements it, and an
 * entry in the table in main.c.
 *
 * Layers, from top to bottom; a file includes only files of its own layer or of one below:
 *
 *   main             the table of sub-commands, and the global options
 *   alias attributes hold list monitor report              the sub-commands
 *   run send wait who                                      the sub-commands, too
 *   watch-run watch                                        parts of sub-commands
 *   reader apdu-script pcscd-clients redact                the same
 *   event format response                                  output formats
 *   atr-text atr-historical                                the meaning of the bytes of an ATR
 *   client json reader-view                                the service and its objects
 *   command input output waiting                           the command line and the terminal
 */

#include "output.h"

/*
 * Exit statuses, by which a script can distinguish errors; smartcardctl(1) lists them. EXIT_SUCCESS
 * is 0, and EXIT_FAILURE, 1, is for errors without a status of their own. "smartcardctl run"
 * returns others.
 */
typedef enum {
    CTL_STATUS_USAGE = 2,             /* the arguments are wrong */
    CTL_STATUS_TIMEOUT = 3,           /* the time of --timeout ran out */
    CTL_STATUS_NO_READER = 4,         /* no reader fits the name, or several do */
    CTL_STATUS_NO_CARD = 5,           /* there is no card in the reader, or it does not answer */
    CTL_STATUS_REFUSED = 6,           /* the user is not allowed to do this */
    CTL_STATUS_NO_SERVICE = 7,        /* smartcardd or pcscd cannot be reached */
    CTL_STATUS_UNEXPECTED_ANSWER = 8, /* a status word that the script does not expect */
    CTL_STATUS_IN_USE = 9,            /* another program is using the card */
} CtlExitStatus;

/* The domain of errors of smartcardctl itself; their code is a CtlExitStatus. */
#define CTL_ERROR (ctl_error_quark())
GQuark ctl_error_quark(void);

/* Returns the status for an error of any domain, never EXIT_SUCCESS. */
int ctl_exit_status_get(const GError *error);

/* Flatpak makes the file in each sandbox. With --filesystem=host-os, the system is in the folder.
 */
#define CTL_SANDBOX_FILE "/.flatpak-info"
#define CTL_HOST "/run/host"

/* Options that only some commands accept; bits. */
typedef enum {
    CTL_OPTION_FOLLOW = 1 << 0,
    CTL_OPTION_RAW = 1 << 1,
    CTL_OPTION_REMOVAL = 1 << 2,
    CTL_OPTION_REMOVE = 1 << 3,
    CTL_OPTION_BY_SERIAL = 1 << 4,
    CTL_OPTION_SERIALS = 1 << 5,
    CTL_OPTION_TIMEOUT = 1 << 6,
    CTL_OPTION_CHECK = 1 << 7,
    CTL_OPTION_VERBOSE = 1 << 8,
    CTL_OPTION_RAW_COMMAND = 1 << 9,
    CTL_OPTION_NEW = 1 << 10,
    CTL_OPTION_ATR = 1 << 11,
    CTL_OPTION_CARD = 1 << 12,
    CTL_OPTION_NOT = 1 << 13,
    CTL_OPTION_MUTE = 1 << 14,
    CTL_OPTION_COUNT = 1 << 15,
    CTL_OPTION_EXEC = 1 << 16,
    CTL_OPTION_COLD = 1 << 17,
    CTL_OPTION_PROTOCOL = 1 << 18,
} CtlOptions;

/* The parsed command line. */
typedef struct {
    gboolean json;
    gboolean follow;
    gboolean raw; /* never together with json, nor on a terminal */
    gboolean removal;
    gboolean remove;
    gboolean by_serial;
    gboolean serials;
    gboolean check;
    gboolean verbose;
    gboolean raw_command; /* commands may be shorter than an APDU */
    gboolean only_new;
    gboolean mute;
    gboolean cold;
    gboolean no_ask_password;
    const char *host;    /* for ssh; NULL for this machine */
    const char *atr;     /* the value of the option, NULL for none; so are these: */
    const char *card;    /* a valid object path */
    const char *program; /* of --exec */
    const char *protocol;
    const char *const *not_readers; /* UTF-8 */
    guint count;                    /* 0 for none */
    gint64 timeout_us;              /* time limit, negative when there is none */
    const char *timeout;            /* the same in seconds, as the user wrote it; NULL for none */
    const char *reader;             /* UTF-8, not empty; NULL when no reader is named */
    const char *const *operands;    /* the arguments after the reader, in the locale's encoding */
} CtlArguments;

/* Whether the first argument names a reader. */
typedef enum {
    CTL_READER_NEVER,
    CTL_READER_MAYBE, /* only if there are more than max_operands arguments */
    CTL_READER_ALWAYS,
} CtlReaderPlace;

typedef struct {
    const char *name;
    const char *argument; /* reader and operands as in the help; NULL for none */
    const char *summary;
    const char *description;
    CtlReaderPlace reader;
    guint min_operands;
    guint max_operands;
    CtlOptions options;
    gboolean has_program; /* the operands are a program and its arguments: options end there */

    /*
     * Returns an exit status (CtlExitStatus), and has printed the error if that is not 0. The
     * caller checks for errors of writing the output.
     */
    int (*run)(const CtlArguments *arguments, CtlOutput *output);
} CtlCommand;

extern const CtlCommand ctl_command_alias;
extern const CtlCommand ctl_command_attributes;
extern const CtlCommand ctl_command_control;
extern const CtlCommand ctl_command_hold;
extern const CtlCommand ctl_command_list;
extern const CtlCommand ctl_command_modify_pin;
extern const CtlCommand ctl_command_monitor;
extern const CtlCommand ctl_command_report;
extern const CtlCommand ctl_command_reset;
extern const CtlCommand ctl_command_run;
extern const CtlCommand ctl_command_script;
extern const CtlCommand ctl_command_show;
extern const CtlCommand ctl_command_status;
extern const CtlCommand ctl_command_transmit;
extern const CtlCommand ctl_command_verify_pin;
extern const CtlCommand ctl_command_wait;
extern const CtlCommand ctl_command_who;

/* Prints the problem with the arguments in one line; returns CTL_STATUS_USAGE. */
int ctl_command_print_usage_error(const char *problem);

/* Prints the message of the error; returns its exit status. */
int ctl_command_print_error(const GError *error);

/* The command line, for main.c. */

/* Options that may also be given before the name of the command. */
typedef struct {
    gboolean json;
    gboolean no_ask_password;
    char *host; /* NULL for none */
} CtlCommonOptions;

/*
 * Parses the arguments and runs the command. Options and words may come in any order; argv[0] is
 * the command's name. common: those that were given before the name. Returns an exit status: the
 * command's own if it ran.
 */
int ctl_arguments_run(const CtlCommand *command, const CtlCommonOptions *common, int argc,
                      char **argv, CtlOutput *output);

/* Returns whether an option such as "--timeout=5" is one that takes a value. */
gboolean ctl_arguments_takes_value(const char *option);

/* A context without GLib's own --help, which does not report errors of writing. */
GOptionContext *ctl_arguments_new_context(const char *arguments);

/* Returns EXIT_SUCCESS. */
int ctl_arguments_print_help(GOptionContext *context, CtlOutput *output);
