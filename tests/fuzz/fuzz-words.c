/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any text as a word of a method's argument, and as a level or target of the log. */

#include "base/words.h"

#include "base/error.h"
#include "base/log.h"
#include "fuzz.h"

static void
check_refusal(gboolean accepted, const GError *error)
{
    scd_fuzz_assert_result(accepted, error);
    if (!accepted)
        g_assert_error(error, SCD_ERROR, SCD_INVALID_ARGS);
}

static void
check_share_mode(const char *word)
{
    g_autoptr(GError) error = NULL;
    ScdShareMode mode;
    gboolean known = scd_share_mode_from_word(word, &mode, &error);

    check_refusal(known, error);
    if (known)
        g_assert_cmpstr(scd_share_mode_to_word(mode), ==, word);
}

static void
check_protocol(const char *word)
{
    const char *const words[] = {word, word, NULL};
    g_autoptr(GError) error = NULL;
    ScdProtocol protocol, protocols;
    gboolean known = scd_protocol_from_word(word, &protocol, &error);

    check_refusal(known, error);
    g_assert_cmpint(scd_protocols_from_words(words, &protocols, NULL), ==, known);
    if (known) {
        g_assert_cmpstr(scd_protocol_to_word(protocol), ==, word);
        g_assert_cmpuint(protocols, ==, protocol);
    }
}

static void
check_log_words(const char *word)
{
    if (scd_log_set_level(word))
        g_assert_cmpstr(scd_log_level(), ==, word);
    if (scd_log_set_target(word))
        g_assert_cmpstr(scd_log_target(), ==, word);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autofree char *text = scd_fuzz_dup_text(data, size);
    g_autofree char *word = g_utf8_make_valid(text, -1);

    check_share_mode(word);
    check_protocol(word);
    check_log_words(word);
    return 0;
}
