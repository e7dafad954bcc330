/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fuzz.h"

#include <string.h>

#include "base/usb-device.h"

static void
check_message(const char *domain, GLogLevelFlags level, const char *message, gpointer unused)
{
    if (level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL))
        g_log_default_handler(domain, level, message, unused);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    g_log_set_default_handler(check_message, NULL);
    g_log_set_always_fatal(G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
    return 0;
}

char *
scd_fuzz_dup_text(const guint8 *data, gsize size)
{
    return size > 0 ? g_strndup((const char *)data, size) : g_strdup("");
}

GString *
scd_fuzz_new_group(const char *group, const guint8 *data, gsize size)
{
    GString *text = g_string_new(NULL);

    g_string_printf(text, "[%s]\n", group);
    return g_string_append_len(text, (const char *)data, (gssize)size);
}

void
scd_fuzz_assert_clean(const char *text)
{
    g_autofree char *again = scd_device_text_clean(text, strlen(text));

    g_assert_true(g_utf8_validate(text, -1, NULL));
    g_assert_cmpstr(again, ==, text);
}

void
scd_fuzz_assert_texts(char **texts)
{
    for (char **text = texts; *text != NULL; text++) {
        g_assert_true(g_utf8_validate(*text, -1, NULL));
        g_assert_cmpstr(*text, !=, "");
    }
}

void
scd_fuzz_assert_result(gboolean succeeded, const GError *error)
{
    g_assert_cmpint(succeeded, ==, error == NULL);
    if (error != NULL) {
        g_assert_true(g_utf8_validate(error->message, -1, NULL));
        g_assert_cmpstr(error->message, !=, "");
    }
}

guint8
scd_fuzz_take_byte(ScdFuzzInput *input)
{
    if (input->size == 0)
        return 0;
    input->size--;
    return *input->data++;
}

guint16
scd_fuzz_take_u16(ScdFuzzInput *input)
{
    guint16 high = scd_fuzz_take_byte(input);

    return (guint16)(high << 8 | scd_fuzz_take_byte(input));
}

guint32
scd_fuzz_take_u32(ScdFuzzInput *input)
{
    guint32 high = scd_fuzz_take_u16(input);

    return high << 16 | scd_fuzz_take_u16(input);
}

guint
scd_fuzz_pick(ScdFuzzInput *input, guint count)
{
    return scd_fuzz_take_byte(input) % count;
}

const guint8 *
scd_fuzz_take_bytes(ScdFuzzInput *input, gsize *length)
{
    gsize wanted = scd_fuzz_take_byte(input);
    const guint8 *bytes = input->data;

    *length = MIN(wanted, input->size);
    if (*length == 0)
        return (const guint8 *)"";
    input->data += *length;
    input->size -= *length;
    return bytes;
}

char *
scd_fuzz_take_text(ScdFuzzInput *input)
{
    gsize length;
    const guint8 *bytes = scd_fuzz_take_bytes(input, &length);

    return scd_fuzz_dup_text(bytes, length);
}

char *
scd_fuzz_take_utf8(ScdFuzzInput *input)
{
    g_autofree char *text = scd_fuzz_take_text(input);

    return g_utf8_make_valid(text, -1);
}
