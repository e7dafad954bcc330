/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The parts of a valid ATR in the user's words; NULL for a part that it does not have. */

#include "base/atr.h"

/* "direct" or "inverse", as ISO/IEC 7816-3 has it. */
char *ctl_atr_text_convention(const ScdAtr *atr);

/* "TA1 18, TD1 81", a line for each level */
char *ctl_atr_text_interface_bytes(const ScdAtr *atr);

/* Whether a protocol can be chosen. */
char *ctl_atr_text_mode(const ScdAtr *atr);

/* Whether TCK is right. */
char *ctl_atr_text_check(const ScdAtr *atr);
