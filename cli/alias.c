/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* smartcardctl alias: shows or sets the name that the user chose for a reader. */

#include <glib/gi18n.h>
#include <stdlib.h>

#include "command.h"
#include "json.h"
#include "output.h"
#include "reader.h"

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

/* Returns why no alias can belong to the reader, NULL when one can. */
static const char *
find_missing_identity(const CtlReader *reader, gboolean by_serial)
{
    if (by_serial)
        return *smartcardd_reader_get_serial(reader->object)
                   ? NULL
                   : _("it has no serial number, to which an alias could belong");
    return *smartcardd_reader_get_usb_path(reader->object)
               ? NULL
               : _("its USB port is not known, so no alias can belong to it");
}

/* Sets the alias, or removes it if it is empty. */
static gboolean
set_alias(const CtlReader *reader, const char *alias, gboolean by_serial, GError **error)
{
    SmartcarddAliasBinding binding =
        by_serial ? SMARTCARDD_ALIAS_BINDING_SERIAL : SMARTCARDD_ALIAS_BINDING_PORT;
    const char *missing = *alias ? find_missing_identity(reader, by_serial) : NULL;

    if (missing) {
        g_set_error(error, CTL_ERROR, EXIT_FAILURE, _("reader '%s': %s"), reader->name, missing);
        return FALSE;
    }
    if (ctl_reader_set_alias(reader, alias, binding, error))
        return TRUE;
    if (g_error_matches(*error, SMARTCARDD_ERROR, SMARTCARDD_ERROR_INVALID_ARGS))
        g_prefix_error(error, "%s: ", _("this name cannot be an alias"));
    return FALSE;
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
    g_autofree char *name = operand ? ctl_text_from_argument(operand) : g_strdup("");
    g_autoptr(GError) error = NULL;

    if (wrong)
        return ctl_command_print_usage_error(wrong);
    if (!name)
        return ctl_command_print_usage_error(_("the alias is not valid text"));
    g_autoptr(CtlReader) reader = ctl_reader_choose(arguments, output, &error);
    if (!reader)
        return ctl_command_print_error(error);
    if ((operand || arguments->remove) && !set_alias(reader, name, arguments->by_serial, &error))
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
