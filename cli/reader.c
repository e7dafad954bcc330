/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "reader.h"

#include <glib/gi18n.h>

#include "base/error.h"
#include "pending-call.h"
#include "property.h"

#define QUIET_MS 1000 /* before the user is told why nothing happens */

/* What everybody meets once is told in the user's language, not in the service's. */
static const struct {
    ScdErrorCode code;
    const char *text;
} texts[] = {
    {SCD_E_NO_SMARTCARD, N_("there is no card in it ('smartcardctl wait' waits for one)")},
    {SCD_W_REMOVED_CARD, N_("the card was taken out; put it in and start again")},
    {SCD_W_RESET_CARD, N_("the card was reset meanwhile; start again")},
    {SCD_E_SHARING_VIOLATION, N_("another program has the card; wait for it or close it")},
    {SCD_W_UNPOWERED_CARD, N_("the card does not answer; take it out and put it in again")},
    {SCD_W_UNRESPONSIVE_CARD, N_("the card does not answer; take it out and put it in again")},
    {SCD_E_NOT_TRANSACTED, N_("the exchange with the reader or the card failed")},
    {SCD_E_UNSUPPORTED_FEATURE, N_("neither the reader nor its driver knows that")},
};

static gboolean
choose_only(CtlReader *reader, GError **error)
{
    g_autoptr(CtlObjectCache) cache = ctl_client_load(reader->bus, error);
    CtlReaderView only;

    if (!cache || !ctl_client_look(reader->bus, cache, NULL, &only, error))
        return FALSE;
    reader->path = g_strdup(only.path);
    reader->name = g_strdup(ctl_property_text(only.properties, "Name"));
    return TRUE;
}

static gboolean
choose_named(CtlReader *reader, const char *selector, GError **error)
{
    reader->path = ctl_client_find_reader(reader->bus, selector, error);
    reader->name = g_strdup(selector);
    return reader->path != NULL;
}

CtlReader *
ctl_reader_choose(const CtlArguments *arguments, CtlOutput *output, GError **error)
{
    g_autoptr(CtlReader) reader = g_new0(CtlReader, 1);
    const char *selector = arguments->reader;

    reader->output = arguments->json ? NULL : output;
    reader->bus = ctl_client_connect(error);
    if (!reader->bus)
        return NULL;
    if (!(selector ? choose_named(reader, selector, error) : choose_only(reader, error)))
        return NULL;
    return g_steal_pointer(&reader);
}

void
ctl_reader_free(CtlReader *reader)
{
    g_clear_object(&reader->bus);
    g_free(reader->path);
    g_free(reader->name);
    g_free(reader);
}

/* Makes the message one for the user; NULL. */
static GVariant *
explain(const CtlReader *reader, GError *trouble, GError **error)
{
    ctl_client_explain(trouble);
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        if (!g_error_matches(trouble, SCD_ERROR, (int)texts[i].code))
            continue;
        g_free(trouble->message);
        trouble->message = g_strdup_printf(_("reader '%s': %s"), reader->name, _(texts[i].text));
    }
    g_propagate_error(error, trouble);
    return NULL;
}

GVariant *
ctl_reader_call(CtlReader *reader, const char *path, const char *interface, const char *method,
                GVariant *arguments, const char *type, GError **error)
{
    GError *trouble = NULL;
    GVariant *answer = g_dbus_connection_call_sync(
        reader->bus, CTL_BUS_NAME, path, interface, method, arguments, G_VARIANT_TYPE(type),
        G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION, G_MAXINT, NULL, &trouble);

    return answer ? answer : explain(reader, trouble, error);
}

GVariant *
ctl_reader_call_in_turn(CtlReader *reader, const char *path, const char *interface,
                        const char *method, GVariant *arguments, const char *type, GError **error)
{
    const CtlPendingCall call = {
        .bus = reader->bus,
        .path = path,
        .interface = interface,
        .method = method,
        .type = type,
        .flags = G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION,
        .output = reader->output,
        .what = _("Waiting: another program may have the reader."),
        .quiet_ms = QUIET_MS,
    };
    GError *trouble = NULL;
    GVariant *answer = ctl_pending_call(&call, arguments, &trouble);

    return answer ? answer : explain(reader, trouble, error);
}
