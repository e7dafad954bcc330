/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A sub-command: each has a file of its name, which ends with its CtlCommand,
 * and a place in the table of main.c.
 */

#include "output.h"

#define CTL_STATUS_USAGE 2 /* exit status: the arguments are wrong */

/* Options that not every command has; bits. */
typedef enum {
    CTL_OPTION_FOLLOW = 1 << 0,
    CTL_OPTION_RAW = 1 << 1,
    CTL_OPTION_REMOVAL = 1 << 2,
    CTL_OPTION_REMOVE = 1 << 3,
    CTL_OPTION_BY_SERIAL = 1 << 4,
    CTL_OPTION_SERIALS = 1 << 5,
    CTL_OPTION_TIMEOUT = 1 << 6,
} CtlOptions;

/* What the command line says. */
typedef struct {
    gboolean json;
    gboolean follow;
    gboolean raw; /* never together with json, nor on a terminal */
    gboolean removal;
    gboolean remove;
    gboolean by_serial;
    gboolean serials;
    int timeout;                 /* seconds, negative when not given */
    const char *reader;          /* UTF-8, not empty; NULL when none is named */
    const char *const *operands; /* what comes after the reader, as it was given */
} CtlArguments;

typedef enum {
    CTL_READER_NEVER,
    CTL_READER_MAYBE, /* as many operands as there can be are not taken for a reader */
    CTL_READER_ALWAYS,
} CtlReaderPlace;

typedef struct {
    const char *name;
    const char *argument; /* reader and operands as in the help; NULL when there are none */
    const char *summary;
    const char *description;
    CtlReaderPlace reader;
    guint min_operands;
    guint max_operands;
    CtlOptions options;
    gboolean has_program; /* the operands, whose options are none of ours */

    /* Gives an exit status, and says why when it is not 0. Whether all was written is for the
     * caller. */
    int (*run)(const CtlArguments *arguments, CtlOutput *output);
} CtlCommand;

extern const CtlCommand ctl_command_alias;
extern const CtlCommand ctl_command_attributes;
extern const CtlCommand ctl_command_control;
extern const CtlCommand ctl_command_list;
extern const CtlCommand ctl_command_monitor;
extern const CtlCommand ctl_command_report;
extern const CtlCommand ctl_command_reset;
extern const CtlCommand ctl_command_run;
extern const CtlCommand ctl_command_script;
extern const CtlCommand ctl_command_show;
extern const CtlCommand ctl_command_status;
extern const CtlCommand ctl_command_transmit;
extern const CtlCommand ctl_command_wait;

/* What is wrong with the arguments, in a line; gives CTL_STATUS_USAGE. */
int ctl_command_complain_about_usage(const char *problem);

/* What went wrong; gives EXIT_FAILURE. */
int ctl_command_fail(const GError *error);
