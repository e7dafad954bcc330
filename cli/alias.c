/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* smartcardctl alias: shows or sets the name that the user chose for a reader. */

#include <glib/gi18n.h>
#include <stdlib.h>

#include "command.h"
#include "json.h"
#include "reader.h"
#include "text.h"

/* Returns the problem with a combination of options, NULL when there is none. */
static const char *
find_option_conflict(const CtlArguments *arguments)
{
    const char *name = arguments->operands[0];

    if (arguments->remove && name)
        return _("--remove takes no name");
    if (arguments->by_serial && !name)
        return _("--serial needs a name for the new alias");
    if (name && !*name)
        return _("the alias is empty; use --remove to remove an alias");
    return NULL;
}

static void
print_alias(const char *alias, const CtlArguments *arguments, CtlOutput *output)
{
    g_autofree char *safe = ctl_text_escape(alias, FALSE);
    g_autofree char *json = ctl_json_single("alias", alias);

    if (arguments->json)
        ctl_output_line(output, json);
    else if (*alias)
        ctl_output_line(output, safe);
    else
        ctl_output_note(output, _("The reader has no alias."));
}

static int
run_alias(const CtlArguments *arguments, CtlOutput *output)
{
    const char *operand = arguments->operands[0];
    const char *wrong = find_option_conflict(arguments);
    SmartcarddAliasBinding binding =
        arguments->by_serial ? SMARTCARDD_ALIAS_BINDING_SERIAL : SMARTCARDD_ALIAS_BINDING_PORT;
    g_autofree char *name = operand ? ctl_text_from_argument(operand) : g_strdup("");
    g_autoptr(GError) error = NULL;

    if (wrong)
        return ctl_command_print_usage_error(wrong);
    if (!name)
        return ctl_command_print_usage_error(_("the alias is not valid text"));
    g_autoptr(CtlReader) reader = ctl_reader_choose(arguments, output, &error);
    if (!reader)
        return ctl_command_print_error(error);
    if ((operand || arguments->remove) && !ctl_reader_set_alias(reader, name, binding, &error))
        return ctl_command_print_error(error);
    print_alias(smartcardd_reader_get_alias(reader->object), arguments, output);
    return EXIT_SUCCESS;
}

const CtlCommand ctl_command_alias = {
    .name = "alias",
    .argument = N_("READER [NAME]"),
    .summary = N_("Show or set the alias of a reader"),
    .description =
        N_("An alias is a name that you choose for a reader; every command accepts it. It\n"
           "belongs to the USB port, whichever reader is plugged in there, or with --serial\n"
           "to the reader, wherever it is plugged in. Aliases that the administrator has\n"
           "set in /etc/smartcardd cannot be changed here.\n"
           "\n"
           "A new name replaces the old one. You may have to authenticate.\n"
           "\n"
           "Prints the alias as it is afterwards; JSON is an object with 'alias', which is\n"
           "empty when there is none."),
    .reader = CTL_READER_ALWAYS,
    .max_operands = 1,
    .options = CTL_OPTION_REMOVE | CTL_OPTION_BY_SERIAL | CTL_OPTION_TIMEOUT,
    .run = run_alias,
};
