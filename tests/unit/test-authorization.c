/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/authorization.h"

#include "base/error.h"

static GBytes *features; /* NULL: the driver has none */

static ScdAction
action_for(const char *member, GVariant *arguments)
{
    g_autoptr(GBytes) none = g_bytes_new(NULL, 0);
    g_autoptr(GVariant) owned = g_variant_ref_sink(arguments);
    return scd_action_for_call(member, owned, features ? features : none);
}

static GVariant *
connect_arguments(const char *share_mode)
{
    return g_variant_new("(sasa{sv})", share_mode, NULL, NULL);
}

static void
test_connect(void)
{
    const char *const members[] = {"Reader.Connect", "Card.Connect"};

    for (gsize i = 0; i < G_N_ELEMENTS(members); i++) {
        g_assert_cmpint(action_for(members[i], connect_arguments("shared")), ==,
                        SCD_ACTION_CONNECT);
        g_assert_cmpint(action_for(members[i], connect_arguments("direct")), ==,
                        SCD_ACTION_CONNECT);
        g_assert_cmpint(action_for(members[i], connect_arguments("exclusive")), ==,
                        SCD_ACTION_EXCLUSIVE);
    }
}

static void
test_session(void)
{
    GVariant *shared = g_variant_new("(sass)", "shared", NULL, "leave");
    GVariant *exclusive = g_variant_new("(sass)", "exclusive", NULL, "leave");
    GVariant *attribute = g_variant_new("(u@ay)", 0x7FFF0003, g_variant_new("ay", NULL));

    g_assert_cmpint(action_for("Session.Reconnect", shared), ==, SCD_ACTION_NONE);
    g_assert_cmpint(action_for("Session.Reconnect", exclusive), ==, SCD_ACTION_EXCLUSIVE);
    g_assert_cmpint(action_for("Session.SetAttribute", attribute), ==, SCD_ACTION_CONTROL);
}

/* The features of a PIN pad, by the codes that the driver announces, need no action beyond connect.
 */
static void
test_control(void)
{
    static const guint8 list[] = {0x06, 4, 0x42, 0, 0x0D, 0xB2, 0x13, 4, 0x42, 0x33, 0, 0x13};
    const struct {
        guint32 code;
        gboolean free;
    } cases[] = {
        {0x42000D48, TRUE},  /* which features? */
        {0x42000DB2, TRUE},  /* verify PIN direct */
        {0x42330013, FALSE}, /* escape */
        {0x42330006, FALSE}, /* of another driver */
    };

    features = g_bytes_new_static(list, sizeof list);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        GVariant *at_reader = g_variant_new("(uaya{sv})", cases[i].code, NULL, NULL);
        GVariant *in_session = g_variant_new("(uay)", cases[i].code, NULL);

        g_assert_cmpint(action_for("Reader.Control", at_reader), ==,
                        cases[i].free ? SCD_ACTION_CONNECT : SCD_ACTION_CONTROL);
        g_assert_cmpint(action_for("Session.Control", in_session), ==,
                        cases[i].free ? SCD_ACTION_NONE : SCD_ACTION_CONTROL);
    }
    g_clear_pointer(&features, g_bytes_unref);
}

static void
test_alias(void)
{
    g_assert_cmpint(action_for("Reader.SetAlias", g_variant_new("(sa{sv})", "Desk", NULL)), ==,
                    SCD_ACTION_MANAGE);
}

static void
test_refusal(void)
{
    const char *const hints[] = {
        [SCD_VERDICT_NO] = "rule",
        [SCD_VERDICT_CHALLENGE] = "interaction",
    };
    static const int codes[] = {
        [SCD_VERDICT_NO] = SCD_NOT_AUTHORIZED,
        [SCD_VERDICT_CHALLENGE] = SCD_INTERACTION_REQUIRED,
    };

    for (ScdAction action = SCD_ACTION_CONNECT; action <= SCD_ACTION_MANAGE; action++) {
        for (ScdVerdict verdict = SCD_VERDICT_NO; verdict <= SCD_VERDICT_CHALLENGE; verdict++) {
            if (verdict == SCD_VERDICT_YES)
                continue;
            g_autoptr(GError) error = scd_action_new_refusal(action, verdict, "Office 00 00");

            g_assert_error(error, SCD_ERROR, codes[verdict]);
            g_assert_nonnull(strstr(error->message, scd_action_id(action)));
            g_assert_nonnull(strstr(error->message, "'Office 00 00'"));
            g_assert_nonnull(strstr(error->message, hints[verdict]));
        }
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/authorization/connect", test_connect);
    g_test_add_func("/authorization/session", test_session);
    g_test_add_func("/authorization/control", test_control);
    g_test_add_func("/authorization/alias", test_alias);
    g_test_add_func("/authorization/refusal", test_refusal);
    return g_test_run();
}
