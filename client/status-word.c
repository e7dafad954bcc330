/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "smartcardd-command.h"

/* Patterns of status words (ISO 7816-4:2020, section 5.6): the first one that fits counts. */
static const struct {
    guint16 value;
    guint16 mask;
    const char *text;
} meanings[] = {
    {0x9000, 0xFFFF, "success"},
    {0x6100, 0xFF00, "success, more data is available"},
    {0x6281, 0xFFFF, "part of the data may be corrupted"},
    {0x6282, 0xFFFF, "end of the file"},
    {0x6283, 0xFFFF, "the selected file is deactivated"},
    {0x6285, 0xFFFF, "the selected file is in the termination state"},
    {0x6200, 0xFF00, "warning, nothing was changed"},
    {0x63C0, 0xFFFF, "verification failed, no try is left"},
    {0x6300, 0xFF00, "warning, data was changed"},
    {0x6400, 0xFF00, "execution error, nothing was changed"},
    {0x6581, 0xFFFF, "memory failure"},
    {0x6500, 0xFF00, "execution error, data was changed"},
    {0x6600, 0xFF00, "security error"},
    {0x6700, 0xFF00, "wrong length"},
    {0x6881, 0xFFFF, "logical channels are not supported"},
    {0x6882, 0xFFFF, "secure messaging is not supported"},
    {0x6884, 0xFFFF, "command chaining is not supported"},
    {0x6800, 0xFF00, "a function of the class is not supported"},
    {0x6982, 0xFFFF, "the security status is not satisfied"},
    {0x6983, 0xFFFF, "the authentication method is blocked"},
    {0x6984, 0xFFFF, "the reference data is not usable"},
    {0x6985, 0xFFFF, "the conditions of use are not satisfied"},
    {0x6986, 0xFFFF, "the command is not allowed, no file is selected"},
    {0x6900, 0xFF00, "the command is not allowed"},
    {0x6A80, 0xFFFF, "wrong data"},
    {0x6A81, 0xFFFF, "the function is not supported"},
    {0x6A82, 0xFFFF, "file or application not found"},
    {0x6A83, 0xFFFF, "record not found"},
    {0x6A84, 0xFFFF, "not enough memory in the file"},
    {0x6A86, 0xFFFF, "wrong parameters P1 and P2"},
    {0x6A88, 0xFFFF, "referenced data not found"},
    {0x6A00, 0xFF00, "wrong parameters"},
    {0x6B00, 0xFF00, "wrong parameters P1 and P2"},
    {0x6C00, 0xFF00, "wrong expected length"},
    {0x6D00, 0xFF00, "the instruction is not supported"},
    {0x6E00, 0xFF00, "the class is not supported"},
    {0x6F00, 0xFF00, "unknown error"},
};

/**
 * smartcardd_command_describe_status:
 * @status_word: the status word of a response, such as 0x9000
 *
 * Describes a status word of ISO 7816-4, for people. The text is in English and not translated.
 *
 * Returns: (transfer full): the text, such as "file or application not found"
 */
char *
smartcardd_command_describe_status(guint16 status_word)
{
    guint tries = status_word & 0xF;

    if ((status_word & 0xFFF0) == 0x63C0 && tries > 0)
        return g_strdup_printf("verification failed, %u %s left", tries,
                               tries == 1 ? "try is" : "tries are");
    for (gsize i = 0; i < G_N_ELEMENTS(meanings); i++)
        if ((status_word & meanings[i].mask) == meanings[i].value)
            return g_strdup(meanings[i].text);
    return g_strdup("proprietary status word");
}
