/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/naming.h"

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
} Naming;

static void
release(Naming *naming)
{
    g_object_unref(naming->questions);
    g_free(naming->name);
    g_free(naming);
}

/* Whether it is allowed to is not known yet: that answer releases it. */
static void
reader_left(ScdSessionEnd why, gpointer data)
{
    Naming *naming = data;
    ScdErrorCode code =
        why == SCD_SESSION_SERVICE_UNAVAILABLE ? SCD_E_NO_SERVICE : SCD_E_READER_UNAVAILABLE;

    scd_call_fail(g_steal_pointer(&naming->invocation), scd_reader_name(naming->reader),
                  scd_code_of_error(code));
    scd_reader_unwatch(naming->reader, &naming->watch);
    g_cancellable_cancel(naming->questions);
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
bind_alias(const Naming *naming, GError **error)
{
    const ScdIdentity *identity = scd_reader_identity(naming->reader);
    ScdAlias *alias = NULL;

    if (naming->by_serial)
        alias = scd_alias_new_for_serial(naming->name, identity->serial,
                                         scd_identity_interface(identity), identity->slot);
    else if (identity->has_usb_path)
        alias = scd_alias_new_for_port(naming->name, &identity->usb_path, identity->slot);
    if (!alias)
        g_set_error(error, SCD_ERROR, SCD_INVALID_ARGUMENT,
                    naming->by_serial ? "Reader '%s' has no serial number to bind an alias to"
                                      : "Nobody knows the USB port of reader '%s', to bind an "
                                        "alias to it",
                    scd_reader_name(naming->reader));
    return alias;
}

static void
set_alias(Naming *naming)
{
    GDBusMethodInvocation *invocation = g_steal_pointer(&naming->invocation);
    gboolean is_name = *naming->name != '\0';
    GError *error = NULL;
    ScdAlias *alias = is_name ? bind_alias(naming, &error) : NULL;

    if (error)
        g_dbus_method_invocation_take_error(invocation, error);
    else
        scd_aliases_set(naming->aliases, scd_reader_identity(naming->reader), alias, reply,
                        invocation);
}

static void
admitted(ScdClient *client, gboolean authenticated, const GError *error, gpointer data)
{
    Naming *naming = data;
    g_autoptr(ScdClient) caller G_GNUC_UNUSED = client;

    if (naming->invocation) {
        scd_reader_unwatch(naming->reader, &naming->watch);
        if (error)
            g_dbus_method_invocation_return_gerror(g_steal_pointer(&naming->invocation), error);
        else
            set_alias(naming);
    }
    release(naming);
}

/* An empty name takes the alias away. */
static gboolean
read_arguments(Naming *naming, GVariant *arguments, GError **error)
{
    g_autoptr(GVariant) options = NULL;
    const char *bind = "port";
    const ScdOption known[] = {{"bind", "&s", &bind}, {NULL, NULL, NULL}};

    g_variant_get(arguments, "(s@a{sv})", &naming->name, &options);
    if (!scd_options_read(options, known, error) ||
        (*naming->name != '\0' && !scd_alias_check_name(naming->name, error)))
        return FALSE;
    naming->by_serial = g_str_equal(bind, "serial");
    if (naming->by_serial || g_str_equal(bind, "port"))
        return TRUE;
    g_set_error_literal(error, SCD_ERROR, SCD_INVALID_ARGUMENT,
                        "An alias is bound to \"port\" or \"serial\"");
    return FALSE;
}

void
scd_naming_start(ScdSessions *sessions, ScdAliases *aliases, ScdReader *reader, GVariant *arguments,
                 GDBusMethodInvocation *invocation)
{
    Naming *naming = g_new0(Naming, 1);
    GError *error = NULL;

    naming->aliases = aliases;
    naming->invocation = invocation;
    naming->reader = reader;
    naming->questions = g_cancellable_new();
    if (!read_arguments(naming, arguments, &error)) {
        g_dbus_method_invocation_take_error(invocation, error);
        release(naming);
        return;
    }
    naming->watch = (ScdReaderWatch){reader_left, card_left, naming};
    scd_reader_watch(reader, &naming->watch);
    scd_admission_ask(scd_sessions_admission(sessions), invocation, reader, naming->questions,
                      admitted, naming);
}
