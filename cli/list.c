/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * smartcardctl list: one reader a line. On a terminal a table for people, into a pipe fields
 * separated by tabs, which no name can hold: it would be escaped.
 */

#include <glib/gi18n.h>
#include <stdlib.h>

#include "client.h"
#include "command.h"
#include "describe.h"
#include "json.h"
#include "text.h"

static void
print_json(GArray *readers, ScdOutput *output)
{
    g_autofree char *text = scd_json_readers(readers);
    scd_output_line(output, text);
}

static void
print_fields(GArray *readers, ScdOutput *output)
{
    for (guint i = 0; i < readers->len; i++) {
        const ScdReaderView *reader = &g_array_index(readers, ScdReaderView, i);
        g_autofree char *name = scd_describe_reader(reader);
        g_autofree char *atr = scd_describe_atr(reader, FALSE);
        g_autofree char *card = scd_describe_card(reader);
        g_autofree char *line =
            g_strjoin("\t", name, scd_describe_state(reader).word, atr, card, NULL);
        scd_output_line(output, line);
    }
}

typedef struct {
    guint name;
    guint state;
} Widths;

static Widths
measure(GArray *readers)
{
    Widths widths = {scd_text_width(_("READER")), scd_text_width(_("STATE"))};

    for (guint i = 0; i < readers->len; i++) {
        const ScdReaderView *reader = &g_array_index(readers, ScdReaderView, i);
        g_autofree char *name = scd_describe_reader(reader);
        widths.name = MAX(widths.name, scd_text_width(name));
        widths.state = MAX(widths.state, scd_text_width(scd_describe_state(reader).text));
    }
    return widths;
}

/* A card that has no room beside its reader comes below it. */
static void
print_row(ScdOutput *output, Widths widths, const char *name, const char *state, const char *card)
{
    gboolean fits =
        widths.name + 2 + widths.state + 2 + scd_text_width(card) <= scd_output_columns(output);
    g_autofree char *first = scd_text_pad(name, widths.name);
    g_autofree char *second = fits ? scd_text_pad(state, widths.state) : g_strdup(state);
    g_autofree char *line = g_strconcat(first, "  ", second, fits ? "  " : "\n  ", card, NULL);

    scd_output_line(output, g_strchomp(line));
}

static void
print_table(GArray *readers, ScdOutput *output)
{
    Widths widths = measure(readers);

    print_row(output, widths, _("READER"), _("STATE"), _("CARD"));
    for (guint i = 0; i < readers->len; i++) {
        const ScdReaderView *reader = &g_array_index(readers, ScdReaderView, i);
        g_autofree char *name = scd_describe_reader(reader);
        g_autofree char *card = scd_describe_card(reader);
        print_row(output, widths, name, scd_describe_state(reader).text, card);
    }
}

static int
run(const ScdArguments *arguments, ScdOutput *output)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GDBusConnection) bus = scd_client_connect(&error);
    g_autoptr(ScdMirror) mirror = bus ? scd_client_load(bus, &error) : NULL;

    if (!mirror) {
        scd_output_complain(error->message);
        return EXIT_FAILURE;
    }
    g_autoptr(GArray) readers = scd_mirror_readers(mirror);
    if (arguments->json)
        print_json(readers, output);
    else if (readers->len == 0)
        scd_output_note(output, _("No readers are connected."));
    else if (scd_output_is_terminal(output))
        print_table(readers, output);
    else
        print_fields(readers, output);
    return EXIT_SUCCESS;
}

const ScdCommand scd_command_list = {
    .name = "list",
    .summary = N_("Show the readers, one a line"),
    .description = N_("Into a pipe or a file each line has four fields separated by tabs: the\n"
                      "reader's name; 'empty', 'card', or 'mute' for a card that does not answer;\n"
                      "the card's ATR in hexadecimal; and what the card is.\n"
                      "\n"
                      "JSON is the same as that of 'status'."),
    .run = run,
};
