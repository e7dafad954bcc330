/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/control-code.h"

/* SCARD_CTL_CODE(3400): which features of PC/SC part 10 the reader has. */
#define GET_FEATURE_REQUEST 0x42000D48

/* libccid, and drivers like it, have the features' control codes from here on. */
#define FEATURES 0x42330000u

/*
 * The features by which a program has a PIN entered and never sees it, and what
 * tells how. Not among them: writing to the display and reading keys, which
 * together ask for a PIN and do see it, and whatever takes commands of the
 * reader's maker.
 */
static const guint8 pin_features[] = {
    0x01, 0x02, 0x06, 0x0D, /* verify a PIN: start, finish, direct, with an application's id */
    0x03, 0x04, 0x07, 0x0E, /* modify a PIN, likewise */
    0x05, 0x0B, 0x0C,       /* get key pressed, abort, set message */
    0x0A, 0x11, 0x12,       /* properties: of the PIN pad, of the display, all */
    0x20,                   /* execute PACE */
};

gboolean
scd_control_code_is_driver_command(guint32 code)
{
    if (code == GET_FEATURE_REQUEST)
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(pin_features); i++)
        if (code == FEATURES + pin_features[i])
            return FALSE;
    return TRUE;
}
