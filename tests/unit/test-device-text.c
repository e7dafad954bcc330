/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/device-text.h"

#include <string.h>

#define BAD "\xEF\xBF\xBD" /* U+FFFD */

static void
test_clean(void)
{
    static const struct {
        const char *text;
        const char *clean;
    } cases[] = {
        {"", ""},
        {"SCM SPR 532", "SCM SPR 532"},
        {"Lecteur \xC3\xA9tudiant\n", "Lecteur \xC3\xA9tudiant"},
        {" \t two  spaces \r\n", "two  spaces"},
        {"\n\n", ""},
        {"a\nb", "a" BAD "b"},
        {"\x1B[31mred\x7F", BAD "[31mred" BAD},
        {"bad \xFF\xC3", "bad " BAD BAD},
        {"\xC0\xAF", BAD BAD}, /* a "/", but longer than it has to be */
        {"a\xC2\x85z", "a" BAD "z"},
        {"1\xE2\x80\xAE"
         "2",
         "1" BAD "2"}, /* U+202E, from right to left */
        {"1\xE2\x80\x8B"
         "2",
         "1" BAD "2"}, /* U+200B, nothing to be seen */
        {"1\xE2\x80\xA8"
         "2\xE2\x80\xA9"
         "3",
         "1" BAD "2" BAD "3"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        gsize length = strlen(cases[i].text);
        g_autofree char *bytes = g_memdup2(cases[i].text, length); /* and no NUL after them */
        g_autofree char *clean = scd_device_text_clean(bytes, length);

        g_assert_cmpstr(clean, ==, cases[i].clean);
    }
}

static void
test_nul(void)
{
    static const char bytes[] = "Reader \0secret";
    g_autofree char *clean = scd_device_text_clean(bytes, sizeof bytes - 1);

    g_assert_cmpstr(clean, ==, "Reader");
}

static void
test_nothing(void)
{
    g_autofree char *clean = scd_device_text_clean(NULL, 0);

    g_assert_cmpstr(clean, ==, "");
}

static void
test_any_bytes(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(9);

    for (guint round = 0; round < 20000; round++) {
        gsize length = (gsize)g_rand_int_range(rand, 0, 40);
        g_autofree char *bytes = g_malloc(length);
        for (gsize i = 0; i < length; i++)
            bytes[i] = (char)g_rand_int_range(rand, 1, 256);
        g_autofree char *clean = scd_device_text_clean(bytes, length);
        g_autofree char *again = scd_device_text_clean(clean, strlen(clean));

        g_assert_true(g_utf8_validate(clean, -1, NULL));
        for (const char *at = clean; *at != '\0'; at = g_utf8_next_char(at))
            g_assert_false(g_unichar_iscntrl(g_utf8_get_char(at)));
        g_assert_cmpstr(again, ==, clean);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/device-text/clean", test_clean);
    g_test_add_func("/device-text/nul", test_nul);
    g_test_add_func("/device-text/nothing", test_nothing);
    g_test_add_func("/device-text/any-bytes", test_any_bytes);
    return g_test_run();
}
