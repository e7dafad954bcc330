/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* smartcardctl alias: the name that the administrator gives to a reader. */

#include <glib/gi18n.h>
#include <stdlib.h>

#include "command.h"
#include "json.h"
#include "property.h"
#include "reader.h"
#include "text.h"

/* What is wrong with options that do not go together, NULL when nothing is. */
static const char *
find_contradiction(const ScdArguments *arguments)
{
    const char *name = arguments->operands[0];

    if (arguments->remove && name)
        return _("--remove takes the alias away: leave the name out");
    if (arguments->by_serial && !name)
        return _("--serial is about a new alias: give the name");
    if (name && !*name)
        return _("the alias is empty: --remove takes one away");
    return NULL;
}

/* name: empty to take it away. */
static gboolean
set_alias(ScdReader *reader, const char *name, gboolean by_serial, GError **error)
{
    GVariant *options = g_variant_new_parsed(by_serial ? "{'bind': <'serial'>}" : "@a{sv} {}");
    g_autoptr(GVariant) answer =
        scd_reader_call(reader, reader->path, SCD_INTERFACE_READER, "SetAlias",
                        g_variant_new("(s@a{sv})", name, options), "()", error);

    return answer != NULL;
}

static char *
get_alias(ScdReader *reader, GError **error)
{
    g_autoptr(GVariant) answer =
        scd_reader_call(reader, reader->path, DBUS_INTERFACE_PROPERTIES, "GetAll",
                        g_variant_new("(s)", SCD_INTERFACE_READER), "(a{sv})", error);
    if (!answer)
        return NULL;
    g_autoptr(GVariant) properties = g_variant_get_child_value(answer, 0);
    return g_strdup(scd_property_text(properties, "Alias"));
}

static void
print(const char *alias, const ScdArguments *arguments, ScdOutput *output)
{
    g_autofree char *safe = scd_text_escape(alias, FALSE);
    g_autofree char *json = scd_json_single("alias", alias);

    if (arguments->json)
        scd_output_line(output, json);
    else if (*alias)
        scd_output_line(output, safe);
    else
        scd_output_note(output, _("The reader has no alias."));
}

static int
run(const ScdArguments *arguments, ScdOutput *output)
{
    const char *operand = arguments->operands[0];
    const char *wrong = find_contradiction(arguments);
    g_autofree char *name = operand ? scd_text_from_argument(operand) : g_strdup("");
    g_autoptr(GError) error = NULL;

    if (wrong)
        return scd_command_complain_about_usage(wrong);
    if (!name)
        return scd_command_complain_about_usage(_("the alias is no text"));
    g_autoptr(ScdReader) reader = scd_reader_choose(arguments, output, &error);
    if (!reader)
        return scd_command_fail(error);
    if ((operand || arguments->remove) && !set_alias(reader, name, arguments->by_serial, &error))
        return scd_command_fail(error);
    g_autofree char *alias = get_alias(reader, &error);
    if (!alias)
        return scd_command_fail(error);
    print(alias, arguments, output);
    return EXIT_SUCCESS;
}

const ScdCommand scd_command_alias = {
    .name = "alias",
    .argument = N_("READER [NAME]"),
    .summary = N_("Show the alias of a reader, or give it one"),
    .description =
        N_("An alias is a name of your own for a reader: every command takes it. It stays\n"
           "with the USB port, whatever reader is plugged in there, or with --serial with\n"
           "the reader, wherever that is plugged in. The administrator may have given\n"
           "aliases in /etc/smartcardd, which cannot be changed here.\n"
           "\n"
           "A new name takes the place of the old one. You may have to authenticate.\n"
           "\n"
           "Prints the alias as it is then; JSON is an object with 'alias', empty when\n"
           "there is none."),
    .reader = SCD_READER_ALWAYS,
    .max_operands = 1,
    .options = SCD_OPTION_REMOVE | SCD_OPTION_BY_SERIAL,
    .run = run,
};
