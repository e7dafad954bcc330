/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/bytes.h"

#define MANY 100

static int freed;

static void
note_freed(gpointer data)
{
    freed++;
}

static void
assert_list(guint count)
{
    static const guint8 bytes[MANY];
    ScdBytesList list = {0};

    freed = 0;
    for (guint i = 0; i < count; i++)
        scd_bytes_list_add(&list, g_bytes_new_with_free_func(bytes, i, note_freed, NULL));
    g_assert_cmpuint(list.length, ==, count);
    for (guint i = 0; i < count; i++)
        g_assert_cmpuint(g_bytes_get_size(scd_bytes_list_get(&list, i)), ==, i);
    scd_bytes_list_clear(&list);
    g_assert_cmpuint(list.length, ==, 0);
    g_assert_cmpint(freed, ==, count);
}

static void
test_all_lengths(void)
{
    for (guint count = 0; count <= MANY; count++)
        assert_list(count);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bytes-list/all-lengths", test_all_lengths);
    return g_test_run();
}
