/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A reader on the bus, and the card in it. The order of signals that the
 * contract promises is kept here: each function below is one step of it.
 */

#include "base/card-list.h"
#include "bus/authority.h"
#include "bus/tree.h"
#include "pcsc/snapshot.h"

typedef struct ScdReader ScdReader;

/* An empty reader. */
ScdReader *scd_reader_new(ScdTree *tree, ScdReaderState *state, GError **error);

/* The card must have been removed. */
void scd_reader_free(ScdReader *reader);

const char *scd_reader_path(const ScdReader *reader);
const char *scd_reader_serial(const ScdReader *reader);

/* What polkit's rules get to know; valid until the reader changes. */
ScdAuthorityDetails scd_reader_details(const ScdReader *reader);

/* state: what pcscd says of the reader from now on. */
void scd_reader_update(ScdReader *reader, ScdReaderState *state);
void scd_reader_insert_card(ScdReader *reader, ScdReaderState *state, const ScdCardList *card_list);
void scd_reader_remove_card(ScdReader *reader, ScdReaderState *state);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdReader, scd_reader_free)
