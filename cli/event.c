/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "event.h"

#include <glib/gi18n.h>

#include "json.h"
#include "output.h"
#include "reader-view.h"

typedef struct {
    const char *word; /* for scripts */
    const char *text; /* translated, for a person */
    gboolean of_card;
} EventName;

static const EventName kinds[] = {
    [CTL_EVENT_READER_PRESENT] = {"reader-present", N_("reader present"), FALSE},
    [CTL_EVENT_CARD_PRESENT] = {"card-present", N_("card present"), TRUE},
    [CTL_EVENT_READER_CONNECTED] = {"reader-connected", N_("reader connected"), FALSE},
    [CTL_EVENT_READER_REMOVED] = {"reader-removed", N_("reader removed"), FALSE},
    [CTL_EVENT_CARD_INSERTED] = {"card-inserted", N_("card inserted"), TRUE},
    [CTL_EVENT_CARD_REMOVED] = {"card-removed", N_("card removed"), TRUE},
    [CTL_EVENT_CARD_MUTE] = {"card-mute", N_("card mute"), TRUE},
    [CTL_EVENT_PCSCD_GONE] = {"pcscd-gone", N_("pcscd gone"), FALSE},
    [CTL_EVENT_PCSCD_BACK] = {"pcscd-back", N_("pcscd back"), FALSE},
    [CTL_EVENT_SERVICE_GONE] = {"service-gone", N_("service gone"), FALSE},
    [CTL_EVENT_SERVICE_BACK] = {"service-back", N_("service back"), FALSE},
};
G_STATIC_ASSERT(G_N_ELEMENTS(kinds) == CTL_N_EVENTS);

const char *
ctl_event_get_word(CtlEventKind kind)
{
    return kinds[kind].word;
}

gboolean
ctl_event_is_of_start(CtlEventKind kind)
{
    return kind == CTL_EVENT_READER_PRESENT || kind == CTL_EVENT_CARD_PRESENT;
}

static char *
format_time_of_day(GDateTime *time)
{
    g_autofree char *seconds = g_date_time_format(time, "%H:%M:%S");
    return g_strdup_printf("%s.%03d", seconds, g_date_time_get_microsecond(time) / 1000);
}

/* ISO 8601, with the offset from UTC. */
static char *
format_timestamp(GDateTime *time)
{
    g_autofree char *date = g_date_time_format(time, "%Y-%m-%d");
    g_autofree char *of_day = format_time_of_day(time);
    g_autofree char *zone = g_date_time_format(time, "%:z");
    return g_strconcat(date, "T", of_day, zone, NULL);
}

CtlReaderView
ctl_event_get_reader(const CtlEvent *event)
{
    CtlReaderView reader = event->reader;

    if (!kinds[event->kind].of_card) {
        reader.card_path = NULL;
        reader.card = NULL;
    }
    return reader;
}

static char *
get_reader_name(const CtlEvent *event)
{
    return event->reader.properties ? ctl_describe_reader(&event->reader) : g_strdup("");
}

/* Returns the type of the card, or the reason for the event. */
static char *
describe_detail(const CtlEvent *event, gboolean translated)
{
    CtlReaderView reader = ctl_event_get_reader(event);

    if (event->reason)
        return ctl_text_escape(event->reason, FALSE);
    if (event->kind == CTL_EVENT_CARD_MUTE)
        return g_strdup(translated ? _("the card no longer answers")
                                   : "the card no longer answers");
    return ctl_describe_card(&reader, translated);
}

static void
add_reader_members(JsonBuilder *builder, const CtlReaderView *reader)
{
    ctl_json_add_text(builder, "reader", ctl_property_text(reader->properties, "Name"));
    ctl_json_add_text(builder, "reader-path", reader->path);
    if (!reader->card)
        return;
    ctl_json_add_text(builder, "card-path", reader->card_path);
    ctl_json_add_properties(builder, reader->card);
}

static char *
format_as_json(const CtlEvent *event, GDateTime *time)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autofree char *timestamp = format_timestamp(time);
    CtlReaderView reader = ctl_event_get_reader(event);

    json_builder_begin_object(builder);
    ctl_json_add_text(builder, "time", timestamp);
    ctl_json_add_text(builder, "event", kinds[event->kind].word);
    if (reader.properties)
        add_reader_members(builder, &reader);
    if (event->reason)
        ctl_json_add_text(builder, "reason", event->reason);
    json_builder_end_object(builder);
    return ctl_json_to_text(builder, FALSE);
}

static char *
format_as_fields(const CtlEvent *event, GDateTime *time)
{
    CtlReaderView reader = ctl_event_get_reader(event);
    g_autofree char *timestamp = format_timestamp(time);
    g_autofree char *name = get_reader_name(event);
    g_autofree char *atr = ctl_describe_atr(&reader, FALSE);
    g_autofree char *detail = describe_detail(event, FALSE);

    return ctl_text_join_fields(timestamp, kinds[event->kind].word, name, atr, detail,
                                reader.card_path ? reader.card_path : "", NULL);
}

/* The width of the longest event, so that readers' names are aligned. */
static guint
measure_event_names(void)
{
    guint width = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++)
        width = MAX(width, ctl_text_width(_(kinds[i].text)));
    return width;
}

/* Appends to the current line if the part fits, else to a new line below the event. */
static void
append_part(GString *text, guint *taken, const char *part, guint columns, guint indentation)
{
    guint width = ctl_text_width(part);

    if (width == 0)
        return;
    if (*taken + 2 + width <= columns) {
        g_string_append_printf(text, "  %s", part);
        *taken += 2 + width;
    } else {
        g_string_append_printf(text, "\n%*s%s", (int)indentation, "", part);
        *taken = indentation + width;
    }
}

static char *
format_for_terminal(const CtlEvent *event, GDateTime *time, guint columns)
{
    CtlReaderView reader = ctl_event_get_reader(event);
    g_autofree char *timestamp = format_time_of_day(time);
    g_autofree char *kind = ctl_text_pad(_(kinds[event->kind].text), measure_event_names());
    g_autofree char *name = get_reader_name(event);
    g_autofree char *atr = ctl_describe_atr(&reader, TRUE);
    g_autofree char *detail = describe_detail(event, TRUE);

    GString *text = g_string_new(timestamp);
    guint taken = ctl_text_width(timestamp);
    guint indentation = taken + 2;
    append_part(text, &taken, kind, columns, indentation);
    append_part(text, &taken, name, columns, indentation);
    append_part(text, &taken, atr, columns, indentation);
    append_part(text, &taken, detail, columns, indentation);
    return g_strchomp(g_string_free(text, FALSE));
}

void
ctl_event_print(const CtlEvent *event, gboolean json, CtlOutput *output)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *text = json ? format_as_json(event, now)
                            : ctl_output_is_terminal(output)
                                ? format_for_terminal(event, now, ctl_output_columns(output))
                                : format_as_fields(event, now);

    ctl_output_line(output, text);
}
