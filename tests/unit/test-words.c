/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/words.h"

#include "base/error.h"

static void
assert_refused(const GError *error, const char *message)
{
    g_assert_error(error, SCD_ERROR, SCD_INVALID_ARGS);
    g_assert_cmpstr(error->message, ==, message);
}

static void
test_share_modes(void)
{
    const char *const words[] = {"exclusive", "shared", "direct"};

    for (guint i = 0; i < G_N_ELEMENTS(words); i++) {
        ScdShareMode mode;

        g_assert_true(scd_share_mode_from_word(words[i], &mode, NULL));
        g_assert_cmpuint(mode, ==, i + 1);
        g_assert_cmpstr(scd_share_mode_to_word(mode), ==, words[i]);
    }
}

static void
test_protocols(void)
{
    static const struct {
        const char *words;
        guint protocols;
    } cases[] = {
        {"", 3}, {"T=0", 1}, {"T=1", 2}, {"raw", 4}, {"T=15", 8}, {"T=1 raw T=1", 6},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(GStrv) words = g_strsplit(cases[i].words, " ", -1);
        ScdProtocol protocols;

        g_assert_true(scd_protocols_from_words((const char *const *)words, &protocols, NULL));
        g_assert_cmpuint(protocols, ==, cases[i].protocols);
    }
    g_assert_cmpstr(scd_protocol_to_word(SCD_PROTOCOL_NONE), ==, "");
    g_assert_cmpstr(scd_protocol_to_word(SCD_PROTOCOL_T0), ==, "T=0");
    g_assert_cmpstr(scd_protocol_to_word(SCD_PROTOCOL_T1), ==, "T=1");
    g_assert_cmpstr(scd_protocol_to_word(SCD_PROTOCOL_RAW), ==, "raw");
    g_assert_cmpstr(scd_protocol_to_word(SCD_PROTOCOL_T15), ==, "T=15");
}

static void
test_dispositions(void)
{
    const char *const words[] = {"leave", "reset", "unpower", "eject"};

    for (guint i = 0; i < G_N_ELEMENTS(words); i++) {
        ScdDisposition disposition;

        g_assert_true(scd_disposition_from_word(words[i], &disposition, NULL));
        g_assert_cmpuint(disposition, ==, i);
    }
    for (guint i = 0; i < G_N_ELEMENTS(words) - 1; i++) {
        ScdDisposition initialization;

        g_assert_true(scd_initialization_from_word(words[i], &initialization, NULL));
        g_assert_cmpuint(initialization, ==, i);
    }
}

static void
test_refusals(void)
{
    const char *const words[] = {"", "Shared", "shared ", "shared,exclusive", "2", "T=2", "T=0 "};

    for (gsize i = 0; i < G_N_ELEMENTS(words); i++) {
        const char *const vector[] = {"T=1", words[i], NULL};
        g_autoptr(GError) mode_error = NULL;
        g_autoptr(GError) protocol_error = NULL;
        g_autoptr(GError) disposition_error = NULL;
        guint number = 99;

        g_assert_false(scd_share_mode_from_word(words[i], &number, &mode_error));
        assert_refused(mode_error, "unknown share mode: there are shared, exclusive, direct");
        g_assert_false(scd_protocols_from_words(vector, &number, &protocol_error));
        assert_refused(protocol_error, "unknown protocol: there are T=0, T=1, raw, T=15");
        g_assert_false(scd_disposition_from_word(words[i], &number, &disposition_error));
        assert_refused(disposition_error,
                       "unknown disposition: there are leave, reset, unpower, eject");
        g_assert_cmpuint(number, ==, 99);
    }
}

static void
test_nothing_is_ejected_first(void)
{
    g_autoptr(GError) error = NULL;
    ScdDisposition initialization;

    g_assert_false(scd_initialization_from_word("eject", &initialization, &error));
    assert_refused(error, "unknown initialization: there are leave, reset, unpower");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/words/share-modes", test_share_modes);
    g_test_add_func("/words/protocols", test_protocols);
    g_test_add_func("/words/dispositions", test_dispositions);
    g_test_add_func("/words/refusals", test_refusals);
    g_test_add_func("/words/nothing-is-ejected-first", test_nothing_is_ejected_first);
    return g_test_run();
}
