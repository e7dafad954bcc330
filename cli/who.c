/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * smartcardctl who: the programs that use smart cards, through the service or directly through
 * pcscd, as far as the user may see them.
 */

#include <glib/gi18n.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "client.h"
#include "command.h"
#include "json.h"
#include "output.h"
#include "pcscd-clients.h"

/* One program, of a session of the service or of a connection to pcscd. Empty texts: not known. */
typedef struct {
    gboolean is_session;
    guint uid;
    guint pid; /* 0: not known */
    guint connections;
    gboolean in_transaction;
    gint64 since_us; /* 0 for a connection to pcscd */
    char *session;
    char *reader_path;
    char *reader;
    char *user;
    char *program;
    char *unit;
    char *share_mode;
} Use;

static void
clear_use(gpointer data)
{
    Use *use = data;

    g_free(use->session);
    g_free(use->reader_path);
    g_free(use->reader);
    g_free(use->user);
    g_free(use->program);
    g_free(use->unit);
    g_free(use->share_mode);
}

static char *
dup_user_name(guint uid)
{
    const struct passwd *entry = getpwuid(uid);

    return entry ? g_strdup(entry->pw_name) : g_strdup_printf("%u", uid);
}

static char *
dup_reader_name(SmartcarddClient *client, const char *path)
{
    GListModel *readers = smartcardd_client_get_readers(client);

    for (guint i = 0; i < g_list_model_get_n_items(readers); i++) {
        g_autoptr(SmartcarddReader) reader = g_list_model_get_item(readers, i);
        if (g_str_equal(smartcardd_reader_get_object_path(reader), path))
            return g_strdup(smartcardd_reader_get_name(reader));
    }
    return g_strdup(path);
}

static void
add_session(GArray *uses, const CtlRoute *route, SmartcarddClient *client, GVariant *session)
{
    guint pid = (guint)ctl_property_number(session, "pid");
    guint uid = (guint)ctl_property_number(session, "uid");
    const char *path = ctl_property_text(session, "reader");
    Use use = {
        .is_session = TRUE,
        .uid = uid,
        .pid = pid,
        .connections = 1,
        .in_transaction = ctl_property_flag(session, "in-transaction"),
        .since_us = (gint64)ctl_property_number(session, "since"),
        .session = g_strdup(ctl_property_text(session, "session")),
        .reader_path = g_strdup(path),
        .reader = dup_reader_name(client, path),
        .user = route->host ? g_strdup_printf("%u", uid) : dup_user_name(uid),
        .program = pid && !route->host ? ctl_pcscd_clients_dup_program(pid) : g_strdup(""),
        .unit = g_strdup(ctl_property_text(session, "unit")),
        .share_mode = g_strdup(ctl_property_text(session, "share-mode")),
    };

    g_array_append_val(uses, use);
}

static int
compare_age(gconstpointer a, gconstpointer b)
{
    const Use *one = a, *other = b;

    if (one->since_us != other->since_us)
        return one->since_us < other->since_us ? -1 : 1;
    return g_strcmp0(one->session, other->session);
}

static gboolean
add_sessions(GArray *uses, const CtlRoute *route, SmartcarddClient *client, GError **error)
{
    CtlWaiting waiting = ctl_client_get_waiting(route);
    GError *call_error = NULL;

    ctl_waiting_begin(&waiting);
    smartcardd_client_list_sessions_async(client, waiting.cancellable, ctl_waiting_finish,
                                          &waiting);
    g_autoptr(GAsyncResult) result = ctl_waiting_run(&waiting);
    g_autoptr(GVariant) list = smartcardd_client_list_sessions_finish(client, result, &call_error);
    if (!list) {
        ctl_waiting_explain_error(&waiting, &call_error);
        ctl_client_explain_error(call_error);
        g_propagate_error(error, call_error);
        return FALSE;
    }
    for (gsize i = 0; i < g_variant_n_children(list); i++) {
        g_autoptr(GVariant) session = g_variant_get_child_value(list, i);
        add_session(uses, route, client, session);
    }
    g_array_sort(uses, compare_age);
    return TRUE;
}

static void
add_pcscd_clients(GArray *uses, const CtlPcscdClients *clients)
{
    for (guint i = 0; i < clients->clients->len; i++) {
        const CtlPcscdClient *client = &g_array_index(clients->clients, CtlPcscdClient, i);
        Use use = {
            .uid = client->uid,
            .pid = client->pid,
            .connections = client->connections,
            .session = g_strdup(""),
            .reader_path = g_strdup(""),
            .reader = g_strdup(""),
            .user = dup_user_name(client->uid),
            .program = g_strdup(client->program),
            .unit = g_strdup(""),
            .share_mode = g_strdup(""),
        };
        g_array_append_val(uses, use);
    }
}

static char *
format_since(const Use *use, const char *format)
{
    if (use->since_us == 0)
        return g_strdup("");
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_local(use->since_us / G_USEC_PER_SEC);
    return time ? g_date_time_format(time, format) : g_strdup("");
}

static void
print_as_fields(GArray *uses, CtlOutput *output)
{
    for (guint i = 0; i < uses->len; i++) {
        const Use *use = &g_array_index(uses, Use, i);
        g_autofree char *reader = ctl_text_escape(use->reader, FALSE);
        g_autofree char *program = ctl_text_escape(use->program, FALSE);
        g_autofree char *user = ctl_text_escape(use->user, FALSE);
        g_autofree char *unit = ctl_text_escape(use->unit, FALSE);
        g_autofree char *share_mode = ctl_text_escape(use->share_mode, FALSE);
        g_autofree char *pid = use->pid ? g_strdup_printf("%u", use->pid) : g_strdup("");
        g_autofree char *since = format_since(use, "%Y-%m-%dT%H:%M:%S%:z");
        g_autofree char *line = ctl_text_join_fields(
            use->is_session ? "session" : "pcscd", program, pid, user, unit, reader, share_mode,
            use->in_transaction ? "transaction" : "", since, NULL);
        ctl_output_line(output, line);
    }
}

/* How the program uses the reader, in the user's language. */
static char *
describe_access(const Use *use)
{
    if (!use->is_session)
        return g_strdup(_("directly through pcscd"));
    const char *mode = g_str_equal(use->share_mode, "exclusive") ? _("exclusive")
                       : g_str_equal(use->share_mode, "direct")  ? _("without a card")
                                                                 : _("shared");
    return use->in_transaction ? g_strdup_printf("%s, %s", mode, _("in a transaction"))
                               : g_strdup(mode);
}

#define N_COLUMNS 6

static void
add_row(GPtrArray *rows, guint *widths, char **row)
{
    for (guint i = 0; i < N_COLUMNS; i++)
        widths[i] = MAX(widths[i], ctl_text_width(row[i]));
    g_ptr_array_add(rows, row);
}

static void
print_as_table(GArray *uses, CtlOutput *output)
{
    char *heading[] = {_("PROGRAM"), _("PID"),   _("USER"), _("READER"),
                       _("ACCESS"),  _("SINCE"), NULL};
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
    guint widths[N_COLUMNS] = {0};

    add_row(rows, widths, g_strdupv(heading));
    for (guint i = 0; i < uses->len; i++) {
        const Use *use = &g_array_index(uses, Use, i);
        char **row = g_new0(char *, N_COLUMNS + 1);
        row[0] = ctl_text_escape(use->program, FALSE);
        row[1] = use->pid ? g_strdup_printf("%u", use->pid) : g_strdup("");
        row[2] = ctl_text_escape(use->user, FALSE);
        row[3] = ctl_text_escape(use->reader, FALSE);
        row[4] = describe_access(use);
        row[5] = format_since(use, "%Y-%m-%d %H:%M");
        add_row(rows, widths, row);
    }
    for (guint i = 0; i < rows->len; i++) {
        g_autoptr(GString) line = g_string_new(NULL);
        for (guint column = 0; column < N_COLUMNS; column++) {
            char **row = rows->pdata[i];
            g_autofree char *cell = ctl_text_pad(row[column], widths[column]);
            g_string_append_printf(line, "%s%s", column > 0 ? "  " : "", cell);
        }
        ctl_output_line(output, g_strchomp(line->str));
    }
}

static void
add_use_to_json(JsonBuilder *builder, const Use *use)
{
    g_autofree char *since = format_since(use, "%Y-%m-%dT%H:%M:%S%:z");

    json_builder_begin_object(builder);
    ctl_json_add_text(builder, "program", use->program);
    ctl_json_add_number(builder, "pid", use->pid);
    ctl_json_add_number(builder, "uid", use->uid);
    ctl_json_add_text(builder, "user", use->user);
    if (use->is_session) {
        ctl_json_add_text(builder, "session", use->session);
        ctl_json_add_text(builder, "unit", use->unit);
        ctl_json_add_text(builder, "reader", use->reader);
        ctl_json_add_text(builder, "reader-path", use->reader_path);
        ctl_json_add_text(builder, "share-mode", use->share_mode);
        json_builder_set_member_name(builder, "in-transaction");
        json_builder_add_boolean_value(builder, use->in_transaction);
        ctl_json_add_text(builder, "since", since);
    } else {
        ctl_json_add_number(builder, "connections", use->connections);
    }
    json_builder_end_object(builder);
}

static void
add_uses_to_json(JsonBuilder *builder, const char *key, GArray *uses, gboolean sessions)
{
    json_builder_set_member_name(builder, key);
    json_builder_begin_array(builder);
    for (guint i = 0; i < uses->len; i++) {
        const Use *use = &g_array_index(uses, Use, i);
        if (use->is_session == sessions)
            add_use_to_json(builder, use);
    }
    json_builder_end_array(builder);
}

/* clients: NULL if they are not known. */
static void
print_as_json(GArray *uses, const CtlPcscdClients *clients, CtlOutput *output)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    add_uses_to_json(builder, "sessions", uses, TRUE);
    add_uses_to_json(builder, "pcscd", uses, FALSE);
    json_builder_set_member_name(builder, "hidden-connections");
    if (clients)
        json_builder_add_int_value(builder, clients->hidden);
    else
        json_builder_add_null_value(builder);
    json_builder_end_object(builder);
    g_autofree char *text = ctl_json_to_text(builder, TRUE);
    ctl_output_line(output, text);
}

/* Prints notes about the sessions and connections that the user does not see. */
static void
print_notes(const CtlRoute *route, GArray *uses, const CtlPcscdClients *clients, CtlOutput *output)
{
    if (uses->len == 0)
        ctl_output_note(output, _("No program that you may see uses smart cards."));
    if (route->host) {
        ctl_output_note(output, _("Connections to pcscd of another machine are not seen."));
        return;
    }
    if (geteuid() != 0)
        ctl_output_note(output, _("Only root sees the sessions of other users."));
    if (!clients)
        ctl_output_note(output, _("The kernel does not list the connections to pcscd."));
    else if (clients->hidden > 0) {
        g_autofree char *note = g_strdup_printf(
            _("Connections to pcscd of programs that you may not see, smartcardd included: %u."),
            clients->hidden);
        ctl_output_note(output, note);
    }
}

/* Returns 0 if it is not known. */
static guint
get_service_process(const CtlRoute *route, SmartcarddClient *client)
{
    g_autoptr(GDBusConnection) bus = ctl_client_dup_connection(client);

    return bus ? ctl_client_get_service_process(route, bus) : 0;
}

static int
run_who(const CtlArguments *arguments, CtlOutput *output)
{
    g_autoptr(GError) error = NULL;
    const CtlRoute route = ctl_client_get_route(arguments, output);
    g_autoptr(SmartcarddClient) client = ctl_client_new(&route, &error);
    g_autoptr(GArray) uses = g_array_new(FALSE, FALSE, sizeof(Use));

    g_array_set_clear_func(uses, clear_use);
    if (!client || !add_sessions(uses, &route, client, &error))
        return ctl_command_print_error(error);
    g_autoptr(CtlPcscdClients) clients =
        route.host ? NULL : ctl_pcscd_clients_load(get_service_process(&route, client));
    if (clients)
        add_pcscd_clients(uses, clients);
    if (arguments->json) {
        print_as_json(uses, clients, output);
        return EXIT_SUCCESS;
    }
    if (!ctl_output_is_terminal(output))
        print_as_fields(uses, output);
    else if (uses->len > 0)
        print_as_table(uses, output);
    print_notes(&route, uses, clients, output);
    return EXIT_SUCCESS;
}

const CtlCommand ctl_command_who = {
    .name = "who",
    .summary = N_("Show which programs use smart cards"),
    .description =
        N_("Shows the sessions of the service, and the programs that are connected to pcscd\n"
           "directly, whatever readers these use. You see your own; root sees all.\n"
           "Connections that you do not see are counted.\n"
           "\n"
           "In a pipe or a file each line has nine fields separated by tabs: 'session' or\n"
           "'pcscd'; the program; its process; its user; its systemd unit; the reader; the\n"
           "share mode; 'transaction' if one is open; and the time since which the session\n"
           "is open. An empty field is '-'.\n"
           "\n"
           "JSON is an object with 'sessions', 'pcscd', and 'hidden-connections', the number\n"
           "of connections to pcscd of programs that you do not see."),
    .options = CTL_OPTION_TIMEOUT,
    .run = run_who,
};
