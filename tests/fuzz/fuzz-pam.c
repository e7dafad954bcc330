/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any arguments of the PAM module and any items of PAM, with a service that answers by the rest of
 * the input. The functions of libpam are replaced.
 */

#include <security/pam_appl.h>
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <security/pam_modutil.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fake-bus.h"
#include "fuzz.h"

#define ARGUMENTS_MAX 6
#define MESSAGE_MAX 65536
#define ITEMS 5

/* Defined by the module. */
PAM_EXTERN int pam_sm_authenticate(pam_handle_t *pam, int flags, int argc, const char **argv);
PAM_EXTERN int pam_sm_open_session(pam_handle_t *pam, int flags, int argc, const char **argv);
PAM_EXTERN int pam_sm_close_session(pam_handle_t *pam, int flags, int argc, const char **argv);

/* One object of data, which is all that the module keeps at a time under a name. */
typedef struct {
    char *name;
    void *data;
    void (*cleanup)(pam_handle_t *pam, void *data, int status);
} PamData;

/* The only one. The headers of PAM leave its content to the library. */
static struct pam_handle {
    char *items[ITEMS];
    PamData data[2];
    gboolean fails; /* the conversation with the person */
} pam;

__attribute__((format(printf, 1, 0))) static void
check_text(const char *format, va_list arguments)
{
    g_autofree char *text = g_strdup_vprintf(format, arguments);

    g_assert_cmpuint(strlen(text), <, MESSAGE_MAX);
}

void
pam_syslog(const pam_handle_t *handle, int priority, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    check_text(format, arguments);
    va_end(arguments);
}

/* A message to the person has no control characters. */
int
pam_prompt(pam_handle_t *handle, int style, char **response, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    for (const char *at = text; *at != '\0'; at++)
        g_assert_false(g_ascii_iscntrl(*at));
    return pam.fails ? PAM_CONV_ERR : PAM_SUCCESS;
}

const char *
pam_getenv(pam_handle_t *handle, const char *name)
{
    if (strcmp(name, "XDG_SESSION_ID") == 0)
        return "none-such";
    return strcmp(name, "XDG_SEAT") == 0 ? pam.items[0] : pam.items[1];
}

int
pam_get_item(const pam_handle_t *handle, int type, const void **item)
{
    *item = type == PAM_TTY ? pam.items[2] : type == PAM_XDISPLAY ? pam.items[3] : pam.items[4];
    return PAM_SUCCESS;
}

int
pam_get_user(pam_handle_t *handle, const char **user, const char *prompt)
{
    *user = "root";
    return PAM_SUCCESS;
}

struct passwd *
pam_modutil_getpwnam(pam_handle_t *handle, const char *user)
{
    return NULL;
}

static PamData *
find_data(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(pam.data); i++)
        if (pam.data[i].name == NULL || strcmp(pam.data[i].name, name) == 0)
            return &pam.data[i];
    g_error("too much data");
}

static void
clear_data(PamData *data)
{
    if (data->cleanup != NULL && data->data != NULL)
        data->cleanup(&pam, data->data, PAM_SUCCESS);
    g_free(data->name);
    *data = (PamData){NULL, NULL, NULL};
}

int
pam_set_data(pam_handle_t *handle, const char *name, void *data,
             void (*cleanup)(pam_handle_t *pam, void *data, int status))
{
    PamData *place = find_data(name);

    clear_data(place);
    *place = (PamData){g_strdup(name), data, cleanup};
    return PAM_SUCCESS;
}

int
pam_get_data(const pam_handle_t *handle, const char *name, const void **data)
{
    const PamData *place = find_data(name);

    *data = place->data;
    return place->name != NULL ? PAM_SUCCESS : PAM_NO_MODULE_DATA;
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    ScdFuzzInput input = {data, size};
    char *arguments[ARGUMENTS_MAX + 1] = {NULL};
    int count = (int)scd_fuzz_pick(&input, ARGUMENTS_MAX + 1);
    int flags = scd_fuzz_pick(&input, 2) == 0 ? 0 : PAM_SILENT;

    pam.fails = scd_fuzz_pick(&input, 8) == 7;
    for (int i = 0; i < count; i++)
        arguments[i] = scd_fuzz_take_text(&input);
    for (gsize i = 0; i < ITEMS; i++)
        pam.items[i] = scd_fuzz_take_text(&input);
    const char **argv = (const char **)arguments;
    scd_fake_bus_set_answers(input.data, input.size, SCD_FAKE_BUS_HANGS_UP);
    g_assert_cmpint(pam_sm_authenticate(&pam, flags, count, argv), !=, PAM_SUCCESS);
    g_assert_cmpint(pam_sm_open_session(&pam, flags, count, argv), ==, PAM_IGNORE);
    g_assert_cmpint(pam_sm_close_session(&pam, flags, count, argv), ==, PAM_IGNORE);
    for (gsize i = 0; i < G_N_ELEMENTS(pam.data); i++)
        clear_data(&pam.data[i]);
    for (int i = 0; i < count; i++)
        g_free(arguments[i]);
    for (gsize i = 0; i < ITEMS; i++)
        g_free(pam.items[i]);
    return 0;
}
