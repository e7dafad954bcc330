/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/usb-path.h"

#include <string.h>

static const struct {
    const char *text;
    const char *port;
    const char *label;
} examples[] = {
    /* from the documentation of libccid */
    {"1-3:1.0", "1-3", "usb_1_3"},
    {"1-6:1.0", "1-6", "usb_1_6"},
    {"1-3.1:1.0", "1-3.1", "usb_1_3_1"},
    {"1-3.4:1.0", "1-3.4", "usb_1_3_4"},
    /* limits */
    {"10-1:1.10", "10-1", "usb_10_1_if10"},
    {"255-255:255.255", "255-255", "usb_255_255_if255"},
    {"1-1:0.0", "1-1", "usb_1_1"},
    {"1-1.2.3.4.5.6.7:1.2", "1-1.2.3.4.5.6.7", "usb_1_1_2_3_4_5_6_7_if2"},
};

static void
test_examples(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(examples); i++) {
        ScdUsbPath path;
        ScdUsbPort port;

        g_assert_true(scd_usb_path_parse(examples[i].text, &path));
        g_assert_true(scd_usb_port_parse(examples[i].port, &port));
        g_assert_true(scd_usb_port_equal(&path.port, &port));

        g_autofree char *path_text = scd_usb_path_to_string(&path);
        g_autofree char *port_text = scd_usb_port_to_string(&port);
        g_autofree char *label = scd_usb_path_to_label(&path, 0);
        g_assert_cmpstr(path_text, ==, examples[i].text);
        g_assert_cmpstr(port_text, ==, examples[i].port);
        g_assert_cmpstr(label, ==, examples[i].label);
    }
}

static void
test_numbers(void)
{
    ScdUsbPath path;

    g_assert_true(scd_usb_path_parse("2-13.4:5.6", &path));
    g_assert_cmpuint(path.port.bus, ==, 2);
    g_assert_cmpuint(path.port.n_ports, ==, 2);
    g_assert_cmpuint(path.port.ports[0], ==, 13);
    g_assert_cmpuint(path.port.ports[1], ==, 4);
    g_assert_cmpuint(path.configuration, ==, 5);
    g_assert_cmpuint(path.interface, ==, 6);
}

/* Neither a path nor, without the part after the colon, a port. */
static const char *const bad_ports[] = {
    "",
    "1",
    "1-",
    "-1",
    "0-1",
    "1-0",
    "usb1",
    "256-1",
    "1-256",
    "1-1.256",
    "1000-1",
    "01-1",
    "1-01",
    "1-1.01",
    "1-1.",
    "1-.1",
    "1-1..1",
    "1-1.0",
    "+1-1",
    "1-+1",
    " 1-1",
    "1-1 ",
    "1--1",
    "1-1-1",
    "1-1/",
    "1-1/..",
    "../1-1",
    "1-../1",
    "1-1\n",
    "a-1",
    "1-a",
    "1-0x1",
    "1_1",
    "1.1",
    "4294967297-1",
    "1-1\xB2",
    "1-\xD9\xA1",
    "1-1.2.3.4.5.6.7.8",
};

static const char *const bad_ends[] = {
    ":",      ":1",    ":1.",    ":.0",    ":1.0 ",      ":1.0\n", ":01.0", ":1.00", ":256.0",
    ":1.256", ":-1.0", ":1.0.0", ":1.0:1", ":1.0/../..", "::1.0",  ":1,0",  " :1.0",
};

static void
assert_refused(const char *text)
{
    const ScdUsbPath before = {{9, 1, {9}}, 9, 9};
    ScdUsbPath path = before;
    g_autofree char *escaped = g_strescape(text, NULL);

    g_test_message("\"%s\"", escaped);
    g_assert_false(scd_usb_path_parse(text, &path));
    g_assert_cmpmem(&path, sizeof path, &before, sizeof before);
}

static void
test_refusals(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(bad_ports); i++) {
        g_autofree char *text = g_strconcat(bad_ports[i], ":1.0", NULL);
        ScdUsbPort port;

        assert_refused(text);
        assert_refused(bad_ports[i]);
        g_assert_false(scd_usb_port_parse(bad_ports[i], &port));
    }
    for (gsize i = 0; i < G_N_ELEMENTS(bad_ends); i++) {
        g_autofree char *text = g_strconcat("1-1", bad_ends[i], NULL);
        ScdUsbPort port;

        assert_refused(text);
        g_assert_false(scd_usb_port_parse(text, &port));
    }
    assert_refused("1-1");
}

static void
test_answers(void)
{
    static const char padded[] = "1-3.1:1.0\0";
    guint8 long_answer[300];
    ScdUsbPath path;
    ScdUsbPath expected;

    g_assert_true(scd_usb_path_parse("1-3.1:1.0", &expected));
    g_assert_true(scd_usb_path_parse_answer((const guint8 *)padded, 10, &path));
    g_assert_true(scd_usb_path_equal(&path, &expected));

    /* empty, truncated, with bytes after the NUL, without a NUL */
    g_assert_false(scd_usb_path_parse_answer(NULL, 0, &path));
    for (gsize length = 0; length < 10; length++) {
        g_autofree guint8 *cut = g_memdup2(padded, length);
        g_assert_false(scd_usb_path_parse_answer(cut, length, &path));
    }
    g_assert_false(scd_usb_path_parse_answer((const guint8 *)padded, 11, &path));
    g_assert_false(scd_usb_path_parse_answer((const guint8 *)"", 1, &path));
    memset(long_answer, '1', sizeof long_answer);
    g_assert_false(scd_usb_path_parse_answer(long_answer, sizeof long_answer, &path));
    long_answer[sizeof long_answer - 1] = '\0';
    g_assert_false(scd_usb_path_parse_answer(long_answer, sizeof long_answer, &path));
}

static void
test_comparison(void)
{
    static const char *const texts[] = {"1-3.1:1.0", "2-3.1:1.0", "1-3:1.0",   "1-3.1.1:1.0",
                                        "1-1.3:1.0", "1-3.1:2.0", "1-3.1:1.1", "1-3.2:1.0"};

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        for (gsize j = 0; j < G_N_ELEMENTS(texts); j++) {
            ScdUsbPath a;
            ScdUsbPath b;

            g_assert_true(scd_usb_path_parse(texts[i], &a));
            g_assert_true(scd_usb_path_parse(texts[j], &b));
            g_assert_cmpint(scd_usb_path_equal(&a, &b), ==, i == j);
        }
    }
}

static guint8
random_number(GRand *rand, gint32 least)
{
    return (guint8)g_rand_int_range(rand, least, g_rand_boolean(rand) ? 4 : 256);
}

/* The position can be decoded from a label, so labels are unique. */
static void
test_labels_are_unique(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(3601);
    g_autoptr(GHashTable) positions =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free); /* by label */

    for (guint round = 0; round < 50000; round++) {
        ScdUsbPath path = {.port.bus = random_number(rand, 1), .configuration = 1};
        ScdUsbPath back;
        guint slot = random_number(rand, 0);

        path.interface = random_number(rand, 0);
        path.port.n_ports = (guint8)g_rand_int_range(rand, 1, SCD_USB_MAX_DEPTH + 1);
        for (guint i = 0; i < path.port.n_ports; i++)
            path.port.ports[i] = random_number(rand, 1);

        g_autofree char *text = scd_usb_path_to_string(&path);
        g_autofree char *label = scd_usb_path_to_label(&path, slot);
        g_autofree char *position = g_strdup_printf("%s slot %u", text, slot);
        const char *same_label = g_hash_table_lookup(positions, label);

        g_assert_true(scd_usb_path_parse(text, &back));
        g_assert_true(scd_usb_path_equal(&back, &path));
        g_assert_true(g_str_has_prefix(label, "usb_"));
        if (same_label != NULL)
            g_assert_cmpstr(same_label, ==, position);
        g_hash_table_insert(positions, g_steal_pointer(&label), g_steal_pointer(&position));
    }
}

static void
test_labels_of_slots(void)
{
    ScdUsbPath path;

    g_assert_true(scd_usb_path_parse("1-3.1:1.0", &path));
    g_autofree char *slot = scd_usb_path_to_label(&path, 3);
    g_assert_cmpstr(slot, ==, "usb_1_3_1_slot3");

    path.interface = 2;
    g_autofree char *both = scd_usb_path_to_label(&path, 1);
    g_assert_cmpstr(both, ==, "usb_1_3_1_if2_slot1");

    path.configuration = 2;
    g_autofree char *configured = scd_usb_path_to_label(&path, 1);
    g_assert_cmpstr(configured, ==, both);
}

static void
test_channel_id(void)
{
    static const struct {
        guint8 bytes[4];
        guint8 bus;
        guint8 address;
    } cases[] = {
        {{0x05, 0x01, 0x20, 0x00}, 1, 5},
        {{0x01, 0x0C, 0x20, 0x00}, 12, 1},
        {{0x7F, 0xFF, 0x20, 0x00}, 255, 127},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        guint8 bus;
        guint8 address;

        g_assert_true(scd_usb_address_parse_channel_id(cases[i].bytes, 4, &bus, &address));
        g_assert_cmpuint(bus, ==, cases[i].bus);
        g_assert_cmpuint(address, ==, cases[i].address);
    }
}

static void
test_channel_id_refusals(void)
{
    static const struct {
        gsize length;
        guint8 bytes[8];
    } cases[] = {
        {0, {0}},
        {3, {0x05, 0x01, 0x20}},
        {5, {0x05, 0x01, 0x20, 0x00, 0x00}},
        {8, {0x05, 0x01, 0x20, 0x00, 0x00, 0x00, 0x00, 0x00}},
        {4, {0x05, 0x01, 0x01, 0x00}}, /* a serial port */
        {4, {0x05, 0x01, 0x20, 0x01}},
        {4, {0x00, 0x20, 0x01, 0x05}}, /* the highest byte first */
        {4, {0x05, 0x00, 0x20, 0x00}},
        {4, {0x00, 0x01, 0x20, 0x00}},
        {4, {0x80, 0x01, 0x20, 0x00}},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree guint8 *bytes = g_memdup2(cases[i].bytes, cases[i].length);
        guint8 bus = 99;
        guint8 address = 99;

        g_test_message("case %" G_GSIZE_FORMAT, i);
        g_assert_false(scd_usb_address_parse_channel_id(bytes, cases[i].length, &bus, &address));
        g_assert_cmpuint(bus, ==, 99);
        g_assert_cmpuint(address, ==, 99);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/usb-path/examples", test_examples);
    g_test_add_func("/usb-path/numbers", test_numbers);
    g_test_add_func("/usb-path/refusals", test_refusals);
    g_test_add_func("/usb-path/answers", test_answers);
    g_test_add_func("/usb-path/comparison", test_comparison);
    g_test_add_func("/usb-path/labels-are-unique", test_labels_are_unique);
    g_test_add_func("/usb-path/labels-of-slots", test_labels_of_slots);
    g_test_add_func("/channel-id/usb", test_channel_id);
    g_test_add_func("/channel-id/refusals", test_channel_id_refusals);
    return g_test_run();
}
