/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "apdu-script.h"

#include <glib.h>
#include <glib/gi18n.h>
#include <string.h>

#include "base/error.h"
#include "input.h"

/* The values of the keys of a PIN entry: each function returns a floating value, or NULL if the
 * text is of another type. */

static GVariant *
parse_text(const char *text)
{
    return g_utf8_validate(text, -1, NULL) ? g_variant_new_string(text) : NULL;
}

static GVariant *
parse_number(const char *text)
{
    gboolean is_hex = g_str_has_prefix(text, "0x") || g_str_has_prefix(text, "0X");
    guint64 number;

    if (!g_ascii_string_to_unsigned(is_hex ? text + 2 : text, is_hex ? 16 : 10, 0, G_MAXUINT32,
                                    &number, NULL))
        return NULL;
    return g_variant_new_uint32((guint32)number);
}

static GVariant *
parse_truth(const char *text)
{
    gboolean is_true = g_str_equal(text, "yes") || g_str_equal(text, "true");

    if (!is_true && !g_str_equal(text, "no") && !g_str_equal(text, "false"))
        return NULL;
    return g_variant_new_boolean(is_true);
}

static GVariant *
parse_list(const char *text, const char *type, GVariant *(*parse_item)(const char *text))
{
    g_auto(GVariantBuilder) list = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE(type));
    g_auto(GStrv) items = g_strsplit(text, ",", -1);

    for (char **item = items; *item; item++) {
        GVariant *value = parse_item(*item);
        if (!value)
            return NULL;
        g_variant_builder_add_value(&list, value);
    }
    return g_variant_builder_end(&list);
}

static GVariant *
parse_texts(const char *text)
{
    return parse_list(text, "as", parse_text);
}

static GVariant *
parse_numbers(const char *text)
{
    return parse_list(text, "au", parse_number);
}

static const struct {
    const char *key;
    GVariant *(*parse)(const char *text);
} pin_keys[] = {
    {"charset", parse_text},
    {"encoding", parse_text},
    {"min-length", parse_number},
    {"max-length", parse_number},
    {"block-length", parse_number},
    {"justification", parse_text},
    {"pin-bit-offset", parse_number},
    {"length-bit-size", parse_number},
    {"length-bit-offset", parse_number},
    {"completion", parse_texts},
    {"entry-timeout-s", parse_number},
    {"key-timeout-s", parse_number},
    {"messages", parse_numbers},
    {"language", parse_number},
    {"ask-current", parse_truth},
    {"confirm-new", parse_truth},
    {"current-offset", parse_number},
    {"new-offset", parse_number},
};

static gboolean
add_pin_key(GVariantDict *format, const char *word, GError **error)
{
    const char *text = strchr(word, '=');
    g_autofree char *key = text ? g_strndup(word, (gsize)(text - word)) : g_strdup(word);

    for (gsize i = 0; text && i < G_N_ELEMENTS(pin_keys); i++) {
        if (!g_str_equal(pin_keys[i].key, key))
            continue;
        GVariant *value = pin_keys[i].parse(text + 1);
        if (value)
            g_variant_dict_insert_value(format, key, value);
        else
            g_set_error(error, SCD_ERROR, SCD_INVALID_ARGS, _("the value of '%s' is not valid"),
                        key);
        return value != NULL;
    }
    g_set_error(error, SCD_ERROR, SCD_INVALID_ARGS, _("the format of a PIN has no key '%s'"), key);
    return FALSE;
}

/*
 * Returns a dictionary, a{sv}, that the caller frees. words ends with NULL. Fails for an unknown
 * key and for a value of another type; the service checks the rest.
 */
static GVariant *
parse_pin_format(const char *const *words, GError **error)
{
    g_auto(GVariantDict) format = G_VARIANT_DICT_INIT(NULL);

    for (; *words; words++) {
        if (!add_pin_key(&format, *words, error))
            return NULL;
    }
    return g_variant_ref_sink(g_variant_dict_end(&format));
}

#define APDU_MIN 4          /* bytes: CLA, INS, P1 and P2 */
#define PIN_COMMAND_MAX 261 /* of the service; these and Lc, 255 bytes of data, and Le */

static void
free_step(gpointer data)
{
    CtlApduStep *step = data;

    g_free(step->where);
    g_clear_pointer(&step->command, g_bytes_unref);
    g_clear_pointer(&step->pin_format, g_variant_unref);
    g_free(step);
}

static GPtrArray *
new_steps(void)
{
    return g_ptr_array_new_with_free_func(free_step);
}

static CtlApduStep *
add_step(GPtrArray *steps)
{
    CtlApduStep *step = g_new0(CtlApduStep, 1);

    g_ptr_array_add(steps, step);
    return step;
}

static gboolean
parse_command(CtlApduStep *step, const char *hex, gboolean allow_short, GError **error)
{
    step->command = ctl_input_parse_hex(hex, error);
    if (!step->command || !scd_command_check(g_bytes_get_size(step->command), error))
        return FALSE;
    if (allow_short || g_bytes_get_size(step->command) >= APDU_MIN)
        return TRUE;
    g_set_error_literal(error, SCD_ERROR, SCD_INVALID_ARGS,
                        _("an APDU has at least 4 bytes; put quotes around one with spaces, or "
                          "use --raw-command"));
    return FALSE;
}

gboolean
ctl_apdu_script_parse_code(const char *text, guint32 *code, GError **error)
{
    gboolean is_hex = g_str_has_prefix(text, "0x") || g_str_has_prefix(text, "0X");
    guint64 number;

    if (g_ascii_string_to_unsigned(is_hex ? text + 2 : text, is_hex ? 16 : 10, 0, G_MAXUINT32,
                                   &number, NULL)) {
        *code = (guint32)number;
        return TRUE;
    }
    g_set_error_literal(
        error, SCD_ERROR, SCD_INVALID_ARGS,
        _("the control code is not a 32-bit number, decimal or hexadecimal with 0x"));
    return FALSE;
}

static void
prefix_step_error(const CtlApduStep *step, GError **error)
{
    if (step->where)
        g_prefix_error(error, "%s: ", step->where);
}

GPtrArray *
ctl_apdu_script_from_arguments(const char *const *arguments, gboolean allow_short, GError **error)
{
    g_autoptr(GPtrArray) steps = new_steps();

    for (guint i = 0; arguments[i]; i++) {
        CtlApduStep *step = add_step(steps);
        if (arguments[1])
            step->where = g_strdup_printf(_("command %u"), i + 1);
        if (!parse_command(step, arguments[i], allow_short, error)) {
            prefix_step_error(step, error);
            return NULL;
        }
    }
    return g_steal_pointer(&steps);
}

/* Returns the words of a line, which the caller frees; the line owns them. Modifies the line. */
static GPtrArray *
split_words(char *line)
{
    GPtrArray *words = g_ptr_array_new();

    for (char *save, *word = strtok_r(line, " ", &save); word; word = strtok_r(NULL, " ", &save))
        g_ptr_array_add(words, word);
    g_ptr_array_add(words, NULL);
    return words;
}

/* words: ends with NULL. */
static gboolean
parse_patterns(CtlApduStep *step, const char *const *words, GError **error)
{
    if (*words)
        return scd_expect_parse(words, &step->expect, error);
    g_set_error_literal(error, SCD_ERROR, SCD_INVALID_ARGS, _("there is no status word after '='"));
    return FALSE;
}

static gboolean
check_pin_command(const CtlApduStep *step, GError **error)
{
    gsize length = g_bytes_get_size(step->command);

    if (length > APDU_MIN && length <= PIN_COMMAND_MAX)
        return TRUE;
    g_set_error_literal(error, SCD_ERROR, SCD_INVALID_ARGS,
                        _("an APDU for a PIN has 5 to 261 bytes; its data is the padding that the "
                          "PIN replaces"));
    return FALSE;
}

/* Takes the words before the first KEY=VALUE as one command, which may hold a PIN's padding only.
 */
static gboolean
parse_pin_words(CtlApduStep *step, const char *const *words, GError **error)
{
    g_autoptr(GString) hex = g_string_new(NULL);

    for (; *words && !strchr(*words, '='); words++)
        g_string_append_printf(hex, "%s ", *words);
    if (!parse_command(step, hex->str, FALSE, error) || !check_pin_command(step, error))
        return FALSE;
    step->pin_format = parse_pin_format(words, error);
    return step->pin_format != NULL;
}

/* The status words follow a "=" that is a word of its own. */
static gboolean
parse_pin_line(CtlApduStep *step, GPtrArray *words, GError **error)
{
    const char *const *patterns = NULL;

    for (guint i = 1; i + 1 < words->len && !patterns; i++) {
        if (g_str_equal(words->pdata[i], "=")) {
            words->pdata[i] = NULL;
            patterns = (const char *const *)words->pdata + i + 1;
        }
    }
    return parse_pin_words(step, (const char *const *)words->pdata + 1, error) &&
           (!patterns || parse_patterns(step, patterns, error));
}

static gboolean
parse_reset_line(CtlApduStep *step, GPtrArray *words, GError **error)
{
    if (words->len == 2)
        return TRUE;
    g_set_error_literal(error, SCD_ERROR, SCD_INVALID_ARGS, _("nothing may follow 'reset'"));
    return FALSE;
}

static gboolean
parse_control_line(CtlApduStep *step, GPtrArray *words, GError **error)
{
    g_autofree char *hex =
        words->len > 2 ? g_strjoinv(" ", (char **)words->pdata + 2) : g_strdup("");
    const char *code = words->len > 2 ? words->pdata[1] : "";
    gboolean parsed = ctl_apdu_script_parse_code(code, &step->control_code, error);

    if (parsed)
        step->command = ctl_input_parse_hex(hex, error);
    explicit_bzero(hex, strlen(hex));
    return step->command != NULL;
}

/* Lines that begin with a word, not with a command. */
static const struct {
    const char *word;
    CtlApduStepKind kind;
    gboolean (*parse)(CtlApduStep *step, GPtrArray *words, GError **error);
} special_lines[] = {
    {"reset", CTL_STEP_RESET, parse_reset_line},
    {"control", CTL_STEP_CONTROL, parse_control_line},
    {"verify-pin", CTL_STEP_VERIFY_PIN, parse_pin_line},
    {"modify-pin", CTL_STEP_MODIFY_PIN, parse_pin_line},
};

static gboolean
parse_command_line(CtlApduStep *step, char *line, gboolean allow_short, GError **error)
{
    char *patterns = strchr(line, '=');

    if (patterns)
        *patterns++ = '\0';
    if (!parse_command(step, line, allow_short, error))
        return FALSE;
    if (!patterns)
        return TRUE;
    g_autoptr(GPtrArray) words = split_words(patterns);
    return parse_patterns(step, (const char *const *)words->pdata, error);
}

/* line: without its comment, with spaces for all white space. Modifies the line. */
static gboolean
parse_step_line(CtlApduStep *step, char *line, gboolean allow_short, GError **error)
{
    line += strspn(line, " ");
    gsize length = strcspn(line, " ");
    for (gsize i = 0; i < G_N_ELEMENTS(special_lines); i++) {
        const char *word = special_lines[i].word;
        if (strlen(word) != length || memcmp(word, line, length) != 0)
            continue;
        g_autoptr(GPtrArray) words = split_words(line);
        step->kind = special_lines[i].kind;
        return special_lines[i].parse(step, words, error);
    }
    return parse_command_line(step, line, allow_short, error);
}

GPtrArray *
ctl_apdu_script_from_pin_arguments(CtlApduStepKind kind, const char *const *arguments,
                                   GError **error)
{
    const char *const success[] = {"9000", NULL};
    g_autoptr(GPtrArray) steps = new_steps();
    CtlApduStep *step = add_step(steps);

    step->kind = kind;
    if (!parse_pin_words(step, arguments, error) || !parse_patterns(step, success, error))
        return NULL;
    return g_steal_pointer(&steps);
}

GPtrArray *
ctl_apdu_script_from_text(char *text, gboolean allow_short, GError **error)
{
    g_autoptr(GPtrArray) steps = new_steps();
    guint number = 0;

    for (char *line = text, *rest; line; line = rest) {
        rest = strchr(line, '\n');
        if (rest)
            *rest++ = '\0';
        number++;
        line[strcspn(line, "#")] = '\0';
        g_strdelimit(line, "\t\r", ' ');
        if (line[strspn(line, " ")] == '\0')
            continue;

        CtlApduStep *step = add_step(steps);
        step->line = number;
        step->where = g_strdup_printf(_("line %u"), number);
        if (!parse_step_line(step, line, allow_short, error)) {
            prefix_step_error(step, error);
            return NULL;
        }
    }
    if (steps->len > 0)
        return g_steal_pointer(&steps);
    g_set_error_literal(error, SCD_ERROR, SCD_INVALID_ARGS, _("the script contains no commands"));
    return NULL;
}
