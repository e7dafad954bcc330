/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A reader on the bus: its properties and signals, the card in it, and the watches on both.
 * Each function that changes the state emits the signals in the order that Reader.xml documents.
 */

#include "base/card-list.h"
#include "base/error.h"
#include "base/identity.h"
#include "base/settings.h"
#include "bus/authority.h"
#include "bus/card.h"
#include "bus/object.h"
#include "pcsc/snapshot.h"
#include "pcsc/workers.h"

typedef struct ScdReader ScdReader;

/* The objects that methods of readers and cards use: methods.h. */
typedef struct ScdMethodContext ScdMethodContext;

/* Functions for a removal. Either may end watches, including its own. */
typedef struct {
    /* The reader is removed. why: SCD_E_READER_UNAVAILABLE if it was unplugged, SCD_E_NO_SERVICE if
     * pcscd has stopped, SCD_P_SHUTDOWN if the service stops. */
    void (*reader_left)(ScdErrorCode why, gpointer data);
    void (*card_left)(gpointer data);
    gpointer data;
} ScdReaderWatch;

/* A function for a change of the details for polkit rules, of the ATR, or of the card object. */
typedef struct {
    void (*changed)(gpointer data); /* may end any watch */
    gpointer data;
} ScdReaderDetailsWatch;

/* All of it must outlive the reader. */
typedef struct {
    ScdTree *tree;
    ScdWorkers *workers;
    const ScdCardList *card_list;         /* the names of cards by ATR, or NULL */
    ScdSettings *const *settings;         /* the present ones */
    const ScdInterface *reader_interface; /* its methods receive the ScdReader */
    const ScdInterface *card_interface;   /* likewise: the reader that the card is in */
    const ScdMethodContext *context;      /* for these methods */
} ScdReaderParts;

/*
 * Adds an empty reader to the tree. Its object path is derived from the identity, and does not
 * change. alias: copied; empty if the reader has none. state: a reference is kept. Fails if the
 * path is in use.
 */
ScdReader *scd_reader_new(const ScdReaderParts *parts, const ScdIdentity *identity,
                          const char *alias, ScdReaderState *state, GError **error);

/*
 * Ends the watches, and removes the reader from the tree. why: passed to the watches. The card must
 * have been removed before, unless why is SCD_P_SHUTDOWN.
 */
void scd_reader_free(ScdReader *reader, ScdErrorCode why);

const char *scd_reader_path(const ScdReader *reader);
const char *scd_reader_name(const ScdReader *reader);      /* the property Name: text */
const char *scd_reader_pcsc_name(const ScdReader *reader); /* any bytes */
const char *scd_reader_usb_path(const ScdReader *reader);  /* empty if it has none */
const ScdIdentity *scd_reader_identity(const ScdReader *reader);
const ScdReaderState *scd_reader_state(const ScdReader *reader);
guint16 scd_reader_bits(const ScdReader *reader); /* the property State */
const ScdMethodContext *scd_reader_context(const ScdReader *reader);

/* Returns NULL if the reader is empty. */
const ScdCard *scd_reader_card(const ScdReader *reader);

/* Returns the ATR of the card, empty bytes if there is no card. */
GBytes *scd_reader_dup_atr(const ScdReader *reader);

/* Returns the details for polkit rules; borrowed, valid until the reader changes. */
ScdAuthorityDetails scd_reader_details(const ScdReader *reader);

/* The watch is not copied: it must stay in place until it is removed. */
void scd_reader_watch(ScdReader *reader, const ScdReaderWatch *watch);
void scd_reader_unwatch(ScdReader *reader, const ScdReaderWatch *watch);

/* Likewise. All must have been removed before the reader is freed. */
void scd_reader_watch_details(ScdReader *reader, const ScdReaderDetailsWatch *watch);
void scd_reader_unwatch_details(ScdReader *reader, const ScdReaderDetailsWatch *watch);

/* Updates the properties that describe the device. */
void scd_reader_identify(ScdReader *reader, const ScdIdentity *identity);

/* Updates the properties of the reader and its card when the settings were read again. */
void scd_reader_apply_settings(ScdReader *reader);

/*
 * To be called when a session of the service begins, changes its share mode, or ends. before, now:
 * its share modes; 0 while there is no session. Updates InUse, Exclusive and State.
 */
void scd_reader_count_session(ScdReader *reader, guint32 before, guint32 now);

/* Sets the property Alias. Returns whether it has changed. */
gboolean scd_reader_set_alias(ScdReader *reader, const char *alias);

/* Apply a step of the difference between two snapshots. state: the new one; a reference is kept */
void scd_reader_update(ScdReader *reader, ScdReaderState *state);
void scd_reader_insert_card(ScdReader *reader, ScdReaderState *state);
void scd_reader_remove_card(ScdReader *reader, ScdReaderState *state);
