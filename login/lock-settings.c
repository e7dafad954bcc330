/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lock-settings.h"

#include <gio/gio.h>

#define GROUP "Lock"
#define GRACE_MAX_S 600
#define DEFAULT_READER_GRACE_S 10
#define SERVICE_GRACE_S 30

#define GNOME_SCHEMA "org.gnome.settings-daemon.peripherals.smartcard"
#define GNOME_KEY "removal-action"

typedef struct {
    const char *word;
    LgnAction action;
} ActionWord;

static const ActionWord own_words[] = {
    {"none", LGN_ACTION_NONE},
    {"lock", LGN_ACTION_LOCK},
    {"logout", LGN_ACTION_LOG_OUT},
};

static const ActionWord gnome_words[] = {
    {"none", LGN_ACTION_NONE},
    {"lock-screen", LGN_ACTION_LOCK},
    {"force-logout", LGN_ACTION_LOG_OUT},
};

static gboolean
find_action(const ActionWord *words, gsize count, const char *word, LgnAction *action)
{
    for (gsize i = 0; i < count; i++) {
        if (g_str_equal(words[i].word, word)) {
            *action = words[i].action;
            return TRUE;
        }
    }
    return FALSE;
}

static void
report_wrong_key(const char *path, const char *key, const char *allowed)
{
    g_warning("%s: [%s] %s= has to be %s; the setting is ignored", path, GROUP, key, allowed);
}

static void
read_key(GKeyFile *file, const char *path, const char *key, LgnLockSettings *settings)
{
    g_autofree char *value = g_key_file_get_string(file, GROUP, key, NULL);
    guint64 seconds;

    if (g_str_equal(key, "Action")) {
        if (!value || !find_action(own_words, G_N_ELEMENTS(own_words), value, &settings->action))
            report_wrong_key(path, key, "lock, logout or none");
    } else if (g_str_equal(key, "ReaderGraceSec")) {
        if (value && g_ascii_string_to_unsigned(value, 10, 0, GRACE_MAX_S, &seconds, NULL))
            settings->grace.reader_grace_us = seconds * LGN_US_PER_S;
        else
            report_wrong_key(path, key, "a number of seconds from 0 to 600");
    } else {
        g_warning("%s: [%s] %s= is unknown; it is ignored", path, GROUP, key);
    }
}

LgnLockSettings
lgn_lock_settings_load(const char *path)
{
    LgnLockSettings settings = {
        .action = LGN_ACTION_LOCK,
        .grace = {.reader_grace_us = DEFAULT_READER_GRACE_S * LGN_US_PER_S,
                  .service_grace_us = SERVICE_GRACE_S * LGN_US_PER_S},
    };
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(GError) error = NULL;

    if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, &error)) {
        if (!g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
            g_warning("%s: %s; all settings have their defaults", path, error->message);
        return settings;
    }
    g_auto(GStrv) groups = g_key_file_get_groups(file, NULL);
    for (char **group = groups; *group; group++)
        if (!g_str_equal(*group, GROUP))
            g_warning("%s: the group [%s] is unknown; it is ignored", path, *group);
    g_auto(GStrv) keys = g_key_file_get_keys(file, GROUP, NULL, NULL);
    for (char **key = keys; key && *key; key++)
        read_key(file, path, *key, &settings);
    return settings;
}

LgnAction
lgn_lock_settings_action(const LgnLockSettings *settings)
{
    GSettingsSchemaSource *source = g_settings_schema_source_get_default();
    g_autoptr(GSettingsSchema) schema =
        source ? g_settings_schema_source_lookup(source, GNOME_SCHEMA, TRUE) : NULL;
    LgnAction action = settings->action;

    if (!schema || !g_settings_schema_has_key(schema, GNOME_KEY))
        return action;
    g_autoptr(GSettings) gnome = g_settings_new_full(schema, NULL, NULL);
    g_autofree char *word = g_settings_get_string(gnome, GNOME_KEY);
    find_action(gnome_words, G_N_ELEMENTS(gnome_words), word, &action);
    return action;
}
