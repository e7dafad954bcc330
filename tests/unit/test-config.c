/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/settings.h"

#include <string.h>

/* Reads the text over the defaults. Returns the warnings, one line each. */
static char *
read_bytes(ScdConfig *config, const char *text, gsize length)
{
    g_autoptr(ScdSettings) settings = scd_settings_new();
    /* A copy of the exact length, so that a sanitizer detects a read past the end. */
    g_autofree char *copy = g_memdup2(text, length);

    scd_settings_add(settings, "f", copy != NULL ? copy : "", length);
    g_ptr_array_add(settings->warnings, NULL);
    *config = settings->config;
    return g_strjoinv("\n", (char **)settings->warnings->pdata);
}

static char *
read_text(ScdConfig *config, const char *text)
{
    return read_bytes(config, text, strlen(text));
}

static void
assert_defaults(const ScdConfig *config)
{
    ScdConfig defaults;

    scd_config_set_defaults(&defaults);
    g_assert_cmpmem(config, sizeof *config, &defaults, sizeof defaults);
}

static void
test_defaults(void)
{
    const char *const texts[] = {"", "\n\n", "# nothing\n", "[Limits]\n[Transactions]\n"};

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        ScdConfig config;
        g_autofree char *warnings = read_text(&config, texts[i]);

        g_assert_cmpstr(warnings, ==, "");
        assert_defaults(&config);
    }

    ScdConfig config;
    scd_config_set_defaults(&config);
    g_assert_cmpuint(config.sessions_per_user, ==, 128);
    g_assert_cmpuint(config.sessions, ==, 256);
    g_assert_cmpuint(config.calls_per_session, ==, 128);
    g_assert_cmpuint(config.bytes_per_session, ==, 4194304);
    g_assert_cmpuint(config.waiters_per_user, ==, 64);
    g_assert_cmpuint(config.wait_calls, ==, 512);
    g_assert_cmpuint(config.memory_per_user, ==, 48 * 1024 * 1024);
    g_assert_cmpuint(config.memory, ==, 192 * 1024 * 1024);
    g_assert_cmpuint(config.idle_limit_s, ==, 5);
}

static void
test_all(void)
{
    ScdConfig config;
    g_autofree char *warnings = read_text(&config, "# as the example has it\r\n"
                                                   "[Limits]\r\n"
                                                   "SessionsPerUser=1\r\n"
                                                   "Sessions = 2 \n"
                                                   "CallsPerSession\t=\t3\n"
                                                   "  BytesPerSession=1073741824\n"
                                                   "[Transactions]\n"
                                                   "IdleLimitSec=4\n"
                                                   "\n"
                                                   "[Limits]\n"
                                                   "WaitersPerUser=5\n"
                                                   "MemoryPerUser=1048576\n"
                                                   "Memory=1073741824\n"
                                                   "Waiters=9\n"
                                                   "Waiters=6");

    g_assert_cmpstr(warnings, ==, "");
    g_assert_cmpuint(config.sessions_per_user, ==, 1);
    g_assert_cmpuint(config.sessions, ==, 2);
    g_assert_cmpuint(config.calls_per_session, ==, 3);
    g_assert_cmpuint(config.bytes_per_session, ==, 1073741824);
    g_assert_cmpuint(config.idle_limit_s, ==, 4);
    g_assert_cmpuint(config.waiters_per_user, ==, 5);
    g_assert_cmpuint(config.wait_calls, ==, 6);
    g_assert_cmpuint(config.memory_per_user, ==, 1048576);
    g_assert_cmpuint(config.memory, ==, 1073741824);
}

static const struct {
    const char *line; /* the second one, in [Limits] */
    const char *warning;
} faults[] = {
    {"Sessions=0", "f: line 2: Sessions must be a number from 1 to 10000: keeping 256"},
    {"Sessions=10001", "f: line 2: Sessions must be a number from 1 to 10000: keeping 256"},
    {"Sessions=-1", "f: line 2: Sessions must be a number from 1 to 10000: keeping 256"},
    {"Sessions=18446744073709551617",
     "f: line 2: Sessions must be a number from 1 to 10000: keeping 256"},
    {"Sessions=", "f: line 2: Sessions must be a number from 1 to 10000: keeping 256"},
    {"Sessions=many", "f: line 2: Sessions must be a number from 1 to 10000: keeping 256"},
    {"Sessions=9 # few", "f: line 2: Sessions must be a number from 1 to 10000: keeping 256"},
    {"Sessions=0x10", "f: line 2: Sessions must be a number from 1 to 10000: keeping 256"},
    {"BytesPerSession=65543",
     "f: line 2: BytesPerSession must be a number from 65544 to 1073741824: keeping 4194304"},
    {"Memory=1048575",
     "f: line 2: Memory must be a number from 1048576 to 1073741824: keeping 201326592"},
    {"sessions=9", "f: line 2: unknown setting sessions in [Limits]"},
    {"Sessions[de]=9", "f: line 2: unknown setting Sessions[de] in [Limits]"},
    {"IdleLimitSec=9", "f: line 2: unknown setting IdleLimitSec in [Limits]"},
    {"S\xFFx=9", "f: line 2: unknown setting S\xEF\xBF\xBDx in [Limits]"},
    {"[Limit]", "f: line 2: unknown group [Limit] is ignored: there are [Limits], [Transactions], "
                "[Aliases], [Login] and "
                "[Reader LABEL]"},
    {"Sessions", NULL},
    {"=9", NULL},
    {"[Limits", NULL},
    {"[]", NULL},
    {"; a comment of others", NULL},
};

/* Each causes one warning, and the lines after it are read. */
static void
test_faults(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(faults); i++) {
        g_autofree char *text =
            g_strdup_printf("[Limits]\n%s\n[Limits]\nWaiters=7", faults[i].line);
        ScdConfig config;
        g_autofree char *warnings = read_text(&config, text);

        if (faults[i].warning != NULL)
            g_assert_cmpstr(warnings, ==, faults[i].warning);
        g_assert_true(g_str_has_prefix(warnings, "f: line 2: "));
        g_assert_null(strchr(warnings, '\n'));
        g_assert_true(g_utf8_validate(warnings, -1, NULL));
        g_assert_cmpuint(config.wait_calls, ==, 7);
        config.wait_calls = 512;
        assert_defaults(&config);
    }
}

static void
test_unknown_group(void)
{
    ScdConfig config;
    g_autofree char *warnings = read_text(&config, "Sessions=1\n[Limit]\nSessions=2\nWaiters=3\n");
    g_auto(GStrv) lines = g_strsplit(warnings, "\n", -1);

    g_assert_cmpuint(g_strv_length(lines), ==, 2);
    g_assert_true(g_str_has_prefix(lines[0], "f: line 1: "));
    g_assert_cmpstr(lines[1], ==,
                    "f: line 2: unknown group [Limit] is ignored: there are [Limits], "
                    "[Transactions], [Aliases], [Login] and "
                    "[Reader LABEL]");
    assert_defaults(&config);
}

/* A value that is not valid leaves the previous one. */
static void
test_value_before(void)
{
    ScdConfig config;
    g_autofree char *warnings = read_text(&config, "[Limits]\nSessions=9\nSessions=x\n");

    g_assert_cmpstr(warnings, ==,
                    "f: line 3: Sessions must be a number from 1 to 10000: keeping 9");
    g_assert_cmpuint(config.sessions, ==, 9);
}

static void
test_zero_byte(void)
{
    const char text[] = "[Limits]\nSessions=9\0\nWaiters=7\n";
    ScdConfig config;

    g_autofree char *warnings = read_bytes(&config, text, sizeof text - 1);
    g_assert_true(g_str_has_prefix(warnings, "f: line 2: "));
    g_assert_null(strchr(warnings, '\n'));
    g_assert_cmpuint(config.sessions, ==, 256);
    g_assert_cmpuint(config.wait_calls, ==, 7);
}

/* Pieces of valid files, with random bytes between them. */
static void
test_any_text(void)
{
    static const char *const pieces[] = {
        "[Limits]",   "[Transactions]",
        "Sessions",   "IdleLimitSec",
        "=",          "7",
        "\n",         "\r\n",
        "#",          "[",
        "]",          " ",
        "\t",         "\\",
        "Encoding=x", "\xFF",
    };
    g_autoptr(GRand) rand = g_rand_new_with_seed(7816);

    for (guint round = 0; round < 3000; round++) {
        g_autoptr(GString) text = g_string_new(NULL);
        gint n_pieces = g_rand_int_range(rand, 1, 40);
        ScdConfig config;

        for (gint i = 0; i < n_pieces; i++) {
            if (g_rand_int_range(rand, 0, 10) == 0)
                g_string_append_c(text, (char)g_rand_int(rand));
            else
                g_string_append(text, pieces[g_rand_int_range(rand, 0, G_N_ELEMENTS(pieces))]);
        }
        g_autofree char *warnings = read_bytes(&config, text->str, text->len);
        g_assert_true(g_utf8_validate(warnings, -1, NULL));
        g_assert_cmpuint(config.sessions - 1, <, 10000);
        g_assert_cmpuint(config.idle_limit_s - 1, <, 3600);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/config/defaults", test_defaults);
    g_test_add_func("/config/all", test_all);
    g_test_add_func("/config/faults", test_faults);
    g_test_add_func("/config/unknown-group", test_unknown_group);
    g_test_add_func("/config/value-before", test_value_before);
    g_test_add_func("/config/zero-byte", test_zero_byte);
    g_test_add_func("/config/any-text", test_any_text);
    return g_test_run();
}
