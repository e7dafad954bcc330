/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Prints the result of a case as one line. The line must be the same in each run of the same
 * library, so it contains no handle numbers and no addresses, and marks output arguments that the
 * call has not changed.
 */

#include "show.h"

#include "../../introspection/error-table.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { BYTES_SHOWN = 48 };

static const struct pcsc_error_name {
    uint32_t code;
    const char *text;
} names[] = {
#define NAME(constant, byte, error, text) {0x80100000 + byte, #constant},
    SCD_PCSC_ERROR_TABLE(NAME)
#undef NAME
};

static const char *subject = "";
static bool line_is_open;

static const char *
find_name(uint32_t code)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].code == code)
            return names[i].text;
    return NULL;
}

/* A code has 32 bits; the upper bits of a longer LONG must be zero. */
static void
show_code(LONG code)
{
    const char *name = find_name((uint32_t)code);

    if (code == SCARD_S_SUCCESS)
        fputs("SUCCESS", stdout);
    else if (code == (LONG)(uint32_t)code && name != NULL)
        fputs(name, stdout);
    else
        printf("%#lx", (unsigned long)code);
}

void
show_subject(const char *new_subject)
{
    subject = new_subject;
}

void
show(LONG code, const char *name, ...)
{
    va_list arguments;

    show_end();
    line_is_open = true;
    printf("%s: ", subject);
    va_start(arguments, name);
    vprintf(name, arguments);
    va_end(arguments);
    fputs(": ", stdout);
    show_code(code);
}

void
show_number(const char *key, DWORD number)
{
    if (number == UNTOUCHED)
        printf(" %s untouched", key);
    else
        printf(" %s %lu", key, (unsigned long)number);
}

void
show_bits(const char *key, DWORD bits)
{
    if (bits == UNTOUCHED)
        printf(" %s untouched", key);
    else
        printf(" %s %#lx", key, (unsigned long)bits);
}

void
show_handle(const char *key, LONG handle)
{
    if (handle == (LONG)UNTOUCHED)
        printf(" %s untouched", key);
    else
        printf(" %s %s", key, handle == 0 ? "none" : handle > 0 ? "given" : "negative");
}

static size_t
touched(const unsigned char *bytes, size_t size)
{
    while (size > 0 && bytes[size - 1] == FILLING)
        size--;
    return size;
}

/* FNV-1a, for data that is too long to print. */
static uint32_t
digest(const unsigned char *bytes, size_t size)
{
    uint32_t hash = 2166136261;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * 16777619;
    return hash;
}

void
show_bytes(const char *key, const void *data, size_t size)
{
    const unsigned char *bytes = data;

    size = touched(bytes, size);
    printf(" %s ", key);
    if (size == 0)
        fputs("untouched", stdout);
    for (size_t i = 0; i < size && i < BYTES_SHOWN; i++)
        printf("%02X", bytes[i]);
    if (size > BYTES_SHOWN)
        printf("... %zu bytes, digest %08" PRIX32, size, digest(bytes, size));
}

void
show_text(const char *key, const void *data, size_t size)
{
    const char *text = data;

    size = touched(data, size);
    printf(" %s \"", key);
    for (size_t i = 0; i < size; i++)
        putchar(text[i] == '\0' ? '|' : text[i] >= ' ' && text[i] <= '~' ? text[i] : '?');
    putchar('"');
}

void
show_word(const char *word)
{
    printf(" %s", word);
}

void
show_end(void)
{
    if (line_is_open)
        putchar('\n');
    line_is_open = false;
    fflush(stdout);
}
