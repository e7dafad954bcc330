/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "session.h"

struct ScdSession {
    ScdReader *reader;
    char *path;
};

static GVariant *
call(ScdSession *session, const char *method, GVariant *arguments, const char *type, GError **error)
{
    return scd_reader_call(session->reader, session->path, SCD_INTERFACE_SESSION, method, arguments,
                           type, error);
}

static ScdSession *
open_session(ScdReader *reader, const char *share_mode, GError **error)
{
    g_autoptr(GVariant) answer = scd_reader_call_in_turn(
        reader, reader->path, SCD_INTERFACE_READER, "Connect",
        g_variant_new("(s@as@a{sv})", share_mode, g_variant_new_strv(NULL, 0),
                      g_variant_new_parsed("@a{sv} {}")),
        "(os)", error);
    if (!answer)
        return NULL;

    ScdSession *session = g_new0(ScdSession, 1);
    session->reader = reader;
    g_variant_get(answer, "(os)", &session->path, NULL);
    return session;
}

static ScdSession *
begin(ScdReader *reader, const char *share_mode, GError **error)
{
    g_autoptr(ScdSession) session = open_session(reader, share_mode, error);

    if (!session)
        return NULL;
    g_autoptr(GVariant) answer =
        scd_reader_call_in_turn(reader, session->path, SCD_INTERFACE_SESSION, "BeginTransaction",
                                g_variant_new_parsed("(@a{sv} {},)"), "()", error);
    return answer ? g_steal_pointer(&session) : NULL;
}

ScdSession *
scd_session_begin(ScdReader *reader, GError **error)
{
    return begin(reader, "shared", error);
}

ScdSession *
scd_session_begin_direct(ScdReader *reader, GError **error)
{
    return begin(reader, "direct", error);
}

void
scd_session_free(ScdSession *session)
{
    GVariant *answer = call(session, "Close", g_variant_new("(s)", "leave"), "()", NULL);

    g_clear_pointer(&answer, g_variant_unref);
    g_free(session->path);
    g_free(session);
}

static GBytes *
call_for_bytes(ScdSession *session, const char *method, GVariant *arguments, GError **error)
{
    g_autoptr(GVariant) answer = call(session, method, arguments, "(ay)", error);
    g_autoptr(GVariant) bytes = answer ? g_variant_get_child_value(answer, 0) : NULL;

    return bytes ? g_variant_get_data_as_bytes(bytes) : NULL;
}

GBytes *
scd_session_transmit(ScdSession *session, GBytes *command, gboolean follow, GError **error)
{
    GVariant *bytes = g_variant_new_from_bytes(G_VARIANT_TYPE_BYTESTRING, command, TRUE);
    GVariant *options = g_variant_new_parsed("{'follow': <%b>}", follow);

    return call_for_bytes(session, "Transmit", g_variant_new("(@ay@a{sv})", bytes, options), error);
}

char *
scd_session_reset(ScdSession *session, GError **error)
{
    g_autoptr(GVariant) answer = call(
        session, "Reconnect",
        g_variant_new("(s@ass)", "shared", g_variant_new_strv(NULL, 0), "reset"), "(s)", error);
    char *protocol = NULL;

    if (answer)
        g_variant_get(answer, "(s)", &protocol);
    return protocol;
}

GBytes *
scd_session_get_attribute(ScdSession *session, guint32 id, GError **error)
{
    return call_for_bytes(session, "GetAttribute", g_variant_new("(u)", id), error);
}
