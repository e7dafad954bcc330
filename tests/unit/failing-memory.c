/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "failing-memory.h"

#include <stdbool.h>
#include <stddef.h>

static int allocations_left = ALLOCATIONS_UNLIMITED;

void *__real_calloc(size_t count, size_t size);
void *__real_reallocarray(void *memory, size_t count, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t length);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_reallocarray(void *memory, size_t count, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t length);

void
set_allocations_left(int count)
{
    allocations_left = count;
}

static bool
has_memory(void)
{
    return allocations_left-- > 0;
}

void *
__wrap_calloc(size_t count, size_t size)
{
    return has_memory() ? __real_calloc(count, size) : NULL;
}

void *
__wrap_reallocarray(void *memory, size_t count, size_t size)
{
    return has_memory() ? __real_reallocarray(memory, count, size) : NULL;
}

char *
__wrap_strdup(const char *text)
{
    return has_memory() ? __real_strdup(text) : NULL;
}

char *
__wrap_strndup(const char *text, size_t length)
{
    return has_memory() ? __real_strndup(text, length) : NULL;
}
