/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any text as hexadecimal digits, and any bytes converted to digits. */

#include "base/bytes.h"

#include "base/error.h"
#include "fuzz.h"

static void
check_round_trip(const guint8 *bytes, gsize length)
{
    gsize again_length;
    g_autofree char *hex = scd_hex_from_bytes(bytes, length);
    g_autofree guint8 *again = scd_hex_to_bytes(hex, &again_length, NULL);

    g_assert_cmpmem(bytes, length, again, again_length);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autofree char *text = scd_fuzz_dup_text(data, size);
    g_autoptr(GError) error = NULL;
    gsize length = 0;
    g_autofree guint8 *bytes = scd_hex_to_bytes(text, &length, &error);

    check_round_trip(data, size);
    if (bytes != NULL)
        check_round_trip(bytes, length);
    else
        g_assert_error(error, SCD_ERROR, SCD_INVALID_ARGS);
    return 0;
}
