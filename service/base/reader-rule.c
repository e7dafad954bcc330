/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/reader-rule.h"

#include <string.h>

#include "base/reader-name.h"
#include "base/usb-device.h"

#define ANY_PRODUCT "*"

ScdReaderRule *
scd_reader_rule_new(const char *label)
{
    ScdReaderRule *rule = g_new0(ScdReaderRule, 1);

    rule->label = g_strdup(label);
    return rule;
}

void
scd_reader_rule_free(ScdReaderRule *rule)
{
    g_free(rule->label);
    g_free(rule->place);
    g_free(rule->port);
    g_free(rule->serial);
    g_clear_pointer(&rule->name, g_pattern_spec_free);
    g_free(rule->alias);
    g_free(rule->alias_file);
    g_free(rule);
}

/* Each reads a value, of which an empty one unsets the setting, and returns a warning or NULL. */

static char *
read_port(ScdReaderRule *rule, const char *value)
{
    ScdUsbPort port;
    ScdUsbPath path;

    g_clear_pointer(&rule->port, g_free);
    if (value[0] == '\0')
        return NULL;
    if (!scd_usb_port_parse(value, &port) && !scd_usb_path_parse(value, &path))
        return g_strdup_printf("MatchPort=%s is not a USB port: write one such as 1-3.1, or with "
                               "the interface 1-3.1:1.0",
                               value);
    rule->port = g_strdup(value);
    return NULL;
}

static char *
read_serial(ScdReaderRule *rule, const char *value)
{
    g_clear_pointer(&rule->serial, g_free);
    if (value[0] != '\0')
        rule->serial = scd_device_text_clean(value, strlen(value));
    return NULL;
}

static char *
read_name(ScdReaderRule *rule, const char *value)
{
    g_clear_pointer(&rule->name, g_pattern_spec_free);
    if (value[0] != '\0')
        rule->name = g_pattern_spec_new(value);
    return NULL;
}

static gboolean
parse_id(const char *text, guint16 *id)
{
    guint64 number;

    if (strlen(text) != 4 || !g_ascii_string_to_unsigned(text, 16, 0, G_MAXUINT16, &number, NULL))
        return FALSE;
    *id = (guint16)number;
    return TRUE;
}

static char *
read_usb_id(ScdReaderRule *rule, const char *value)
{
    g_auto(GStrv) ids = g_strsplit(value, ":", 3);
    gboolean is_any = g_strv_length(ids) == 2 && g_str_equal(ids[1], ANY_PRODUCT);
    guint16 product_id = 0;

    rule->has_usb_id = FALSE;
    if (value[0] == '\0')
        return NULL;
    if (g_strv_length(ids) != 2 || !parse_id(ids[0], &rule->vendor_id) ||
        (!is_any && !parse_id(ids[1], &product_id)))
        return g_strdup_printf("MatchUsbId=%s is not a USB id: write VENDOR:PRODUCT with four "
                               "hexadecimal digits each, such as 072f:90cc, or 072f:* for all "
                               "products",
                               value);
    rule->has_usb_id = TRUE;
    rule->product_id = is_any ? -1 : product_id;
    return NULL;
}

static char *
read_alias(ScdReaderRule *rule, const char *value)
{
    g_autoptr(GError) error = NULL;

    g_clear_pointer(&rule->alias, g_free);
    g_clear_pointer(&rule->alias_file, g_free);
    if (value[0] == '\0')
        return NULL;
    if (!scd_alias_check_name(value, &error))
        return g_strdup_printf("Alias=%s: %s", value, error->message);
    rule->alias = g_strdup(value);
    return NULL;
}

static char *
read_flag(ScdRuleFlag *flag, const char *key, const char *value)
{
    *flag = SCD_RULE_UNSET;
    if (value[0] == '\0')
        return NULL;
    if (g_ascii_strcasecmp(value, "yes") == 0 || g_ascii_strcasecmp(value, "true") == 0 ||
        g_ascii_strcasecmp(value, "on") == 0 || g_str_equal(value, "1"))
        *flag = SCD_RULE_YES;
    else if (g_ascii_strcasecmp(value, "no") == 0 || g_ascii_strcasecmp(value, "false") == 0 ||
             g_ascii_strcasecmp(value, "off") == 0 || g_str_equal(value, "0"))
        *flag = SCD_RULE_NO;
    else
        return g_strdup_printf("%s=%s: write yes or no", key, value);
    return NULL;
}

static char *
read_ignore(ScdReaderRule *rule, const char *value)
{
    return read_flag(&rule->ignore, "Ignore", value);
}

static char *
read_login(ScdReaderRule *rule, const char *value)
{
    return read_flag(&rule->login, "Login", value);
}

typedef struct {
    const char *key;
    char *(*read)(ScdReaderRule *rule, const char *value);
    gboolean is_match; /* without it, the rule would apply to more readers */
} RuleKey;

static const RuleKey rule_keys[] = {
    {"MatchPort", read_port, TRUE}, {"MatchSerial", read_serial, TRUE},
    {"MatchName", read_name, TRUE}, {"MatchUsbId", read_usb_id, TRUE},
    {"Alias", read_alias, FALSE},   {"Ignore", read_ignore, FALSE},
    {"Login", read_login, FALSE},
};

static const RuleKey *
find_rule_key(const char *key)
{
    for (gsize i = 0; i < G_N_ELEMENTS(rule_keys); i++) {
        if (g_str_equal(rule_keys[i].key, key))
            return &rule_keys[i];
    }
    return NULL;
}

char *
scd_reader_rule_set(ScdReaderRule *rule, const char *file, const char *key, const char *value)
{
    const RuleKey *found = find_rule_key(key);
    g_autofree char *warning = found != NULL
                                   ? found->read(rule, value)
                                   : g_strdup_printf("unknown setting %s in [Reader %s]: there "
                                                     "are " SCD_READER_RULE_KEYS,
                                                     key, rule->label);

    if (rule->alias != NULL && rule->alias_file == NULL)
        rule->alias_file = g_strdup(file);
    if (warning == NULL || (found != NULL && !found->is_match))
        return g_steal_pointer(&warning);
    rule->has_error = TRUE;
    return g_strdup_printf("%s; until then [Reader %s] applies to no reader", warning, rule->label);
}

void
scd_reader_rule_set_error(ScdReaderRule *rule)
{
    rule->has_error = TRUE;
}

char *
scd_reader_rule_check(const ScdReaderRule *rule)
{
    if (rule->has_error || rule->port != NULL || rule->serial != NULL || rule->name != NULL ||
        rule->has_usb_id)
        return NULL;
    return g_strdup_printf("[Reader %s] applies to no reader: it needs MatchPort, MatchSerial, "
                           "MatchName or MatchUsbId (MatchName=* is for all readers)",
                           rule->label);
}

static gboolean
is_at_port(const char *port, const ScdIdentity *reader)
{
    g_autofree char *path =
        reader->has_usb_path ? scd_usb_path_to_string(&reader->usb_path) : g_strdup("");
    g_autofree char *of_reader = NULL;

    if (reader->has_usb_path)
        of_reader = scd_usb_port_to_string(&reader->usb_path.port);
    else if (reader->in_kernel)
        of_reader = scd_usb_port_to_string(&reader->usb_port);
    return g_str_equal(port, path) || g_strcmp0(port, of_reader) == 0;
}

static gboolean
has_usb_id(const ScdReaderRule *rule, const ScdIdentity *reader)
{
    return reader->vendor_id == rule->vendor_id &&
           (rule->product_id < 0 || reader->product_id == rule->product_id);
}

gboolean
scd_reader_rule_applies(const ScdReaderRule *rule, const ScdIdentity *reader)
{
    gboolean has_match =
        rule->port != NULL || rule->serial != NULL || rule->name != NULL || rule->has_usb_id;

    return has_match && !rule->has_error &&
           (rule->port == NULL || is_at_port(rule->port, reader)) &&
           (rule->serial == NULL || g_str_equal(rule->serial, reader->serial)) &&
           (rule->name == NULL || g_pattern_spec_match_string(rule->name, reader->name)) &&
           (!rule->has_usb_id || has_usb_id(rule, reader));
}

const ScdReaderRule *
scd_reader_rules_find_ignoring(const GPtrArray *rules, const ScdIdentity *reader)
{
    for (guint i = rules->len; i-- > 0;) {
        const ScdReaderRule *rule = rules->pdata[i];

        if (rule->ignore != SCD_RULE_UNSET && scd_reader_rule_applies(rule, reader))
            return rule->ignore == SCD_RULE_YES ? rule : NULL;
    }
    return NULL;
}

ScdRuleFlag
scd_reader_rules_login(const GPtrArray *rules, const ScdIdentity *reader)
{
    for (guint i = rules->len; i-- > 0;) {
        const ScdReaderRule *rule = rules->pdata[i];

        if (rule->login != SCD_RULE_UNSET && scd_reader_rule_applies(rule, reader))
            return rule->login;
    }
    return SCD_RULE_UNSET;
}
