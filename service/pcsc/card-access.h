/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Queries about the card of a handle (card: a SCARDHANDLE), which pcscd answers itself. For the
 * worker of the reader; SCardStatus would access the table of readers, which in 1.9.9 only the
 * monitor may use.
 */

#include "pcsc/job.h"

/*
 * Returns at once: SCARD_W_RESET_CARD or SCARD_W_REMOVED_CARD if the card was reset or removed,
 * SCARD_E_SHARING_VIOLATION if another handle has a transaction, else SCARD_S_SUCCESS.
 */
guint32 scd_card_check_access_in_worker(long card);

/* Returns whether the card has the expected ATR; TRUE if the driver does not report one. */
gboolean scd_card_has_atr_in_worker(long card, GBytes *expected);

/*
 * For a direct handle, which pcscd lets use each card that is inserted. granted: the ATR of the
 * only card to use, empty for no card. Returns SCARD_S_SUCCESS if the card is that one or has no
 * power; SCARD_E_NO_SMARTCARD if there is none, as granted; SCARD_E_CARD_UNSUPPORTED if it is
 * another one; or the code of scd_card_check_access_in_worker(), and then the card is not known.
 */
guint32 scd_card_compare_in_worker(long card, GBytes *granted);

/*
 * Returns why the command of the job failed: SCARD_W_REMOVED_CARD if the card was removed,
 * SCARD_E_READER_UNAVAILABLE if the reader was unplugged, the code of a lost connection to pcscd,
 * or else the code of the job. Blocks for at most half a second, and not after the job was
 * answered.
 */
guint32 scd_card_find_cause_in_worker(long card, const ScdJob *job);

/*
 * Returns whether PC/SC part 3 has a class for the attribute. Internal tags of drivers, which pcscd
 * would pass on, have none.
 */
gboolean scd_card_is_documented_attribute(guint32 id);
