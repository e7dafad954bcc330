/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "session.h"

struct CtlSession {
    CtlReader *reader;
    char *path;
};

static GVariant *
call(CtlSession *session, const char *method, GVariant *arguments, const char *type, GError **error)
{
    return ctl_reader_call(session->reader, session->path, CTL_INTERFACE_SESSION, method, arguments,
                           type, error);
}

static CtlSession *
open_session(CtlReader *reader, const char *share_mode, GError **error)
{
    g_autoptr(GVariant) answer = ctl_reader_call_in_turn(
        reader, reader->path, CTL_INTERFACE_READER, "Connect",
        g_variant_new("(s@as@a{sv})", share_mode, g_variant_new_strv(NULL, 0),
                      g_variant_new_parsed("@a{sv} {}")),
        "(os)", error);
    if (!answer)
        return NULL;

    CtlSession *session = g_new0(CtlSession, 1);
    session->reader = reader;
    g_variant_get(answer, "(os)", &session->path, NULL);
    return session;
}

static CtlSession *
begin(CtlReader *reader, const char *share_mode, GError **error)
{
    g_autoptr(CtlSession) session = open_session(reader, share_mode, error);

    if (!session)
        return NULL;
    g_autoptr(GVariant) answer =
        ctl_reader_call_in_turn(reader, session->path, CTL_INTERFACE_SESSION, "BeginTransaction",
                                g_variant_new_parsed("(@a{sv} {},)"), "()", error);
    return answer ? g_steal_pointer(&session) : NULL;
}

CtlSession *
ctl_session_begin(CtlReader *reader, GError **error)
{
    return begin(reader, "shared", error);
}

CtlSession *
ctl_session_begin_direct(CtlReader *reader, GError **error)
{
    return begin(reader, "direct", error);
}

void
ctl_session_free(CtlSession *session)
{
    GVariant *answer = call(session, "Close", g_variant_new("(s)", "leave"), "()", NULL);

    g_clear_pointer(&answer, g_variant_unref);
    g_free(session->path);
    g_free(session);
}

static GBytes *
call_for_bytes(CtlSession *session, const char *method, GVariant *arguments, GError **error)
{
    g_autoptr(GVariant) answer = call(session, method, arguments, "(ay)", error);
    g_autoptr(GVariant) bytes = answer ? g_variant_get_child_value(answer, 0) : NULL;

    return bytes ? g_variant_get_data_as_bytes(bytes) : NULL;
}

GBytes *
ctl_session_transmit(CtlSession *session, GBytes *command, gboolean follow, GError **error)
{
    GVariant *bytes = g_variant_new_from_bytes(G_VARIANT_TYPE_BYTESTRING, command, TRUE);
    GVariant *options = g_variant_new_parsed("{'follow': <%b>}", follow);

    return call_for_bytes(session, "Transmit", g_variant_new("(@ay@a{sv})", bytes, options), error);
}

char *
ctl_session_reset(CtlSession *session, GError **error)
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
ctl_session_get_attribute(CtlSession *session, guint32 id, GError **error)
{
    return call_for_bytes(session, "GetAttribute", g_variant_new("(u)", id), error);
}
