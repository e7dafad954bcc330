/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A sub-command: each has a file of its name, which ends with its ScdCommand,
 * and a place in the table of main.c.
 */

#include "output.h"

#define SCD_STATUS_USAGE 2 /* exit status: the arguments are wrong */

/* Options that not every command has; bits. */
typedef enum {
    SCD_OPTION_FOLLOW = 1 << 0,
    SCD_OPTION_RAW = 1 << 1,
    SCD_OPTION_REMOVAL = 1 << 2,
    SCD_OPTION_REMOVE = 1 << 3,
    SCD_OPTION_BY_SERIAL = 1 << 4,
    SCD_OPTION_SERIALS = 1 << 5,
    SCD_OPTION_TIMEOUT = 1 << 6,
} ScdOptions;

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
} ScdArguments;

typedef enum {
    SCD_READER_NEVER,
    SCD_READER_MAYBE, /* as many operands as there can be are not taken for a reader */
    SCD_READER_ALWAYS,
} ScdReaderPlace;

typedef struct {
    const char *name;
    const char *argument; /* reader and operands as in the help; NULL when there are none */
    const char *summary;
    const char *description;
    ScdReaderPlace reader;
    guint min_operands;
    guint max_operands;
    ScdOptions options;
    gboolean has_program; /* the operands, whose options are none of ours */

    /* Gives an exit status, and says why when it is not 0. Whether all was written is for the
     * caller. */
    int (*run)(const ScdArguments *arguments, ScdOutput *output);
} ScdCommand;

extern const ScdCommand scd_command_alias;
extern const ScdCommand scd_command_attributes;
extern const ScdCommand scd_command_control;
extern const ScdCommand scd_command_list;
extern const ScdCommand scd_command_monitor;
extern const ScdCommand scd_command_report;
extern const ScdCommand scd_command_reset;
extern const ScdCommand scd_command_run;
extern const ScdCommand scd_command_script;
extern const ScdCommand scd_command_show;
extern const ScdCommand scd_command_status;
extern const ScdCommand scd_command_transmit;
extern const ScdCommand scd_command_wait;

/* What is wrong with the arguments, in a line; gives SCD_STATUS_USAGE. */
int scd_command_complain_about_usage(const char *problem);

/* What went wrong; gives EXIT_FAILURE. */
int scd_command_fail(const GError *error);
