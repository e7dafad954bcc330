/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The words of the D-Bus interface for the enumerations of the library. */

#include "smartcardd-enums.h"

const char *smartcardd_share_mode_word(SmartcarddShareMode mode);
const char *smartcardd_disposition_word(SmartcarddDisposition disposition);

/* Returns "as", floating; empty for SMARTCARDD_PROTOCOLS_ANY. */
GVariant *smartcardd_protocol_words(SmartcarddProtocols protocols);

/* Returns SMARTCARDD_PROTOCOLS_ANY for an unknown word. */
SmartcarddProtocols smartcardd_protocol_of_word(const char *word);
