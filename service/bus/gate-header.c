/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/gate.h"

#include <string.h>

#include "base/reader-name.h"

#define KIB 1024u
#define MIB (1024u * KIB)

#define PREFIX "org.smartcardd1."
#define ROOT "/org/smartcardd1"

#define BUS "org.freedesktop.DBus"

/* The longest path of the tree is that of a reader: each byte of its name may be an escape. */
#define PATH_MAX_LENGTH (32 + 4 * SCD_READER_NAME_MAX_LENGTH)

/* Arguments beside commands and data: option keys, words, selectors, an ATR and its mask. */
#define BODY_MAX (4 * KIB)

/* Commands of 4 MiB; a few more are refused with a better message by the method itself. */
#define TRANSMIT_MANY_BODY_MAX (4 * MIB + 256 * KIB)

/* Signals and replies come from the bus, polkit, systemd, logind. */
#define OTHER_BODY_MAX (256 * KIB)

static const ScdGateBodyLimit body_limits[] = {
    {"Session.Transmit", 65544 + BODY_MAX, 200},
    {"Session.TransmitMany", TRANSMIT_MANY_BODY_MAX, 200},
    {"Session.Control", 65548 + BODY_MAX, 200},
    {"Card.Transmit", 65544 + BODY_MAX, 200},
    {"Card.TransmitMany", TRANSMIT_MANY_BODY_MAX, 200},
    {"Card.TransmitHex", 2 * 65544 + BODY_MAX, 150},
    {"Card.TransmitManyHex", 8 * MIB + 8 * KIB + BODY_MAX, 150},
    {"Reader.Control", 65548 + BODY_MAX, 200},
};

/* The longest path, an interface, and a member, with room for fields that are not known. */
#define HEADER_MAX (4 * KIB)

#define MESSAGE_MAX (2 * TRANSMIT_MANY_BODY_MAX + 2 * KIB)

static const ScdGateError too_large = {
    "org.freedesktop.DBus.Error.LimitsExceeded",
    "The call is too large: the manual page org.smartcardd1(5) has the limits of each method"};
static const ScdGateError with_descriptors = {"org.freedesktop.DBus.Error.InvalidArgs",
                                              "No method takes file descriptors"};
static const ScdGateError no_object = {"org.freedesktop.DBus.Error.UnknownObject",
                                       "There is no such object"};

const ScdGateBodyLimit *
scd_gate_find_body_limit(const ScdDbusHeader *header)
{
    static const ScdGateBodyLimit other = {NULL, BODY_MAX, 200};
    const char *interface = header->interface;

    if (!interface || !header->member || !g_str_has_prefix(interface, PREFIX))
        return &other;
    interface += strlen(PREFIX);
    gsize length = strlen(interface);
    for (gsize i = 0; i < G_N_ELEMENTS(body_limits); i++) {
        const char *method = body_limits[i].method;
        if (strncmp(method, interface, length) == 0 && method[length] == '.' &&
            g_str_equal(method + length + 1, header->member))
            return &body_limits[i];
    }
    return &other;
}

gsize
scd_gate_message_max(void)
{
    return MESSAGE_MAX;
}

gsize
scd_gate_header_max(ScdDbusType type)
{
    return type == SCD_DBUS_METHOD_CALL ? MESSAGE_MAX : HEADER_MAX;
}

static ScdGateVerdict
refuse_with(const ScdGateError *reason, ScdGateError *error)
{
    *error = *reason;
    return SCD_GATE_REFUSE;
}

/* Returns whether there may be an object at the path: the tree has three branches, one level deep.
 */
static gboolean
is_path_of_tree(const char *path)
{
    static const char *const inner[] = {"/", "/org", "/org/freedesktop",
                                        "/org/freedesktop/LogControl1", ROOT};
    static const char *const branches[] = {ROOT "/readers", ROOT "/cards", ROOT "/sessions"};

    for (gsize i = 0; i < G_N_ELEMENTS(inner); i++)
        if (g_str_equal(path, inner[i]))
            return TRUE;
    for (gsize i = 0; i < G_N_ELEMENTS(branches); i++) {
        gsize length = strlen(branches[i]);
        if (g_str_has_prefix(path, branches[i]) &&
            (path[length] == '\0' || (path[length] == '/' && !strchr(path + length + 1, '/'))))
            return TRUE;
    }
    return FALSE;
}

/*
 * The signals that the service subscribes to are broadcast. One with a destination is from a
 * program that just sends it, unless it is from the bus.
 */
static gboolean
may_be_wanted(const ScdDbusHeader *header)
{
    if (header->body_length > OTHER_BODY_MAX)
        return FALSE;
    if (header->type == SCD_DBUS_SIGNAL)
        return !header->destination || g_strcmp0(header->sender, BUS) == 0;
    return header->type == SCD_DBUS_METHOD_RETURN || header->type == SCD_DBUS_ERROR;
}

/* Calls that do nothing but reply, from a sender that wants no reply. */
static gboolean
is_without_effect(const ScdDbusHeader *header)
{
    static const char *const interfaces[] = {BUS ".Introspectable", BUS ".ObjectManager",
                                             BUS ".Peer"};

    if (!(header->flags & SCD_DBUS_FLAG_NO_REPLY_EXPECTED) || !header->interface)
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(interfaces); i++)
        if (g_str_equal(header->interface, interfaces[i]))
            return TRUE;
    return g_str_equal(header->interface, BUS ".Properties") &&
           g_str_has_prefix(header->member, "Get");
}

ScdGateVerdict
scd_gate_check_header(const ScdDbusHeader *header, gsize length, ScdGateError *error)
{
    if (header->type != SCD_DBUS_METHOD_CALL)
        return may_be_wanted(header) ? SCD_GATE_PASS : SCD_GATE_DROP;
    if (!header->sender || !header->path || !header->member || is_without_effect(header))
        return SCD_GATE_DROP;
    if (header->unix_fds > 0)
        return refuse_with(&with_descriptors, error);
    if (strlen(header->path) > PATH_MAX_LENGTH || !is_path_of_tree(header->path))
        return refuse_with(&no_object, error);
    if (length > MESSAGE_MAX || length - header->body_length > HEADER_MAX ||
        header->body_length > scd_gate_find_body_limit(header)->body_max)
        return refuse_with(&too_large, error);
    return SCD_GATE_PASS;
}

guint
scd_gate_weigh_reply(const ScdDbusHeader *header)
{
    static const struct {
        const char *interface;
        guint weight;
    } queries[] = {
        {BUS ".Properties", 1},
        {BUS ".Peer", 1},
        {BUS ".Introspectable", 32},
        {BUS ".ObjectManager", 16},
    };

    for (gsize i = 0; header->interface && i < G_N_ELEMENTS(queries); i++)
        if (g_str_equal(header->interface, queries[i].interface))
            return queries[i].weight;
    return 0;
}

gboolean
scd_gate_uses_card(const ScdDbusHeader *header)
{
    return scd_gate_find_body_limit(header)->method ||
           g_strcmp0(header->interface, PREFIX "Session") == 0;
}
