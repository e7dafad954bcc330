/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <winscard.h>

/* What fills whatever a call is to give, so that it shows what was left alone. */
enum { FILLING = 0x5A };
#define UNTOUCHED 0x5A5A5A5AUL

/* The cases that follow have this in front of their names. */
void show_subject(const char *subject);

/* Begins the line of a case: its name, and the code that the call gave, by name. */
__attribute__((format(printf, 2, 3))) void show(LONG code, const char *name, ...);

/* The same line goes on with what came back. */
void show_number(const char *key, DWORD number);
void show_bits(const char *key, DWORD bits);
/* Only whether there is one: its number is random. */
void show_handle(const char *key, LONG handle);
/* Up to the last byte that is no filling. A zero byte of a text shows as "|". */
void show_bytes(const char *key, const void *bytes, size_t size);
void show_text(const char *key, const void *text, size_t size);
void show_word(const char *word);

/* The line is complete. */
void show_end(void);
