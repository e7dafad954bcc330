/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The slot of the simulated reader, with this thread as that of the slot in pcscd, and other ones
 * as those of its clients.
 */

#include "sim/slot.h"

#include <glib.h>

#define POLL_MS 60000

static const struct atr any_atr;

typedef struct {
    struct slot slot;
    gint64 asked_us; /* when a client has asked last whether a card is present */
} SlotFixture;

static void
set_up(SlotFixture *fixture, gconstpointer data)
{
    slot_init(&fixture->slot, &any_atr);
    pthread_mutex_lock(&fixture->slot.lock);
}

static void
tear_down(SlotFixture *fixture, gconstpointer data)
{
    pthread_mutex_unlock(&fixture->slot.lock);
    slot_destroy(&fixture->slot);
}

/* One round of the thread of the slot: returns what it is told after the poll. */
static RESPONSECODE
run_round(SlotFixture *fixture)
{
    g_assert_cmpint(slot_poll(&fixture->slot, POLL_MS), ==, IFD_SUCCESS);
    return slot_presence(&fixture->slot);
}

static void
insert_and_show(SlotFixture *fixture)
{
    g_assert_true(slot_insert(&fixture->slot, &any_atr));
    g_assert_cmpint(run_round(fixture), ==, IFD_ICC_PRESENT);
}

static gpointer
ask_as_client(gpointer data)
{
    SlotFixture *fixture = data;

    fixture->asked_us = g_get_monotonic_time();
    return GINT_TO_POINTER((gint)slot_presence(&fixture->slot));
}

static void
assert_client_sees(SlotFixture *fixture, RESPONSECODE code)
{
    GThread *thread = g_thread_new("client", ask_as_client, fixture);

    g_assert_cmpint(GPOINTER_TO_INT(g_thread_join(thread)), ==, code);
}

static void
assert_settled(const SlotFixture *fixture)
{
    g_assert_cmpint((g_get_monotonic_time() - fixture->asked_us) / 1000, >=, SLOT_SETTLE_MS - 2);
}

static void
test_new_card_comes_with_a_poll(SlotFixture *fixture, gconstpointer data)
{
    g_assert_true(slot_insert(&fixture->slot, &any_atr));
    g_assert_cmpint(slot_presence(&fixture->slot), ==, IFD_ICC_NOT_PRESENT);
    g_assert_cmpint(run_round(fixture), ==, IFD_ICC_PRESENT);
    assert_client_sees(fixture, IFD_ICC_PRESENT);
}

/* pcscd stores what the client was told after it has stored the insertion, if this comes too soon.
 */
static void
test_insertion_waits_for_clients(SlotFixture *fixture, gconstpointer data)
{
    insert_and_show(fixture);
    g_assert_true(slot_remove(&fixture->slot));
    g_assert_cmpint(run_round(fixture), ==, IFD_ICC_NOT_PRESENT);
    assert_client_sees(fixture, IFD_ICC_NOT_PRESENT);
    insert_and_show(fixture);
    assert_settled(fixture);
}

static void
test_swap_waits_for_clients(SlotFixture *fixture, gconstpointer data)
{
    insert_and_show(fixture);
    g_assert_true(slot_remove(&fixture->slot));
    g_assert_true(slot_insert(&fixture->slot, &any_atr));
    g_assert_cmpint(run_round(fixture), ==, IFD_ICC_NOT_PRESENT);
    assert_client_sees(fixture, IFD_ICC_NOT_PRESENT);
    g_assert_cmpint(run_round(fixture), ==, IFD_ICC_PRESENT);
    assert_settled(fixture);
}

static gpointer
ask_until_present(gpointer data)
{
    SlotFixture *fixture = data;
    RESPONSECODE code = IFD_ICC_NOT_PRESENT;

    while (code == IFD_ICC_NOT_PRESENT) {
        pthread_mutex_lock(&fixture->slot.lock);
        code = slot_presence(&fixture->slot);
        pthread_mutex_unlock(&fixture->slot.lock);
    }
    return NULL;
}

static void
test_busy_clients_do_not_keep_the_card_away(SlotFixture *fixture, gconstpointer data)
{
    insert_and_show(fixture);
    g_assert_true(slot_remove(&fixture->slot));
    g_assert_cmpint(run_round(fixture), ==, IFD_ICC_NOT_PRESENT);

    GThread *thread = g_thread_new("client", ask_until_present, fixture);

    insert_and_show(fixture);
    pthread_mutex_unlock(&fixture->slot.lock);
    g_thread_join(thread);
    pthread_mutex_lock(&fixture->slot.lock);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/sim-slot/new-card-comes-with-a-poll", SlotFixture, NULL, set_up,
               test_new_card_comes_with_a_poll, tear_down);
    g_test_add("/sim-slot/insertion-waits-for-clients", SlotFixture, NULL, set_up,
               test_insertion_waits_for_clients, tear_down);
    g_test_add("/sim-slot/swap-waits-for-clients", SlotFixture, NULL, set_up,
               test_swap_waits_for_clients, tear_down);
    g_test_add("/sim-slot/busy-clients-do-not-keep-the-card-away", SlotFixture, NULL, set_up,
               test_busy_clients_do_not_keep_the_card_away, tear_down);
    return g_test_run();
}
