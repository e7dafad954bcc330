/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fake-values.h"

#include <string.h>

#define PREFIX "org.smartcardd1."
#define DEPTH_MAX 4
#define ITEMS_MAX 4

/* A property with its usual value; numbers are decimal, bytes are those of the text. */
typedef struct {
    const char *interface; /* without the prefix */
    const char *name;
    const char *type;
    const char *value;
} Property;

static const Property properties[] = {
    {"Manager", "Available", "b", "1"},
    {"Manager", "ChannelVersion", "u", "2"},
    {"Manager", "ReaderChanges", "u", "1"},
    {"Manager", "Version", "s", "1"},
    {"Manager", "UnavailableReason", "s", ""},
    {"Manager", "Features", "as", "a"},
    {"Reader", "Name", "s", "Fake 00 00"},
    {"Reader", "PcscName", "ay", "Fake 00 00"},
    {"Reader", "Alias", "s", ""},
    {"Reader", "State", "u", "32"},
    {"Reader", "EventCount", "u", "1"},
    {"Reader", "Card", "o", SCD_FAKE_CARD},
    {"Reader", "CardPresent", "b", "1"},
    {"Reader", "UsbPath", "s", ""},
    {"Reader", "UsbAddress", "y", "0"},
    {"Reader", "Seat", "s", "seat0"},
    {"Reader", "LoginCandidate", "b", "1"},
    {"Reader", "Features", "as", "verify-pin-direct"},
    {"Card", "Reader", "o", SCD_FAKE_READER},
    {"Card", "Atr", "ay", "\x3b\x02\x14\x50"},
    {"Card", "AtrHex", "s", "3B021450"},
    {"Card", "Names", "as", "Some card"},
    {"Card", "Protocols", "as", "T=0"},
    {"Card", "HistoricalBytes", "ay", "\x14\x50"},
    {"Card", "LoginCandidate", "b", "1"},
};

/* Types of any values. */
static const char *const types[] = {"s", "u", "b", "y", "o", "v", "ay", "as", "a{sv}", "x", "(su)"};

static int
append_path(sd_bus_message *message, ScdFuzzInput *input)
{
    static const char *const paths[] = {SCD_FAKE_READER,         SCD_FAKE_CARD, SCD_FAKE_SESSION,
                                        SCD_FAKE_ROOT,           "/",           SCD_FAKE_READER "2",
                                        SCD_FAKE_ROOT "/cards/2"};
    const char *path = paths[scd_fuzz_pick(input, G_N_ELEMENTS(paths))];

    return sd_bus_message_append_basic(message, 'o', path);
}

static int
append_text(sd_bus_message *message, ScdFuzzInput *input)
{
    g_autofree char *text = scd_fuzz_take_utf8(input);

    return sd_bus_message_append_basic(message, 's', text);
}

static int
append_bytes(sd_bus_message *message, ScdFuzzInput *input)
{
    gsize length;
    const guint8 *bytes = scd_fuzz_take_bytes(input, &length);

    return sd_bus_message_append_array(message, 'y', bytes, length);
}

static int append_value(sd_bus_message *message, ScdFuzzInput *input, const char *type,
                        guint depth);

static int
append_items(sd_bus_message *message, ScdFuzzInput *input, const char *type, guint depth)
{
    guint count = scd_fuzz_pick(input, ITEMS_MAX);
    int r = sd_bus_message_open_container(message, 'a', type);

    for (guint i = 0; i < count && r >= 0; i++)
        r = append_value(message, input, type, depth);
    return r < 0 ? r : sd_bus_message_close_container(message);
}

static int
append_variant(sd_bus_message *message, ScdFuzzInput *input, const char *type, guint depth)
{
    int r = sd_bus_message_open_container(message, 'v', type);

    if (r >= 0)
        r = append_value(message, input, type, depth);
    return r < 0 ? r : sd_bus_message_close_container(message);
}

/* A text and a value: an entry of a dictionary, or a structure. */
static int
append_pair(sd_bus_message *message, ScdFuzzInput *input, const char *type, guint depth)
{
    gboolean is_entry = type[0] == '{';
    g_autofree char *content = g_strndup(type + 1, strlen(type) - 2);
    int r = sd_bus_message_open_container(message, is_entry ? 'e' : 'r', content);

    if (r >= 0)
        r = append_text(message, input);
    if (r >= 0)
        r = append_value(message, input, content + 1, depth);
    return r < 0 ? r : sd_bus_message_close_container(message);
}

static int
append_number(sd_bus_message *message, ScdFuzzInput *input, char type)
{
    guint32 number = scd_fuzz_take_byte(input);
    gint64 large = number >= 0xFE ? -1 : (gint64)number;
    int truth = number % 2;

    if (number == 0xFF)
        number = scd_fuzz_take_u32(input);
    switch (type) {
    case 'b':
        return sd_bus_message_append_basic(message, 'b', &truth);
    case 'y':
        return sd_bus_message_append(message, "y", (guint8)number);
    case 'u':
        return sd_bus_message_append_basic(message, 'u', &number);
    default:
        return sd_bus_message_append_basic(message, 'x', &large);
    }
}

/* type: one of those above, or a part of them. */
static int
append_value(sd_bus_message *message, ScdFuzzInput *input, const char *type, guint depth)
{
    const char *inner;

    switch (type[0]) {
    case 's':
        return append_text(message, input);
    case 'o':
        return append_path(message, input);
    case 'v':
        inner = depth > 0 ? types[scd_fuzz_pick(input, G_N_ELEMENTS(types))] : "u";
        return append_variant(message, input, inner, depth > 0 ? depth - 1 : 0);
    case 'a':
        return type[1] == 'y' ? append_bytes(message, input)
                              : append_items(message, input, type + 1, depth);
    case '{':
    case '(':
        return append_pair(message, input, type, depth);
    default:
        return append_number(message, input, type[0]);
    }
}

static int
append_usual_items(sd_bus_message *message, const Property *property)
{
    if (property->type[1] == 'y')
        return sd_bus_message_append_array(message, 'y', property->value, strlen(property->value));
    return sd_bus_message_append(message, "as", 1, property->value);
}

static int
append_usual_variant(sd_bus_message *message, const Property *property)
{
    guint32 number = (guint32)g_ascii_strtoull(property->value, NULL, 10);
    int r = sd_bus_message_open_container(message, 'v', property->type);

    if (r >= 0 && property->type[0] == 'a')
        r = append_usual_items(message, property);
    else if (r >= 0 && strchr("so", property->type[0]))
        r = sd_bus_message_append_basic(message, property->type[0], property->value);
    else if (r >= 0)
        r = sd_bus_message_append(message, property->type, number);
    return r < 0 ? r : sd_bus_message_close_container(message);
}

/* Appends an entry {sv}, or leaves it out. */
static int
append_property(sd_bus_message *message, ScdFuzzInput *input, const Property *property)
{
    guint choice = scd_fuzz_pick(input, 8);
    int r;

    if (choice == 7)
        return 0;
    r = sd_bus_message_open_container(message, 'e', "sv");
    if (r >= 0)
        r = sd_bus_message_append_basic(message, 's', property->name);
    if (r >= 0 && choice == 5)
        r = append_variant(message, input, property->type, DEPTH_MAX);
    else if (r >= 0 && choice == 6)
        r = append_value(message, input, "v", DEPTH_MAX);
    else if (r >= 0)
        r = append_usual_variant(message, property);
    return r < 0 ? r : sd_bus_message_close_container(message);
}

static int
append_properties(sd_bus_message *message, ScdFuzzInput *input, const char *interface)
{
    int r = sd_bus_message_open_container(message, 'a', "{sv}");

    for (gsize i = 0; i < G_N_ELEMENTS(properties) && r >= 0; i++)
        if (g_str_equal(properties[i].interface, interface))
            r = append_property(message, input, &properties[i]);
    return r < 0 ? r : sd_bus_message_close_container(message);
}

static const char *const interfaces[] = {"Reader", "Card", "Manager", "Other"};

/* Appends a{sa{sv}} with one interface. */
static int
append_interfaces(sd_bus_message *message, ScdFuzzInput *input, const char *interface)
{
    g_autofree char *name = g_strconcat(PREFIX, interface, NULL);
    int r = sd_bus_message_open_container(message, 'a', "{sa{sv}}");

    if (r >= 0)
        r = sd_bus_message_open_container(message, 'e', "sa{sv}");
    if (r >= 0)
        r = sd_bus_message_append_basic(message, 's', name);
    if (r >= 0)
        r = append_properties(message, input, interface);
    if (r >= 0)
        r = sd_bus_message_close_container(message);
    return r < 0 ? r : sd_bus_message_close_container(message);
}

/* Appends "oa{sa{sv}}" by a choice; the usual one is the path and the interface of that number. */
static int
append_object(sd_bus_message *message, ScdFuzzInput *input, guint number)
{
    static const char *const paths[] = {SCD_FAKE_READER, SCD_FAKE_CARD, SCD_FAKE_ROOT,
                                        SCD_FAKE_READER "2", SCD_FAKE_ROOT "/cards/2"};
    guint path = (number + scd_fuzz_take_byte(input)) % G_N_ELEMENTS(paths);
    guint interface = (number + scd_fuzz_take_byte(input)) % G_N_ELEMENTS(interfaces);
    int r = sd_bus_message_append_basic(message, 'o', paths[path]);

    return r < 0 ? r : append_interfaces(message, input, interfaces[interface]);
}

static int
append_objects(sd_bus_message *message, ScdFuzzInput *input)
{
    guint count = 2 + scd_fuzz_pick(input, ITEMS_MAX);
    int r = sd_bus_message_open_container(message, 'a', "{oa{sa{sv}}}");

    for (guint i = 0; i < count && r >= 0; i++) {
        r = sd_bus_message_open_container(message, 'e', "oa{sa{sv}}");
        if (r >= 0)
            r = append_object(message, input, i);
        if (r >= 0)
            r = sd_bus_message_close_container(message);
    }
    return r < 0 ? r : sd_bus_message_close_container(message);
}

static int
append_manager(sd_bus_message *message, ScdFuzzInput *input)
{
    return append_properties(message, input, "Manager");
}

static int
append_session(sd_bus_message *message, ScdFuzzInput *input)
{
    static const char *const protocols[] = {"T=1", "T=0", "raw", "", "T=9"};
    int r = sd_bus_message_append(message, "o", SCD_FAKE_SESSION);

    return r < 0 ? r
                 : sd_bus_message_append(message, "s",
                                         protocols[scd_fuzz_pick(input, G_N_ELEMENTS(protocols))]);
}

static int
append_protocol(sd_bus_message *message, ScdFuzzInput *input)
{
    return scd_fuzz_pick(input, 2) == 0 ? sd_bus_message_append(message, "s", "T=1")
                                        : append_text(message, input);
}

static int
append_truth(sd_bus_message *message, ScdFuzzInput *input)
{
    return append_number(message, input, 'b');
}

/* The variant with the truth of Manager.Available. */
static int
append_available(sd_bus_message *message, ScdFuzzInput *input)
{
    return append_usual_variant(message, &properties[0]);
}

static int
append_responses(sd_bus_message *message, ScdFuzzInput *input)
{
    int r = append_items(message, input, "ay", DEPTH_MAX);

    return r < 0 ? r : append_text(message, input);
}

static int
append_dictionaries(sd_bus_message *message, ScdFuzzInput *input)
{
    return append_items(message, input, "a{sv}", DEPTH_MAX);
}

static const struct {
    const char *method;
    int (*append)(sd_bus_message *message, ScdFuzzInput *input);
} results[] = {
    {"GetManagedObjects", append_objects},
    {"GetAll", append_manager},
    {"Get", append_available},
    {"Connect", append_session},
    {"Reconnect", append_protocol},
    {"BeginTransaction", append_truth},
    {"Transmit", append_bytes},
    {"TransmitMany", append_responses},
    {"VerifyPin", append_bytes},
    {"ModifyPin", append_bytes},
    {"Control", append_bytes},
    {"GetAttribute", append_bytes},
    {"FindReader", append_path},
    {"WaitForCard", append_path},
    {"ListSessions", append_dictionaries},
    {"ListUnservedDevices", append_dictionaries},
};

int
scd_fake_append_result(sd_bus_message *message, ScdFuzzInput *input, const char *method)
{
    for (gsize i = 0; i < G_N_ELEMENTS(results); i++)
        if (g_strcmp0(results[i].method, method) == 0)
            return results[i].append(message, input);
    return 0;
}

int
scd_fake_append_any_values(sd_bus_message *message, ScdFuzzInput *input)
{
    guint count = scd_fuzz_pick(input, ITEMS_MAX);
    int r = 0;

    for (guint i = 0; i < count && r >= 0; i++)
        r = append_value(message, input, types[scd_fuzz_pick(input, G_N_ELEMENTS(types))],
                         DEPTH_MAX);
    return r;
}

static int
append_object_added(sd_bus_message *message, ScdFuzzInput *input)
{
    return append_object(message, input, scd_fuzz_pick(input, 2));
}

static int
append_object_removed(sd_bus_message *message, ScdFuzzInput *input)
{
    int r = append_path(message, input);

    return r < 0 ? r : sd_bus_message_append(message, "as", 1, PREFIX "Reader");
}

static int
append_properties_changed(sd_bus_message *message, ScdFuzzInput *input)
{
    const char *interface = interfaces[scd_fuzz_pick(input, G_N_ELEMENTS(interfaces))];
    g_autofree char *name = g_strconcat(PREFIX, interface, NULL);
    int r = sd_bus_message_append_basic(message, 's', name);

    if (r >= 0)
        r = append_properties(message, input, interface);
    return r < 0 ? r : sd_bus_message_append(message, "as", 0);
}

static int
append_reason(sd_bus_message *message, ScdFuzzInput *input)
{
    return scd_fuzz_pick(input, 2) == 0 ? sd_bus_message_append(message, "s", "card-removed")
                                        : append_text(message, input);
}

const ScdFakeSignal *
scd_fake_signal(guint kind)
{
    static const ScdFakeSignal signals[SCD_FAKE_SIGNALS] = {
        {"org.freedesktop.DBus.Properties", "PropertiesChanged", append_properties_changed},
        {"org.freedesktop.DBus.ObjectManager", "InterfacesAdded", append_object_added},
        {"org.freedesktop.DBus.ObjectManager", "InterfacesRemoved", append_object_removed},
        {PREFIX "Session", "Closed", append_reason},
    };

    return &signals[kind];
}
