/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Runs a target without libFuzzer, as a test: with the files of the folder in its argument, with
 * the beginnings of each, and with single bytes of each changed.
 *
 * A file has the input itself or, if its name ends with ".hex", its bytes in hexadecimal digits,
 * with comments that begin with "#".
 */

#include <string.h>

#include "base/bytes.h"
#include "fuzz.h"

/* How many beginnings of a file, and how many of its bytes, are tried. */
#define PLACES_MAX 100

#define HEX ".hex"

static GByteArray *
parse_hex(char *text)
{
    g_autoptr(GError) error = NULL;
    gsize length = 0;

    for (char *comment = text; (comment = strchr(comment, '#')) != NULL;)
        memset(comment, ' ', strcspn(comment, "\n"));
    g_strdelimit(text, "\n", ' ');
    guint8 *bytes = scd_hex_to_bytes(text, &length, &error);
    g_assert_no_error(error);
    return g_byte_array_new_take(bytes, length);
}

static GByteArray *
read_input(const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    gsize length;

    g_file_get_contents(path, &text, &length, &error);
    g_assert_no_error(error);
    if (g_str_has_suffix(path, HEX))
        return parse_hex(text);
    return g_byte_array_new_take((guint8 *)g_steal_pointer(&text), length);
}

/* The copy has the size of the input, so that sanitizers detect reads past the end. */
static void
run_target(const guint8 *data, gsize size)
{
    g_autofree guint8 *copy = size > 0 ? g_memdup2(data, size) : g_malloc(1);

    g_assert_cmpint(LLVMFuzzerTestOneInput(copy, size), ==, 0);
}

static void
run_changed(GByteArray *input, guint at)
{
    const guint8 values[] = {0x00, 0xFF, input->data[at] ^ 0x01, input->data[at] ^ 0x80};
    guint8 before = input->data[at];

    for (gsize i = 0; i < G_N_ELEMENTS(values); i++) {
        input->data[at] = values[i];
        run_target(input->data, input->len);
    }
    input->data[at] = before;
}

static void
test_file(gconstpointer path)
{
    g_autoptr(GByteArray) input = read_input(path);
    guint step = input->len / PLACES_MAX + 1;

    run_target(input->data, input->len);
    for (guint at = 0; at < input->len; at += step) {
        run_target(input->data, at);
        run_changed(input, at);
    }
}

static void
test_empty(void)
{
    run_target(NULL, 0);
}

static void
add_files(const char *folder)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GDir) dir = g_dir_open(folder, 0, &error);
    const char *name;

    g_assert_no_error(error);
    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *test = g_strconcat("/corpus/", name, NULL);

        g_test_add_data_func_full(test, g_build_filename(folder, name, NULL), test_file, g_free);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    LLVMFuzzerInitialize(&argc, &argv);
    g_assert_cmpint(argc, ==, 2);
    g_test_add_func("/empty", test_empty);
    add_files(argv[1]);
    return g_test_run();
}
