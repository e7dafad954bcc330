/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes as a driver's features, as its properties, and as the descriptors of a device. */

#include "base/feature.h"
#include "base/usb-device.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_auto(GStrv) words = scd_features_dup_words(data, size);
    g_autoptr(ScdTlvProperties) properties = scd_tlv_properties_parse(data, size);
    guint n_codes = 0;

    for (guint tag = 0; tag <= G_MAXUINT8; tag++) {
        guint32 code = scd_features_find_code(data, size, (guint8)tag);
        guint32 pin_code = scd_features_find_pin_code(data, size, (guint8)tag);

        n_codes += code != 0;
        g_assert_true(pin_code == 0 || pin_code == code);
        g_assert_true(pin_code == 0 || !scd_control_code_is_driver_command(code, data, size));
    }
    g_assert_cmpuint(g_strv_length(words), <=, n_codes);
    for (char **word = words; *word != NULL; word++)
        g_assert_false(g_strv_contains((const char *const *)word + 1, *word));
    scd_fuzz_assert_clean(properties->firmware);
    scd_display_size_of_pin_properties(data, size);
    scd_display_size_of_display_properties(data, size);
    ScdCcid ccid;
    if (scd_ccid_find(data, size, 1, 0, &ccid))
        scd_ccid_command_max(&ccid);
    return 0;
}
