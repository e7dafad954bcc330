/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes and any text as a command of the client library: what is read is written again. */

#include <smartcardd-glib.h>

#include "fuzz.h"

/* An Le of 256 bytes in a short command, or of 65,536 in an extended one, is the same as all. */
static gint
get_expected_length(SmartcarddCommand *command)
{
    gint length = smartcardd_command_get_expected_length(command);
    gboolean is_short = g_bytes_get_size(smartcardd_command_get_data(command)) <= 255;

    return length == (is_short ? 256 : 65536) ? SMARTCARDD_ALL_RESPONSE_DATA : length;
}

/* The short and the extended form of a command differ, but not what they mean. */
static void
check_command(SmartcarddCommand *command)
{
    g_autoptr(GBytes) bytes = smartcardd_command_to_bytes(command);
    g_autoptr(GError) error = NULL;
    g_autoptr(SmartcarddCommand) again = smartcardd_command_new_from_bytes(bytes, &error);

    g_assert_no_error(error);
    g_assert_true(
        g_bytes_equal(smartcardd_command_get_data(command), smartcardd_command_get_data(again)));
    g_assert_cmpint(get_expected_length(command), ==, get_expected_length(again));
    g_assert_cmpuint(smartcardd_command_get_instruction(command), ==,
                     smartcardd_command_get_instruction(again));
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autoptr(GBytes) bytes = g_bytes_new(data, size);
    g_autofree char *hex = scd_fuzz_dup_text(data, size);
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) hex_error = NULL;
    g_autoptr(SmartcarddCommand) command = smartcardd_command_new_from_bytes(bytes, &error);
    g_autoptr(SmartcarddCommand) from_hex = smartcardd_command_new_from_hex(hex, &hex_error);
    ScdFuzzInput input = {data, size};
    g_autofree char *text = smartcardd_command_describe_status(scd_fuzz_take_u16(&input));

    scd_fuzz_assert_result(command != NULL, error);
    scd_fuzz_assert_result(from_hex != NULL, hex_error);
    if (command != NULL)
        check_command(command);
    if (from_hex != NULL)
        check_command(from_hex);
    g_assert_cmpstr(text, !=, "");
    return 0;
}
