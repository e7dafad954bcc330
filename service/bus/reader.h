/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A reader on the bus, and the card in it. The order of signals that the
 * contract promises is kept here: each function below is one step of it.
 */

#include "base/card-list.h"
#include "base/identity.h"
#include "bus/aliases.h"
#include "bus/card.h"
#include "bus/sessions.h"
#include "bus/tree.h"
#include "bus/wait-calls.h"
#include "pcsc/snapshot.h"

/*
 * Whoever needs to know when the reader goes, or its card. Either function may
 * end watches, its own too.
 */
typedef struct {
    void (*reader_left)(ScdSessionEnd why, gpointer data);
    void (*card_left)(gpointer data);
    gpointer data;
} ScdReaderWatch;

/* What a reader is made with; all but the identity must live longer. */
typedef struct {
    ScdTree *tree;
    ScdSessions *sessions;
    ScdWaitCalls *wait_calls;
    ScdAliases *aliases;
    const ScdIdentity *identity;
    const char *alias; /* empty when it has none */
} ScdReaderParts;

/* An empty reader. Its object path is made of the identity, and stays. */
ScdReader *scd_reader_new(const ScdReaderParts *parts, ScdReaderState *state, GError **error);

/* The card must have been removed. why: what those hear who use the reader. */
void scd_reader_free(ScdReader *reader, ScdSessionEnd why);

const char *scd_reader_path(const ScdReader *reader);
const char *scd_reader_name(const ScdReader *reader);
const char *scd_reader_usb_path(const ScdReader *reader);
const ScdIdentity *scd_reader_identity(const ScdReader *reader);
const ScdReaderState *scd_reader_state(const ScdReader *reader);

/* NULL when the reader is empty. */
const ScdCard *scd_reader_card(const ScdReader *reader);

/* Of the card, empty without one. */
GBytes *scd_reader_dup_atr(const ScdReader *reader);

/* For polkit's rules, as things are now; borrowed. */
ScdAuthorityDetails scd_reader_details(const ScdReader *reader);

void scd_reader_watch(ScdReader *reader, const ScdReaderWatch *watch);
void scd_reader_unwatch(ScdReader *reader, const ScdReaderWatch *watch);

/* More is known of the reader. */
void scd_reader_identify(ScdReader *reader, const ScdIdentity *identity);

/* TRUE when it had another one before. */
gboolean scd_reader_set_alias(ScdReader *reader, const char *alias);

/* state: what pcscd says of the reader from now on. */
void scd_reader_update(ScdReader *reader, ScdReaderState *state);
void scd_reader_insert_card(ScdReader *reader, ScdReaderState *state, const ScdCardList *card_list);
void scd_reader_remove_card(ScdReader *reader, ScdReaderState *state);
