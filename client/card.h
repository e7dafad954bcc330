/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How a SmartcarddCard is made, and kept up to date by its client. */

#include "session.h"
#include "smartcardd-card.h"

/* properties: a{sv} */
SmartcarddCard *smartcardd_card_new(SmartcarddBus *bus, const char *path, SmartcarddReader *reader,
                                    GVariant *properties);

void smartcardd_card_set_gone(SmartcarddCard *card);

SmartcarddCardAbilities smartcardd_card_abilities(SmartcarddCard *card);
