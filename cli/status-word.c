/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "status-word.h"

#include <glib/gi18n.h>

typedef struct {
    guint16 value;
    guint16 mask; /* the bits that count */
    const char *text;
    gboolean has_number; /* the other bits, which belong to the text; 0 in a whole byte is 256 */
} Meaning;

/* The first one that fits counts: those for a whole SW1 come after its own. */
static const Meaning meanings[] = {
    {0x9000, 0xFFFF, N_("success"), FALSE},
    {0x6100, 0xFF00, N_("success, bytes that wait for GET RESPONSE"), TRUE},
    {0x6281, 0xFFFF, N_("warning: part of the data may be corrupted"), FALSE},
    {0x6282, 0xFFFF, N_("warning: end of the file or record before that many bytes"), FALSE},
    {0x6283, 0xFFFF, N_("warning: the file is deactivated"), FALSE},
    {0x6284, 0xFFFF, N_("warning: badly formed file control information"), FALSE},
    {0x6285, 0xFFFF, N_("warning: the file is terminated"), FALSE},
    {0x6286, 0xFFFF, N_("warning: no data from the sensor"), FALSE},
    {0x6287, 0xFFFF, N_("warning: a record is deactivated"), FALSE},
    {0x6200, 0xFF00, N_("warning, nothing was changed"), FALSE},
    {0x6381, 0xFFFF, N_("warning: the file is full now"), FALSE},
    {0x63C0, 0xFFF0, N_("warning, tries left or another counter"), TRUE},
    {0x6300, 0xFF00, N_("warning, something was changed"), FALSE},
    {0x6400, 0xFF00, N_("execution error, nothing was changed"), FALSE},
    {0x6581, 0xFFFF, N_("memory failure"), FALSE},
    {0x6500, 0xFF00, N_("execution error, something was changed"), FALSE},
    {0x6600, 0xFF00, N_("execution error that concerns security"), FALSE},
    {0x6700, 0xFF00, N_("wrong length"), FALSE},
    {0x6881, 0xFFFF, N_("logical channels are not supported"), FALSE},
    {0x6882, 0xFFFF, N_("secure messaging is not supported"), FALSE},
    {0x6883, 0xFFFF, N_("the last command of the chain was expected"), FALSE},
    {0x6884, 0xFFFF, N_("command chaining is not supported"), FALSE},
    {0x6800, 0xFF00, N_("a function of the class byte is not supported"), FALSE},
    {0x6981, 0xFFFF, N_("the command does not fit the file's structure"), FALSE},
    {0x6982, 0xFFFF, N_("not allowed in this security state (a PIN may be missing)"), FALSE},
    {0x6983, 0xFFFF, N_("the authentication method is blocked"), FALSE},
    {0x6984, 0xFFFF, N_("the reference data cannot be used"), FALSE},
    {0x6985, 0xFFFF, N_("the conditions of use are not met"), FALSE},
    {0x6986, 0xFFFF, N_("no file is selected"), FALSE},
    {0x6987, 0xFFFF, N_("secure messaging data is missing"), FALSE},
    {0x6988, 0xFFFF, N_("secure messaging data is wrong"), FALSE},
    {0x6900, 0xFF00, N_("the command is not allowed"), FALSE},
    {0x6A80, 0xFFFF, N_("wrong parameters in the data"), FALSE},
    {0x6A81, 0xFFFF, N_("the function is not supported"), FALSE},
    {0x6A82, 0xFFFF, N_("file or application not found"), FALSE},
    {0x6A83, 0xFFFF, N_("record not found"), FALSE},
    {0x6A84, 0xFFFF, N_("no room in the file"), FALSE},
    {0x6A85, 0xFFFF, N_("the length does not fit the structure of the data"), FALSE},
    {0x6A86, 0xFFFF, N_("wrong P1 or P2"), FALSE},
    {0x6A87, 0xFFFF, N_("the length does not fit P1 and P2"), FALSE},
    {0x6A88, 0xFFFF, N_("what the command refers to was not found"), FALSE},
    {0x6A89, 0xFFFF, N_("the file exists already"), FALSE},
    {0x6A8A, 0xFFFF, N_("the name of the application exists already"), FALSE},
    {0x6A00, 0xFF00, N_("wrong parameters"), FALSE},
    {0x6B00, 0xFF00, N_("wrong parameters P1 and P2"), FALSE},
    {0x6C00, 0xFF00, N_("wrong Le, the right one"), TRUE},
    {0x6D00, 0xFF00, N_("the instruction is not supported"), FALSE},
    {0x6E00, 0xFF00, N_("the class is not supported"), FALSE},
    {0x6F00, 0xFF00, N_("error without a diagnosis"), FALSE},
};

static const Meaning *
find_meaning(guint16 status)
{
    for (gsize i = 0; i < G_N_ELEMENTS(meanings); i++) {
        if ((status & meanings[i].mask) == meanings[i].value)
            return &meanings[i];
    }
    return NULL;
}

char *
ctl_status_word_explain(guint16 status, gboolean translated)
{
    const Meaning *meaning = find_meaning(status);

    if (!meaning)
        return g_strdup("");
    const char *text = translated ? _(meaning->text) : meaning->text;
    guint number = status & (guint16)~meaning->mask;
    if (number == 0 && meaning->mask == 0xFF00)
        number = 256;
    return meaning->has_number ? g_strdup_printf("%s: %u", text, number) : g_strdup(text);
}
