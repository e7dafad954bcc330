/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/atr.h"

#include <string.h>

#include "installed-list.h"

/* Passes a copy of the exact length, so that a sanitizer detects a read past the end. */
static gboolean
matches_pattern(const char *pattern, gsize length, const guint8 *atr, gsize atr_length)
{
    g_autofree char *copy = g_memdup2(pattern, length);
    ScdAtrText text;

    scd_atr_text_init(&text, atr, atr_length);
    return scd_atr_pattern_matches(copy, length, &text);
}

/*
 * Returns the result of a regular expression engine; FALSE if the pattern is not a regular
 * expression.
 */
static gboolean
regex_matches(const char *pattern, const guint8 *atr, gsize length)
{
    ScdAtrText text;
    g_autofree char *anchored = g_strdup_printf("\\A(?:%s)\\z", pattern);
    g_autoptr(GRegex) regex = g_regex_new(anchored, G_REGEX_CASELESS, 0, NULL);

    scd_atr_text_init(&text, atr, length);
    return regex != NULL &&
           g_regex_match_full(regex, text.text, (gssize)text.length, 0, 0, NULL, NULL);
}

static void
test_text(void)
{
    guint8 atr[SCD_ATR_MAX_LENGTH + 1];
    ScdAtrText text;

    memset(atr, 0xA5, sizeof atr);
    scd_atr_text_init(&text, NULL, 0);
    g_assert_cmpuint(text.length, ==, 0);
    scd_atr_text_init(&text, atr, 2);
    g_assert_cmpmem(text.text, text.length, "A5 A5", 5);
    scd_atr_text_init(&text, atr, SCD_ATR_MAX_LENGTH);
    g_assert_cmpuint(text.length, ==, 98);
    scd_atr_text_init(&text, atr, SCD_ATR_MAX_LENGTH + 1);
    g_assert_cmpuint(text.length, ==, 0);
}

/* Each of these matches the example, 3B 1F 00 9C. */
static const char *const hits[] = {
    "3B 1F 00 9C",
    "3b 1f 00 9c",
    "3B .. 00 9C",
    "...........",
    "3B 1. 0. .C",
    "3B 1[EF] 00 9C",
    "3B 1[ef] 00 9C",
    "3B 1[E,F] 00 9C",
    "3B 1[A-F] 00 9C",
    "3B 1[0-9A-F] 00 9C",
    "3B 1F 00 [8-A]C",
    "3B.1F.00.9C",
    ".*",
    "3B .*",
    "3B 1F 00 9C.*",
    ".*3B 1F 00 9C",
    "3B .* 9C",
    ".*9C",
    "3B 1F .*00 9[CD]",
    "[3]B [01]F .* ..",
};

/* In the last one both ends would have to match the same characters. */
static const char *const misses[] = {
    "3B 1F 00",        "3B 1F 00 9C 00", "3B 1F 00 9D",  "3B1F009C",         " 3B 1F 00 9C",
    "3B  1F 00 9C",    "..........",     "............", "3B 1[0-9] 00 9C",  "3B 1[1,3] 00 9C",
    "3B 1[a,e] 00 9C", "3B 1[A-] 00 9C", "3B 1[] 00 9C", "3B 1[F 00 9C",     "3B 1F 00 9[",
    "3B 1F] 00 9C",    "3B .* 9D",       "3C .*",        "3B 1F 00 9C.* 9C", "3B 1F .*1F 00 9C",
};

/* A regular expression would match, but patterns with unsupported constructs match nothing. */
static const char *const unknown[] = {
    "3B .*1F.* 9C",
    "3B 1F 0+ 9C",
    "3B 1F 000? 9C",
    "3B 1F 0* 9C",
    "3B 1F 0{2} 9C",
    "(3B) 1F 00 9C",
    "3B 1F 00 9C|00",
    "^3B 1F 00 9C$",
    "3B 1[^0] 00 9C",
    "3B 1[[:xdigit:]] 00 9C",
    "3B 1\\w 00 9C",
    ".*?",
    ".+",
    "3B[ ]1F 00 9C",
};

static const guint8 example[] = {0x3B, 0x1F, 0x00, 0x9C};

static void
check_table(const char *const *patterns, gsize n, gboolean expected, gboolean expected_of_regex)
{
    for (gsize i = 0; i < n; i++) {
        g_test_message("%s", patterns[i]);
        g_assert_cmpint(matches_pattern(patterns[i], strlen(patterns[i]), example, sizeof example),
                        ==, expected);
        g_assert_cmpint(regex_matches(patterns[i], example, sizeof example), ==, expected_of_regex);
    }
}

static void
test_hits(void)
{
    check_table(hits, G_N_ELEMENTS(hits), TRUE, TRUE);
}

static void
test_misses(void)
{
    check_table(misses, G_N_ELEMENTS(misses), FALSE, FALSE);
    check_table(unknown, G_N_ELEMENTS(unknown), FALSE, TRUE);
}

/* Returns a random ATR with few different bytes, so that patterns often match. */
static gsize
random_atr(GRand *rand, guint8 *atr, gsize max_length)
{
    gsize length = (gsize)g_rand_int_range(rand, 1, (gint32)max_length + 1);

    for (gsize i = 0; i < length; i++)
        atr[i] = g_rand_boolean(rand) ? 0x00 : 0x1A;
    return length;
}

/* Returns the ATR's text with some characters replaced by tokens, and at most one part by ".*". */
static char *
random_pattern(GRand *rand, const guint8 *atr, gsize length)
{
    static const char *const tokens[] = {".", "[0-9]", "[01]", "[1,A]", "[0-1A-F]", "a", " "};
    ScdAtrText text;
    GString *pattern = g_string_new(NULL);

    scd_atr_text_init(&text, atr, length);
    gsize star = (gsize)g_rand_int_range(rand, 0, 2 * (gint32)text.length);
    for (gsize i = 0; i < text.length; i++) {
        if (i == star) {
            g_string_append(pattern, ".*");
            i += (gsize)g_rand_int_range(rand, 0, 4);
        }
        if (i >= text.length)
            break;
        if (g_rand_int_range(rand, 0, 6) == 0)
            g_string_append(pattern, tokens[g_rand_int_range(rand, 0, G_N_ELEMENTS(tokens))]);
        else
            g_string_append_c(pattern, text.text[i]);
    }
    return g_string_free(pattern, FALSE);
}

/* Patterns in the supported language have the results of a regular expression. */
static void
test_known_language(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(8);
    guint n_hits = 0;

    for (guint round = 0; round < 20000; round++) {
        guint8 atr[4];
        gsize length = random_atr(rand, atr, sizeof atr);
        g_autofree char *pattern = random_pattern(rand, atr, length);
        gboolean expected = regex_matches(pattern, atr, length);

        if (g_rand_int_range(rand, 0, 4) == 0) {
            length = random_atr(rand, atr, sizeof atr);
            expected = regex_matches(pattern, atr, length);
        }
        if (matches_pattern(pattern, strlen(pattern), atr, length) != expected)
            g_error("pattern \"%s\" on an ATR of %zu bytes", pattern, length);
        n_hits += expected;
    }
    g_assert_cmpuint(n_hits, >, 1000);
    g_assert_cmpuint(n_hits, <, 19000);
}

/* Other patterns match only where a regular expression matches. */
static void
test_unknown_language(void)
{
    static const char signs[] = "01A 01A .*[]-,^$+?{}()|\\";
    g_autoptr(GRand) rand = g_rand_new_with_seed(9);
    guint n_hits = 0;

    for (guint round = 0; round < 200000; round++) {
        guint8 atr[2];
        char pattern[12];
        gsize atr_length = random_atr(rand, atr, sizeof atr);
        gsize length = (gsize)g_rand_int_range(rand, 1, sizeof pattern);

        for (gsize i = 0; i < length; i++)
            pattern[i] = signs[g_rand_int_range(rand, 0, sizeof signs - 1)];
        pattern[length] = '\0';
        if (!matches_pattern(pattern, length, atr, atr_length))
            continue;
        n_hits++;
        if (!regex_matches(pattern, atr, atr_length))
            g_error("pattern \"%s\" on an ATR of %zu bytes", pattern, atr_length);
    }
    g_assert_cmpuint(n_hits, >, 10);
}

static void
collect_atr(const guint8 *atr, gsize length, char **lines, gpointer data)
{
    ScdAtrText text;

    scd_atr_text_init(&text, atr, length);
    g_array_append_val((GArray *)data, text);
}

/*
 * Counts the ATRs that the pattern matches, and compares each result with the regular expression.
 */
static guint
count_hits(const char *pattern, const GArray *atrs)
{
    g_autofree char *anchored = g_strdup_printf("\\A%s\\z", pattern);
    g_autoptr(GRegex) regex = g_regex_new(anchored, G_REGEX_OPTIMIZE, 0, NULL);
    guint n_hits = 0;

    g_assert_nonnull(regex);
    for (guint i = 0; i < atrs->len; i++) {
        const ScdAtrText *atr = &g_array_index(atrs, ScdAtrText, i);
        gboolean expected =
            g_regex_match_full(regex, atr->text, (gssize)atr->length, 0, 0, NULL, NULL);

        g_assert_cmpint(scd_atr_pattern_matches(pattern, strlen(pattern), atr), ==, expected);
        n_hits += expected;
    }
    return n_hits;
}

/* Each pattern of the list is tried on each ATR of the list: in that of 2023, 238 on 3803. */
static void
test_installed_list(void)
{
    g_autoptr(GBytes) text = installed_list_load();
    g_autoptr(GArray) atrs = g_array_new(FALSE, FALSE, sizeof(ScdAtrText));
    guint n_patterns = 0;
    guint n_hits = 0;

    if (text == NULL)
        return;
    installed_list_foreach(text, collect_atr, atrs);

    g_autofree char *copy = g_strndup(g_bytes_get_data(text, NULL), g_bytes_get_size(text));
    g_auto(GStrv) lines = g_strsplit(copy, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        if (!g_ascii_isxdigit((*line)[0]) || strpbrk(*line, ".[") == NULL)
            continue;
        n_patterns++;
        n_hits += count_hits(*line, atrs);
    }
    g_test_message("%u patterns, %u ATRs, %u hits", n_patterns, atrs->len, n_hits);
    g_assert_cmpuint(n_patterns, >=, 100);
    g_assert_cmpuint(n_hits, >=, 100);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/atr-pattern/text", test_text);
    g_test_add_func("/atr-pattern/hits", test_hits);
    g_test_add_func("/atr-pattern/misses", test_misses);
    g_test_add_func("/atr-pattern/known-language", test_known_language);
    g_test_add_func("/atr-pattern/unknown-language", test_unknown_language);
    g_test_add_func("/atr-pattern/installed-list", test_installed_list);
    return g_test_run();
}
