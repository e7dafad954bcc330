/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How a SmartcarddReader is made, and kept up to date by its client. */

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

#define SMARTCARDD_N_SELECTOR_MEANINGS 5

/* Returns whether a selector, in one of its meanings, fits the reader. The first meaning counts. */
gboolean smartcardd_reader_fits(SmartcarddReader *reader, const char *selector, guint meaning);

void smartcardd_reader_set_gone(SmartcarddReader *reader);

/* In any thread. */
SmartcarddBus *smartcardd_reader_bus(SmartcarddReader *reader);
SmartcarddCard *smartcardd_reader_ref_card(SmartcarddReader *reader);
