/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/card-list.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "base/atr.h"
#include "base/bytes.h"
#include "installed-list.h"

/*
 * Creates a list whose bytes end at the end of their memory, so that a sanitizer detects a read
 * past the end.
 */
static ScdCardList *
new_list(const char *text, gsize length)
{
    g_autoptr(GBytes) bytes = g_bytes_new(text, length);

    return scd_card_list_new(bytes);
}

/* Returns the names, joined by "|". */
static char *
look_up(const ScdCardList *list, const char *atr_hex)
{
    gsize length = 0;
    g_autofree guint8 *atr = scd_hex_to_bytes(atr_hex, &length, NULL);
    g_auto(GStrv) names = scd_card_list_lookup(list, atr, length);

    return g_strjoinv("|", names);
}

static void
assert_names_in_bytes(const char *text, gsize length, const char *atr_hex, const char *expected)
{
    g_autoptr(ScdCardList) list = new_list(text, length);
    g_autofree char *names = look_up(list, atr_hex);

    g_assert_cmpstr(names, ==, expected);
}

static void
assert_names(const char *text, const char *atr_hex, const char *expected)
{
    assert_names_in_bytes(text, strlen(text), atr_hex, expected);
}

static const char small_list[] = "# a comment\n"
                                 "\ta name\n"
                                 "\n"
                                 "3B 02 ..  50\n"
                                 "\tnever: two spaces\n"
                                 "\n"
                                 "3B 02 .. 50\n"
                                 "\tAny card\n"
                                 "\thttps://example.org/\n"
                                 "\n"
                                 "3b 02 14 50\n"
                                 "\tA card (Bank)\n"
                                 "\t  Any card \t\n"
                                 "\t\n"
                                 "\t http://example.org/ (Bank)\n"
                                 "\tHTTPS://EXAMPLE.ORG/\n"
                                 "\tSee http://example.org/\n"
                                 "\thttps card\n"
                                 "# a comment, which ends the entry\n"
                                 "\ta name\n"
                                 "\n"
                                 "3B 02 14 50\n"
                                 "3B 02 14 51\n"
                                 "\tOne more card\n"
                                 "\n"
                                 "3B 02 1[4,5] 50\n"
                                 "\tLast card\n";

static void
test_lookup(void)
{
    g_autoptr(ScdCardList) list = new_list(small_list, strlen(small_list));
    const struct {
        const char *atr;
        const char *names;
    } expected[] = {
        {"3B 02 14 50", "Any card|A card (Bank)|See http://example.org/|https card|Last card"},
        {"3B 02 14 51", "One more card"},
        {"3B 02 15 50", "Any card|Last card"},
        {"3B 02 99 50", "Any card"},
        {"3B 02 14", ""},
        {"3B 02 14 50 00", ""},
        {"", ""},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(expected); i++) {
        g_autofree char *names = look_up(list, expected[i].atr);
        g_assert_cmpstr(names, ==, expected[i].names);
    }
}

static void
set_true(gpointer data)
{
    *(gboolean *)data = TRUE;
}

/* The list holds its own reference to the text. */
static void
test_text_is_kept(void)
{
    static const char text[] = "3B 00\n\tOne";
    gboolean is_released = FALSE;
    GBytes *bytes = g_bytes_new_with_free_func(text, strlen(text), set_true, &is_released);
    ScdCardList *list = scd_card_list_new(bytes);

    g_bytes_unref(bytes);
    g_assert_false(is_released);
    scd_card_list_free(list);
    g_assert_true(is_released);
    scd_card_list_free(NULL);
}

static void
test_line_ends(void)
{
    static const char crlf[] = "3B 00\r\n\tOne\r\n\tTwo \r\n\r\n3B 0.\r\n\tThree\r\n";

    assert_names(crlf, "3B00", "One|Two|Three");
    assert_names("3B 00\n\tOne", "3B00", "One");
    assert_names("3B 00", "3B00", "");
    assert_names("3B 0.", "3B00", "");
    assert_names("3B 0[", "3B00", "");
    assert_names("3B 00 \n\tOne", "3B00", "One");
    assert_names("\r\n \n\n", "3B00", "");
    assert_names("", "3B00", "");
    assert_names_in_bytes(NULL, 0, "3B00", "");
    assert_names(".*\n\tAny", "", "");
    assert_names(".*\n\tAny", "3B", "Any");
}

static void
test_hostile_bytes(void)
{
    static const char nul[] = "3B 00\n\tOne\0Two\n3B\0 01\n\tThree\n3B 02\0\n\tFour\n\0\n";
    static const char not_utf8[] = "3B 00\n\t\xFFOne\xC3\n\tT\xC3\xA9l\xC3\xA9\n";

    assert_names_in_bytes(nul, sizeof nul - 1, "3B00", "One\xEF\xBF\xBDTwo");
    assert_names_in_bytes(nul, sizeof nul - 1, "3B01", "");
    assert_names_in_bytes(nul, sizeof nul - 1, "3B02", "");
    assert_names_in_bytes(not_utf8, sizeof not_utf8 - 1, "3B00",
                          "\xEF\xBF\xBDOne\xEF\xBF\xBD|T\xC3\xA9l\xC3\xA9");
}

static void
test_long_lines(void)
{
    g_autofree char *longest = g_strnfill(SCD_CARD_LIST_MAX_LINE - 1, 'x');
    g_autofree char *text = g_strdup_printf("3B 00\n\t%s\n\t%sx\n\tOne\n", longest, longest);
    g_autofree char *names = g_strdup_printf("%s|One", longest);
    g_autofree char *stars = g_strnfill(SCD_CARD_LIST_MAX_LINE - 2, '.');
    g_autofree char *entries = g_strdup_printf(".*%s\n\tOne\n.*%s.\n\tTwo\n", stars, stars);
    g_autofree char *huge = g_strnfill(10 * 1000 * 1000, '[');

    assert_names(text, "3B00", names);
    assert_names(entries, "3B00", "");
    assert_names(huge, "3B00", "");
    memset(huge, '0', strlen(huge));
    assert_names(huge, "3B00", "");
    memset(huge, '\n', strlen(huge));
    assert_names(huge, "3B00", "");
    memset(huge, '\t', strlen(huge));
    assert_names(huge, "3B00", "");
}

/* A class of a thousand zeros matches a zero while the line is not too long. */
static void
test_long_entry(void)
{
    g_autofree char *zeros = g_strnfill(SCD_CARD_LIST_MAX_LINE, '0');
    g_autofree char *choice =
        g_strdup_printf("3B 0[%.*s]\n\tOne\n", SCD_CARD_LIST_MAX_LINE - 6, zeros);
    g_autofree char *too_long =
        g_strdup_printf("3B 0[%.*s]\n\tOne\n", SCD_CARD_LIST_MAX_LINE - 5, zeros);

    assert_names(choice, "3B00", "One");
    assert_names(too_long, "3B00", "");
}

static void
test_many_names(void)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < 100000; i++)
        g_string_append_printf(text, "3B 00\n\tsame\n\tname %u\n", i);

    g_autoptr(ScdCardList) list = new_list(text->str, text->len);
    g_auto(GStrv) names = scd_card_list_lookup(list, (const guint8 *)"\x3B\x00", 2);

    g_assert_cmpuint(g_strv_length(names), ==, SCD_CARD_LIST_MAX_NAMES);
    g_assert_cmpstr(names[0], ==, "same");
    g_assert_cmpstr(names[1], ==, "name 0");
    g_assert_cmpstr(names[SCD_CARD_LIST_MAX_NAMES - 1], ==, "name 62");
    g_string_free(text, TRUE);
}

/* Pieces of a list in random order; NUL is one of them. */
static char *
random_text(GRand *rand, gsize *length)
{
    static const char *const pieces[] = {
        "3B", "3b 10", "\n3B 10\n\t", "\n3B\r\n\t", ".*\n\t", "..", ".*", "[0-1]", "[", "]",
        " ",  "\t",    "\n\t",        "\n",         "\r\n",   "#",  "x",  "\xC3",  "",  "http://",
    };
    GString *text = g_string_new(NULL);
    guint n_pieces = (guint)g_rand_int_range(rand, 0, 12);

    for (guint i = 0; i < n_pieces; i++) {
        const char *piece = pieces[g_rand_int_range(rand, 0, G_N_ELEMENTS(pieces))];
        g_string_append_len(text, piece, MAX(1, (gssize)strlen(piece)));
    }
    *length = text->len;
    return g_string_free(text, FALSE);
}

/* For any text and any ATR, the names are valid UTF-8 and not empty. */
static void
test_random_texts(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(10);
    guint n_names = 0;

    for (guint round = 0; round < 50000; round++) {
        guint8 atr[SCD_ATR_MAX_LENGTH + 2];
        gsize atr_length = (gsize)g_rand_int_range(rand, 0, g_rand_boolean(rand) ? 3 : sizeof atr);
        gsize length;
        g_autofree char *text = random_text(rand, &length);

        memset(atr, 0x10, sizeof atr);
        atr[0] = 0x3B;
        g_autoptr(ScdCardList) list = new_list(text, length);
        g_auto(GStrv) names = scd_card_list_lookup(list, atr, atr_length);
        for (char **name = names; *name != NULL; name++) {
            n_names++;
            g_assert_cmpuint(strlen(*name), >, 0);
            g_assert_true(g_utf8_validate(*name, -1, NULL));
        }
    }
    g_assert_cmpuint(n_names, >, 1000);
}

typedef struct {
    const ScdCardList *list;
    guint n;
    guint n_names;
} ListCensus;

/* Each line of an entry is found, except for web addresses. */
static void
find_entry(const guint8 *atr, gsize length, char **lines, gpointer data)
{
    ListCensus *census = data;
    g_auto(GStrv) names = scd_card_list_lookup(census->list, atr, length);

    census->n++;
    census->n_names += g_strv_length(names);
    for (char **line = lines; *line != NULL; line++) {
        const char *name = g_strstrip(*line);

        g_assert_cmpint(g_strv_contains((const char *const *)names, name), ==,
                        !g_str_has_prefix(name, "http"));
    }
}

static void
test_installed_list(void)
{
    g_autoptr(GBytes) text = installed_list_load();
    ListCensus census = {0};

    if (text == NULL)
        return;
    g_autoptr(ScdCardList) list = scd_card_list_new(text);
    census.list = list;
    installed_list_foreach(text, find_entry, &census);
    g_test_message("%u ATRs with %u names", census.n, census.n_names);
    g_assert_cmpuint(census.n, >=, 1000);
    g_assert_cmpuint(census.n_names, >=, census.n);
}

/* Returns the size of the part of the file that is in the memory of this process. */
static guint64
count_resident_kib(const char *path)
{
    g_autofree char *smaps = NULL;

    g_assert_true(g_file_get_contents("/proc/self/smaps", &smaps, NULL, NULL));
    const char *mapping = strstr(smaps, path);
    g_assert_nonnull(mapping);
    const char *size = strstr(mapping, "\nRss:");
    g_assert_nonnull(size);
    return g_ascii_strtoull(size + strlen("\nRss:"), NULL, 10);
}

static void
test_file(void)
{
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("card-list-XXXXXX", &path, NULL);

    g_assert_cmpint(fd, >=, 0);
    close(fd);
    g_assert_true(g_file_set_contents(path, small_list, -1, NULL));
    g_autoptr(GMappedFile) file = g_mapped_file_new(path, FALSE, NULL);
    g_assert_nonnull(file);
    g_autoptr(ScdCardList) list = scd_card_list_new_from_file(file);
    for (int i = 0; i < 2; i++) {
        g_assert_cmpuint(count_resident_kib(path), ==, 0);
        g_autofree char *names = look_up(list, "3B 02 14 50");
        g_assert_nonnull(strstr(names, "A card (Bank)"));
        g_assert_cmpuint(count_resident_kib(path), >, 0);
        scd_card_list_release_pages(list);
    }
    g_unlink(path);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/card-list/lookup", test_lookup);
    g_test_add_func("/card-list/text-is-kept", test_text_is_kept);
    g_test_add_func("/card-list/line-ends", test_line_ends);
    g_test_add_func("/card-list/hostile-bytes", test_hostile_bytes);
    g_test_add_func("/card-list/long-lines", test_long_lines);
    g_test_add_func("/card-list/long-entry", test_long_entry);
    g_test_add_func("/card-list/many-names", test_many_names);
    g_test_add_func("/card-list/random-texts", test_random_texts);
    g_test_add_func("/card-list/installed-list", test_installed_list);
    g_test_add_func("/card-list/file", test_file);
    return g_test_run();
}
