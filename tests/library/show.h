/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <winscard.h>

/* Output arguments are filled with it before a call, to detect those that the call leaves
 * unchanged. */
enum { FILLING = 0x5A };
#define UNTOUCHED 0x5A5A5A5AUL

/* Sets the prefix of the names of the following cases. */
void show_subject(const char *subject);

/* Begins the line of a case with its name, and the name of the code that the call returned. */
__attribute__((format(printf, 2, 3))) void show(LONG code, const char *name, ...);

/* Append an output argument to the line. */
void show_number(const char *key, DWORD number);
void show_bits(const char *key, DWORD bits);
/* Appends only whether there is a handle, since the number is random. */
void show_handle(const char *key, LONG handle);
/* Up to the last byte that differs from FILLING. In a text, NUL is printed as "|". */
void show_bytes(const char *key, const void *bytes, size_t size);
void show_text(const char *key, const void *text, size_t size);
void show_word(const char *word);

/* Ends the line, if there is one, and flushes standard output. */
void show_end(void);
