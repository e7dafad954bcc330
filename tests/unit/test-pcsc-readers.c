/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The readers of the PC/SC library, also in a program that runs out of memory. */

#include <glib.h>
#include <string.h>

#include "failing-memory.h"
#include "readers.h"

#define READER "/org/smartcardd1/readers/A"
#define CARD "/org/smartcardd1/cards/1"

static bool
add_reader(PldReaders *readers, const char *path, const char *name)
{
    const PldObjectProperties properties = {.is_reader = true,
                                            .pcsc_name = name,
                                            .pcsc_name_length = strlen(name),
                                            .state = 0x20,
                                            .has_state = true};

    return pld_readers_add(readers, path, &properties);
}

static bool
add_card(PldReaders *readers)
{
    const PldObjectProperties properties = {
        .is_card = true, .reader = READER, .atr = {0x3B, 0x00}, .atr_length = 2};

    return pld_readers_add(readers, CARD, &properties);
}

static void
test_order(void)
{
    static const char *const added[] = {"Other",   "B 01 00", "X 0G 00", "A 00 01",
                                        "A 00 00", "C 00 0A", "D 00-02", "E 00 0b"};
    static const char *const sorted[] = {"A 00 00", "A 00 01", "C 00 0A", "E 00 0b",
                                         "B 01 00", "Other",   "X 0G 00", "D 00-02"};
    PldReaders readers = {0};

    for (size_t i = 0; i < G_N_ELEMENTS(added); i++) {
        g_autofree char *path = g_strdup_printf("/%zu", i);
        g_assert_true(add_reader(&readers, path, added[i]));
    }
    g_assert_cmpint(readers.count, ==, G_N_ELEMENTS(sorted));
    for (size_t i = 0; i < readers.count; i++)
        g_assert_cmpstr(readers.list[i]->name, ==, sorted[i]);
    pld_readers_clear(&readers);
    pld_readers_clear(&readers);
}

/* A list of the same readers is no change for programs that wait for one. */
static void
test_replacement(void)
{
    PldReaders readers = {0}, same = {0}, other = {0}, none = {0};

    g_assert_true(add_reader(&readers, "/1", "A 00 00"));
    g_assert_true(add_reader(&same, "/9", "A 00 00"));
    g_assert_true(add_reader(&other, "/1", "B 00 00"));
    uint32_t total = readers.total;
    pld_readers_replace(&readers, &same);
    g_assert_cmpuint(readers.total, ==, total);
    g_assert_cmpstr(readers.list[0]->path, ==, "/9");
    pld_readers_replace(&readers, &other);
    g_assert_cmpuint(readers.total, ==, total + 1);
    g_assert_null(pld_readers_find(&readers, "A 00 00"));
    pld_readers_replace(&readers, &none);
    g_assert_cmpuint(readers.total, ==, total + 2);
    g_assert_cmpint(readers.count, ==, 0);
    pld_readers_clear(&readers);
}

/* Adds a reader and its card; the card may be the first one. */
static bool
add_both(PldReaders *readers, bool card_first, int allocations)
{
    set_allocations_left(allocations);
    bool done = card_first ? add_card(readers) && add_reader(readers, READER, "A 00 00")
                           : add_reader(readers, READER, "A 00 00") && add_card(readers);
    set_allocations_left(ALLOCATIONS_UNLIMITED);
    return done;
}

/* It says so: then the library gives the connection up, and never shows a reader without its card.
 */
static void
test_no_memory(void)
{
    for (int card_first = 0; card_first < 2; card_first++) {
        PldReaders readers = {0};
        int needed = 0;

        while (!add_both(&readers, card_first, needed)) {
            pld_readers_clear(&readers);
            g_assert_cmpint(readers.count, ==, 0);
            needed++;
        }
        g_assert_cmpint(needed, >=, 5);
        g_assert_cmpint(readers.count, ==, 1);
        g_assert_cmpstr(readers.list[0]->card, ==, CARD);
        g_assert_cmpint(readers.list[0]->atr_length, ==, 2);
        pld_readers_clear(&readers);
    }
}

/* A card that goes before its reader comes leaves nothing. */
static void
test_card_that_goes_early(void)
{
    PldReaders readers = {0};

    g_assert_true(add_card(&readers));
    pld_readers_remove(&readers, "/org/smartcardd1/cards/2");
    pld_readers_remove(&readers, CARD);
    g_assert_true(add_reader(&readers, READER, "A 00 00"));
    g_assert_null(readers.list[0]->card);
    pld_readers_clear(&readers);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pcsc-readers/order", test_order);
    g_test_add_func("/pcsc-readers/replacement", test_replacement);
    g_test_add_func("/pcsc-readers/no-memory", test_no_memory);
    g_test_add_func("/pcsc-readers/card-that-goes-early", test_card_that_goes_early);
    return g_test_run();
}
