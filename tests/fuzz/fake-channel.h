/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The service's end of a channel: answers each packet as the choices say. */

#include "fuzz.h"

/* Reads a packet and answers it. Returns FALSE if the channel is to be closed. */
gboolean scd_fake_channel_answer(int socket, ScdFuzzInput *input);
