/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "reader-list.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READER "org.smartcardd1.Reader"
#define CARD "org.smartcardd1.Card"

/* More than the service ever shows: a reply that is larger is an error. */
#define READERS_MAX 1024
#define CARDS_MAX READERS_MAX

#define PORT_MAX 64
#define ATTRIBUTE_MAX 16

#define STATE_EMPTY 0x10 /* SCARD_STATE_EMPTY, PC/SC part 5 */

/* The properties of one object; strings are owned by the message. */
typedef struct {
    bool is_reader;
    bool is_card;
    bool is_candidate; /* a reader's or a card's */
    uint32_t state;
    uint8_t usb_address;
    const char *name;
    const char *alias;
    const char *port;
    const char *seat;
    const char *reader;
    const char *atr;
    const char *card_name;
} ObjectProperties;

/* A card precedes or follows its reader in the reply, so it is assigned at the end. */
typedef struct {
    char *path;
    char *reader;
    char *atr;
    char *name;
    bool is_candidate;
} ReadCard;

typedef struct {
    ReadCard *cards;
    size_t count;
} ReadCards;

static void
clear_cards(ReadCards *cards)
{
    for (size_t i = 0; i < cards->count; i++) {
        free(cards->cards[i].path);
        free(cards->cards[i].reader);
        free(cards->cards[i].atr);
        free(cards->cards[i].name);
    }
    free(cards->cards);
}

void
lgn_reader_list_clear(LgnReaderList *list)
{
    for (size_t i = 0; i < list->count; i++) {
        LgnReader *reader = &list->readers[i];
        free(reader->path);
        free(reader->port);
        free(reader->name);
        free(reader->seat);
        free(reader->card);
        free(reader->atr);
        free(reader->card_name);
    }
    free(list->readers);
    *list = (LgnReaderList){0};
}

static int
read_boolean(sd_bus_message *message, bool *value)
{
    int number = 0;
    int r = sd_bus_message_read(message, "v", "b", &number);

    *value = number;
    return r;
}

/* Reads the first one of several texts. */
static int
read_first_text(sd_bus_message *message, const char **text)
{
    const char *other;
    int r = sd_bus_message_enter_container(message, 'v', "as");

    if (r >= 0)
        r = sd_bus_message_enter_container(message, 'a', "s");
    if (r >= 0)
        r = sd_bus_message_read(message, "s", text);
    while (r > 0)
        r = sd_bus_message_read(message, "s", &other);
    if (r >= 0)
        r = sd_bus_message_exit_container(message);
    return r < 0 ? r : sd_bus_message_exit_container(message);
}

static int
read_value(ObjectProperties *properties, sd_bus_message *message, const char *name)
{
    const struct {
        const char *name;
        const char *type;
        const char **text;
    } texts[] = {
        {"Name", "s", &properties->name},     {"Alias", "s", &properties->alias},
        {"UsbPath", "s", &properties->port},  {"Seat", "s", &properties->seat},
        {"Reader", "o", &properties->reader}, {"AtrHex", "s", &properties->atr},
    };

    if (strcmp(name, "Names") == 0)
        return read_first_text(message, &properties->card_name);
    if (strcmp(name, "State") == 0)
        return sd_bus_message_read(message, "v", "u", &properties->state);
    if (strcmp(name, "UsbAddress") == 0)
        return sd_bus_message_read(message, "v", "y", &properties->usb_address);
    if (strcmp(name, "LoginCandidate") == 0)
        return read_boolean(message, &properties->is_candidate);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (strcmp(name, texts[i].name) == 0)
            return sd_bus_message_read(message, "v", texts[i].type, texts[i].text);
    return sd_bus_message_skip(message, "v");
}

/* Reads the value of an entry, whose key is next in the message too. */
typedef int (*EntryFunction)(sd_bus_message *message, void *data);

/* types: of the key and of the value. */
static int
read_dictionary(sd_bus_message *message, const char *types, EntryFunction read_entry, void *data)
{
    char entry[sizeof "{oa{sa{sv}}}"];

    snprintf(entry, sizeof entry, "{%s}", types);
    int r = sd_bus_message_enter_container(message, 'a', entry);
    while (r >= 0) {
        r = sd_bus_message_enter_container(message, 'e', types);
        if (r == 0)
            return sd_bus_message_exit_container(message);
        if (r > 0)
            r = read_entry(message, data);
        if (r >= 0)
            r = sd_bus_message_exit_container(message);
    }
    return r;
}

static int
read_property(sd_bus_message *message, void *data)
{
    const char *name;
    int r = sd_bus_message_read(message, "s", &name);

    return r < 0 ? r : read_value(data, message, name);
}

static int
read_interface(sd_bus_message *message, void *data)
{
    ObjectProperties *properties = data;
    const char *interface;
    int r = sd_bus_message_read(message, "s", &interface);

    if (r < 0)
        return r;
    if (strcmp(interface, READER) == 0)
        properties->is_reader = true;
    else if (strcmp(interface, CARD) == 0)
        properties->is_card = true;
    else
        return sd_bus_message_skip(message, "a{sv}");
    return read_dictionary(message, "sv", read_property, properties);
}

/* Returns a copy of a text that the service may not have sent; NULL when out of memory. */
static char *
copy_text(const char *text)
{
    return strdup(text ? text : "");
}

/* Returns NULL and sets errno if the kernel has no such device, or no such attribute of it. */
static FILE *
open_attribute(const char *port, int length, const char *attribute)
{
    char path[sizeof "/sys/bus/usb/devices//" + PORT_MAX + ATTRIBUTE_MAX];

    snprintf(path, sizeof path, "/sys/bus/usb/devices/%.*s/%s", length, port, attribute);
    return fopen(path, "re");
}

/* The address changes each time the device is plugged in. */
static bool
has_other_address(const char *port, int length, unsigned address)
{
    FILE *file = open_attribute(port, length, "devnum");
    unsigned present;

    if (!file)
        return errno == ENOENT;
    bool is_known = fscanf(file, "%3u", &present) == 1;
    fclose(file);
    return is_known && present != address;
}

/*
 * When a dock is unplugged, the kernel marks all devices behind it as "not attached", and then
 * removes them one after the other, which takes a while. The mark exists since Linux 6.6; to read
 * it takes no lock of the device.
 */
static bool
is_marked_as_gone(const char *port, int length)
{
    FILE *file = open_attribute(port, length, "port/state");
    char word[8];

    if (!file)
        return false;
    bool is_known = fscanf(file, "%7[a-z]", word) == 1;
    fclose(file);
    return is_known && strcmp(word, "not") == 0;
}

/*
 * Returns whether the kernel has no more the device of the reader, although pcscd still has it: at
 * first pcscd takes a reader that is unplugged, or loses its power in suspend, for an empty one.
 */
static bool
is_unplugged(const ObjectProperties *properties)
{
    const char *port = properties->port ? properties->port : "";
    size_t length = strspn(port, "0123456789.-"); /* without the interface, such as ":1.0" */

    if (length == 0 || length > PORT_MAX || properties->usb_address == 0)
        return false;
    return is_marked_as_gone(port, (int)length) ||
           has_other_address(port, (int)length, properties->usb_address);
}

static int
add_reader(LgnReaderList *list, const char *path, const ObjectProperties *properties)
{
    if (list->count == READERS_MAX)
        return -E2BIG;
    LgnReader *readers = reallocarray(list->readers, list->count + 1, sizeof *readers);
    bool has_alias = properties->alias && *properties->alias;

    if (!readers)
        return -ENOMEM;
    list->readers = readers;
    LgnReader *reader = &readers[list->count++];
    *reader = (LgnReader){
        .path = strdup(path),
        .port = copy_text(properties->port),
        .name = copy_text(has_alias ? properties->alias : properties->name),
        .seat = copy_text(properties->seat),
        .atr = strdup(""),
        .card_name = strdup(""),
        .is_empty = properties->state & STATE_EMPTY,
        .is_unplugged = is_unplugged(properties),
        .is_candidate = properties->is_candidate,
    };
    bool is_complete = reader->path && reader->port && reader->name && reader->seat &&
                       reader->atr && reader->card_name;
    return is_complete ? 0 : -ENOMEM;
}

static int
add_card(ReadCards *cards, const char *path, const ObjectProperties *properties)
{
    if (cards->count == CARDS_MAX)
        return -E2BIG;
    ReadCard *grown = reallocarray(cards->cards, cards->count + 1, sizeof *grown);

    if (!grown)
        return -ENOMEM;
    cards->cards = grown;
    ReadCard *card = &grown[cards->count++];
    *card = (ReadCard){
        .path = strdup(path),
        .reader = copy_text(properties->reader),
        .atr = copy_text(properties->atr),
        .name = copy_text(properties->card_name),
        .is_candidate = properties->is_candidate,
    };
    return card->path && card->reader && card->atr && card->name ? 0 : -ENOMEM;
}

/* What is read; the cards are assigned to their readers at the end. */
typedef struct {
    LgnReaderList *list;
    ReadCards cards;
} Reading;

static int
read_object(sd_bus_message *message, void *data)
{
    Reading *reading = data;
    ObjectProperties properties = {0};
    const char *path;
    int r = sd_bus_message_read(message, "o", &path);

    if (r >= 0)
        r = read_dictionary(message, "sa{sv}", read_interface, &properties);
    if (r < 0)
        return r;
    if (properties.is_reader)
        return add_reader(reading->list, path, &properties);
    return properties.is_card ? add_card(&reading->cards, path, &properties) : 0;
}

static void
assign_cards(LgnReaderList *list, ReadCards *cards)
{
    for (size_t i = 0; i < cards->count; i++) {
        ReadCard *card = &cards->cards[i];
        LgnReader *reader = (LgnReader *)lgn_reader_list_find(list, card->reader);
        if (!reader || reader->card)
            continue;
        free(reader->atr);
        free(reader->card_name);
        reader->card = card->path;
        reader->atr = card->atr;
        reader->card_name = card->name;
        reader->card_is_candidate = card->is_candidate;
        card->path = card->atr = card->name = NULL;
    }
}

int
lgn_reader_list_read(LgnReaderList *list, sd_bus_message *reply)
{
    Reading reading = {.list = list};

    *list = (LgnReaderList){0};
    int r = read_dictionary(reply, "oa{sa{sv}}", read_object, &reading);
    if (r >= 0)
        assign_cards(list, &reading.cards);
    else
        lgn_reader_list_clear(list);
    clear_cards(&reading.cards);
    return r < 0 ? r : 0;
}

const LgnReader *
lgn_reader_list_find(const LgnReaderList *list, const char *path)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->readers[i].path, path) == 0)
            return &list->readers[i];
    return NULL;
}

bool
lgn_reader_serves_seat(const LgnReader *reader, const char *seat)
{
    return reader->is_candidate && strcmp(reader->seat, seat) == 0;
}

bool
lgn_reader_has_login_card(const LgnReader *reader)
{
    return reader->card && reader->card_is_candidate;
}
