/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A group [Reader LABEL] of the settings: conditions for readers, and settings for those that meet
 * them.
 *
 * A rule applies to a reader that meets all of its conditions, the settings Match…. If several
 * rules apply, the last one that has a setting counts for that setting. A rule with an error in it
 * applies to no reader, because it might apply to others than the administrator meant.
 */

#include <glib.h>

#include "base/identity.h"

#define SCD_READER_RULE_KEYS \
    "MatchPort, MatchSerial, MatchName, MatchUsbId, Alias, Ignore and Login"

typedef enum {
    SCD_RULE_UNSET,
    SCD_RULE_NO,
    SCD_RULE_YES,
} ScdRuleFlag;

typedef struct {
    char *label;
    char *place; /* the file and line of its first group */
    char *port; /* as text, of a port or of a port and an interface; NULL: any, also for the rest */
    char *serial;
    GPatternSpec *name; /* of the PC/SC name */
    gboolean has_usb_id;
    guint16 vendor_id;
    int product_id; /* -1: any */
    gboolean has_error;

    char *alias; /* NULL if unset */
    char *alias_file;
    ScdRuleFlag ignore;
    ScdRuleFlag login;
} ScdReaderRule;

ScdReaderRule *scd_reader_rule_new(const char *label);
void scd_reader_rule_free(ScdReaderRule *rule);

/*
 * Sets one of SCD_READER_RULE_KEYS; an empty value unsets it. file: where it is set. Returns a
 * warning in English, which the caller frees, or NULL.
 */
char *scd_reader_rule_set(ScdReaderRule *rule, const char *file, const char *key,
                          const char *value);

/* To be called when a line of the group could not be read. */
void scd_reader_rule_set_error(ScdReaderRule *rule);

/* Returns a warning if the rule has no Match… setting, and so applies to no reader; or NULL. */
char *scd_reader_rule_check(const ScdReaderRule *rule);

gboolean scd_reader_rule_applies(const ScdReaderRule *rule, const ScdIdentity *reader);

/* rules: of ScdReaderRule. Returns the rule by which the reader is ignored, or NULL. */
const ScdReaderRule *scd_reader_rules_find_ignoring(const GPtrArray *rules,
                                                    const ScdIdentity *reader);

/* Returns the setting Login of the last rule that applies and has it, or SCD_RULE_UNSET. */
ScdRuleFlag scd_reader_rules_login(const GPtrArray *rules, const ScdIdentity *reader);
