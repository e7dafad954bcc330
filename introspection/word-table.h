/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The words that the D-Bus interfaces use for constants of pcsclite.h. Users
 * expand a table with a macro of two arguments: X(word, number).
 *
 * This header includes no other: the service and the PC/SC library over the bus
 * both include it.
 */

#define SCD_SHARE_MODE_TABLE(X) X("shared", 2) X("exclusive", 1) X("direct", 3)

/* The numbers are bits, which can be combined. */
#define SCD_PROTOCOL_TABLE(X) X("T=0", 1) X("T=1", 2) X("raw", 4) X("T=15", 8)

#define SCD_INITIALIZATION_TABLE(X) X("leave", 0) X("reset", 1) X("unpower", 2)
#define SCD_DISPOSITION_TABLE(X) SCD_INITIALIZATION_TABLE(X) X("eject", 3)
