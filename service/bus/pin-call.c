/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/job-call.h"

/* The keys that both methods have come first. */
enum { COMMON_KEYS = 14, MODIFY_KEYS = 4 };

typedef struct {
    ScdPinFormat format;
    GVariant *messages;   /* au; NULL: not given */
    GVariant *new_offset; /* u, likewise */
} PinArguments;

static void
clear_arguments(PinArguments *arguments)
{
    g_clear_pointer(&arguments->messages, g_variant_unref);
    g_clear_pointer(&arguments->new_offset, g_variant_unref);
    g_free(arguments->format.completion);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(PinArguments, clear_arguments)

static gboolean
read_format(PinArguments *arguments, ScdPinOperation operation, GVariant *dictionary,
            GError **error)
{
    ScdPinFormat *format = &arguments->format;
    ScdOption known[COMMON_KEYS + MODIFY_KEYS + 1] = {
        {"charset", "&s", &format->charset},
        {"encoding", "&s", &format->encoding},
        {"justification", "&s", &format->justification},
        {"completion", "^a&s", &format->completion},
        {"min-length", "u", &format->min_length},
        {"max-length", "u", &format->max_length},
        {"block-length", "u", &format->block_length},
        {"pin-bit-offset", "u", &format->pin_bit_offset},
        {"length-bit-size", "u", &format->length_bit_size},
        {"length-bit-offset", "u", &format->length_bit_offset},
        {"entry-timeout-s", "u", &format->entry_timeout_s},
        {"key-timeout-s", "u", &format->key_timeout_s},
        {"messages", "@au", &arguments->messages},
        {"language", "u", &format->language},
        {"ask-current", "b", &format->ask_current},
        {"confirm-new", "b", &format->confirm_new},
        {"current-offset", "u", &format->current_offset},
        {"new-offset", "@u", &arguments->new_offset},
        {NULL, NULL, NULL},
    };

    if (operation == SCD_PIN_VERIFY)
        known[COMMON_KEYS] = (ScdOption){NULL, NULL, NULL};
    if (!scd_options_read(dictionary, known, error))
        return FALSE;
    format->has_messages = arguments->messages != NULL;
    if (format->has_messages)
        format->messages = g_variant_get_fixed_array(arguments->messages, &format->n_messages,
                                                     sizeof *format->messages);
    format->has_new_offset = arguments->new_offset != NULL;
    if (format->has_new_offset)
        format->new_offset = g_variant_get_uint32(arguments->new_offset);
    return TRUE;
}

static GBytes *
build_structure(ScdPinOperation operation, const guint8 *template, gsize length,
                GVariant *dictionary, GError **error)
{
    g_auto(PinArguments) arguments = {0};

    scd_pin_format_init(&arguments.format);
    if (!read_format(&arguments, operation, dictionary, error))
        return NULL;
    return scd_pin_format_build(&arguments.format, operation, template, length, error);
}

gboolean
scd_pin_call_read(ScdJob *job, GVariant *template, GVariant *format, GError **error)
{
    gsize length;
    gconstpointer bytes = g_variant_get_fixed_array(template, &length, 1);
    GBytes *structure = build_structure(job->number, bytes, length, format, error);

    if (structure)
        scd_bytes_list_add(&job->inputs, structure);
    return structure != NULL;
}
