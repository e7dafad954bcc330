/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * smartcardctl wait: until there is a card, or until those that are in are out. Each is told by a
 * line in the form of monitor. Ctrl-C and SIGTERM end the process as they do without us, so that a
 * shell script does not take it for a card; only the terminal is left clean.
 */

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <stdlib.h>

#include "base/error.h"
#include "client.h"
#include "command.h"
#include "event.h"
#include "text.h"

typedef struct {
    const ScdArguments *arguments;
    ScdOutput *output;
    GDBusConnection *bus;
    GMainLoop *loop;
    GCancellable *stop;
    int signal_number; /* of what stopped it, else 0 */
    gint64 end;        /* in g_get_monotonic_time(), when there is a time-out */
    GAsyncResult *result;
} Wait;

static gboolean
stop_by(Wait *wait, int signal_number)
{
    wait->signal_number = signal_number;
    g_cancellable_cancel(wait->stop);
    return G_SOURCE_CONTINUE;
}

static gboolean
interrupted(gpointer data)
{
    return stop_by(data, SIGINT);
}

static gboolean
terminated(gpointer data)
{
    return stop_by(data, SIGTERM);
}

/* With the time that is left. */
static GVariant *
options_for(const Wait *wait, const char *reader)
{
    g_auto(GVariantBuilder) options = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);

    if (reader)
        g_variant_builder_add(&options, "{sv}", "reader", g_variant_new_string(reader));
    if (wait->arguments->timeout >= 0) {
        gint64 left_ms = MAX(wait->end - g_get_monotonic_time(), 0) / 1000;
        g_variant_builder_add(&options, "{sv}", "timeout-ms",
                              g_variant_new_uint32((guint32)left_ms));
    }
    return g_variant_builder_end(&options);
}

static void
answered(GObject *source, GAsyncResult *result, gpointer data)
{
    Wait *wait = data;

    wait->result = g_object_ref(result);
    g_main_loop_quit(wait->loop);
}

static GVariant *
call(Wait *wait, const char *method, GVariant *arguments, const char *type, GError **error)
{
    GError *trouble = NULL;

    g_dbus_connection_call(wait->bus, SCD_BUS_NAME, SCD_ROOT_PATH, SCD_INTERFACE_MANAGER, method,
                           arguments, G_VARIANT_TYPE(type), G_DBUS_CALL_FLAGS_NONE, G_MAXINT,
                           wait->stop, answered, wait);
    g_main_loop_run(wait->loop);
    g_autoptr(GAsyncResult) result = g_steal_pointer(&wait->result);
    GVariant *answer = g_dbus_connection_call_finish(wait->bus, result, &trouble);
    if (!answer) {
        scd_client_explain(trouble);
        g_propagate_error(error, trouble);
    }
    return answer;
}

static char *
describe(const ScdArguments *arguments)
{
    if (arguments->removal && arguments->reader)
        return g_strdup_printf(_("Waiting until the card in '%s' is out."), arguments->reader);
    if (arguments->removal)
        return g_strdup(_("Waiting until all cards are out."));
    if (arguments->reader)
        return g_strdup_printf(_("Waiting for a card in '%s'."), arguments->reader);
    return g_strdup(_("Waiting for a card."));
}

/* From the moment on at which what is waited for is settled. */
static void
show_status(const Wait *wait)
{
    g_autofree char *what = describe(wait->arguments);
    g_autofree char *safe = scd_text_escape(what, FALSE);
    g_autofree char *status = g_strdup_printf("%s %s", safe, _("Press Ctrl-C to stop."));

    if (!wait->arguments->json)
        scd_output_set_status(wait->output, status);
}

static gboolean
wait_for_card(Wait *wait, GError **error)
{
    const char *path, *card_path;
    ScdEvent event = {.kind = SCD_EVENT_CARD_PRESENT};

    show_status(wait);
    g_autoptr(GVariant) answer =
        call(wait, "WaitForCard",
             g_variant_new("(@a{sv})", options_for(wait, wait->arguments->reader)), "(oo)", error);
    g_autoptr(ScdMirror) mirror = answer ? scd_client_load(wait->bus, error) : NULL;

    if (!mirror)
        return FALSE;
    g_variant_get(answer, "(&o&o)", &path, &card_path);
    if (!scd_mirror_look_with_card(mirror, path, card_path, &event.reader)) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                            _("there was a card, but the reader has gone again"));
        return FALSE;
    }
    scd_event_print(&event, wait->arguments->json, wait->output);
    return TRUE;
}

static gboolean
wait_for_one_removal(Wait *wait, const ScdReaderView *reader, GError **error)
{
    ScdEvent event = {.kind = SCD_EVENT_CARD_REMOVED, .reader = *reader};

    if (!reader->card_path)
        return TRUE;
    g_autoptr(GVariant) answer =
        call(wait, "WaitForRemoval",
             g_variant_new("(o@a{sv})", reader->card_path, options_for(wait, NULL)), "()", error);
    if (!answer)
        return FALSE;
    scd_event_print(&event, wait->arguments->json, wait->output);
    return TRUE;
}

/* Of the cards that are in now, in the reader that is named or in all. */
static gboolean
wait_for_removal(Wait *wait, GError **error)
{
    const char *selector = wait->arguments->reader;
    g_autofree char *path = selector ? scd_client_find_reader(wait->bus, selector, error) : NULL;

    if (selector && !path)
        return FALSE;
    g_autoptr(ScdMirror) mirror = scd_client_load(wait->bus, error);
    g_autoptr(GArray) readers = mirror ? scd_mirror_readers(mirror) : NULL;
    show_status(wait);
    for (guint i = 0; readers && i < readers->len; i++) {
        const ScdReaderView *reader = &g_array_index(readers, ScdReaderView, i);
        if ((!path || g_str_equal(reader->path, path)) &&
            !wait_for_one_removal(wait, reader, error))
            return FALSE;
    }
    return readers != NULL;
}

static gboolean
wait_in_loop(Wait *wait, GError **error)
{
    guint interrupt = g_unix_signal_add(SIGINT, interrupted, wait);
    guint term = g_unix_signal_add(SIGTERM, terminated, wait);
    gboolean done =
        wait->arguments->removal ? wait_for_removal(wait, error) : wait_for_card(wait, error);
    scd_output_set_status(wait->output, NULL);
    g_source_remove(term);
    g_source_remove(interrupt);
    return done;
}

static void
complain(const Wait *wait, const GError *error)
{
    int limit = wait->arguments->timeout;

    if (!g_error_matches(error, SCD_ERROR, SCD_E_TIMEOUT)) {
        scd_output_complain(error->message);
        return;
    }
    g_autofree char *message =
        wait->arguments->removal
            ? g_strdup_printf(ngettext("the card is still in after %d second",
                                       "the card is still in after %d seconds", (gulong)limit),
                              limit)
            : g_strdup_printf(ngettext("no card was there within %d second",
                                       "no card was there within %d seconds", (gulong)limit),
                              limit);
    scd_output_complain(message);
}

static int
run(const ScdArguments *arguments, ScdOutput *output)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    g_autoptr(GCancellable) stop = g_cancellable_new();
    g_autoptr(GDBusConnection) bus = scd_client_connect(&error);
    Wait wait = {arguments, output, bus, loop, stop, 0, 0, NULL};

    wait.end = g_get_monotonic_time() + (gint64)arguments->timeout * G_USEC_PER_SEC;
    if (bus && wait_in_loop(&wait, &error))
        return EXIT_SUCCESS;
    if (wait.signal_number) {
        signal(wait.signal_number, SIG_DFL);
        raise(wait.signal_number);
    }
    complain(&wait, error);
    return EXIT_FAILURE;
}

const ScdCommand scd_command_wait = {
    .name = "wait",
    .argument = N_("[READER]"),
    .summary = N_("Wait until a card is there"),
    .description =
        N_("It may be there already. Without READER, a card in any reader will do. The\n"
           "reader need not be there yet, nor pcscd.\n"
           "\n"
           "With --removal: until the card that is in is taken out; without READER, all\n"
           "cards that are in.\n"
           "\n"
           "Prints a line for each card as 'monitor' does, with the event card-present or\n"
           "card-removed.\n"
           "\n"
           "The exit status is 1 when the time is over."),
    .reader = SCD_READER_MAYBE,
    .options = SCD_OPTION_REMOVAL | SCD_OPTION_TIMEOUT,
    .run = run,
};
