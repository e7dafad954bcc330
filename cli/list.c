/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <glib/gi18n.h>
#include <stdlib.h>

#include "client.h"
#include "command.h"
#include "format.h"
#include "json.h"
#include "output.h"
#include "reader-view.h"

/*
 * smartcardctl list, status and show: readers and their cards, in one line each, with the known
 * details, or one reader with all details. list prints a table on a terminal, and fields separated
 * by tabs in a pipe; no name contains a tab, as names are escaped.
 */

static void
print_readers_as_json(GArray *readers, CtlOutput *output)
{
    g_autofree char *text = ctl_json_readers(readers);
    ctl_output_line(output, text);
}

static void
print_readers_as_fields(GArray *readers, CtlOutput *output)
{
    for (guint i = 0; i < readers->len; i++) {
        const CtlReaderView *reader = &g_array_index(readers, CtlReaderView, i);
        g_autofree char *name = ctl_describe_reader(reader);
        g_autofree char *atr = ctl_describe_atr(reader, FALSE);
        g_autofree char *card = ctl_describe_card(reader, FALSE);
        g_autofree char *alias = ctl_describe_text(reader, "Alias");
        g_autofree char *usb_path = ctl_describe_usb_path(reader, readers);
        const char *built_in = ctl_property_flag(reader->properties, "BuiltIn") ? "built-in" : "";
        g_autofree char *line = ctl_text_join_fields(name, ctl_describe_state(reader).word, atr,
                                                     card, alias, usb_path, built_in, NULL);
        ctl_output_line(output, line);
    }
}

/* The last column takes the rest of the width. */
enum {
    COLUMN_READER,
    COLUMN_ALIAS,
    COLUMN_PORT,
    COLUMN_STATE,
    COLUMN_CARD,
    N_COLUMNS,
};

/* A row is N_COLUMNS texts. */
typedef struct {
    GPtrArray *rows;
    guint widths[COLUMN_CARD]; /* 0 for an empty column */
    gboolean tall;             /* the columns do not fit beside the names */
    guint columns;             /* of the terminal */
} ReaderTable;

static void
add_table_row(ReaderTable *table, GArray *readers, const CtlReaderView *reader)
{
    char **row = g_new0(char *, N_COLUMNS + 1);

    row[COLUMN_READER] = ctl_describe_reader(reader);
    row[COLUMN_ALIAS] = ctl_describe_text(reader, "Alias");
    row[COLUMN_PORT] = ctl_describe_port(reader, readers);
    row[COLUMN_STATE] = g_strdup(ctl_describe_state(reader).text);
    row[COLUMN_CARD] = ctl_describe_card(reader, TRUE);
    g_ptr_array_add(table->rows, row);
    for (guint i = 0; i < COLUMN_CARD; i++)
        table->widths[i] = MAX(table->widths[i], ctl_text_width(row[i]));
}

static void
measure_columns(ReaderTable *table, char **heading)
{
    guint width = 0;

    for (guint i = 0; i < COLUMN_CARD; i++) {
        if (table->widths[i] == 0)
            continue;
        table->widths[i] = MAX(table->widths[i], ctl_text_width(heading[i]));
        width += table->widths[i] + 2;
    }
    table->tall = width > table->columns + 2; /* no space follows the last column */
}

/* Joins the columns before the card that are on this line. */
static char *
join_cells(const ReaderTable *table, char **row, guint first)
{
    g_autoptr(GPtrArray) cells = g_ptr_array_new_with_free_func(g_free);

    for (guint i = first; i < COLUMN_CARD; i++) {
        if (table->widths[i] > 0)
            g_ptr_array_add(cells, ctl_text_pad(row[i], table->widths[i]));
    }
    g_ptr_array_add(cells, NULL);
    return g_strjoinv("  ", (char **)cells->pdata);
}

/* Moves columns that do not fit to a second line: the card, or all but the name. */
static void
print_table_row(const ReaderTable *table, char **row, CtlOutput *output)
{
    g_autofree char *cells = join_cells(table, row, table->tall ? COLUMN_ALIAS : COLUMN_READER);
    g_autofree char *start =
        table->tall ? g_strdup_printf("%s\n  %s", row[COLUMN_READER], cells) : g_strdup(cells);
    guint taken = ctl_text_width(cells) + (table->tall ? 2 : 0);
    gboolean fits = taken + 2 + ctl_text_width(row[COLUMN_CARD]) <= table->columns;
    g_autofree char *card =
        fits ? g_strdup(row[COLUMN_CARD])
             : ctl_text_shorten(row[COLUMN_CARD], table->columns - MIN(table->columns, 2));
    g_autofree char *line =
        g_strconcat(fits ? start : g_strchomp(start), fits ? "  " : "\n  ", card, NULL);

    ctl_output_line(output, g_strchomp(line));
}

static void
print_readers_as_table(GArray *readers, CtlOutput *output)
{
    char *heading[] = {_("READER"), _("ALIAS"), _("PORT"), _("STATE"), _("CARD"), NULL};
    ReaderTable table = {
        .rows = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev),
        .columns = ctl_output_columns(output),
    };

    for (guint i = 0; i < readers->len; i++)
        add_table_row(&table, readers, &g_array_index(readers, CtlReaderView, i));
    measure_columns(&table, heading);
    print_table_row(&table, heading, output);
    for (guint i = 0; i < table.rows->len; i++)
        print_table_row(&table, table.rows->pdata[i], output);
    g_ptr_array_unref(table.rows);
}

static int
run_list(const CtlArguments *arguments, CtlOutput *output)
{
    g_autoptr(GError) error = NULL;
    const CtlRoute route = ctl_client_get_route(arguments, output);
    g_autoptr(SmartcarddClient) client = ctl_client_load(&route, &error);

    if (!client)
        return ctl_command_print_error(error);
    g_autoptr(GArray) readers = ctl_reader_view_list(client);
    if (arguments->json)
        print_readers_as_json(readers, output);
    else if (readers->len == 0)
        ctl_output_note(output, _("No readers are connected."));
    else if (ctl_output_is_terminal(output))
        print_readers_as_table(readers, output);
    else
        print_readers_as_fields(readers, output);
    if (!arguments->json) {
        g_autoptr(GPtrArray) unserved = ctl_unserved_load(&route, client);
        ctl_unserved_print_notes(unserved, output);
    }
    return EXIT_SUCCESS;
}

const CtlCommand ctl_command_list = {
    .name = "list",
    .summary = N_("List the readers, one per line"),
    .description =
        N_("On a narrow terminal, columns that do not fit are printed below the reader.\n"
           "\n"
           "In a pipe or a file each line has seven fields separated by tabs: the reader's\n"
           "name; 'empty', 'card', or 'mute' for a card that does not answer; the card's\n"
           "ATR in hexadecimal digits; the type of the card; the reader's alias; its USB\n"
           "path; and 'built-in' for a built-in reader. An empty field is '-'.\n"
           "\n"
           "USB devices that look like readers but are not available follow, each with the\n"
           "reason; in a pipe or a file they are printed on the standard error.\n"
           "\n"
           "JSON is the same as for 'status'."),
    .options = CTL_OPTION_TIMEOUT,
    .run = run_list,
};

static CtlFormatExtent
get_status_extent(const CtlArguments *arguments)
{
    return arguments->verbose ? CTL_FORMAT_VERBOSE : CTL_FORMAT_KNOWN;
}

/* Fails if no reader, or no single one, is named. */
static gboolean
show_one_reader(SmartcarddClient *client, CtlFormatExtent extent, const CtlArguments *arguments,
                CtlOutput *output, GError **error)
{
    SmartcarddReader *reader = ctl_client_find_reader(client, arguments->reader, error);

    if (!reader)
        return FALSE;
    CtlReaderView view = ctl_reader_view_of(reader);
    ctl_format_show(&view, extent, arguments->json, output);
    return TRUE;
}

static void
print_all_statuses(SmartcarddClient *client, const CtlArguments *arguments, CtlOutput *output)
{
    g_autoptr(GArray) readers = ctl_reader_view_list(client);

    if (arguments->json) {
        g_autofree char *text = ctl_json_readers(readers);
        ctl_output_line(output, text);
        return;
    }
    if (readers->len == 0)
        ctl_output_note(output, _("No readers are connected."));
    for (guint i = 0; i < readers->len; i++) {
        if (i > 0)
            ctl_output_line(output, "");
        ctl_format_print(&g_array_index(readers, CtlReaderView, i), get_status_extent(arguments),
                         output);
    }
}

static int
run_status(const CtlArguments *arguments, CtlOutput *output)
{
    g_autoptr(GError) error = NULL;
    const CtlRoute route = ctl_client_get_route(arguments, output);
    g_autoptr(SmartcarddClient) client = ctl_client_load(&route, &error);

    if (client && !arguments->reader)
        print_all_statuses(client, arguments, output);
    else if (client)
        show_one_reader(client, get_status_extent(arguments), arguments, output, &error);
    return error ? ctl_command_print_error(error) : EXIT_SUCCESS;
}

const CtlCommand ctl_command_status = {
    .name = "status",
    .argument = N_("[READER]"),
    .summary = N_("Show the known details of one reader or of all readers"),
    .description =
        N_("JSON is an array of readers, or one reader if one is named. The keys are the\n"
           "names of properties in org.smartcardd1(5) in lower case with hyphens\n"
           "('usb-path' is UsbPath); 'path' is the object path, 'card' is an object or\n"
           "null, and bytes ('atr') are hexadecimal digits."),
    .reader = CTL_READER_MAYBE,
    .options = CTL_OPTION_TIMEOUT | CTL_OPTION_VERBOSE,
    .run = run_status,
};

static int
run_show(const CtlArguments *arguments, CtlOutput *output)
{
    g_autoptr(GError) error = NULL;
    const CtlRoute route = ctl_client_get_route(arguments, output);
    g_autoptr(SmartcarddClient) client = ctl_client_load(&route, &error);

    if (client && show_one_reader(client, CTL_FORMAT_ALL, arguments, output, &error))
        return EXIT_SUCCESS;
    return ctl_command_print_error(error);
}

const CtlCommand ctl_command_show = {
    .name = "show",
    .argument = N_("[READER]"),
    .summary = N_("Show all details of a reader and its card"),
    .description =
        N_("Includes details that are not known, and the parts of the card's ATR (ISO/IEC\n"
           "7816-3). READER may be left out when there is only one.\n"
           "\n"
           "JSON is the same as for 'status'."),
    .reader = CTL_READER_MAYBE,
    .options = CTL_OPTION_TIMEOUT,
    .run = run_show,
};
