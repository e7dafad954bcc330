/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any text as a script of smartcardctl, and as its arguments. */

#include "apdu-script.h"

#include <string.h>

#include "fuzz.h"

static void
check_step(const CtlApduStep *step)
{
    gboolean is_pin = step->kind == CTL_STEP_VERIFY_PIN || step->kind == CTL_STEP_MODIFY_PIN;

    g_assert_cmpint(step->command == NULL, ==, step->kind == CTL_STEP_RESET);
    g_assert_cmpint(step->pin_format != NULL, ==, is_pin);
    g_assert_cmpuint(step->expect.n_patterns, <=, SCD_EXPECT_MAX);
    if (is_pin)
        g_assert_true(g_variant_is_of_type(step->pin_format, G_VARIANT_TYPE_VARDICT));
}

static void
check_steps(GPtrArray *steps, const GError *error)
{
    g_assert_cmpint(steps != NULL, ==, error == NULL);
    for (guint i = 0; steps != NULL && i < steps->len; i++)
        check_step(steps->pdata[i]);
}

static void
check_text(const char *text, gboolean allow_short)
{
    g_autofree char *copy = g_strdup(text);
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) steps = ctl_apdu_script_from_text(copy, allow_short, &error);

    check_steps(steps, error);
    if (steps != NULL)
        g_assert_cmpuint(steps->len, >=, 1);
}

static void
check_arguments(const char *text, gboolean allow_short)
{
    g_auto(GStrv) words = g_strsplit(text, "\n", -1);
    const char *const *arguments = (const char *const *)words;
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) pin_error = NULL;
    g_autoptr(GPtrArray) steps = ctl_apdu_script_from_arguments(arguments, allow_short, &error);
    g_autoptr(GPtrArray) pin_steps =
        ctl_apdu_script_from_pin_arguments(CTL_STEP_MODIFY_PIN, arguments, &pin_error);

    check_steps(steps, error);
    check_steps(pin_steps, pin_error);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autofree char *text = scd_fuzz_dup_text(data, size);
    gboolean allow_short = size % 2;

    check_text(text, allow_short);
    check_arguments(text, allow_short);
    return 0;
}
