/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Selects the readers and cards that a command waits for, by the options of the user. */

#include "reader-view.h"

typedef struct {
    const char *const *readers; /* selectors, of which one has to name the reader; NULL for any */
    const char *const *others;  /* selectors of readers to ignore; NULL for none */
    const char *card_path;      /* NULL for any card */
    GBytes *atr;                /* NULL for any; owned */
    GBytes *mask;               /* as long as atr; owned */
    gboolean mute;              /* cards that do not answer count */
} CtlCardFilter;

/*
 * Sets the ATR and the mask from a text such as "3B02145000/FFFFFFFF00", of hexadecimal digits with
 * optional spaces and colons. Without a mask all bits count. Returns FALSE if the text is not
 * valid.
 */
gboolean ctl_card_filter_parse_atr(CtlCardFilter *filter, const char *text);
void ctl_card_filter_clear(CtlCardFilter *filter);

gboolean ctl_card_filter_fits_reader(const CtlCardFilter *filter, SmartcarddClient *client,
                                     const CtlReaderView *reader);

/* Returns whether the reader and its card fit. */
gboolean ctl_card_filter_fits_card(const CtlCardFilter *filter, SmartcarddClient *client,
                                   const CtlReaderView *reader);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(CtlCardFilter, ctl_card_filter_clear)
