/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/channel.h"

#include <string.h>

/* Parses a copy of the exact length, so that a sanitizer detects a read past the end. */
static gboolean
read_copy(const guint8 *header, gsize header_length, gsize data_length, ScdFrameRequest *request)
{
    gsize length = header_length + data_length;
    g_autofree guint8 *packet = g_malloc(length);

    memcpy(packet, header, header_length);
    memset(packet + header_length, 0xA5, data_length);
    if (!scd_frame_read_request(packet, length, request))
        return FALSE;
    g_assert_true(request->data == packet + SCD_FRAME_REQUEST_HEADER);
    g_assert_cmpuint(request->length, ==, data_length);
    return TRUE;
}

static gboolean
is_request_within(guint8 operation, guint32 argument, guint32 limit_ms, gsize data_length)
{
    const guint8 header[SCD_FRAME_REQUEST_HEADER] = {
        operation,
        SCD_FRAME_VERSION,
        0,
        0,
        argument,
        argument >> 8,
        argument >> 16,
        argument >> 24,
        limit_ms,
        limit_ms >> 8,
        limit_ms >> 16,
        limit_ms >> 24,
    };
    ScdFrameRequest request;

    if (!read_copy(header, sizeof header, data_length, &request))
        return FALSE;
    g_assert_cmpuint(request.operation, ==, operation);
    g_assert_cmphex(request.argument, ==, argument);
    g_assert_cmpuint(request.limit_ms, ==, limit_ms);
    return TRUE;
}

static gboolean
is_request(guint8 operation, guint32 argument, gsize data_length)
{
    return is_request_within(operation, argument, SCD_FRAME_NO_LIMIT, data_length);
}

static void
test_transmit(void)
{
    g_assert_true(is_request(SCD_FRAME_TRANSMIT, 0, 0));
    g_assert_true(is_request(SCD_FRAME_TRANSMIT, 0, 1));
    g_assert_true(is_request(SCD_FRAME_TRANSMIT, 0, SCD_RESPONSE_MAX));
    g_assert_false(is_request(SCD_FRAME_TRANSMIT, 0, SCD_RESPONSE_MAX + 1));
    g_assert_true(is_request(SCD_FRAME_TRANSMIT, 1, 5));
    g_assert_true(is_request(SCD_FRAME_TRANSMIT, 0x80000000, 5));
}

static void
test_control(void)
{
    g_assert_true(is_request(SCD_FRAME_CONTROL, 0, 0));
    g_assert_true(is_request(SCD_FRAME_CONTROL, G_MAXUINT32, 1));
    g_assert_true(is_request(SCD_FRAME_CONTROL, 0x42000D48, SCD_RESPONSE_MAX));
    g_assert_false(is_request(SCD_FRAME_CONTROL, 0x42000D48, SCD_RESPONSE_MAX + 1));
}

static void
test_get_attribute(void)
{
    g_assert_true(is_request(SCD_FRAME_GET_ATTRIBUTE, 0x90303, 0));
    g_assert_true(is_request(SCD_FRAME_GET_ATTRIBUTE, G_MAXUINT32, 0));
    g_assert_false(is_request(SCD_FRAME_GET_ATTRIBUTE, 0x90303, 1));
}

static void
test_begin(void)
{
    g_assert_true(is_request(SCD_FRAME_BEGIN, 0, 0));
    g_assert_false(is_request(SCD_FRAME_BEGIN, 1, 0));
    g_assert_false(is_request(SCD_FRAME_BEGIN, 0, 1));
}

static void
test_end(void)
{
    for (guint32 disposition = 0; disposition <= 3; disposition++)
        g_assert_true(is_request(SCD_FRAME_END, disposition, 0));
    g_assert_false(is_request(SCD_FRAME_END, 4, 0));
    g_assert_false(is_request(SCD_FRAME_END, 0x01000000, 0));
    g_assert_false(is_request(SCD_FRAME_END, 0, 1));
}

static void
test_cancel(void)
{
    g_assert_true(is_request(SCD_FRAME_CANCEL, 0, 0));
    g_assert_false(is_request(SCD_FRAME_CANCEL, 1, 0));
    g_assert_false(is_request(SCD_FRAME_CANCEL, 0, 1));
    g_assert_false(is_request_within(SCD_FRAME_CANCEL, 0, 0, 0));
    g_assert_false(is_request_within(SCD_FRAME_CANCEL, 0, 1000, 0));
}

static void
test_time_limits(void)
{
    g_assert_true(is_request_within(SCD_FRAME_TRANSMIT, 0, 0, 5));
    g_assert_true(is_request_within(SCD_FRAME_TRANSMIT, 0, 20000, 5));
    g_assert_true(is_request_within(SCD_FRAME_BEGIN, 0, SCD_FRAME_NO_LIMIT - 1, 0));
}

static void
test_other_operations(void)
{
    for (guint operation = SCD_FRAME_CANCEL + 1; operation <= G_MAXUINT8; operation++)
        for (gsize length = 0; length <= 1; length++)
            g_assert_false(is_request(operation, 0, length));
}

static void
test_short_packets(void)
{
    static const guint8 header[SCD_FRAME_REQUEST_HEADER] = {SCD_FRAME_BEGIN, SCD_FRAME_VERSION};
    ScdFrameRequest request;

    g_assert_false(scd_frame_read_request(header, 0, &request));
    for (gsize length = 1; length < sizeof header; length++)
        g_assert_false(read_copy(header, length, 0, &request));
    g_assert_true(read_copy(header, sizeof header, 0, &request));
}

static void
test_reserved_bytes(void)
{
    ScdFrameRequest request;

    for (gsize at = 1; at <= 3; at++) {
        for (guint bit = 0; bit < 8; bit++) {
            guint8 header[SCD_FRAME_REQUEST_HEADER] = {SCD_FRAME_TRANSMIT, SCD_FRAME_VERSION};
            header[at] ^= 1u << bit;
            g_assert_false(read_copy(header, sizeof header, 5, &request));
        }
    }
}

/* A request of version 1 with a command: its first bytes must not be taken for a time limit. */
static void
test_other_versions(void)
{
    guint8 packet[] = {SCD_FRAME_TRANSMIT, 0, 0, 0, 0, 0, 0, 0, 0x00, 0xA4, 0x04, 0x00, 0x00};
    ScdFrameRequest request;

    for (guint version = 0; version <= G_MAXUINT8; version++) {
        packet[1] = (guint8)version;
        for (gsize length = 0; length <= sizeof packet; length++) {
            gboolean other = version != SCD_FRAME_VERSION && length >= 8;
            g_assert_cmpint(scd_frame_has_other_version(packet, length), ==, other);
            if (version != SCD_FRAME_VERSION)
                g_assert_false(scd_frame_read_request(packet, length, &request));
        }
    }
    packet[0] = SCD_FRAME_CANCEL + 1;
    g_assert_false(scd_frame_has_other_version(packet, sizeof packet));
}

/* The bytes are the same on machines of either byte order. */
static void
test_numbers_are_little_endian(void)
{
    static const guint8 packet[] = {0x02, 2, 0, 0, 0x78, 0x56, 0x34, 0x12, 0x21, 0x43, 0x65, 0x87};
    static const guint8 answer[] = {0x6A, 0x00, 0x10, 0x80, 4, 3, 2, 1};
    guint8 header[SCD_FRAME_ANSWER_HEADER];
    ScdFrameRequest request;

    g_assert_true(scd_frame_read_request(packet, sizeof packet, &request));
    g_assert_cmphex(request.argument, ==, 0x12345678);
    g_assert_cmphex(request.limit_ms, ==, 0x87654321);

    memset(header, 0xFF, sizeof header);
    scd_frame_write_answer(header, 0x8010006A, 0x01020304);
    g_assert_cmpmem(header, sizeof header, answer, sizeof answer);
}

static void
test_answer_of_success(void)
{
    static const guint8 zeros[SCD_FRAME_ANSWER_HEADER] = {0};
    guint8 header[SCD_FRAME_ANSWER_HEADER];

    memset(header, 0xFF, sizeof header);
    scd_frame_write_answer(header, 0, 0);
    g_assert_cmpmem(header, sizeof header, zeros, sizeof zeros);
}

/* The numbers that the XML documents. */
static void
test_sizes(void)
{
    g_assert_cmpuint(SCD_FRAME_REQUEST_HEADER, ==, 12);
    g_assert_cmpuint(SCD_FRAME_ANSWER_HEADER, ==, 8);
    g_assert_cmpuint(SCD_FRAME_MAX, ==, 65560);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/frame/transmit", test_transmit);
    g_test_add_func("/frame/control", test_control);
    g_test_add_func("/frame/get-attribute", test_get_attribute);
    g_test_add_func("/frame/begin", test_begin);
    g_test_add_func("/frame/end", test_end);
    g_test_add_func("/frame/cancel", test_cancel);
    g_test_add_func("/frame/time-limits", test_time_limits);
    g_test_add_func("/frame/other-operations", test_other_operations);
    g_test_add_func("/frame/short-packets", test_short_packets);
    g_test_add_func("/frame/reserved-bytes", test_reserved_bytes);
    g_test_add_func("/frame/other-versions", test_other_versions);
    g_test_add_func("/frame/numbers-are-little-endian", test_numbers_are_little_endian);
    g_test_add_func("/frame/answer-of-success", test_answer_of_success);
    g_test_add_func("/frame/sizes", test_sizes);
    return g_test_run();
}
