/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The header that programs include. */

#include <smartcardd-card.h>
#include <smartcardd-client.h>
#include <smartcardd-command.h>
#include <smartcardd-enum-types.h>
#include <smartcardd-enums.h>
#include <smartcardd-pin-format.h>
#include <smartcardd-reader.h>
#include <smartcardd-session.h>
#include <smartcardd-transaction.h>
