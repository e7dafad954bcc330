/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "reader.h"

#include <unistd.h>

#include "helper.h"

/* Frequent errors: translated, unlike the service's messages. */
static const struct {
    SmartcarddError code;
    const char *text;
} explanations[] = {
    {SMARTCARDD_ERROR_NO_SMARTCARD,
     N_("there is no card in the reader (run 'smartcardctl wait' to wait for one)")},
    {SMARTCARDD_ERROR_REMOVED_CARD, N_("the card was removed; insert it and start again")},
    {SMARTCARDD_ERROR_RESET_CARD, N_("the card was reset in the meantime; start again")},
    {SMARTCARDD_ERROR_SHARING_VIOLATION,
     N_("another program is using the card ('smartcardctl who' shows which one); wait until it has "
        "finished, or close it")},
    {SMARTCARDD_ERROR_UNPOWERED_CARD,
     N_("the card does not answer; insert it again if it can be removed, or use "
        "another reader")},
    {SMARTCARDD_ERROR_UNRESPONSIVE_CARD,
     N_("the card does not answer; insert it again if it can be removed, or use "
        "another reader")},
    {SMARTCARDD_ERROR_SECURITY_VIOLATION, N_("pcscd or the card denies access")},
    {SMARTCARDD_ERROR_NOT_TRANSACTED, N_("communication with the reader or the card failed")},
    {SMARTCARDD_ERROR_COMM_DATA_LOST, N_("communication with the reader or the card failed")},
    {SMARTCARDD_ERROR_NOT_READY, N_("the reader or the card is not ready; try again")},
    {SMARTCARDD_ERROR_UNSUPPORTED_FEATURE, N_("the reader or its driver does not support this")},
    {SMARTCARDD_ERROR_READER_UNSUPPORTED, N_("the reader or its driver does not support this")},
    {SMARTCARDD_ERROR_PROTO_MISMATCH, N_("the card does not support this protocol")},
    {SMARTCARDD_ERROR_UNSUPPORTED_CARD, N_("the reader cannot work with this card")},
    {SMARTCARDD_ERROR_CARD_UNSUPPORTED, N_("the reader cannot work with this card")},
    {SMARTCARDD_ERROR_NO_PIN_PAD, N_("the reader has no PIN pad for this")},
    {SMARTCARDD_ERROR_PIN_TIMEOUT, N_("no PIN was entered in time")},
    {SMARTCARDD_ERROR_PIN_CANCELLED, N_("the PIN entry was cancelled at the reader")},
    {SMARTCARDD_ERROR_PIN_MISMATCH, N_("the entries of the new PIN differ")},
    {SMARTCARDD_ERROR_PIN_LENGTH, N_("the PIN is too short or too long")},
    {SMARTCARDD_ERROR_READER_UNAVAILABLE, N_("the reader was disconnected")},
    {SMARTCARDD_ERROR_UNKNOWN_OBJECT, N_("the reader was disconnected")},
    {SMARTCARDD_ERROR_INVALID_HANDLE,
     N_("the connection to the card was closed by another program")},
};

/* "T=0", "T=1" or "raw"; NULL for any. */
static SmartcarddProtocols
parse_protocol(const char *word)
{
    if (!word)
        return SMARTCARDD_PROTOCOLS_ANY;
    if (g_str_equal(word, "raw"))
        return SMARTCARDD_PROTOCOLS_RAW;
    return g_str_equal(word, "T=0") ? SMARTCARDD_PROTOCOLS_T0 : SMARTCARDD_PROTOCOLS_T1;
}

CtlReader *
ctl_reader_choose(const CtlArguments *arguments, CtlOutput *output, GError **error)
{
    g_autoptr(CtlReader) reader = g_new0(CtlReader, 1);
    const char *selector = arguments->reader;

    reader->route = ctl_client_get_route(arguments, output);
    reader->client = ctl_client_load(&reader->route, error);
    SmartcarddReader *object =
        reader->client ? ctl_client_find_reader(reader->client, selector, error) : NULL;
    if (!object)
        return NULL;
    reader->object = g_object_ref(object);
    reader->protocols = parse_protocol(arguments->protocol);
    reader->name = g_strdup(selector ? selector : smartcardd_reader_get_name(object));
    if (!arguments->no_ask_password && !arguments->host)
        reader->agent = ctl_helper_start_agent(reader->route.output);
    return g_steal_pointer(&reader);
}

void
ctl_reader_free(CtlReader *reader)
{
    ctl_helper_stop(reader->agent);
    g_clear_object(&reader->object);
    g_clear_object(&reader->client);
    g_free(reader->name);
    g_free(reader);
}

static gboolean
is_given_up(const GError *error)
{
    return g_error_matches(error, SMARTCARDD_ERROR, SMARTCARDD_ERROR_TIMEOUT) ||
           g_error_matches(error, SMARTCARDD_ERROR, SMARTCARDD_ERROR_CANCELLED);
}

/* A user whose command was given up wants to know whether the card has got it. */
static const char *
explain_giving_up(const CtlReader *reader, const GError *error)
{
    gboolean timeout = error->code == SMARTCARDD_ERROR_TIMEOUT;

    switch (reader->sends ? smartcardd_get_delivery(error) : SMARTCARDD_DELIVERY_UNKNOWN) {
    case SMARTCARDD_DELIVERY_SENT:
        return timeout ? _("the time ran out; the command was sent, its result is unknown")
                       : _("stopped; the command was sent, its result is unknown");
    case SMARTCARDD_DELIVERY_NOT_SENT:
        return timeout ? _("the time ran out; the command was not sent")
                       : _("stopped; the command was not sent");
    default:
        return timeout ? _("the time ran out") : _("stopped");
    }
}

/* Returns NULL if the message of the library has to do. */
static const char *
get_explanation(const CtlReader *reader, const GError *error)
{
    gboolean refused =
        g_error_matches(error, SMARTCARDD_ERROR, SMARTCARDD_ERROR_NOT_AUTHORIZED) ||
        g_error_matches(error, SMARTCARDD_ERROR, SMARTCARDD_ERROR_INTERACTION_REQUIRED);

    if (refused && reader->route.host)
        return _(
            "you are not allowed to do this through ssh; the administrator of the other machine "
            "can allow it by a rule of polkit");
    if (is_given_up(error))
        return explain_giving_up(reader, error);
    for (gsize i = 0; i < G_N_ELEMENTS(explanations); i++) {
        if (g_error_matches(error, SMARTCARDD_ERROR, (int)explanations[i].code))
            return _(explanations[i].text);
    }
    return NULL;
}

void
ctl_reader_propagate_error(const CtlReader *reader, GError **error, GError *call_error)
{
    if (ctl_waiting_has_cancelled_at_limit() &&
        g_error_matches(call_error, SMARTCARDD_ERROR, SMARTCARDD_ERROR_CANCELLED))
        call_error->code = SMARTCARDD_ERROR_TIMEOUT;
    const char *explanation = get_explanation(reader, call_error);

    if (explanation) {
        g_free(call_error->message);
        call_error->message = g_strdup_printf(_("reader '%s': %s"), reader->name, explanation);
    } else {
        ctl_client_explain_error(call_error);
    }
    g_propagate_error(error, call_error);
}

/* polkit allows everything to root, and asks nobody through ssh. */
const char *
ctl_reader_get_access_status(const CtlReader *reader)
{
    gboolean is_asked = geteuid() != 0 && !reader->route.no_ask_password && !reader->route.host;

    return is_asked ? N_("Waiting for the reader, or for authentication.") : CTL_READER_WAITING;
}

gboolean
ctl_reader_begin_call(const CtlReader *reader, CtlWaiting *waiting, const char *status,
                      GError **error)
{
    GError *call_error = NULL;

    *waiting = ctl_client_get_waiting(&reader->route);
    waiting->status = _(status);
    if (ctl_waiting_begin_call(waiting, &call_error))
        return TRUE;
    ctl_reader_propagate_error(reader, error, call_error);
    return FALSE;
}

GBytes *
ctl_reader_control(const CtlReader *reader, guint32 code, GBytes *data, GError **error)
{
    CtlWaiting waiting;
    GError *call_error = NULL;

    if (!ctl_reader_begin_call(reader, &waiting, ctl_reader_get_access_status(reader), error))
        return NULL;
    smartcardd_reader_control_async(reader->object, code, data, waiting.timeout_ms,
                                    waiting.cancellable, ctl_waiting_finish, &waiting);
    g_autoptr(GAsyncResult) result = ctl_waiting_run(&waiting);
    GBytes *response = smartcardd_reader_control_finish(reader->object, result, &call_error);
    if (!response)
        ctl_reader_propagate_error(reader, error, call_error);
    return response;
}

gboolean
ctl_reader_set_alias(const CtlReader *reader, const char *alias, SmartcarddAliasBinding binding,
                     GError **error)
{
    CtlWaiting waiting;
    GError *call_error = NULL;

    if (!ctl_reader_begin_call(reader, &waiting, N_("Waiting for authentication."), error))
        return FALSE;
    smartcardd_reader_set_alias_async(reader->object, alias, binding, waiting.timeout_ms,
                                      waiting.cancellable, ctl_waiting_finish, &waiting);
    g_autoptr(GAsyncResult) result = ctl_waiting_run(&waiting);
    if (smartcardd_reader_set_alias_finish(reader->object, result, &call_error))
        return TRUE;
    ctl_reader_propagate_error(reader, error, call_error);
    return FALSE;
}
