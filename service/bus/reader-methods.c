/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/methods.h"

#include "bus/options.h"
#include "bus/pending-call.h"
#include "bus/reply.h"
#include "scd-interface-info.h"

/* The reply to SetAlias is sent when the alias is on disk. */
typedef struct {
    ScdAliases *aliases;
    ScdReader *reader;
    char *name;
    gboolean by_serial;
} SetAliasCall;

static void
free_set_alias(gpointer data)
{
    SetAliasCall *call = data;

    g_free(call->name);
    g_free(call);
}

static void
reply_when_stored(const GError *error, gpointer data)
{
    GDBusMethodInvocation *invocation = data;

    if (error)
        scd_reply_error(invocation, error);
    else
        scd_reply(invocation, NULL);
}

/* Fails if the reader has no serial number, or no known USB port. */
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
        g_set_error(error, SCD_ERROR, SCD_INVALID_ARGS,
                    call->by_serial ? "Reader '%s' has no serial number to bind an alias to"
                                    : "The USB port of reader '%s' is not known: an alias cannot "
                                      "be bound to it",
                    scd_reader_name(call->reader));
    return alias;
}

/* Ends the pending call: the alias is stored even if the reader, or the caller, leaves now. */
static void
store_alias(ScdPendingCall *pending, gpointer data)
{
    SetAliasCall *call = data;
    gboolean is_name = *call->name != '\0';
    g_autoptr(GError) error = NULL;
    ScdAlias *alias = is_name ? bind_alias(call, &error) : NULL;

    if (error)
        scd_pending_call_fail(pending, error);
    else
        scd_aliases_set(call->aliases, scd_reader_identity(call->reader), alias, reply_when_stored,
                        scd_pending_call_take_invocation(pending));
}

static const ScdPendingCallMethod set_alias_method = {
    .proceed = store_alias,
    .free_data = free_set_alias,
};

/* An empty name removes the alias. */
static gboolean
read_alias_arguments(SetAliasCall *call, GVariant *arguments, GVariant *options,
                     ScdCallOptions *call_options, GError **error)
{
    const char *bind = "port";
    const ScdOption known[] = {
        {"bind", "&s", &bind}, SCD_CALL_OPTION_ROWS(*call_options), {NULL, NULL, NULL}};

    g_variant_get_child(arguments, 0, "s", &call->name);
    if (!scd_options_read(options, known, error) ||
        (*call->name != '\0' && !scd_alias_check_name(call->name, error)))
        return FALSE;
    call->by_serial = g_str_equal(bind, "serial");
    if (call->by_serial || g_str_equal(bind, "port"))
        return TRUE;
    g_set_error_literal(error, SCD_ERROR, SCD_INVALID_ARGS,
                        "Option \"bind\" must be \"port\" or \"serial\"");
    return FALSE;
}

static void
start_set_alias(ScdSessions *sessions, ScdAliases *aliases, ScdReader *reader, GVariant *arguments,
                GDBusMethodInvocation *invocation)
{
    SetAliasCall *call = g_new0(SetAliasCall, 1);
    const ScdPendingCallParts parts = {
        .authorization = scd_sessions_authorization(sessions),
        .invocation = invocation,
        .reader = reader,
        .registry = scd_sessions_registry(sessions),
        .wait_limit_ms = scd_sessions_wait_limit_ms(sessions),
    };
    g_autoptr(GVariant) options = g_variant_get_child_value(arguments, 1);
    g_auto(ScdCallOptions) call_options = {0};
    GError *error = NULL;

    call->aliases = aliases;
    call->reader = reader;
    if (!read_alias_arguments(call, arguments, options, &call_options, &error)) {
        scd_reply_take_error(invocation, error);
        free_set_alias(call);
        return;
    }
    scd_pending_call_start(scd_pending_call_new(&set_alias_method, call, &parts), &call_options);
}

static void
connect_reader(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdReader *reader = owner;
    scd_connect_start(scd_reader_context(reader)->sessions, reader, NULL, arguments, invocation);
}

static void
control(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdReader *reader = owner;
    scd_one_shot_control(scd_reader_context(reader)->sessions, reader, arguments, invocation);
}

static void
get_attribute(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdReader *reader = owner;
    scd_one_shot_get_attribute(scd_reader_context(reader)->sessions, reader, arguments, invocation);
}

static void
refresh_readers(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdReader *reader = owner;
    scd_wait_calls_refresh(scd_reader_context(reader)->wait_calls, arguments, invocation);
}

static void
set_alias(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdReader *reader = owner;
    const ScdMethodContext *context = scd_reader_context(reader);

    start_set_alias(context->sessions, context->aliases, reader, arguments, invocation);
}

static void
connect_card(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdReader *reader = owner;
    scd_connect_start(scd_reader_context(reader)->sessions, reader, scd_reader_card(reader),
                      arguments, invocation);
}

static void
transmit(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdReader *reader = owner;
    scd_one_shot_transmit(scd_reader_context(reader)->sessions, reader, arguments, invocation);
}

static const ScdMethod reader_methods[] = {
    {"Connect", connect_reader},  {"Control", control},    {"GetAttribute", get_attribute},
    {"Refresh", refresh_readers}, {"SetAlias", set_alias}, {NULL, NULL},
};

static const ScdMethod card_methods[] = {
    {"Connect", connect_card}, {"Transmit", transmit},        {"TransmitMany", transmit},
    {"TransmitHex", transmit}, {"TransmitManyHex", transmit}, {NULL, NULL},
};

const ScdInterface scd_reader_methods = {&scd_reader_interface, reader_methods};
const ScdInterface scd_card_methods = {&scd_card_interface, card_methods};
