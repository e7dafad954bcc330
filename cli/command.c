/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "command.h"

#include <glib/gi18n.h>
#include <smartcardd-glib.h>
#include <stdlib.h>
#include <string.h>

#include "cli-config.h"
#include "output.h"

#define LONGEST_TIMEOUT_S (G_MAXINT / 1000)

GQuark
ctl_error_quark(void)
{
    return g_quark_from_static_string("ctl-error-quark");
}

static const struct {
    SmartcarddError code;
    CtlExitStatus status;
} service_errors[] = {
    {SMARTCARDD_ERROR_TIMEOUT, CTL_STATUS_TIMEOUT},
    {SMARTCARDD_ERROR_UNKNOWN_READER, CTL_STATUS_NO_READER},
    {SMARTCARDD_ERROR_READER_UNAVAILABLE, CTL_STATUS_NO_READER},
    {SMARTCARDD_ERROR_UNKNOWN_OBJECT, CTL_STATUS_NO_READER},
    {SMARTCARDD_ERROR_NO_SMARTCARD, CTL_STATUS_NO_CARD},
    {SMARTCARDD_ERROR_REMOVED_CARD, CTL_STATUS_NO_CARD},
    {SMARTCARDD_ERROR_UNPOWERED_CARD, CTL_STATUS_NO_CARD},
    {SMARTCARDD_ERROR_UNRESPONSIVE_CARD, CTL_STATUS_NO_CARD},
    {SMARTCARDD_ERROR_NOT_AUTHORIZED, CTL_STATUS_REFUSED},
    {SMARTCARDD_ERROR_INTERACTION_REQUIRED, CTL_STATUS_REFUSED},
    {SMARTCARDD_ERROR_SECURITY_VIOLATION, CTL_STATUS_REFUSED},
    {SMARTCARDD_ERROR_BUS_ACCESS_DENIED, CTL_STATUS_REFUSED},
    {SMARTCARDD_ERROR_NO_SERVICE, CTL_STATUS_NO_SERVICE},
    {SMARTCARDD_ERROR_SERVICE_STOPPED, CTL_STATUS_NO_SERVICE},
    {SMARTCARDD_ERROR_SHUTDOWN, CTL_STATUS_NO_SERVICE},
    {SMARTCARDD_ERROR_SERVICE_NOT_FOUND, CTL_STATUS_NO_SERVICE},
    {SMARTCARDD_ERROR_SERVICE_UNREACHABLE, CTL_STATUS_NO_SERVICE},
    {SMARTCARDD_ERROR_SERVICE_TOO_OLD, CTL_STATUS_NO_SERVICE},
    {SMARTCARDD_ERROR_SHARING_VIOLATION, CTL_STATUS_IN_USE},
};

int
ctl_exit_status_get(const GError *error)
{
    if (error->domain == CTL_ERROR)
        return error->code;
    for (gsize i = 0; i < G_N_ELEMENTS(service_errors); i++) {
        if (g_error_matches(error, SMARTCARDD_ERROR, (int)service_errors[i].code))
            return (int)service_errors[i].status;
    }
    return EXIT_FAILURE;
}

int
ctl_command_print_usage_error(const char *problem)
{
    g_autofree char *hint = g_strdup_printf(_("try '%s --help'"), g_get_prgname());
    g_autofree char *message = g_strdup_printf("%s (%s)", problem, hint);

    ctl_output_print_error(message);
    return CTL_STATUS_USAGE;
}

int
ctl_command_print_error(const GError *error)
{
    ctl_output_print_error(error->message);
    return ctl_exit_status_get(error);
}

GOptionContext *
ctl_arguments_new_context(const char *arguments)
{
    GOptionContext *context = g_option_context_new(arguments);

    g_option_context_set_help_enabled(context, FALSE);
    return context;
}

int
ctl_arguments_print_help(GOptionContext *context, CtlOutput *output)
{
    g_autofree char *help = g_option_context_get_help(context, TRUE, NULL);

    ctl_output_line(output, g_strchomp(help));
    return EXIT_SUCCESS;
}

/* Returns the problem with the number of words, NULL when there is none. */
static char *
check_word_count(const CtlCommand *command, const CtlArguments *arguments, char **words)
{
    guint n = g_strv_length(words);

    if (arguments->check)
        return n == 0 ? NULL : g_strdup_printf(_("unexpected argument '%s'"), words[0]);
    if (n < command->min_operands + (command->reader == CTL_READER_ALWAYS))
        return g_strdup_printf(_("arguments are missing: %s"), _(command->argument));
    if (n <= command->max_operands + (command->reader != CTL_READER_NEVER))
        return NULL;
    if (!command->argument)
        return g_strdup_printf(_("unexpected argument '%s'"), words[0]);
    return g_strdup(_("too many arguments; put quotes around a name with spaces"));
}

static gboolean
has_reader_word(const CtlCommand *command, char **words)
{
    return command->reader == CTL_READER_ALWAYS ||
           (command->reader == CTL_READER_MAYBE && g_strv_length(words) > command->max_operands);
}

static int
run_with_words(const CtlCommand *command, CtlArguments *arguments, char **words, CtlOutput *output)
{
    g_autofree char *problem = check_word_count(command, arguments, words);
    g_autofree char *reader = NULL;

    if (problem)
        return ctl_command_print_usage_error(problem);
    if (has_reader_word(command, words)) {
        reader = ctl_text_from_argument(*words++);
        if (!reader || !*reader)
            return ctl_command_print_usage_error(
                _("the name of the reader is empty or not valid text"));
    }
    arguments->reader = reader;
    arguments->operands = (const char *const *)words;
    return command->run(arguments, output);
}

typedef struct {
    CtlArguments arguments;
    gboolean help;
    char *timeout;
    char *count;
    char *atr;
    char *card;
    char *program;
    char *protocol;
    GStrv not_readers;
    char *host;
    GStrv words; /* the arguments that are not options, NULL when there are none */
} ParsedArguments;

static void
clear_parsed_arguments(ParsedArguments *parsed)
{
    g_free(parsed->timeout);
    g_free(parsed->host);
    g_free(parsed->count);
    g_free(parsed->atr);
    g_free(parsed->card);
    g_free(parsed->program);
    g_free(parsed->protocol);
    g_strfreev(parsed->not_readers);
    g_strfreev(parsed->words);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ParsedArguments, clear_parsed_arguments)

/* The help of all commands with a reader ends with the same paragraph. */
static char *
build_description(const CtlCommand *command)
{
    if (command->reader == CTL_READER_NEVER)
        return g_strdup(_(command->description));
    return g_strjoin(
        "\n\n", _(command->description),
        _("READER is an alias, a USB port or path ('1-3.1', '1-3.1:1.0'), a serial\n"
          "number, a name as shown by 'smartcardctl list' or a part of it that no other\n"
          "reader has, in upper or lower case, or an object path as shown by\n"
          "'smartcardctl show'."),
        NULL);
}

/* Parses a decimal number of seconds, independently of the locale. */
static gboolean
parse_timeout(const char *text, gint64 *timeout_us)
{
    char *end;
    double seconds = g_ascii_strtod(text, &end);

    /* Excludes signs, exponents and hexadecimal digits. */
    if (!strpbrk(text, "0123456789") || strspn(text, "0123456789.") != strlen(text) || *end)
        return FALSE;
    if (seconds > LONGEST_TIMEOUT_S)
        return FALSE;
    *timeout_us = (gint64)(seconds * G_USEC_PER_SEC);
    return TRUE;
}

/* Parses the values of options. Returns the problem with them, NULL when there is none. */
static const char *
parse_values(ParsedArguments *parsed)
{
    static const char *const protocols[] = {"T=0", "T=1", "raw", NULL};
    CtlArguments *arguments = &parsed->arguments;
    guint64 count = 0;

    if (parsed->timeout && !parse_timeout(parsed->timeout, &arguments->timeout_us))
        return _("--timeout takes a number of seconds, such as 30 or 0.5");
    if (parsed->count && !g_ascii_string_to_unsigned(parsed->count, 10, 1, G_MAXUINT, &count, NULL))
        return _("--count takes a number from 1");
    if (parsed->card && !g_variant_is_object_path(parsed->card))
        return _("--card takes the object path of a card, as shown by 'smartcardctl show'");
    if (parsed->not_readers && g_strv_contains((const char *const *)parsed->not_readers, ""))
        return _("--not takes the name of a reader");
    if (parsed->protocol && !g_strv_contains(protocols, parsed->protocol))
        return _("--protocol takes T=0, T=1 or raw");
    arguments->timeout = parsed->timeout;
    arguments->count = (guint)count;
    arguments->atr = parsed->atr;
    arguments->card = parsed->card;
    arguments->program = parsed->program;
    arguments->protocol = parsed->protocol;
    arguments->not_readers = (const char *const *)parsed->not_readers;
    return NULL;
}

/* ssh must not take it for an option. Returns the problem with it, NULL when there is none. */
static const char *
check_host(const CtlCommand *command, const char *host)
{
    if (!host)
        return NULL;
    if (command->has_program)
        return _("--host cannot be used with this command");
    const char *at = strrchr(host, '@');
    const char *name = at ? at + 1 : host;
    return *host == '-' || *name == '-' || *name == '\0' ? _("--host takes HOST or USER@HOST")
                                                         : NULL;
}

/* Returns the problem with the options, NULL when there is none. */
static const char *
check_options(ParsedArguments *parsed, CtlOutput *output)
{
    CtlArguments *arguments = &parsed->arguments;

    if (arguments->raw && arguments->json)
        return _("--raw and --json cannot be used together");
    if (arguments->raw && ctl_output_is_terminal(output))
        return _("--raw does not write to a terminal; redirect the output to a file or a pipe");
    return parse_values(parsed);
}

/* An option without a value, which sets a field of CtlArguments. */
static const struct {
    CtlOptions option;
    const char *name;
    gsize field;
    const char *text;
} flags[] = {
#define FLAG(option, name, field, text)                          \
    {                                                            \
        option, name, G_STRUCT_OFFSET(CtlArguments, field), text \
    }
    FLAG(CTL_OPTION_CHECK, "check", check, N_("Check that programs can use smartcardd")),
    FLAG(CTL_OPTION_FOLLOW, "follow", follow, N_("Get the full response after 61xx and 6Cxx")),
    FLAG(CTL_OPTION_NEW, "new", only_new, N_("Ignore cards that are present already")),
    FLAG(CTL_OPTION_REMOVAL, "removal", removal, N_("Wait until the card is removed")),
    FLAG(CTL_OPTION_MUTE, "mute", mute, N_("Accept cards that do not answer")),
    FLAG(CTL_OPTION_COLD, "cold", cold, N_("Take the power from the card")),
    FLAG(CTL_OPTION_REMOVE, "remove", remove, N_("Remove the alias")),
    FLAG(CTL_OPTION_BY_SERIAL, "serial", by_serial,
         N_("Bind the alias to the serial number, not to the port")),
    FLAG(CTL_OPTION_SERIALS, "serials", serials,
         N_("Include serial numbers and other identifying data")),
    FLAG(CTL_OPTION_VERBOSE, "verbose", verbose, N_("Explain each byte of the ATR")),
    FLAG(CTL_OPTION_RAW_COMMAND, "raw-command", raw_command,
         N_("Allow commands of fewer than 4 bytes")),
    FLAG(CTL_OPTION_RAW, "raw", raw, N_("Write bytes, not hexadecimal digits")),
#undef FLAG
};

/* An option with a value, a field of ParsedArguments. */
static const struct {
    CtlOptions option;
    const char *name;
    GOptionArg type;
    gsize field;
    const char *text;
    const char *value;
} values[] = {
#define VALUE(option, name, type, field, text, value)                                           \
    {                                                                                           \
        option, name, G_OPTION_ARG_##type, G_STRUCT_OFFSET(ParsedArguments, field), text, value \
    }
    VALUE(CTL_OPTION_ATR, "atr", STRING, atr, N_("Accept only cards with this ATR"),
          N_("HEX[/MASK]")),
    VALUE(CTL_OPTION_CARD, "card", STRING, card, N_("Accept only the card with this object path"),
          N_("PATH")),
    VALUE(CTL_OPTION_NOT, "not", STRING_ARRAY, not_readers, N_("Ignore this reader"), N_("READER")),
    VALUE(CTL_OPTION_PROTOCOL, "protocol", STRING, protocol,
          N_("Use this protocol: T=0, T=1 or raw"), N_("PROTOCOL")),
    VALUE(CTL_OPTION_COUNT, "count", STRING, count, N_("Stop after this number of them"),
          N_("NUMBER")),
    VALUE(CTL_OPTION_EXEC, "exec", FILENAME, program, N_("Run this for each event"), N_("COMMAND")),
    VALUE(CTL_OPTION_TIMEOUT, "timeout", STRING, timeout,
          N_("Stop after this time; 0: do not wait"), N_("SECONDS")),
#undef VALUE
};

gboolean
ctl_arguments_takes_value(const char *option)
{
    if (g_str_has_prefix(option, "--host="))
        return TRUE;
    for (gsize i = 0; i < G_N_ELEMENTS(values); i++) {
        gsize length = strlen(values[i].name);
        if (strncmp(option + 2, values[i].name, length) == 0 && option[2 + length] == '=')
            return TRUE;
    }
    return FALSE;
}

/* Adds the options of the command. entries: has room for all, and stays empty behind the last. */
static void
list_options(const CtlCommand *command, ParsedArguments *parsed, GOptionEntry *entries)
{
    for (gsize i = 0; i < G_N_ELEMENTS(flags); i++) {
        if (command->options & flags[i].option)
            *entries++ = (GOptionEntry){flags[i].name,
                                        0,
                                        0,
                                        G_OPTION_ARG_NONE,
                                        G_STRUCT_MEMBER_P(&parsed->arguments, flags[i].field),
                                        flags[i].text,
                                        NULL};
    }
    for (gsize i = 0; i < G_N_ELEMENTS(values); i++) {
        if (command->options & values[i].option)
            *entries++ = (GOptionEntry){values[i].name,
                                        0,
                                        0,
                                        values[i].type,
                                        G_STRUCT_MEMBER_P(parsed, values[i].field),
                                        values[i].text,
                                        values[i].value};
    }
}

static gboolean
parse_arguments(const CtlCommand *command, ParsedArguments *parsed, GOptionContext *context,
                int argc, char **argv, GError **error)
{
    const GOptionEntry common[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &parsed->arguments.json, N_("Print JSON, for scripts"),
         NULL},
        {"help", 'h', 0, G_OPTION_ARG_NONE, &parsed->help, N_("Show this help"), NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &parsed->words, NULL,
         command->argument},
        G_OPTION_ENTRY_NULL,
    };
    const GOptionEntry remote[] = {
        {"no-ask-password", 0, 0, G_OPTION_ARG_NONE, &parsed->arguments.no_ask_password,
         N_("Do not ask for a password"), NULL},
        {"host", 'H', 0, G_OPTION_ARG_STRING, &parsed->host,
         N_("Use the readers of another machine"), N_("HOST")},
        G_OPTION_ENTRY_NULL,
    };
    GOptionEntry own[G_N_ELEMENTS(flags) + G_N_ELEMENTS(values) + 1] = {0};

    list_options(command, parsed, own);
    g_option_context_add_main_entries(context, own, GETTEXT_PACKAGE);
    if (!command->has_program)
        g_option_context_add_main_entries(context, remote, GETTEXT_PACKAGE);
    g_option_context_add_main_entries(context, common, GETTEXT_PACKAGE);
    g_option_context_set_strict_posix(context, command->has_program);
    return g_option_context_parse(context, &argc, &argv, error);
}

int
ctl_arguments_run(const CtlCommand *command, const CtlCommonOptions *common, int argc, char **argv,
                  CtlOutput *output)
{
    g_autofree char *name = g_strdup_printf("%s %s", g_get_prgname(), command->name);
    g_auto(ParsedArguments) parsed = {.arguments = {.json = common->json,
                                                    .no_ask_password = common->no_ask_password,
                                                    .timeout_us = -1}};
    g_autofree char *description = build_description(command);
    g_autoptr(GOptionContext) context = ctl_arguments_new_context(NULL);
    char *nothing[] = {NULL};
    g_autoptr(GError) error = NULL;

    g_set_prgname(name);
    g_option_context_set_summary(context, _(command->summary));
    g_option_context_set_description(context, description);
    if (!parse_arguments(command, &parsed, context, argc, argv, &error))
        return ctl_command_print_usage_error(error->message);
    if (parsed.help)
        return ctl_arguments_print_help(context, output);

    parsed.arguments.host = parsed.host ? parsed.host : common->host;
    const char *wrong = check_host(command, parsed.arguments.host);
    if (!wrong)
        wrong = check_options(&parsed, output);
    if (wrong)
        return ctl_command_print_usage_error(wrong);
    return run_with_words(command, &parsed.arguments, parsed.words ? parsed.words : nothing,
                          output);
}
