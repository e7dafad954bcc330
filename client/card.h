/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Functions with which a client creates its SmartcarddCard objects. */

#include "session.h"
#include "smartcardd-card.h"

/* reader: a reference is kept. properties: a{sv}, those of the service */
SmartcarddCard *smartcardd_card_new(SmartcarddBus *bus, const char *path, SmartcarddReader *reader,
                                    GVariant *properties);

/* Sets the property "present" to FALSE when the card is removed. */
void smartcardd_card_set_gone(SmartcarddCard *card);

/* In any thread. */
SmartcarddCardAbilities smartcardd_card_abilities(SmartcarddCard *card);
