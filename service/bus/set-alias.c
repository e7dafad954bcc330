/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/set-alias.h"

#include "bus/admission.h"
#include "bus/call.h"
#include "bus/error.h"
#include "bus/options.h"
#include "pcsc/code.h"

typedef struct {
    ScdAliases *aliases;
    GDBusMethodInvocation *invocation; /* NULL when it has been answered: all is over then */
    ScdReader *reader;
    ScdReaderWatch watch;
    GCancellable *questions;
    char *name;
    gboolean by_serial;
} SetAliasCall;

static void
release(SetAliasCall *call)
{
    g_object_unref(call->questions);
    g_free(call->name);
    g_free(call);
}

/* Whether it is allowed to is not known yet: that answer releases it. */
static void
reader_left(ScdSessionEnd why, gpointer data)
{
    SetAliasCall *call = data;
    ScdErrorCode code =
        why == SCD_SESSION_SERVICE_UNAVAILABLE ? SCD_E_NO_SERVICE : SCD_E_READER_UNAVAILABLE;

    scd_call_fail(g_steal_pointer(&call->invocation), scd_reader_name(call->reader),
                  scd_code_of_error(code));
    scd_reader_unwatch(call->reader, &call->watch);
    g_cancellable_cancel(call->questions);
}

/* It makes no difference. */
static void
card_left(gpointer data)
{
}

static void
reply(const GError *error, gpointer data)
{
    GDBusMethodInvocation *invocation = data;

    if (error)
        g_dbus_method_invocation_return_gerror(invocation, error);
    else
        g_dbus_method_invocation_return_value(invocation, NULL);
}

/* NULL with an error when there is nothing to bind it to. */
static ScdAlias *
bind_alias(const SetAliasCall *call, GError **error)
{
    const ScdIdentity *identity = scd_reader_identity(call->reader);
    ScdAlias *alias = NULL;

    if (call->by_serial)
        alias = scd_alias_new_for_serial(call->name, identity->serial,
                                         scd_identity_interface(identity), identity->slot);
    else if (identity->has_usb_path)
        alias = scd_alias_new_for_port(call->name, &identity->usb_path, identity->slot);
    if (!alias)
        g_set_error(error, SCD_ERROR, SCD_INVALID_ARGUMENT,
                    call->by_serial ? "Reader '%s' has no serial number to bind an alias to"
                                    : "Nobody knows the USB port of reader '%s', to bind an "
                                      "alias to it",
                    scd_reader_name(call->reader));
    return alias;
}

static void
store_alias(SetAliasCall *call)
{
    GDBusMethodInvocation *invocation = g_steal_pointer(&call->invocation);
    gboolean is_name = *call->name != '\0';
    GError *error = NULL;
    ScdAlias *alias = is_name ? bind_alias(call, &error) : NULL;

    if (error)
        g_dbus_method_invocation_take_error(invocation, error);
    else
        scd_aliases_set(call->aliases, scd_reader_identity(call->reader), alias, reply, invocation);
}

static void
admitted(ScdClient *client, gboolean authenticated, const GError *error, gpointer data)
{
    SetAliasCall *call = data;
    g_autoptr(ScdClient) caller G_GNUC_UNUSED = client;

    if (call->invocation) {
        scd_reader_unwatch(call->reader, &call->watch);
        if (error)
            g_dbus_method_invocation_return_gerror(g_steal_pointer(&call->invocation), error);
        else
            store_alias(call);
    }
    release(call);
}

/* An empty name takes the alias away. */
static gboolean
read_arguments(SetAliasCall *call, GVariant *arguments, GError **error)
{
    g_autoptr(GVariant) options = NULL;
    const char *bind = "port";
    const ScdOption known[] = {{"bind", "&s", &bind}, {NULL, NULL, NULL}};

    g_variant_get(arguments, "(s@a{sv})", &call->name, &options);
    if (!scd_options_read(options, known, error) ||
        (*call->name != '\0' && !scd_alias_check_name(call->name, error)))
        return FALSE;
    call->by_serial = g_str_equal(bind, "serial");
    if (call->by_serial || g_str_equal(bind, "port"))
        return TRUE;
    g_set_error_literal(error, SCD_ERROR, SCD_INVALID_ARGUMENT,
                        "An alias is bound to \"port\" or \"serial\"");
    return FALSE;
}

void
scd_set_alias_start(ScdSessions *sessions, ScdAliases *aliases, ScdReader *reader,
                    GVariant *arguments, GDBusMethodInvocation *invocation)
{
    SetAliasCall *call = g_new0(SetAliasCall, 1);
    GError *error = NULL;

    call->aliases = aliases;
    call->invocation = invocation;
    call->reader = reader;
    call->questions = g_cancellable_new();
    if (!read_arguments(call, arguments, &error)) {
        g_dbus_method_invocation_take_error(invocation, error);
        release(call);
        return;
    }
    call->watch = (ScdReaderWatch){reader_left, card_left, call};
    scd_reader_watch(reader, &call->watch);
    scd_admission_ask(scd_sessions_admission(sessions), invocation, reader, call->questions,
                      admitted, call);
}
