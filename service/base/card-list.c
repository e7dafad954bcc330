/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/card-list.h"

#include <string.h>
#include <sys/mman.h>

#include "base/atr.h"

#define HEADS 4096 /* a power of 2; the list of 2023 has 5,500 entries */
#define NO_ENTRY G_MAXUINT32

/*
 * Most entries are a literal ATR and are found by a hash of their text. The few patterns are tried
 * one after the other. All candidates have to pass the same matcher, so a hash collision does no
 * harm. The service reads the list when it starts, for which a sorted index takes too long.
 */
struct _ScdCardList {
    GMappedFile *file; /* of the text; NULL if it is no file */
    GBytes *text;
    GArray *literals; /* of ScdLiteralEntry */
    GArray *patterns; /* of ScdPatternEntry, in the order of the text */

    /* The last literal with each hash; an index, or NO_ENTRY. */
    guint32 heads[HEADS];
};

typedef struct {
    guint32 offset;   /* of the entry's line in the text */
    guint32 previous; /* one with the same hash; an index, or NO_ENTRY */
} ScdLiteralEntry;

/* The first characters, TS and T0, rule most patterns out without reading the text. */
typedef struct {
    guint32 offset; /* of the entry's line in the text */
    char head[5];   /* compared up to the first character that is not literal */
} ScdPatternEntry;

typedef struct {
    const char *start;
    gsize length; /* bytes, without the end of the line */
} ScdListLine;

/* The characters of a literal, as a capital letter; 0 for all others. */
static const guint8 literal_characters[256] = {
    [' '] = ' ', ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4',
    ['5'] = '5', ['6'] = '6', ['7'] = '7', ['8'] = '8', ['9'] = '9', ['A'] = 'A',
    ['B'] = 'B', ['C'] = 'C', ['D'] = 'D', ['E'] = 'E', ['F'] = 'F', ['a'] = 'A',
    ['b'] = 'B', ['c'] = 'C', ['d'] = 'D', ['e'] = 'E', ['f'] = 'F',
};

/* Sets the index in heads. Returns FALSE if the text is a pattern. */
static gboolean
hash_literal(const char *text, gsize length, guint32 *hash)
{
    guint32 bits = 0;

    for (gsize i = 0; i < length; i++) {
        guint8 character = literal_characters[(guchar)text[i]];
        if (character == 0)
            return FALSE;
        bits = (bits << 5 | bits >> 27) ^ character;
    }
    *hash = bits * 0x9E3779B1u / (G_MAXUINT32 / HEADS + 1); /* the upper bits of a product */
    return TRUE;
}

/* Sets line to the line at *at, without the spaces and the carriage return at its end. */
static gboolean
read_next_line(const char **at, const char *end, ScdListLine *line)
{
    if (*at == end)
        return FALSE;

    const char *newline = memchr(*at, '\n', (gsize)(end - *at));
    const char *stop = newline != NULL ? newline : end;

    line->start = *at;
    *at = newline != NULL ? newline + 1 : end;
    while (stop > line->start && (stop[-1] == '\r' || stop[-1] == ' '))
        stop--;
    line->length = (gsize)(stop - line->start);
    return TRUE;
}

static gboolean
is_description(const ScdListLine *line)
{
    return line->length > 0 && line->start[0] == '\t';
}

static gboolean
is_entry(const ScdListLine *line)
{
    return line->length > 0 && line->length <= SCD_CARD_LIST_MAX_LINE && line->start[0] != '#' &&
           line->start[0] != '\t';
}

static int
compare_offsets(gconstpointer a, gconstpointer b)
{
    const guint32 *left = a;
    const guint32 *right = b;

    return (*left > *right) - (*left < *right);
}

/* Returns the text up to the largest offset. */
static const char *
get_text(const ScdCardList *list, const char **end)
{
    gsize length;
    const char *start = g_bytes_get_data(list->text, &length);

    if (start == NULL)
        start = ""; /* GBytes has NULL for no bytes */
    *end = start + MIN(length, G_MAXUINT32);
    return start;
}

static void
add_entry(ScdCardList *list, const ScdListLine *line, guint32 offset)
{
    guint32 hash;

    if (hash_literal(line->start, line->length, &hash)) {
        ScdLiteralEntry literal = {offset, list->heads[hash]};
        list->heads[hash] = list->literals->len;
        g_array_append_val(list->literals, literal);
    } else {
        ScdPatternEntry pattern = {offset, {0}};
        memcpy(pattern.head, line->start, MIN(line->length, sizeof pattern.head));
        g_array_append_val(list->patterns, pattern);
    }
}

ScdCardList *
scd_card_list_new(GBytes *text)
{
    ScdCardList *list = g_new0(ScdCardList, 1);
    const char *end;
    ScdListLine line;

    list->text = g_bytes_ref(text);
    list->literals = g_array_new(FALSE, FALSE, sizeof(ScdLiteralEntry));
    list->patterns = g_array_new(FALSE, FALSE, sizeof(ScdPatternEntry));
    for (gsize i = 0; i < HEADS; i++)
        list->heads[i] = NO_ENTRY;

    const char *start = get_text(list, &end);
    const char *at = start;
    while (read_next_line(&at, end, &line)) {
        if (is_entry(&line))
            add_entry(list, &line, (guint32)(line.start - start));
    }
    return list;
}

ScdCardList *
scd_card_list_new_from_file(GMappedFile *file)
{
    g_autoptr(GBytes) text = g_mapped_file_get_bytes(file);
    ScdCardList *list = scd_card_list_new(text);

    list->file = g_mapped_file_ref(file);
    scd_card_list_release_pages(list);
    return list;
}

void
scd_card_list_release_pages(const ScdCardList *list)
{
    if (list->file)
        madvise(g_mapped_file_get_contents(list->file), g_mapped_file_get_length(list->file),
                MADV_DONTNEED);
}

void
scd_card_list_free(ScdCardList *list)
{
    if (list == NULL)
        return;
    g_array_unref(list->literals);
    g_array_unref(list->patterns);
    g_bytes_unref(list->text);
    g_clear_pointer(&list->file, g_mapped_file_unref);
    g_free(list);
}

/* Sets line to the line of an entry, and returns the start of the next line. */
static const char *
read_entry_line(const ScdCardList *list, guint32 offset, const char **end, ScdListLine *line)
{
    const char *at = get_text(list, end) + offset;

    read_next_line(&at, *end, line);
    return at;
}

static void
add_if_match(const ScdCardList *list, guint32 offset, const ScdAtrText *atr, GArray *matches)
{
    const char *end;
    ScdListLine entry;

    read_entry_line(list, offset, &end, &entry);
    if (scd_atr_pattern_matches(entry.start, entry.length, atr))
        g_array_append_val(matches, offset);
}

static gboolean
is_ruled_out(const ScdPatternEntry *pattern, const ScdAtrText *atr)
{
    for (gsize i = 0; i < MIN(sizeof pattern->head, atr->length); i++) {
        char c = g_ascii_toupper(pattern->head[i]);

        if (!g_ascii_isxdigit(c) && c != ' ')
            return FALSE;
        if (c != atr->text[i])
            return TRUE;
    }
    return FALSE;
}

static GArray *
find_matches(const ScdCardList *list, const ScdAtrText *atr)
{
    GArray *matches = g_array_new(FALSE, FALSE, sizeof(guint32));
    guint32 hash, next = NO_ENTRY;

    if (hash_literal(atr->text, atr->length, &hash))
        next = list->heads[hash];
    while (next != NO_ENTRY) {
        const ScdLiteralEntry *literal = &g_array_index(list->literals, ScdLiteralEntry, next);

        add_if_match(list, literal->offset, atr, matches);
        next = literal->previous;
    }
    for (guint i = 0; i < list->patterns->len; i++) {
        const ScdPatternEntry *pattern = &g_array_index(list->patterns, ScdPatternEntry, i);

        if (!is_ruled_out(pattern, atr))
            add_if_match(list, pattern->offset, atr, matches);
    }

    g_array_sort(matches, compare_offsets);
    return matches;
}

static gboolean
is_web_address(const char *name)
{
    return g_ascii_strncasecmp(name, "http://", 7) == 0 ||
           g_ascii_strncasecmp(name, "https://", 8) == 0;
}

static void
add_name(GPtrArray *names, const ScdListLine *line)
{
    g_autofree char *name = g_strstrip(g_utf8_make_valid(line->start, (gssize)line->length));

    if (name[0] == '\0' || is_web_address(name))
        return;
    if (!g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
        g_ptr_array_add(names, g_steal_pointer(&name));
}

static void
add_names_of_entry(const ScdCardList *list, guint32 offset, GPtrArray *names)
{
    const char *end;
    ScdListLine line;
    const char *at = read_entry_line(list, offset, &end, &line);

    while (names->len < SCD_CARD_LIST_MAX_NAMES && read_next_line(&at, end, &line) &&
           is_description(&line)) {
        if (line.length <= SCD_CARD_LIST_MAX_LINE)
            add_name(names, &line);
    }
}

char **
scd_card_list_lookup(const ScdCardList *list, const guint8 *atr, gsize length)
{
    GPtrArray *names = g_ptr_array_new();
    ScdAtrText text;

    scd_atr_text_init(&text, atr, length);
    if (text.length > 0) {
        g_autoptr(GArray) matches = find_matches(list, &text);

        for (guint i = 0; i < matches->len; i++)
            add_names_of_entry(list, g_array_index(matches, guint32, i), names);
    }
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(names, FALSE);
}
