/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Functions with which a client creates its SmartcarddReader objects, and keeps them up to date. In
 * the main context of the client, unless a comment says otherwise.
 */

#include "bus.h"
#include "smartcardd-card.h"
#include "smartcardd-reader.h"

/* properties: a{sv} */
SmartcarddReader *smartcardd_reader_new(SmartcarddBus *bus, const char *path, GVariant *properties);

/* properties: a{sv}, those that have changed */
void smartcardd_reader_update(SmartcarddReader *reader, GVariant *properties);

/* card: NULL for none */
void smartcardd_reader_set_card(SmartcarddReader *reader, SmartcarddCard *card);

/* Returns the path of the card that the service names; "/" for none. */
const char *smartcardd_reader_card_path(SmartcarddReader *reader);

/*
 * Returns whether a selector, such as an alias, a port or a name, fits the reader in one of its
 * meanings. meaning: 0 to SMARTCARDD_N_SELECTOR_MEANINGS - 1; a lower one takes precedence
 */
#define SMARTCARDD_N_SELECTOR_MEANINGS 5
gboolean smartcardd_reader_fits(SmartcarddReader *reader, const char *selector, guint meaning);

/* Sets the property "present" to FALSE when the reader is removed. */
void smartcardd_reader_set_gone(SmartcarddReader *reader);

/* In any thread. Borrowed. */
SmartcarddBus *smartcardd_reader_bus(SmartcarddReader *reader);

/* In any thread. Returns a reference, or NULL if the reader is empty. */
SmartcarddCard *smartcardd_reader_ref_card(SmartcarddReader *reader);
