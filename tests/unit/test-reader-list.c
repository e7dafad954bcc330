/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Readers and records of logins, in a program that runs out of memory: the PAM module runs in
 * programs such as sshd, which must go on.
 */

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "failing-memory.h"
#include "reader-list.h"
#include "record.h"

#define READER "/org/smartcardd1/readers/A"
#define CARD "/org/smartcardd1/cards/1"

typedef struct {
    sd_bus *bus;
    int far_end;
    sd_bus_message *reply;
} ReplyFixture;

static void
append_reader(sd_bus_message *reply, const char *path, const char *name)
{
    g_assert_cmpint(sd_bus_message_append(reply, "{oa{sa{sv}}}", path, 2, "org.smartcardd1.Other",
                                          1, "State", "s", "x", "org.smartcardd1.Reader", 5, "Name",
                                          "s", name, "Seat", "s", "seat0", "State", "u", 0x20,
                                          "LoginCandidate", "b", 1, "More", "as", 1, "x"),
                    >=, 0);
}

static void
append_card(sd_bus_message *reply)
{
    g_assert_cmpint(sd_bus_message_append(reply, "{oa{sa{sv}}}", CARD, 1, "org.smartcardd1.Card", 4,
                                          "Reader", "o", READER, "AtrHex", "s", "3B00", "Names",
                                          "as", 2, "First", "Second", "LoginCandidate", "b", 1),
                    >=, 0);
}

static void
set_up(ReplyFixture *fixture, gconstpointer unused)
{
    sd_bus_message *reply;
    int ends[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), ==, 0);
    fixture->far_end = ends[1];
    g_assert_cmpint(sd_bus_new(&fixture->bus), >=, 0);
    g_assert_cmpint(sd_bus_set_fd(fixture->bus, ends[0], ends[0]), >=, 0);
    g_assert_cmpint(sd_bus_start(fixture->bus), >=, 0);
    g_assert_cmpint(sd_bus_message_new_signal(fixture->bus, &reply, "/", "a.b", "Reply"), >=, 0);
    g_assert_cmpint(sd_bus_message_open_container(reply, 'a', "{oa{sa{sv}}}"), >=, 0);
    append_card(reply);
    append_reader(reply, READER, "Reader A");
    append_reader(reply, READER "_2", "Reader B");
    g_assert_cmpint(sd_bus_message_close_container(reply), >=, 0);
    g_assert_cmpint(sd_bus_message_seal(reply, 1, 0), >=, 0);
    fixture->reply = reply;
}

static void
tear_down(ReplyFixture *fixture, gconstpointer unused)
{
    sd_bus_message_unref(fixture->reply);
    sd_bus_unref(fixture->bus);
    close(fixture->far_end);
}

static int
read_list(ReplyFixture *fixture, LgnReaderList *list, int allocations)
{
    g_assert_cmpint(sd_bus_message_rewind(fixture->reply, 1), >=, 0);
    set_allocations_left(allocations);
    int r = lgn_reader_list_read(list, fixture->reply);
    set_allocations_left(ALLOCATIONS_UNLIMITED);
    return r;
}

static void
test_list(ReplyFixture *fixture, gconstpointer unused)
{
    LgnReaderList list;

    g_assert_cmpint(read_list(fixture, &list, ALLOCATIONS_UNLIMITED), ==, 0);
    g_assert_cmpint(list.count, ==, 2);
    g_assert_cmpstr(list.readers[0].name, ==, "Reader A");
    g_assert_cmpstr(list.readers[0].card, ==, CARD);
    g_assert_cmpstr(list.readers[0].card_name, ==, "First");
    g_assert_cmpstr(list.readers[0].atr, ==, "3B00");
    g_assert_true(lgn_reader_has_login_card(&list.readers[0]));
    g_assert_null(list.readers[1].card);
    g_assert_true(lgn_reader_serves_seat(&list.readers[1], "seat0"));
    g_assert_false(lgn_reader_serves_seat(&list.readers[1], "seat1"));
    lgn_reader_list_clear(&list);
}

/* Whichever allocation fails, the list is empty, and never one with a reader or a card less. */
static void
test_no_memory(ReplyFixture *fixture, gconstpointer unused)
{
    LgnReaderList list;
    int needed = 0;

    while (read_list(fixture, &list, needed) < 0) {
        g_assert_cmpint(read_list(fixture, &list, needed), ==, -ENOMEM);
        g_assert_cmpint(list.count, ==, 0);
        g_assert_null(list.readers);
        needed++;
    }
    g_assert_cmpint(list.count, ==, 2);
    g_assert_cmpstr(list.readers[0].card, ==, CARD);
    g_assert_cmpint(needed, >=, 2 * 7 + 5);
    lgn_reader_list_clear(&list);
}

static void
test_record_without_memory(ReplyFixture *fixture, gconstpointer unused)
{
    const LgnReader reader = {.path = (char *)READER, .port = (char *)"1-3", .atr = (char *)"3B00"};
    LgnRecord *record = NULL;
    int needed = -1;

    while (!record) {
        set_allocations_left(++needed);
        record = lgn_record_new(&reader);
        set_allocations_left(ALLOCATIONS_UNLIMITED);
    }
    g_assert_cmpint(needed, ==, 4);
    g_assert_cmpstr(record->reader, ==, READER);
    lgn_record_free(record);
}

/* A name that could leave the folder is refused before any file is touched. */
static void
test_names_of_sessions(ReplyFixture *fixture, gconstpointer unused)
{
    static const char *const names[] = {"", ".", "..", "../c1", "/c1", "c1/", "c1.new", "c 1"};
    const LgnRecord record = {(char *)READER, (char *)"", (char *)"3B00"};
    LgnRecord *loaded;

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_assert_false(lgn_record_is_session_name(names[i]));
        g_assert_cmpint(lgn_record_save(&record, NULL, names[i]), ==, -EINVAL);
        g_assert_cmpint(lgn_record_load(&loaded, names[i]), ==, -EINVAL);
        g_assert_null(loaded);
        g_assert_cmpint(lgn_record_remove(names[i]), ==, -EINVAL);
    }
}

static void
add_test(const char *name, void (*test)(ReplyFixture *fixture, gconstpointer unused))
{
    g_test_add(name, ReplyFixture, NULL, set_up, test, tear_down);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add_test("/reader-list/list", test_list);
    add_test("/reader-list/no-memory", test_no_memory);
    add_test("/reader-list/record-without-memory", test_record_without_memory);
    add_test("/reader-list/names-of-sessions", test_names_of_sessions);
    return g_test_run();
}
