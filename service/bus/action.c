/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/action.h"

#include "base/error.h"
#include "base/feature.h"

#define PREFIX "org.smartcardd1."

static gboolean
is_exclusive(GVariant *arguments)
{
    const char *share_mode;
    g_variant_get_child(arguments, 0, "&s", &share_mode);
    return g_str_equal(share_mode, "exclusive");
}

static gboolean
is_driver_command(GVariant *arguments)
{
    guint32 code;
    g_variant_get_child(arguments, 0, "u", &code);
    return scd_control_code_is_driver_command(code);
}

typedef struct {
    const char *member;
    ScdAction usual;
    ScdAction special;
    gboolean (*is_special)(GVariant *arguments); /* NULL when there is nothing special */
} Row;

static const Row table[] = {
    {"Manager.CanConnect", SCD_ACTION_CONNECT},
    {"Reader.Connect", SCD_ACTION_CONNECT, SCD_ACTION_EXCLUSIVE, is_exclusive},
    {"Reader.Control", SCD_ACTION_CONNECT, SCD_ACTION_CONTROL, is_driver_command},
    {"Reader.GetAttribute", SCD_ACTION_CONNECT},
    {"Reader.SetAlias", SCD_ACTION_MANAGE},
    {"Card.Connect", SCD_ACTION_CONNECT, SCD_ACTION_EXCLUSIVE, is_exclusive},
    {"Card.Transmit", SCD_ACTION_CONNECT},
    {"Card.TransmitMany", SCD_ACTION_CONNECT},
    {"Card.TransmitHex", SCD_ACTION_CONNECT},
    {"Card.TransmitManyHex", SCD_ACTION_CONNECT},
    {"Session.Reconnect", SCD_ACTION_NONE, SCD_ACTION_EXCLUSIVE, is_exclusive},
    {"Session.Control", SCD_ACTION_NONE, SCD_ACTION_CONTROL, is_driver_command},
    {"Session.SetAttribute", SCD_ACTION_CONTROL},
};

static const struct {
    const char *id;
    const char *what; /* "… reader R" */
} actions[] = {
    [SCD_ACTION_NONE] = {NULL, NULL},
    [SCD_ACTION_CONNECT] = {PREFIX "connect", "use"},
    [SCD_ACTION_EXCLUSIVE] = {PREFIX "exclusive", "have sole use of"},
    [SCD_ACTION_CONTROL] = {PREFIX "control", "send driver commands to"},
    [SCD_ACTION_MANAGE] = {PREFIX "manage", "set the alias of"},
};

const char *
scd_action_id(ScdAction action)
{
    return actions[action].id;
}

ScdAction
scd_action_for_call(const char *member, GVariant *arguments)
{
    for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
        const Row *row = &table[i];
        if (g_str_equal(row->member, member))
            return row->is_special && row->is_special(arguments) ? row->special : row->usual;
    }
    g_assert_not_reached();
}

GError *
scd_action_refusal(ScdAction action, ScdVerdict verdict, const char *reader)
{
    g_assert(action != SCD_ACTION_NONE &&
             (verdict == SCD_VERDICT_NO || verdict == SCD_VERDICT_CHALLENGE));
    if (verdict == SCD_VERDICT_CHALLENGE)
        return g_error_new(SCD_ERROR, SCD_NOT_AUTHORIZED,
                           "To %s reader '%s', the user has to authenticate (polkit action %s): "
                           "allow interaction in the call, with an authentication agent running",
                           actions[action].what, reader, actions[action].id);
    return g_error_new(SCD_ERROR, SCD_NOT_AUTHORIZED,
                       "This program may not %s reader '%s' (polkit action %s): be in an active "
                       "local session, or ask the administrator for a polkit rule",
                       actions[action].what, reader, actions[action].id);
}
