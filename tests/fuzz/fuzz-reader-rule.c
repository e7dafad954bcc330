/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any text as the lines of a rule for readers, and any names and addresses of a reader to which it
 * may apply: the name, the serial number and six numbers precede the text.
 */

#include "base/reader-rule.h"

#include <string.h>

#include "base/reader-name.h"
#include "fuzz.h"

#define KEYS G_N_ELEMENTS(keys)

static const char *const keys[] = {"MatchPort", "MatchSerial", "MatchName", "MatchUsbId",
                                   "Alias",     "Ignore",      "Login",     "Other"};

static void
set_lines(ScdReaderRule *rule, ScdFuzzInput *input)
{
    while (input->size > 0) {
        const char *key = keys[scd_fuzz_pick(input, KEYS)];
        g_autofree char *value = scd_fuzz_take_utf8(input);
        g_autofree char *warning = scd_reader_rule_set(rule, "file", key, value);

        if (warning != NULL)
            g_assert_true(g_utf8_validate(warning, -1, NULL));
        if (warning != NULL && g_str_has_prefix(key, "Match"))
            g_assert_true(rule->has_error);
    }
}

static gboolean
has_match(const ScdReaderRule *rule)
{
    return rule->port != NULL || rule->serial != NULL || rule->name != NULL || rule->has_usb_id;
}

static void
check_rule(ScdReaderRule *rule, const ScdIdentity *reader)
{
    g_autofree char *warning = scd_reader_rule_check(rule);
    gboolean applies = scd_reader_rule_applies(rule, reader);

    g_assert_true(!applies || (has_match(rule) && !rule->has_error));
    if (warning != NULL)
        g_assert_false(applies);
    if (rule->alias != NULL)
        g_assert_true(scd_alias_check_name(rule->alias, NULL));
    if (applies && rule->serial != NULL)
        g_assert_cmpstr(rule->serial, ==, reader->serial);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    ScdFuzzInput input = {data, size};
    g_autofree char *name = scd_fuzz_take_text(&input);
    ScdReaderRule *rule = scd_reader_rule_new("label");
    g_autoptr(GPtrArray) rules = g_ptr_array_new();
    ScdDriverAnswers answers = {.asked = TRUE};
    gsize length;
    const guint8 *serial = scd_fuzz_take_bytes(&input, &length);
    answers.serial = g_bytes_new(serial, length);
    const guint8 *path = scd_fuzz_take_bytes(&input, &length);
    answers.usb_path = g_bytes_new(path, length);
    g_autoptr(ScdIdentity) reader = scd_identity_new(name, &answers, NULL);

    set_lines(rule, &input);
    check_rule(rule, reader);
    g_ptr_array_add(rules, rule);
    if (scd_reader_rules_find_ignoring(rules, reader) != NULL)
        g_assert_cmpint(rule->ignore, ==, SCD_RULE_YES);
    g_assert_true(scd_reader_rules_login(rules, reader) == SCD_RULE_UNSET ||
                  scd_reader_rules_login(rules, reader) == rule->login);
    scd_driver_answers_clear(&answers);
    scd_reader_rule_free(rule);
    return 0;
}
