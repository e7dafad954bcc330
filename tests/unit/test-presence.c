/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <glib.h>

#include "presence.h"

#define READER "/org/smartcardd1/readers/usb_1_3"
#define ATR "3B0214"

#define S LGN_US_PER_S

static const LgnRecord record = {
    .reader = (char *)READER, .port = (char *)"1-3", .atr = (char *)ATR};
static const LgnGrace grace = {.reader_grace_us = 10 * S, .service_grace_us = 30 * S};

typedef struct {
    LgnPresence presence;
    uint64_t now_us;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    lgn_presence_init(&fixture->presence, &record, &grace);
    fixture->now_us = 1000 * S;
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    lgn_presence_clear(&fixture->presence);
}

/* The reader is there, with a card or without one (NULL). */
static bool
apply_reader(Fixture *fixture, const char *card, const char *atr, bool was_away, bool is_back)
{
    LgnReader reader = {
        .path = (char *)READER, .card = (char *)card, .atr = (char *)atr, .is_empty = !card};
    LgnReaderList list = {.readers = &reader, .count = 1};
    char *gone[] = {(char *)READER};
    LgnReport report = {
        .list = &list, .was_away = was_away, .gone = gone, .gone_count = is_back ? 1 : 0};

    return lgn_presence_apply_report(&fixture->presence, &report, fixture->now_us);
}

static bool
apply_card(Fixture *fixture, const char *card)
{
    return apply_reader(fixture, card, ATR, false, false);
}

static bool
apply_empty(Fixture *fixture)
{
    return apply_reader(fixture, NULL, "", false, false);
}

static bool
apply_no_reader(Fixture *fixture)
{
    LgnReaderList list = {0};
    LgnReport report = {.list = &list};

    return lgn_presence_apply_report(&fixture->presence, &report, fixture->now_us);
}

/* pcscd reports that the card is gone before it reports that the reader is. */
static bool
apply_unplugged(Fixture *fixture)
{
    LgnReader reader = {.path = (char *)READER, .is_empty = true, .is_unplugged = true};
    LgnReaderList list = {.readers = &reader, .count = 1};
    LgnReport report = {.list = &list};

    return lgn_presence_apply_report(&fixture->presence, &report, fixture->now_us);
}

static bool
apply_no_service(Fixture *fixture)
{
    LgnReport report = {.error = "away", .was_away = true};

    return lgn_presence_apply_report(&fixture->presence, &report, fixture->now_us);
}

/* The reader is there without a card, around a suspend of the machine. */
static bool
apply_empty_around_sleep(Fixture *fixture, bool is_unplugged)
{
    LgnReader reader = {.path = (char *)READER, .is_empty = true, .is_unplugged = is_unplugged};
    LgnReaderList list = {.readers = &reader, .count = 1};
    LgnReport report = {.list = &list, .is_around_sleep = true};

    return lgn_presence_apply_report(&fixture->presence, &report, fixture->now_us);
}

static LgnVerdict
apply_time(Fixture *fixture)
{
    return lgn_presence_apply_time(&fixture->presence, fixture->now_us);
}

/* Asserts that a last look is wanted after so many seconds, and not before. */
static void
assert_looks_after(Fixture *fixture, guint seconds)
{
    g_assert_cmpuint(lgn_presence_deadline(&fixture->presence), ==, fixture->now_us + seconds * S);
    fixture->now_us += seconds * S - 1;
    g_assert_cmpint(apply_time(fixture), ==, LGN_NOTHING_TO_DO);
    fixture->now_us++;
    g_assert_cmpint(apply_time(fixture), ==, LGN_LOOK_AGAIN);
    g_assert_cmpint(apply_time(fixture), ==, LGN_NOTHING_TO_DO);
}

/* Asserts that the session is locked after so many seconds, although no report follows. */
static void
assert_locks_after(Fixture *fixture, guint seconds)
{
    assert_looks_after(fixture, seconds);
    fixture->now_us += LGN_LOOK_US - 1;
    g_assert_cmpint(apply_time(fixture), ==, LGN_NOTHING_TO_DO);
    fixture->now_us++;
    g_assert_cmpint(apply_time(fixture), ==, LGN_CARD_IS_GONE);
    g_assert_cmpuint(lgn_presence_deadline(&fixture->presence), ==, UINT64_MAX);
}

static void
test_removal_locks_once(Fixture *fixture, gconstpointer unused)
{
    g_assert_false(apply_card(fixture, "/1"));
    g_assert_true(apply_empty(fixture));
    g_assert_false(apply_empty(fixture));
    g_assert_false(apply_no_reader(fixture));
    g_assert_false(apply_no_service(fixture));
    g_assert_cmpuint(lgn_presence_deadline(&fixture->presence), ==, UINT64_MAX);
}

static void
test_card_that_was_removed_before(Fixture *fixture, gconstpointer unused)
{
    g_assert_true(apply_empty(fixture));
}

static void
test_second_removal(Fixture *fixture, gconstpointer unused)
{
    g_assert_false(apply_card(fixture, "/1"));
    g_assert_true(apply_empty(fixture));
    g_assert_false(apply_card(fixture, "/2"));
    g_assert_true(apply_empty(fixture));
}

static void
test_swap(Fixture *fixture, gconstpointer unused)
{
    g_assert_false(apply_card(fixture, "/1"));
    g_assert_true(apply_card(fixture, "/2"));
    g_assert_false(apply_card(fixture, "/2"));
    g_assert_true(apply_reader(fixture, "/3", "3B00", false, false));
}

static void
test_reader_that_comes_back(Fixture *fixture, gconstpointer unused)
{
    g_assert_false(apply_card(fixture, "/1"));
    g_assert_false(apply_no_reader(fixture));
    fixture->now_us += 9 * S;
    g_assert_false(apply_card(fixture, "/2"));
    g_assert_cmpuint(lgn_presence_deadline(&fixture->presence), ==, UINT64_MAX);
}

static void
test_reader_that_comes_back_at_once(Fixture *fixture, gconstpointer unused)
{
    g_assert_false(apply_card(fixture, "/1"));
    g_assert_false(apply_reader(fixture, "/2", ATR, false, true));
    g_assert_true(apply_card(fixture, "/3"));
}

static void
test_reader_that_pcscd_still_has(Fixture *fixture, gconstpointer unused)
{
    g_assert_false(apply_card(fixture, "/1"));
    g_assert_false(apply_unplugged(fixture));
    g_assert_false(apply_no_reader(fixture));
    fixture->now_us += 9 * S;
    g_assert_false(apply_card(fixture, "/2"));
    g_assert_cmpuint(lgn_presence_deadline(&fixture->presence), ==, UINT64_MAX);
    g_assert_false(apply_unplugged(fixture));
    assert_locks_after(fixture, 10);
}

static void
test_reader_that_does_not_come_back(Fixture *fixture, gconstpointer unused)
{
    g_assert_false(apply_card(fixture, "/1"));
    g_assert_false(apply_no_reader(fixture));
    assert_locks_after(fixture, 10);
}

/* An unplugged reader may fail before it goes. */
static void
test_reader_that_fails(Fixture *fixture, gconstpointer unused)
{
    LgnReader reader = {.path = (char *)READER, .atr = (char *)""};
    LgnReaderList list = {.readers = &reader, .count = 1};
    LgnReport report = {.list = &list};

    g_assert_false(apply_card(fixture, "/1"));
    g_assert_false(lgn_presence_apply_report(&fixture->presence, &report, fixture->now_us));
    assert_locks_after(fixture, 10);
}

static void
test_reader_that_comes_back_without_card(Fixture *fixture, gconstpointer unused)
{
    g_assert_false(apply_card(fixture, "/1"));
    g_assert_false(apply_no_reader(fixture));
    fixture->now_us += 3 * S;
    g_assert_false(apply_empty(fixture));
    g_assert_false(apply_empty(fixture));
    assert_locks_after(fixture, 2);
}

static void
test_reader_whose_card_is_powered_late(Fixture *fixture, gconstpointer unused)
{
    g_assert_false(apply_card(fixture, "/1"));
    g_assert_false(apply_reader(fixture, NULL, "", false, true));
    fixture->now_us += S;
    g_assert_false(apply_card(fixture, "/2"));
    g_assert_cmpuint(lgn_presence_deadline(&fixture->presence), ==, UINT64_MAX);
}

static void
test_reader_that_comes_back_with_another_card(Fixture *fixture, gconstpointer unused)
{
    g_assert_false(apply_card(fixture, "/1"));
    g_assert_false(apply_no_reader(fixture));
    g_assert_true(apply_reader(fixture, "/2", "3B00", false, false));
}

static void
test_restart_of_service(Fixture *fixture, gconstpointer unused)
{
    g_assert_false(apply_card(fixture, "/1"));
    g_assert_false(apply_no_service(fixture));
    fixture->now_us += 29 * S;
    g_assert_false(apply_reader(fixture, "/2", ATR, true, false));
    g_assert_cmpuint(lgn_presence_deadline(&fixture->presence), ==, UINT64_MAX);
}

static void
test_service_that_stays_away(Fixture *fixture, gconstpointer unused)
{
    g_assert_false(apply_card(fixture, "/1"));
    g_assert_false(apply_no_service(fixture));
    assert_locks_after(fixture, 30);
}

static void
test_restarts_do_not_prolong(Fixture *fixture, gconstpointer unused)
{
    g_assert_false(apply_card(fixture, "/1"));
    g_assert_false(apply_no_service(fixture));
    fixture->now_us += 20 * S;
    g_assert_false(apply_no_reader(fixture));
    g_assert_false(apply_no_service(fixture));
    assert_locks_after(fixture, 10);
}

static void
test_last_look_that_finds_no_card(Fixture *fixture, gconstpointer unused)
{
    g_assert_false(apply_card(fixture, "/1"));
    g_assert_false(apply_no_reader(fixture));
    assert_looks_after(fixture, 10);
    g_assert_true(apply_no_reader(fixture));
    g_assert_cmpuint(lgn_presence_deadline(&fixture->presence), ==, UINT64_MAX);
}

static void
test_last_look_that_finds_the_card(Fixture *fixture, gconstpointer unused)
{
    g_assert_false(apply_card(fixture, "/1"));
    g_assert_false(apply_no_reader(fixture));
    assert_looks_after(fixture, 10);
    g_assert_false(apply_card(fixture, "/2"));
    g_assert_cmpuint(lgn_presence_deadline(&fixture->presence), ==, UINT64_MAX);
    g_assert_false(apply_no_reader(fixture));
    assert_locks_after(fixture, 10);
}

/* A process that was frozen, or waited for a processor, has the time for it nevertheless. */
static void
test_last_look_that_begins_late(Fixture *fixture, gconstpointer unused)
{
    g_assert_false(apply_card(fixture, "/1"));
    g_assert_false(apply_no_reader(fixture));
    fixture->now_us += 15 * S;
    g_assert_cmpint(apply_time(fixture), ==, LGN_LOOK_AGAIN);
    g_assert_cmpint(apply_time(fixture), ==, LGN_NOTHING_TO_DO);
    g_assert_cmpuint(lgn_presence_deadline(&fixture->presence), ==, fixture->now_us + LGN_LOOK_US);
    g_assert_false(apply_card(fixture, "/2"));
    g_assert_cmpuint(lgn_presence_deadline(&fixture->presence), ==, UINT64_MAX);
}

static void
test_no_grace(Fixture *fixture, gconstpointer unused)
{
    fixture->presence.grace.reader_grace_us = 0;
    g_assert_false(apply_card(fixture, "/1"));
    g_assert_true(apply_no_reader(fixture));
}

static void
test_card_that_is_pulled_in_sleep(Fixture *fixture, gconstpointer unused)
{
    g_assert_false(apply_card(fixture, "/1"));
    g_assert_false(apply_empty_around_sleep(fixture, false));
    assert_looks_after(fixture, 2);
    g_assert_true(apply_empty_around_sleep(fixture, false));
}

/* It does not differ from a reader that lost its power. */
static void
test_swap_in_sleep(Fixture *fixture, gconstpointer unused)
{
    LgnReader reader = {.path = (char *)READER, .card = (char *)"/2", .atr = (char *)ATR};
    LgnReaderList list = {.readers = &reader, .count = 1};
    LgnReport report = {.list = &list, .is_around_sleep = true};

    g_assert_false(apply_card(fixture, "/1"));
    g_assert_false(lgn_presence_apply_report(&fixture->presence, &report, fixture->now_us));
    g_assert_true(apply_card(fixture, "/3"));
}

/* pcscd finds out that the reader lost its power before the kernel removes the device. */
static void
test_reader_that_loses_its_power_in_sleep(Fixture *fixture, gconstpointer unused)
{
    g_assert_false(apply_card(fixture, "/1"));
    g_assert_false(apply_empty_around_sleep(fixture, false));
    assert_looks_after(fixture, 2);
    g_assert_false(apply_empty_around_sleep(fixture, true));
    g_assert_false(apply_no_reader(fixture));
    fixture->now_us += 7 * S;
    g_assert_false(apply_card(fixture, "/2"));
    g_assert_cmpuint(lgn_presence_deadline(&fixture->presence), ==, UINT64_MAX);
}

static void
test_mute_card(Fixture *fixture, gconstpointer unused)
{
    g_assert_false(apply_card(fixture, "/1"));
    g_assert_true(apply_reader(fixture, "/2", "", false, false));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add("/presence/" #name, Fixture, NULL, set_up, test_##name, tear_down)
    ADD(removal_locks_once);
    ADD(card_that_was_removed_before);
    ADD(second_removal);
    ADD(swap);
    ADD(reader_that_comes_back);
    ADD(reader_that_comes_back_at_once);
    ADD(reader_that_pcscd_still_has);
    ADD(reader_that_does_not_come_back);
    ADD(reader_that_fails);
    ADD(reader_that_comes_back_without_card);
    ADD(reader_whose_card_is_powered_late);
    ADD(reader_that_comes_back_with_another_card);
    ADD(restart_of_service);
    ADD(service_that_stays_away);
    ADD(restarts_do_not_prolong);
    ADD(last_look_that_finds_no_card);
    ADD(last_look_that_finds_the_card);
    ADD(last_look_that_begins_late);
    ADD(no_grace);
    ADD(card_that_is_pulled_in_sleep);
    ADD(swap_in_sleep);
    ADD(reader_that_loses_its_power_in_sleep);
    ADD(mute_card);
    return g_test_run();
}
