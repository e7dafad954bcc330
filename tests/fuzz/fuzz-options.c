/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes as the serialized options of a method. */

#include "bus/options.h"

#include "base/error.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autoptr(GBytes) bytes = g_bytes_new(data, size);
    g_autoptr(GVariant) any =
        g_variant_ref_sink(g_variant_new_from_bytes(G_VARIANT_TYPE_VARDICT, bytes, FALSE));
    g_autoptr(GVariant) dictionary = g_variant_get_normal_form(any);
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
        return 0;
    }
    g_assert_true(reader == NULL || g_utf8_validate(reader, -1, NULL));
    scd_call_options_get_timeout(&options, &timeout_ms);
    valid = scd_call_options_check(&options, &error);
    scd_fuzz_assert_result(valid, error);
    return 0;
}
