/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * smartcardctl: the command line, with the table of all sub-commands. A problem with the arguments
 * is one line on the standard error and exit status 2; command.h has those of later errors.
 */

#include <fcntl.h>
#include <glib/gi18n.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli-config.h"
#include "command.h"
#include "output.h"
#include "waiting.h"

#define NAME_COLUMNS 10 /* width of a name in the help */

static const CtlCommand *const commands[] = {
    &ctl_command_list,    &ctl_command_status,     &ctl_command_show,       &ctl_command_monitor,
    &ctl_command_wait,    &ctl_command_alias,      &ctl_command_transmit,   &ctl_command_script,
    &ctl_command_reset,   &ctl_command_hold,       &ctl_command_verify_pin, &ctl_command_modify_pin,
    &ctl_command_control, &ctl_command_attributes, &ctl_command_who,        &ctl_command_report,
    &ctl_command_run,
};

typedef struct {
    CtlCommonOptions common;
    gboolean help;
    gboolean version;
} GlobalOptions;

static void
clear_global_options(GlobalOptions *options)
{
    g_free(options->common.host);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(GlobalOptions, clear_global_options)

/*
 * GOption ignores a value of an option that takes none. Returns such an option, or NULL. The
 * arguments of a program to run are not checked.
 */
static const char *
find_option_with_value(char **argv)
{
    for (char **at = argv;
         *at && !g_str_equal(*at, "--") && !g_str_equal(*at, ctl_command_run.name); at++) {
        if (g_str_has_prefix(*at, "--") && strchr(*at, '=') && !ctl_arguments_takes_value(*at))
            return *at;
    }
    return NULL;
}

static char *
format_command_list(void)
{
    GString *list =
        g_string_new(_("Show and use smart card readers and cards through smartcardd."));

    g_string_append_printf(list, "\n\n%s", _("Commands:"));
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++) {
        g_autofree char *padded = ctl_text_pad(commands[i]->name, NAME_COLUMNS);
        g_string_append_printf(list, "\n  %s  %s", padded, _(commands[i]->summary));
    }
    return g_string_free(list, FALSE);
}

static int
run_command(const CtlCommonOptions *common, int argc, char **argv, CtlOutput *output)
{
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (g_str_equal(argv[0], commands[i]->name))
            return ctl_arguments_run(commands[i], common, argc, argv, output);
    }
    g_autofree char *problem = g_strdup_printf(_("there is no command '%s'"), argv[0]);
    return ctl_command_print_usage_error(problem);
}

static int
run_command_line(int argc, char **argv, CtlOutput *output)
{
    const char *with_value = find_option_with_value(argv + 1);
    g_auto(GlobalOptions) options = {0};
    const GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &options.common.json, N_("Print JSON, for scripts"),
         NULL},
        {"no-ask-password", 0, 0, G_OPTION_ARG_NONE, &options.common.no_ask_password,
         N_("Do not ask for a password"), NULL},
        {"host", 'H', 0, G_OPTION_ARG_STRING, &options.common.host,
         N_("Use the readers of another machine"), N_("HOST")},
        {"help", 'h', 0, G_OPTION_ARG_NONE, &options.help, N_("Show this help"), NULL},
        {"version", 0, 0, G_OPTION_ARG_NONE, &options.version, N_("Show the version"), NULL},
        G_OPTION_ENTRY_NULL,
    };
    g_autofree char *summary = format_command_list();
    g_autoptr(GOptionContext) context = ctl_arguments_new_context(_("COMMAND"));
    g_autoptr(GError) error = NULL;

    if (with_value) {
        g_autofree char *problem =
            g_strdup_printf(_("'%s': this option takes no value"), with_value);
        return ctl_command_print_usage_error(problem);
    }
    g_option_context_add_main_entries(context, entries, GETTEXT_PACKAGE);
    g_option_context_set_strict_posix(context, TRUE);
    g_option_context_set_summary(context, summary);
    if (!g_option_context_parse(context, &argc, &argv, &error))
        return ctl_command_print_usage_error(error->message);
    if (options.help)
        return ctl_arguments_print_help(context, output);
    if (options.version) {
        ctl_output_line(output, "smartcardctl " PROJECT_VERSION);
        return EXIT_SUCCESS;
    }
    if (argc > 1)
        return run_command(&options.common, argc - 1, argv + 1, output);
    g_autofree char *help = g_option_context_get_help(context, TRUE, NULL);
    g_printerr("%s", help);
    return CTL_STATUS_USAGE;
}

/*
 * If a standard stream is closed, the next opened file, such as the connection to the bus, would
 * take its number. /dev/null takes it instead, opened for reading so that writing fails with an
 * error.
 */
static void
occupy_standard_streams(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

/* In a sandbox, where smartcardctl is that of the system, the catalogs are, too. */
static const char *
get_catalog_folder(void)
{
    return access(CTL_SANDBOX_FILE, F_OK) == 0 && access(CTL_HOST LOCALEDIR, F_OK) == 0
               ? CTL_HOST LOCALEDIR
               : LOCALEDIR;
}

int
main(int argc, char **argv)
{
    setlocale(LC_ALL, "");
    bindtextdomain(GETTEXT_PACKAGE, get_catalog_folder());
    bind_textdomain_codeset(GETTEXT_PACKAGE, "UTF-8");
    textdomain(GETTEXT_PACKAGE);
    occupy_standard_streams();
    g_set_prgname("smartcardctl");

    g_autoptr(CtlOutput) output = ctl_output_new();
    int status = run_command_line(argc, argv, output);
    int written = ctl_output_finish(output);
    ctl_waiting_end_by_signal();
    return status ? status : written;
}
