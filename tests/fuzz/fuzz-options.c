/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any bytes as the serialized options of a method, and as a list of choices of keys and values:
 * mutated bytes are seldom a dictionary.
 */

#include "bus/options.h"

#include "base/error.h"
#include "fuzz.h"

#define ENTRIES_MAX 8

static GVariant *
take_value(ScdFuzzInput *input)
{
    gsize length;

    switch (scd_fuzz_pick(input, 8)) {
    case 0:
        return g_variant_new_uint32(scd_fuzz_take_u32(input));
    case 1:
        return g_variant_new_boolean(scd_fuzz_pick(input, 2) == 1);
    case 2:
        return g_variant_new_take_string(scd_fuzz_take_utf8(input));
    case 3: {
        const guint8 *bytes = scd_fuzz_take_bytes(input, &length);
        return g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, bytes, length, 1);
    }
    case 4: {
        g_autofree char *text = scd_fuzz_take_utf8(input);
        g_auto(GStrv) words = g_strsplit(text, " ", -1);
        return g_variant_new_strv((const char *const *)words, -1);
    }
    case 5:
        return g_variant_new_variant(g_variant_new_byte(scd_fuzz_take_byte(input)));
    case 6:
        return g_variant_new_int32((gint32)scd_fuzz_take_u32(input));
    default:
        return g_variant_new("(yx)", scd_fuzz_take_byte(input), G_GINT64_CONSTANT(-1));
    }
}

static GVariant *
take_dictionary(ScdFuzzInput *input)
{
    static const char *const keys[] = {"timeout-ms", "call-id", "follow", "reader",
                                       "atr",        "expect",  NULL};
    GVariantBuilder builder;

    g_variant_builder_init(&builder, G_VARIANT_TYPE_VARDICT);
    for (guint i = 0; i < ENTRIES_MAX && input->size > 0; i++) {
        const char *key = keys[scd_fuzz_pick(input, G_N_ELEMENTS(keys))];
        g_autofree char *any = key == NULL ? scd_fuzz_take_utf8(input) : NULL;

        g_variant_builder_add(&builder, "{sv}", any != NULL ? any : key, take_value(input));
    }
    return g_variant_ref_sink(g_variant_builder_end(&builder));
}

static void
check_dictionary(GVariant *dictionary)
{
    g_auto(ScdCallOptions) options = {0};
    g_autoptr(GVariant) atr = NULL;
    g_autofree const char **expect = NULL;
    gboolean follow = FALSE;
    const char *reader = NULL;
    const ScdOption known[] = {
        SCD_CALL_OPTION_ROWS(options), {"follow", "b", &follow},    {"reader", "&s", &reader},
        {"atr", "@ay", &atr},          {"expect", "^a&s", &expect}, {NULL, NULL, NULL},
    };
    g_autoptr(GError) error = NULL;
    gboolean valid = scd_options_read(dictionary, known, &error);
    guint32 timeout_ms;

    scd_fuzz_assert_result(valid, error);
    if (!valid) {
        g_assert_error(error, SCD_ERROR, SCD_INVALID_ARGS);
        g_assert_true(options.timeout_ms == NULL && options.call_id == NULL && atr == NULL &&
                      expect == NULL && reader == NULL);
        return;
    }
    g_assert_true(reader == NULL || g_utf8_validate(reader, -1, NULL));
    scd_call_options_get_timeout(&options, &timeout_ms);
    valid = scd_call_options_check(&options, &error);
    scd_fuzz_assert_result(valid, error);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    ScdFuzzInput input = {data, size};
    g_autoptr(GBytes) bytes = g_bytes_new(data, size);
    g_autoptr(GVariant) any =
        g_variant_ref_sink(g_variant_new_from_bytes(G_VARIANT_TYPE_VARDICT, bytes, FALSE));
    g_autoptr(GVariant) normal = g_variant_get_normal_form(any);
    g_autoptr(GVariant) chosen = take_dictionary(&input);

    check_dictionary(normal);
    check_dictionary(chosen);
    return 0;
}
