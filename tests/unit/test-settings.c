/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The groups [Reader LABEL] and [Login], and settings in several files. */

#include "base/settings.h"

#include <glib/gstdio.h>
#include <string.h>

static void
add_text(ScdSettings *settings, const char *file, const char *text)
{
    scd_settings_add(settings, file, text, strlen(text));
}

static ScdSettings *
read_text(const char *text)
{
    ScdSettings *settings = scd_settings_new();

    add_text(settings, "f", text);
    scd_settings_finish(settings);
    return settings;
}

static void
assert_no_warnings(const ScdSettings *settings)
{
    for (guint i = 0; i < settings->warnings->len; i++)
        g_test_message("%s", (char *)settings->warnings->pdata[i]);
    g_assert_cmpuint(settings->warnings->len, ==, 0);
}

static void
assert_warning(const ScdSettings *settings, const char *warning)
{
    g_assert_cmpuint(settings->warnings->len, ==, 1);
    g_assert_cmpstr(settings->warnings->pdata[0], ==, warning);
}

static gboolean
is_ignored(const ScdSettings *settings, const ScdIdentity *reader)
{
    return scd_reader_rules_find_ignoring(settings->rules, reader) != NULL;
}

/* Returns a reader at port 1-3.1:1.2 with the id 072f:90cc and a serial number. */
static ScdIdentity *
new_reader(const char *name)
{
    static const guint8 ids[] = {0x0B, 2, 0x2F, 0x07, 0x0C, 2, 0xCC, 0x90};
    g_auto(ScdDriverAnswers) answers = {
        .asked = TRUE,
        .usb_path = g_bytes_new_static("1-3.1:1.2", sizeof "1-3.1:1.2"),
        .serial = g_bytes_new_static("S 1", sizeof "S 1"),
        .tlv_properties = g_bytes_new_static(ids, sizeof ids),
    };

    return scd_identity_new(name, &answers, NULL);
}

static const struct {
    const char *match;
    gboolean applies;
} matches[] = {
    {"MatchPort=1-3.1", TRUE},
    {"MatchPort=1-3.1:1.2", TRUE},
    {"MatchPort=1-3", FALSE},
    {"MatchPort=1-3.1:1.0", FALSE},
    {"MatchSerial=S 1", TRUE},
    {"MatchSerial=S", FALSE},
    {"MatchName=*", TRUE},
    {"MatchName=ACS * 00 00", TRUE},
    {"MatchName=ACS ACR 38U [CCID] 00 00", TRUE},
    {"MatchName=ACS", FALSE},
    {"MatchName=acs*", FALSE},
    {"MatchUsbId=072f:90cc", TRUE},
    {"MatchUsbId=072F:90CC", TRUE},
    {"MatchUsbId=072f:*", TRUE},
    {"MatchUsbId=072f:90cd", FALSE},
    {"MatchUsbId=0730:*", FALSE},
    {"MatchPort=1-3.1\nMatchSerial=S 1\nMatchName=ACS*\nMatchUsbId=072f:*", TRUE},
    {"MatchPort=1-3.1\nMatchSerial=S 2", FALSE},
    {"MatchPort=1-4\nMatchPort=1-3.1", TRUE},
    {"MatchPort=1-3.1\nMatchSerial=S 2\nMatchSerial=", TRUE},
};

static void
test_matches(void)
{
    g_autoptr(ScdIdentity) reader = new_reader("ACS ACR 38U [CCID] 00 00");

    for (gsize i = 0; i < G_N_ELEMENTS(matches); i++) {
        g_autofree char *text = g_strdup_printf("[Reader x]\n%s\nIgnore=yes\n", matches[i].match);
        g_autoptr(ScdSettings) settings = read_text(text);

        g_test_message("%s", matches[i].match);
        assert_no_warnings(settings);
        g_assert_cmpint(is_ignored(settings, reader), ==, matches[i].applies);
    }
}

/* Not UTF-8, as a device may have it. */
static void
test_odd_name(void)
{
    g_autoptr(ScdIdentity) reader = new_reader("A\xFF[x] 00 00");
    g_autoptr(ScdSettings) settings = read_text("[Reader x]\nMatchName=A?[x] *\nIgnore=yes\n");

    g_assert_true(is_ignored(settings, reader));
}

/* The last rule that has a setting counts for it. */
static void
test_order(void)
{
    g_autoptr(ScdIdentity) reader = new_reader("ACS 00 00");
    g_autoptr(ScdSettings) settings = read_text("[Reader all]\n"
                                                "MatchName=*\n"
                                                "Ignore=yes\n"
                                                "Login=no\n"
                                                "Alias=any\n"
                                                "[Reader this one]\n"
                                                "MatchPort=1-3.1\n"
                                                "Ignore=no\n"
                                                "Alias=till\n"
                                                "[Reader other]\n"
                                                "MatchPort=1-9\n"
                                                "Ignore=yes\n"
                                                "Login=yes\n"
                                                "[Aliases]\n"
                                                "door=port 1-3.1 interface 2\n");

    assert_no_warnings(settings);
    g_assert_false(is_ignored(settings, reader));
    g_assert_cmpint(scd_reader_rules_login(settings->rules, reader), ==, SCD_RULE_NO);
    g_assert_cmpuint(settings->aliases->len, ==, 3);
    const ScdAlias *first = settings->aliases->pdata[0];
    const ScdAlias *last = settings->aliases->pdata[2];
    g_assert_cmpstr(first->name, ==, "till");
    g_assert_cmpstr(first->file, ==, "f");
    g_assert_true(scd_alias_names(first, reader));
    g_assert_cmpstr(last->name, ==, "door");
    g_assert_true(scd_alias_names(last, reader));
}

/* A group of a later file goes on where the one of an earlier file ended. */
static void
test_files(void)
{
    g_autoptr(ScdIdentity) reader = new_reader("ACS 00 00");
    g_autoptr(ScdSettings) settings = scd_settings_new();

    add_text(settings, "a",
             "[Reader x]\nMatchPort=1-3.1\nIgnore=yes\nAlias=till\n"
             "[Limits]\nSessions=3\nWaiters=4\n[Aliases]\ndoor=port 1-1\n");
    add_text(settings, "b",
             "[Reader x]\nIgnore=no\n[Limits]\nSessions=5\n"
             "[Aliases]\ndoor=port 1-2\n");
    scd_settings_finish(settings);
    assert_no_warnings(settings);
    g_assert_false(is_ignored(settings, reader));
    g_assert_cmpuint(settings->config.sessions, ==, 5);
    g_assert_cmpuint(settings->config.wait_calls, ==, 4);
    g_assert_cmpuint(settings->aliases->len, ==, 2);
    const ScdAlias *till = settings->aliases->pdata[0];
    const ScdAlias *door = settings->aliases->pdata[1];
    g_assert_cmpstr(till->file, ==, "a");
    g_assert_cmpuint(door->port.ports[0], ==, 2);
}

#define NONE "; until then [Reader x] applies to no reader"

/* In the group [Reader x], which has MatchName=* in line 2. */
static const struct {
    const char *line;
    const char *warning;
} faults[] = {
    {"MatchPort=usb1", "f: line 3: MatchPort=usb1 is not a USB port: write one such as 1-3.1, or "
                       "with the interface 1-3.1:1.0" NONE},
    {"MatchUsbId=72f:90cc", "f: line 3: MatchUsbId=72f:90cc is not a USB id: write VENDOR:PRODUCT "
                            "with four hexadecimal digits each, such as 072f:90cc, or 072f:* for "
                            "all products" NONE},
    {"MacthSerial=S 1",
     "f: line 3: unknown setting MacthSerial in [Reader x]: there are MatchPort, "
     "MatchSerial, MatchName, MatchUsbId, Alias, Ignore and Login" NONE},
    {"MatchSerial", NULL},
};

/* A rule with an error could apply to others than it should. */
static void
test_faults(void)
{
    g_autoptr(ScdIdentity) reader = new_reader("ACS 00 00");

    for (gsize i = 0; i < G_N_ELEMENTS(faults); i++) {
        g_autofree char *text = g_strdup_printf(
            "[Reader x]\nMatchName=*\n%s\nIgnore=yes\nAlias=till\n[Limits]\nSessions=3\n",
            faults[i].line);
        g_autoptr(ScdSettings) settings = read_text(text);

        if (faults[i].warning != NULL)
            assert_warning(settings, faults[i].warning);
        g_assert_cmpuint(settings->warnings->len, ==, 1);
        g_assert_true(g_str_has_prefix(settings->warnings->pdata[0], "f: line 3: "));
        g_assert_false(is_ignored(settings, reader));
        g_assert_false(scd_alias_names(settings->aliases->pdata[0], reader));
        g_assert_cmpuint(settings->config.sessions, ==, 3);
    }
}

static void
test_faults_without_effect(void)
{
    g_autoptr(ScdIdentity) reader = new_reader("ACS 00 00");
    g_autoptr(ScdSettings) settings = read_text("[Reader x]\nMatchName=*\nIgnore=yes\nLogin=maybe\n"
                                                "Alias=1-3\n");

    g_assert_cmpuint(settings->warnings->len, ==, 2);
    g_assert_cmpstr(settings->warnings->pdata[0], ==, "f: line 4: Login=maybe: write yes or no");
    g_assert_cmpstr(settings->warnings->pdata[1], ==,
                    "f: line 5: Alias=1-3: 1-3 is a USB port, which cannot be an alias");
    g_assert_true(is_ignored(settings, reader));
}

static void
test_no_match(void)
{
    g_autoptr(ScdIdentity) reader = new_reader("ACS 00 00");
    g_autoptr(ScdSettings) settings = read_text("\n[Reader x]\nIgnore=yes\n");

    assert_warning(settings,
                   "f: line 2: [Reader x] applies to no reader: it needs MatchPort, MatchSerial, "
                   "MatchName or MatchUsbId (MatchName=* is for all readers)");
    g_assert_false(is_ignored(settings, reader));
}

static void
test_groups(void)
{
    g_autoptr(ScdSettings) settings = read_text("[Reader]\nIgnore=yes\n[reader x]\n[Login]\nx=1\n");

    g_assert_cmpuint(settings->warnings->len, ==, 3);
    g_assert_cmpstr(settings->warnings->pdata[0], ==,
                    "f: line 1: unknown group [Reader] is ignored: there are [Limits], "
                    "[Transactions], [Aliases], [Login] and [Reader LABEL]");
    g_assert_true(g_str_has_prefix(settings->warnings->pdata[1], "f: line 3: unknown group"));
    g_assert_cmpstr(settings->warnings->pdata[2], ==,
                    "f: line 5: unknown setting x in [Login]: there is LoginCards");
}

static const guint8 card[] = {0x3B, 0x02, 0x14, 0x50};
static const char *const names[] = {"Schlumberger Multiflex 3k", "Other", NULL};

static const struct {
    const char *value;
    gboolean counts;
} cards[] = {
    {"", FALSE},
    {"atr 3B021450", TRUE},
    {"atr '3b 02 14 50'", TRUE},
    {"atr 3B:02:14:50", TRUE},
    {"atr 3B021451", FALSE},
    {"atr 3B0214", FALSE},
    {"atr 3B021451 mask FFFFFFFE", TRUE},
    {"atr 3B021451 mask FFFFFFFF", FALSE},
    {"atr 3B029999 mask FFFF0000", TRUE},
    {"atr 3B02 mask FFFF", FALSE},
    {"name 'Schlumberger *'", TRUE},
    {"name Other", TRUE},
    {"name Schlumberger", FALSE},
    {"atr 00 name x atr 3B021450 mask FFFFFFFF", TRUE},
    {"name x\nLoginCards=atr 3B021450", TRUE},
    {"atr 3B021450\nLoginCards=", FALSE},
};

static void
test_login_cards(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(cards); i++) {
        g_autofree char *text = g_strdup_printf("[Login]\nLoginCards=%s\n", cards[i].value);
        g_autoptr(ScdSettings) settings = read_text(text);

        g_test_message("%s", cards[i].value);
        assert_no_warnings(settings);
        g_assert_cmpint(scd_login_cards_has(settings->login_cards, card, sizeof card, names), ==,
                        cards[i].counts);
        g_assert_false(scd_login_cards_has(settings->login_cards, NULL, 0, names));
    }
}

static void
test_no_login_cards(void)
{
    g_autoptr(ScdSettings) settings = read_text("");

    g_assert_false(scd_login_cards_has(settings->login_cards, card, sizeof card, names));
}

static const char *const bad_cards[] = {
    "3B021450", "atr",     "atr ''", "atr 3B0", "atr 3B021450 FFFFFFFF", "atr 3B021450 mask 3B",
    "name",     "name ''", "x y",    "name 'x", "atr 3B021450 mask x",   "atr 3B021450 mask",
};

/* Nothing of the line counts. */
static void
test_bad_login_cards(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(bad_cards); i++) {
        g_autofree char *text =
            g_strdup_printf("[Login]\nLoginCards=atr 3B021450 %s\n", bad_cards[i]);
        g_autoptr(ScdSettings) settings = read_text(text);

        g_test_message("%s", bad_cards[i]);
        g_assert_cmpuint(settings->warnings->len, ==, 1);
        g_assert_true(g_str_has_prefix(settings->warnings->pdata[0], "f: line 2: LoginCards: "));
        g_assert_false(scd_login_cards_has(settings->login_cards, card, sizeof card, names));
    }
}

static void
write_file(const char *folder, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);

    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void
remove_file(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);

    g_assert_cmpint(g_remove(path), ==, 0);
}

static void
test_reading(void)
{
    g_autofree char *folder = g_dir_make_tmp(NULL, NULL);
    g_autofree char *file = g_build_filename(folder, "s.conf", NULL);
    g_autofree char *more = g_build_filename(folder, "s.conf.d", NULL);
    g_autofree char *former = g_build_filename(folder, "old.conf", NULL);
    g_autofree char *warning = g_strdup_printf("%s: not read: move the file to %s", former, more);
    g_autoptr(ScdSettings) nothing = scd_settings_read(file);

    assert_no_warnings(nothing);
    g_assert_null(nothing->unreadable);
    g_assert_cmpint(g_mkdir(more, 0700), ==, 0);
    write_file(folder, "s.conf", "[Limits]\nSessions=3\nWaiters=3\n");
    write_file(folder, "old.conf", "[Aliases]\nlogin=port 1-1\n");
    write_file(folder, "bus.conf", "<busconfig/>\n");
    write_file(more, "20.conf", "[Limits]\nWaiters=5\n");
    write_file(more, "10.conf", "[Limits]\nWaiters=4\nSessions=4\n");
    write_file(more, "30.conf~", "[Limits]\nWaiters=6\n");
    g_autoptr(ScdSettings) settings = scd_settings_read(file);
    assert_warning(settings, warning);
    g_assert_null(settings->unreadable);
    g_assert_cmpuint(settings->config.sessions, ==, 4);
    g_assert_cmpuint(settings->config.wait_calls, ==, 5);
    g_assert_cmpuint(settings->aliases->len, ==, 0);

    remove_file(more, "20.conf");
    g_autofree char *not_a_file = g_build_filename(more, "20.conf", NULL);
    g_assert_cmpint(g_mkdir(not_a_file, 0700), ==, 0);
    g_autoptr(ScdSettings) partial = scd_settings_read(file);
    g_assert_nonnull(strstr(partial->unreadable, not_a_file));
    for (const char *const *name = (const char *const[]){"20.conf", "10.conf", "30.conf~", NULL};
         *name != NULL; name++)
        remove_file(more, *name);
    for (const char *const *name =
             (const char *const[]){"s.conf.d", "s.conf", "old.conf", "bus.conf", NULL};
         *name != NULL; name++)
        remove_file(folder, *name);
    g_assert_cmpint(g_rmdir(folder), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/settings/matches", test_matches);
    g_test_add_func("/settings/odd-name", test_odd_name);
    g_test_add_func("/settings/order", test_order);
    g_test_add_func("/settings/files", test_files);
    g_test_add_func("/settings/faults", test_faults);
    g_test_add_func("/settings/faults-without-effect", test_faults_without_effect);
    g_test_add_func("/settings/no-match", test_no_match);
    g_test_add_func("/settings/groups", test_groups);
    g_test_add_func("/settings/login-cards", test_login_cards);
    g_test_add_func("/settings/no-login-cards", test_no_login_cards);
    g_test_add_func("/settings/bad-login-cards", test_bad_login_cards);
    g_test_add_func("/settings/reading", test_reading);
    return g_test_run();
}
