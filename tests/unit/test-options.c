/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/options.h"

#include <string.h>

#include "base/error.h"

typedef struct {
    gboolean follow;
    guint32 timeout_ms;
    const char *reader;
    GVariant *atr;
    const char **expect;
} OptionValues;

static gboolean
read_options(GVariant *dictionary, OptionValues *values, GError **error)
{
    const ScdOption known[] = {
        {"follow", "b", &values->follow},    {"timeout-ms", "u", &values->timeout_ms},
        {"reader", "&s", &values->reader},   {"atr", "@ay", &values->atr},
        {"expect", "^a&s", &values->expect}, {NULL, NULL, NULL},
    };

    return scd_options_read(dictionary, known, error);
}

/* Returns a serialized dictionary, as received from the bus. */
static GVariant *
parse(const char *text)
{
    GVariant *dictionary = g_variant_parse(G_VARIANT_TYPE_VARDICT, text, NULL, NULL, NULL);

    g_assert_nonnull(dictionary);
    return dictionary;
}

static void
test_all(void)
{
    g_autoptr(GVariant) dictionary =
        parse("{'expect': <['9000', '61xx']>, 'atr': <[byte 0x3B, 0x00]>, 'reader': <'A'>,"
              " 'follow': <true>, 'timeout-ms': <uint32 5>}");
    g_autoptr(GError) error = NULL;
    OptionValues values = {0};

    g_assert_true(read_options(dictionary, &values, &error));
    g_assert_no_error(error);
    g_autoptr(GVariant) atr = values.atr;
    g_autofree const char **expect = values.expect;
    g_assert_true(values.follow);
    g_assert_cmpuint(values.timeout_ms, ==, 5);
    g_assert_cmpstr(values.reader, ==, "A");
    g_assert_cmpmem(g_variant_get_data(atr), g_variant_get_size(atr), "\x3B", 2);
    g_assert_cmpstrv(expect, ((const char *[]){"9000", "61xx", NULL}));
}

static void
test_none(void)
{
    g_autoptr(GVariant) dictionary = parse("{}");
    OptionValues values = {.follow = TRUE, .timeout_ms = 7, .reader = "B"};

    g_assert_true(read_options(dictionary, &values, NULL));
    g_assert_true(values.follow);
    g_assert_cmpuint(values.timeout_ms, ==, 7);
    g_assert_cmpstr(values.reader, ==, "B");
    g_assert_null(values.atr);
}

static const struct {
    const char *dictionary;
    const char *message;
} refusals[] = {
    {"{'reader': <'A'>, 'folow': <true>}",
     "unknown option \"folow\": supported are follow, timeout-ms, reader, atr, expect"},
    {"{'reader': <'A'>, '': <true>}",
     "unknown option \"\": supported are follow, timeout-ms, reader, atr, expect"},
    {"{'reader': <'A'>, 'timeout-ms': <5>}",
     "option \"timeout-ms\" has a value of type i, where u is expected"},
    {"{'reader': <'A'>, 'follow': <<true>>}",
     "option \"follow\" has a value of type v, where b is expected"},
    {"{'reader': <'A'>, 'atr': <'3B00'>}",
     "option \"atr\" has a value of type s, where ay is expected"},
    {"{'reader': <'A'>, 'expect': <'9000'>}",
     "option \"expect\" has a value of type s, where as is expected"},
    {"{'follow': <true>, 'reader': <'A'>, 'follow': <true>}", "option \"follow\" is given twice"},
};

static void
test_refusals(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(refusals); i++) {
        g_autoptr(GVariant) dictionary = parse(refusals[i].dictionary);
        g_autoptr(GError) error = NULL;
        OptionValues values = {0};

        g_assert_false(read_options(dictionary, &values, &error));
        g_assert_error(error, SCD_ERROR, SCD_INVALID_ARGS);
        g_assert_cmpstr(error->message, ==, refusals[i].message);
        /* The options before the invalid one were not read either. */
        g_assert_cmpmem(&values, sizeof values, &(OptionValues){0}, sizeof values);
    }
}

/* The message is valid UTF-8, and repeats only the start of the key. */
static void
test_key_without_end(void)
{
    g_autofree char *key = g_strnfill(1000001, 'x');
    g_autoptr(GError) error = NULL;
    OptionValues values = {0};

    /* Two bytes a character, from the second byte on: the cut is within a character. */
    for (gsize i = 1; i < 1000001; i += 2)
        memcpy(key + i, "\xC3\xA4", 2);
    g_autoptr(GVariant) dictionary =
        g_variant_ref_sink(g_variant_new_parsed("{%s: <true>, 'follow': <'no'>}", key));
    g_assert_false(read_options(dictionary, &values, &error));
    g_assert_error(error, SCD_ERROR, SCD_INVALID_ARGS);
    g_assert_true(g_utf8_validate(error->message, -1, NULL));
    g_assert_true(g_str_has_prefix(error->message, "unknown option \"x\\303\\244"));
    g_assert_cmpuint(strlen(error->message), <, 300);
}

static void
test_method_without_options(void)
{
    const ScdOption known[] = {{NULL, NULL, NULL}};
    g_autoptr(GVariant) nothing = parse("{}");
    g_autoptr(GVariant) something = parse("{'follow': <true>}");
    g_autoptr(GError) error = NULL;

    g_assert_true(scd_options_read(nothing, known, NULL));
    g_assert_false(scd_options_read(something, known, &error));
    g_assert_cmpstr(error->message, ==, "unknown option \"follow\": none supported");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/options/all", test_all);
    g_test_add_func("/options/none", test_none);
    g_test_add_func("/options/refusals", test_refusals);
    g_test_add_func("/options/key-without-end", test_key_without_end);
    g_test_add_func("/options/method-without-options", test_method_without_options);
    return g_test_run();
}
