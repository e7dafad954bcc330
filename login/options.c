/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "options.h"

#include <errno.h>
#include <security/pam_ext.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define US_PER_S UINT64_C(1000000)
#define DEFAULT_TIMEOUT_S 30
#define TIMEOUT_MAX_S (24 * 60 * 60)

/* Returns the text after the key and "=", else NULL. */
static const char *
value_of(const char *argument, const char *key)
{
    size_t length = strlen(key);

    return strncmp(argument, key, length) == 0 && argument[length] == '=' ? argument + length + 1
                                                                          : NULL;
}

static bool
parse_timeout(LgnOptions *options, const char *value)
{
    char *end;

    if (strcmp(value, "infinite") == 0) {
        options->timeout_us = UINT64_MAX;
        return true;
    }
    errno = 0;
    unsigned long seconds = strtoul(value, &end, 10);
    if (errno || *value < '0' || *value > '9' || *end || seconds > TIMEOUT_MAX_S)
        return false;
    options->timeout_us = seconds * US_PER_S;
    return true;
}

static bool
parse_argument(LgnOptions *options, const char *argument)
{
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {
        {"nowait", &options->nowait},
        {"require-card", &options->require_card},
        {"card-used", &options->card_used},
    };
    const char *value;

    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (strcmp(argument, flags[i].name) == 0)
            return *flags[i].flag = true;
    if ((value = value_of(argument, "timeout")))
        return parse_timeout(options, value);
    if ((value = value_of(argument, "seat")) && *value) {
        options->seat = value;
        return true;
    }
    return false;
}

LgnOptions
lgn_options_parse(pam_handle_t *pam, int argc, const char **argv)
{
    LgnOptions options = {.timeout_us = DEFAULT_TIMEOUT_S * US_PER_S};

    for (int i = 0; i < argc; i++)
        if (!parse_argument(&options, argv[i]))
            pam_syslog(pam, LOG_ERR, "ignored the argument '%s': see pam_smartcardd(8)", argv[i]);
    return options;
}
