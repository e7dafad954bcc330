/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * smartcardctl hold: keeps a shared session with the card, so that it stays powered and in its
 * state until Ctrl-C, SIGTERM, the end of the time limit, or the removal of the card.
 */

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <stdlib.h>

#include "command.h"
#include "json.h"
#include "output.h"
#include "reader-view.h"
#include "reader.h"

typedef struct {
    CtlReader *reader;
    GMainLoop *loop;
    gboolean stopped;
    int status;
    const char *problem; /* why the card cannot be held any more; NULL for none */
} CardHold;

/* The first reason counts; others follow from it. */
static void
stop_hold(CardHold *hold, int status, const char *problem)
{
    if (hold->stopped)
        return;
    hold->stopped = TRUE;
    hold->status = status;
    hold->problem = problem;
    g_main_loop_quit(hold->loop);
}

static gboolean
handle_end(gpointer data)
{
    stop_hold(data, EXIT_SUCCESS, NULL);
    return G_SOURCE_CONTINUE;
}

static void
handle_card_removed(SmartcarddClient *client, SmartcarddCard *card, CardHold *hold)
{
    if (smartcardd_card_get_reader(card) == hold->reader->object)
        stop_hold(hold, CTL_STATUS_NO_CARD, _("the card was removed"));
}

static void
handle_service_gone(SmartcarddClient *client, GParamSpec *spec, CardHold *hold)
{
    stop_hold(hold, CTL_STATUS_NO_SERVICE, _("smartcardd or pcscd has stopped"));
}

static void
handle_closed(SmartcarddSession *session, const char *reason, CardHold *hold)
{
    static const char *const service_gone[] = {"shutdown", "service-unavailable", "lost", NULL};

    if (g_strv_contains(service_gone, reason))
        handle_service_gone(NULL, NULL, hold);
    else if (g_str_equal(reason, "reader-removed"))
        stop_hold(hold, CTL_STATUS_NO_READER, _("the reader was disconnected"));
    else
        stop_hold(hold, EXIT_FAILURE, _("the connection to the card was closed"));
}

/* Prints the protocol. A terminal shows a status instead, while the card is held. */
static void
print_start(const CtlReader *reader, const char *protocol, const CtlArguments *arguments,
            CtlOutput *output)
{
    g_autofree char *json = ctl_json_single("protocol", protocol);
    g_autofree char *safe = ctl_text_escape(protocol, FALSE);
    g_autofree char *name = ctl_text_escape(reader->name, FALSE);
    g_autofree char *text =
        g_strdup_printf(_("The card in '%s' stays powered. Its protocol is %s."), name, safe);
    g_autofree char *status = g_strdup_printf("%s %s", text, _("Press Ctrl-C to stop."));

    if (arguments->json)
        ctl_output_line(output, json);
    else if (ctl_output_is_terminal(output))
        ctl_output_set_status(output, status);
    else
        ctl_output_line(output, safe);
}

/* Prints that the card is held when signals do not end the process any more. */
static void
run_loop(CardHold *hold, CtlSession *session, const CtlArguments *arguments, CtlOutput *output)
{
    gint64 timeout_us = arguments->timeout_us;
    SmartcarddClient *client = hold->reader->client;
    guint interrupt = g_unix_signal_add(SIGINT, handle_end, hold);
    guint term = g_unix_signal_add(SIGTERM, handle_end, hold);
    guint timer =
        timeout_us < 0 ? 0 : g_timeout_add((guint)((timeout_us + 999) / 1000), handle_end, hold);
    SmartcarddSession *object = ctl_session_get_object(session);

    g_signal_connect(object, "closed", G_CALLBACK(handle_closed), hold);
    g_signal_connect(client, "card-removed", G_CALLBACK(handle_card_removed), hold);
    g_signal_connect(client, "notify::running", G_CALLBACK(handle_service_gone), hold);
    g_signal_connect(client, "notify::available", G_CALLBACK(handle_service_gone), hold);
    print_start(hold->reader, ctl_session_get_protocol(session), arguments, output);
    /* They may have gone before. */
    if (!smartcardd_reader_get_card(hold->reader->object))
        stop_hold(hold, CTL_STATUS_NO_CARD, _("the card was removed"));
    if (smartcardd_session_is_closed(object))
        stop_hold(hold, EXIT_FAILURE, _("the connection to the card was closed"));
    if (!hold->stopped)
        g_main_loop_run(hold->loop);
    g_signal_handlers_disconnect_by_data(client, hold);
    g_signal_handlers_disconnect_by_data(object, hold);
    g_clear_handle_id(&timer, g_source_remove);
    g_source_remove(term);
    g_source_remove(interrupt);
}

static int
hold_card(CtlReader *reader, CtlSession *session, const CtlArguments *arguments, CtlOutput *output)
{
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    CardHold hold = {.reader = reader, .loop = loop};

    run_loop(&hold, session, arguments, output);
    ctl_output_set_status(output, "");
    ctl_output_set_status(output, NULL);
    if (!hold.problem)
        return hold.status;
    g_autofree char *message = g_strdup_printf(_("reader '%s': %s"), reader->name, hold.problem);
    ctl_output_print_error(message);
    return hold.status;
}

static int
run_hold(const CtlArguments *arguments, CtlOutput *output)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(CtlReader) reader = ctl_reader_choose(arguments, output, &error);
    g_autoptr(CtlSession) session = reader ? ctl_session_open(reader, &error) : NULL;

    if (!session)
        return ctl_command_print_error(error);
    return hold_card(reader, session, arguments, output);
}

const CtlCommand ctl_command_hold = {
    .name = "hold",
    .argument = N_("[READER]"),
    .summary = N_("Keep the card powered and in its state"),
    .description =
        N_("A card without a connection loses its power after a while, and with it what is\n"
           "selected and verified. This command keeps a shared connection, beside which\n"
           "other programs use the card, until Ctrl-C, SIGTERM or the end of --timeout,\n"
           "and then succeeds. READER may be left out when there is only one.\n"
           "\n"
           "Prints the protocol of the card, such as 'T=1', when the card is held; JSON is\n"
           "an object with 'protocol'. A removed card ends the command with exit status 5."),
    .reader = CTL_READER_MAYBE,
    .options = CTL_OPTION_PROTOCOL | CTL_OPTION_TIMEOUT,
    .run = run_hold,
};
