/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/settings.h"

#include <string.h>

#include "base/atr.h"
#include "base/bytes.h"

#define ATR "atr"
#define MASK "mask"
#define NAME "name"
#define FORM                                                                                     \
    "write \"atr HEX\", \"atr HEX mask HEX\" or \"name PATTERN\", with quotes around text that " \
    "has spaces"

typedef struct {
    GPatternSpec *name; /* NULL if it has an ATR */
    ScdAtrFilter atr;
} LoginCard;

struct ScdLoginCards {
    GPtrArray *cards; /* of LoginCard */
};

static void
free_card(gpointer data)
{
    LoginCard *card = data;

    g_clear_pointer(&card->name, g_pattern_spec_free);
    g_free(card);
}

ScdLoginCards *
scd_login_cards_new(void)
{
    ScdLoginCards *cards = g_new0(ScdLoginCards, 1);

    cards->cards = g_ptr_array_new_with_free_func(free_card);
    return cards;
}

void
scd_login_cards_free(ScdLoginCards *cards)
{
    g_ptr_array_unref(cards->cards);
    g_free(cards);
}

static GVariant *
parse_hex(const char *hex, GError **error)
{
    gsize length;
    g_autofree guint8 *bytes = scd_hex_to_bytes(hex, &length, error);

    return bytes != NULL ? g_variant_ref_sink(
                               g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, bytes, length, 1))
                         : NULL;
}

/* Consumes the words of one card. Returns a warning or NULL. */
static char *
take_atr(char ***words, GPtrArray *cards)
{
    const char *hex = (*words)[1];
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) atr = parse_hex(hex, &error);
    g_autoptr(GVariant) mask = NULL;
    ScdAtrFilter filter;

    *words += 2;
    if (error == NULL && g_strcmp0((*words)[0], MASK) == 0 && (*words)[1] != NULL) {
        mask = parse_hex((*words)[1], &error);
        *words += 2;
    }
    if (error != NULL || !scd_atr_filter_set(&filter, atr, mask, &error))
        return g_strdup_printf("atr %s: %s", hex, error->message);
    LoginCard *card = g_new0(LoginCard, 1);
    card->atr = filter;
    g_ptr_array_add(cards, card);
    return NULL;
}

static char *
take_card(char ***words, GPtrArray *cards)
{
    const char *keyword = (*words)[0];
    const char *value = (*words)[1];

    if (value != NULL && value[0] != '\0' && g_str_equal(keyword, ATR))
        return take_atr(words, cards);
    if (value == NULL || value[0] == '\0' || !g_str_equal(keyword, NAME))
        return g_strdup_printf("'%s' is not the beginning of a card: " FORM, keyword);
    LoginCard *card = g_new0(LoginCard, 1);
    card->name = g_pattern_spec_new(value);
    g_ptr_array_add(cards, card);
    *words += 2;
    return NULL;
}

char *
scd_login_cards_add(ScdLoginCards *cards, const char *value)
{
    g_autoptr(GPtrArray) added = g_ptr_array_new_with_free_func(free_card);
    g_auto(GStrv) words = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *warning = NULL;

    if (value[0] == '\0') {
        g_ptr_array_set_size(cards->cards, 0);
        return NULL;
    }
    if (!g_shell_parse_argv(value, NULL, &words, &error))
        return g_strdup_printf("LoginCards: %s: " FORM, error->message);
    for (char **at = words; *at != NULL && warning == NULL;)
        warning = take_card(&at, added);
    if (warning != NULL)
        return g_strdup_printf("LoginCards: %s", warning);
    g_ptr_array_extend_and_steal(cards->cards, g_steal_pointer(&added));
    return NULL;
}

gboolean
scd_login_cards_have_names(const ScdLoginCards *cards)
{
    for (guint i = 0; i < cards->cards->len; i++) {
        const LoginCard *card = cards->cards->pdata[i];

        if (card->name != NULL)
            return TRUE;
    }
    return FALSE;
}

static gboolean
has_name(const LoginCard *card, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (g_pattern_spec_match_string(card->name, *names))
            return TRUE;
    }
    return FALSE;
}

gboolean
scd_login_cards_has(const ScdLoginCards *cards, const guint8 *atr, gsize length,
                    const char *const *names)
{
    for (guint i = 0; length > 0 && i < cards->cards->len; i++) {
        const LoginCard *card = cards->cards->pdata[i];

        if (card->name != NULL ? has_name(card, names)
                               : scd_atr_filter_passes(&card->atr, atr, length))
            return TRUE;
    }
    return FALSE;
}

#define SUFFIX ".conf"
#define FOLDER_SUFFIX ".d"
#define READER_GROUP "Reader "
#define LOGIN_GROUP "Login"
#define LOGIN_CARDS "LoginCards"

/* The text that is being added. */
typedef struct {
    ScdSettings *settings;
    const char *file;
} SettingsFile;

static void
free_rule(gpointer data)
{
    scd_reader_rule_free(data);
}

ScdSettings *
scd_settings_new(void)
{
    ScdSettings *settings = g_atomic_rc_box_new0(ScdSettings);

    scd_config_set_defaults(&settings->config);
    settings->rules = g_ptr_array_new_with_free_func(free_rule);
    settings->aliases = scd_alias_file_new();
    settings->login_cards = scd_login_cards_new();
    settings->warnings = g_ptr_array_new_with_free_func(g_free);
    return settings;
}

static void
clear_settings(gpointer data)
{
    ScdSettings *settings = data;

    g_ptr_array_unref(settings->aliases);
    g_ptr_array_unref(settings->rules);
    scd_login_cards_free(settings->login_cards);
    g_ptr_array_unref(settings->warnings);
    g_free(settings->unreadable);
}

ScdSettings *
scd_settings_ref(ScdSettings *settings)
{
    return g_atomic_rc_box_acquire(settings);
}

void
scd_settings_unref(ScdSettings *settings)
{
    g_atomic_rc_box_release_full(settings, clear_settings);
}

/* Returns the label of a group [Reader LABEL], NULL if it is another group. */
static const char *
get_label(const char *group)
{
    return g_str_has_prefix(group, READER_GROUP) && group[strlen(READER_GROUP)] != '\0'
               ? group + strlen(READER_GROUP)
               : NULL;
}

static ScdReaderRule *
get_rule(ScdSettings *settings, const char *label)
{
    for (guint i = 0; i < settings->rules->len; i++) {
        ScdReaderRule *rule = settings->rules->pdata[i];

        if (g_str_equal(rule->label, label))
            return rule;
    }
    ScdReaderRule *rule = scd_reader_rule_new(label);
    g_ptr_array_add(settings->rules, rule);
    return rule;
}

static gboolean
is_any_group(const char *group)
{
    return TRUE;
}

static char *
begin_group(gpointer data, const char *group, guint line)
{
    SettingsFile *file = data;
    const char *label = get_label(group);
    ScdReaderRule *rule = label != NULL ? get_rule(file->settings, label) : NULL;

    if (rule != NULL && rule->place == NULL)
        rule->place = g_strdup_printf("%s: line %u", file->file, line);
    if (label != NULL || scd_config_has_group(group) || g_str_equal(group, SCD_ALIASES_GROUP) ||
        g_str_equal(group, LOGIN_GROUP))
        return NULL;
    return g_strdup_printf("unknown group [%s] is ignored: there are [Limits], [Transactions], "
                           "[Aliases], [Login] and [Reader LABEL]",
                           group);
}

static char *
set_value(gpointer data, const char *group, const char *key, const char *value)
{
    SettingsFile *file = data;
    ScdSettings *settings = file->settings;
    const char *label = get_label(group);

    if (scd_config_has_group(group))
        return scd_config_set(&settings->config, group, key, value);
    if (g_str_equal(group, SCD_ALIASES_GROUP))
        return scd_alias_add_setting(settings->aliases, file->file, key, value);
    if (label != NULL)
        return scd_reader_rule_set(get_rule(settings, label), file->file, key, value);
    if (!g_str_equal(group, LOGIN_GROUP))
        return NULL;
    if (g_str_equal(key, LOGIN_CARDS))
        return scd_login_cards_add(settings->login_cards, value);
    return g_strdup_printf("unknown setting %s in [Login]: there is LoginCards", key);
}

/* The line may be a Match… setting without its "=". */
static void
handle_fault(gpointer data, const char *group)
{
    SettingsFile *file = data;
    const char *label = group != NULL ? get_label(group) : NULL;

    if (label != NULL)
        scd_reader_rule_set_error(get_rule(file->settings, label));
}

void
scd_settings_add(ScdSettings *settings, const char *file, const char *text, gsize length)
{
    static const ScdKeyLinesReader reader = {is_any_group, begin_group, set_value, handle_fault};
    SettingsFile added = {settings, file};
    g_auto(GStrv) warnings = scd_key_lines_read(text, length, &reader, &added);

    for (char **warning = warnings; *warning != NULL; warning++)
        g_ptr_array_add(settings->warnings, g_strdup_printf("%s: %s", file, *warning));
}

void
scd_settings_finish(ScdSettings *settings)
{
    g_autoptr(GPtrArray) others = g_steal_pointer(&settings->aliases);

    settings->aliases = scd_alias_file_new();
    for (guint i = settings->rules->len; i-- > 0;) {
        const ScdReaderRule *rule = settings->rules->pdata[i];
        g_autofree char *warning = scd_reader_rule_check(rule);

        if (warning != NULL)
            g_ptr_array_add(settings->warnings, g_strdup_printf("%s: %s", rule->place, warning));
        if (rule->alias != NULL)
            g_ptr_array_add(settings->aliases, scd_alias_new_for_rule(rule));
    }
    g_ptr_array_extend_and_steal(settings->aliases, g_steal_pointer(&others));
}

void
scd_settings_log_warnings(const ScdSettings *settings)
{
    for (guint i = 0; i < settings->warnings->len; i++)
        g_warning("%s", (char *)settings->warnings->pdata[i]);
}

static void
handle_error(ScdSettings *settings, const GError *error)
{
    if (!g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT) && settings->unreadable == NULL)
        settings->unreadable = g_strdup(error->message);
}

static void
read_file(ScdSettings *settings, const char *file)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    gsize length;

    if (g_file_get_contents(file, &text, &length, &error))
        scd_settings_add(settings, file, text, length);
    else
        handle_error(settings, error);
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Returns the paths of the files *.conf in a folder, by name. */
static GPtrArray *
list_files(ScdSettings *settings, const char *folder)
{
    GPtrArray *files = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    g_autoptr(GDir) dir = g_dir_open(folder, 0, &error);
    const char *entry;

    if (dir == NULL)
        handle_error(settings, error);

    while (dir != NULL && (entry = g_dir_read_name(dir)) != NULL) {
        if (g_str_has_suffix(entry, SUFFIX))
            g_ptr_array_add(files, g_build_filename(folder, entry, NULL));
    }
    g_ptr_array_sort(files, compare_names);
    return files;
}

/* Before the first release, the files beside the main one could have aliases. */
static void
warn_of_former_files(ScdSettings *settings, const char *file, const char *folder)
{
    g_autofree char *former_folder = g_path_get_dirname(file);
    g_autoptr(GPtrArray) files = list_files(settings, former_folder);

    for (guint i = 0; i < files->len; i++) {
        g_autofree char *text = NULL;

        if (!g_str_equal(files->pdata[i], file) &&
            g_file_get_contents(files->pdata[i], &text, NULL, NULL) &&
            strstr(text, "[" SCD_ALIASES_GROUP "]") != NULL)
            g_ptr_array_add(settings->warnings, g_strdup_printf("%s: not read: move the file to %s",
                                                                (char *)files->pdata[i], folder));
    }
}

ScdSettings *
scd_settings_read(const char *file)
{
    ScdSettings *settings = scd_settings_new();
    g_autofree char *folder = g_strconcat(file, FOLDER_SUFFIX, NULL);
    g_autoptr(GPtrArray) files = list_files(settings, folder);

    read_file(settings, file);
    for (guint i = 0; i < files->len; i++)
        read_file(settings, files->pdata[i]);
    warn_of_former_files(settings, file, folder);
    scd_settings_finish(settings);
    return settings;
}
