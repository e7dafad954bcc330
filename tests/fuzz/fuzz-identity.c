/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any answers of a driver, and any name of a reader. */

#include "base/identity.h"

#include "base/reader-name.h"
#include "fuzz.h"

static void
take_answers(ScdDriverAnswers *answers, ScdFuzzInput *input)
{
    GBytes **const all[] = {
        &answers->usb_path,       &answers->channel_id,
        &answers->vendor,         &answers->product,
        &answers->serial,         &answers->version,
        &answers->features,       &answers->tlv_properties,
        &answers->pin_properties, &answers->display_properties,
    };

    answers->asked = scd_fuzz_pick(input, 2) == 0;
    guint16 given = scd_fuzz_take_u16(input);
    for (gsize i = 0; i < G_N_ELEMENTS(all); i++) {
        gsize length;

        if ((given & 1u << i) != 0)
            continue;
        const guint8 *bytes = scd_fuzz_take_bytes(input, &length);
        *all[i] = g_bytes_new(bytes, length);
    }
}

static void
check_identity(const ScdIdentity *identity)
{
    const char *const texts[] = {identity->vendor, identity->product, identity->serial,
                                 identity->driver_version};

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        scd_fuzz_assert_clean(texts[i]);
    scd_fuzz_assert_texts(identity->features);
    g_assert_true(scd_reader_name_is_text(identity->name));
    g_assert_cmpstr(identity->seat, ==, SCD_DEFAULT_SEAT);
    g_assert_true(!identity->has_usb_path || identity->usb_path.port.n_ports > 0);
    if (!identity->has_usb_path)
        g_assert_cmpuint(scd_identity_interface(identity), ==, 0);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    ScdFuzzInput input = {data, size};
    g_auto(ScdDriverAnswers) answers = {0}, later_answers = {0};
    g_autofree char *name = scd_fuzz_take_text(&input);

    take_answers(&answers, &input);
    g_autoptr(ScdIdentity) identity = scd_identity_new(name, &answers, NULL);
    check_identity(identity);
    take_answers(&later_answers, &input);
    g_autoptr(ScdIdentity) later = scd_identity_new(name, &later_answers, NULL);
    check_identity(later);
    g_assert_false(scd_identity_is_better(identity, identity));
    g_assert_false(scd_identity_is_elsewhere(identity, identity));
    scd_identity_is_better(later, identity);
    scd_identity_is_elsewhere(later, identity);
    return 0;
}
