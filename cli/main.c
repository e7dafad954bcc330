/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * smartcardctl: the command line. The table below has all sub-commands. Whatever is wrong with the
 * arguments is told in one line, with exit status 2; what fails later gives 1.
 */

#include <fcntl.h>
#include <glib/gi18n.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli-config.h"
#include "command.h"
#include "text.h"

#define STATUS_USAGE 2
#define USAGE_COLUMNS 17 /* of a command and its argument in the help */

typedef struct {
    const char *name;
    const char *argument; /* as in the help; NULL when there is none */
    const char *summary;
    const char *description;
    int (*run)(const ScdArguments *arguments, ScdOutput *output);
} Command;

static const Command commands[] = {
    {
        "list",
        NULL,
        N_("Show the readers, one a line"),
        N_("Into a pipe or a file each line has four fields separated by tabs: the\n"
           "reader's name; 'empty', 'card', or 'mute' for a card that does not answer;\n"
           "the card's ATR in hexadecimal; and what the card is.\n"
           "\n"
           "JSON is the same as that of 'status'."),
        scd_command_list,
    },
    {
        "status",
        N_("[READER]"),
        N_("Show all that is known of one reader, or of every reader"),
        N_("READER is a reader's name, its serial number, or its object path on D-Bus.\n"
           "\n"
           "JSON is an array of readers, or one reader if one is named. The keys are the\n"
           "names of the D-Bus properties in lower case with hyphens ('usb-path' is\n"
           "UsbPath); 'path' is the object path, 'card' is an object or null, and bytes\n"
           "('atr') are hexadecimal."),
        scd_command_status,
    },
    {
        "monitor",
        NULL,
        N_("Show which cards and readers come and go, until Ctrl-C"),
        N_("Into a pipe or a file each line has five fields separated by tabs: the\n"
           "time; the event; the reader's name; the card's ATR in hexadecimal; and what\n"
           "the card is, or why it happened.\n"
           "\n"
           "JSON is one object a line with 'time' and 'event'; where they apply 'reader',\n"
           "'reader-path', 'card-path', and the card's properties ('atr', 'protocols',\n"
           "'names', ...); and 'reason' where there is one.\n"
           "\n"
           "The events are reader-present and card-present for what is there already,\n"
           "reader-connected, reader-removed, card-inserted, card-removed, card-mute,\n"
           "pcscd-gone, pcscd-back, service-gone and service-back. After service-gone\n"
           "nothing is known; after service-back comes what is present then.\n"
           "\n"
           "The exit status is 0 after Ctrl-C or SIGTERM, and when the reading end of the\n"
           "pipe is closed."),
        scd_command_monitor,
    },
};

typedef struct {
    gboolean help;
    gboolean json;
    gboolean version;
} Options;

static int
complain_about_usage(const char *problem)
{
    g_autofree char *hint = g_strdup_printf(_("try '%s --help'"), g_get_prgname());
    g_autofree char *message = g_strdup_printf("%s (%s)", problem, hint);

    scd_output_complain(message);
    return STATUS_USAGE;
}

/* GOption passes over the value of an option that takes none, as all of ours do. */
static const char *
find_option_with_value(char **argv)
{
    for (char **at = argv; *at && !g_str_equal(*at, "--"); at++) {
        if (g_str_has_prefix(*at, "--") && strchr(*at, '='))
            return *at;
    }
    return NULL;
}

static GOptionContext *
new_context(const GOptionEntry *entries, const char *arguments)
{
    GOptionContext *context = g_option_context_new(arguments);

    g_option_context_add_main_entries(context, entries, GETTEXT_PACKAGE);
    g_option_context_set_help_enabled(context, FALSE); /* ours notices a full disk */
    return context;
}

static int
print_help(GOptionContext *context, ScdOutput *output)
{
    g_autofree char *help = g_option_context_get_help(context, TRUE, NULL);

    scd_output_line(output, g_strchomp(help));
    return EXIT_SUCCESS;
}

/* In the locale's encoding or, as a path or name may be copied from elsewhere, in UTF-8. */
static char *
decode(const char *argument)
{
    if (g_utf8_validate(argument, -1, NULL))
        return g_strdup(argument);
    return g_locale_to_utf8(argument, -1, NULL, NULL, NULL);
}

/* rest: what is no option, NULL when there is nothing. */
static int
run_with_rest(const Command *command, gboolean json, char **rest, ScdOutput *output)
{
    ScdArguments arguments = {.json = json};
    g_autofree char *reader = NULL;

    if (!rest)
        return command->run(&arguments, output);
    if (!command->argument) {
        g_autofree char *problem = g_strdup_printf(_("'%s' is one argument too many"), rest[0]);
        return complain_about_usage(problem);
    }
    if (rest[1])
        return complain_about_usage(_("more than one reader; a name with spaces needs quotes"));
    reader = decode(rest[0]);
    if (!reader || !*reader)
        return complain_about_usage(_("the name of the reader is empty or no text"));
    arguments.reader = reader;
    return command->run(&arguments, output);
}

/* argv[0] is the command's name. */
static int
run_command(const Command *command, gboolean json, int argc, char **argv, ScdOutput *output)
{
    g_autofree char *name = g_strdup_printf("%s %s", g_get_prgname(), command->name);
    Options options = {.json = json};
    g_auto(GStrv) rest = NULL;
    const GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &options.json, N_("Print JSON, for scripts"), NULL},
        {"help", 'h', 0, G_OPTION_ARG_NONE, &options.help, N_("Show this help"), NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &rest, NULL, command->argument},
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GOptionContext) context = new_context(entries, NULL);
    g_autoptr(GError) error = NULL;

    g_set_prgname(name);
    g_option_context_set_summary(context, _(command->summary));
    g_option_context_set_description(context, _(command->description));
    if (!g_option_context_parse(context, &argc, &argv, &error))
        return complain_about_usage(error->message);
    if (options.help)
        return print_help(context, output);
    return run_with_rest(command, options.json, rest, output);
}

static char *
list_commands(void)
{
    GString *list = g_string_new(_("Smart card readers and cards, as smartcardd sees them."));

    g_string_append_printf(list, "\n\n%s", _("Commands:"));
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++) {
        const char *argument = commands[i].argument ? _(commands[i].argument) : NULL;
        g_autofree char *usage = g_strjoin(" ", commands[i].name, argument, NULL);
        g_autofree char *padded = scd_text_pad(usage, USAGE_COLUMNS);
        g_string_append_printf(list, "\n  %s  %s", padded, _(commands[i].summary));
    }
    return g_string_free(list, FALSE);
}

static int
dispatch(gboolean json, int argc, char **argv, ScdOutput *output)
{
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (g_str_equal(argv[0], commands[i].name))
            return run_command(&commands[i], json, argc, argv, output);
    }
    g_autofree char *problem = g_strdup_printf(_("there is no command '%s'"), argv[0]);
    return complain_about_usage(problem);
}

static int
run(int argc, char **argv, ScdOutput *output)
{
    const char *with_value = find_option_with_value(argv + 1);
    Options options = {0};
    const GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &options.json, N_("Print JSON, for scripts"), NULL},
        {"help", 'h', 0, G_OPTION_ARG_NONE, &options.help, N_("Show this help"), NULL},
        {"version", 0, 0, G_OPTION_ARG_NONE, &options.version, N_("Show the version"), NULL},
        G_OPTION_ENTRY_NULL,
    };
    g_autofree char *summary = list_commands();
    g_autoptr(GOptionContext) context = new_context(entries, _("COMMAND"));
    g_autoptr(GError) error = NULL;

    if (with_value) {
        g_autofree char *problem = g_strdup_printf(_("'%s': no option has a value"), with_value);
        return complain_about_usage(problem);
    }
    g_option_context_set_strict_posix(context, TRUE);
    g_option_context_set_summary(context, summary);
    if (!g_option_context_parse(context, &argc, &argv, &error))
        return complain_about_usage(error->message);
    if (options.help)
        return print_help(context, output);
    if (options.version) {
        scd_output_line(output, "smartcardctl " PROJECT_VERSION);
        return EXIT_SUCCESS;
    }
    if (argc > 1)
        return dispatch(options.json, argc - 1, argv + 1, output);
    g_autofree char *help = g_option_context_get_help(context, TRUE, NULL);
    g_printerr("%s", help);
    return STATUS_USAGE;
}

/*
 * A standard stream that is closed would be the next file that is opened, such as the connection
 * to the bus. What stands in for it here refuses to be written to, which is noticed.
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

int
main(int argc, char **argv)
{
    setlocale(LC_ALL, "");
    bindtextdomain(GETTEXT_PACKAGE, LOCALEDIR);
    bind_textdomain_codeset(GETTEXT_PACKAGE, "UTF-8");
    textdomain(GETTEXT_PACKAGE);
    occupy_standard_streams();
    g_set_prgname("smartcardctl");

    g_autoptr(ScdOutput) output = scd_output_new();
    int status = run(argc, argv, output);
    int written = scd_output_finish(output);
    return status ? status : written;
}
