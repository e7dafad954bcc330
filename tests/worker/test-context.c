/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* No two threads are in those functions of libpcsclite at once that change its lists. */

#include <glib.h>
#include <winscard.h>

#include "pcsc/context.h"

#define THREADS 8
#define ROUNDS 2000

static gint inside;

static LONG
change_lists(void)
{
    g_assert_true(g_atomic_int_compare_and_exchange(&inside, 0, 1));
    g_thread_yield();
    g_atomic_int_set(&inside, 0);
    return SCARD_S_SUCCESS;
}

LONG
SCardEstablishContext(DWORD scope, LPCVOID reserved1, LPCVOID reserved2, LPSCARDCONTEXT context)
{
    *context = 1;
    return change_lists();
}

LONG
SCardReleaseContext(SCARDCONTEXT context)
{
    return change_lists();
}

LONG
SCardDisconnect(SCARDHANDLE handle, DWORD disposition)
{
    return change_lists();
}

/* The rest of context.c calls these. */

LONG
SCardCancel(SCARDCONTEXT context)
{
    g_assert_not_reached();
}

LONG
SCardTransmit(SCARDHANDLE handle, const SCARD_IO_REQUEST *protocol, LPCBYTE command,
              DWORD command_length, SCARD_IO_REQUEST *answer_protocol, LPBYTE response,
              LPDWORD length)
{
    g_assert_not_reached();
}

LONG
SCardControl(SCARDHANDLE handle, DWORD code, LPCVOID input, DWORD input_length, LPVOID output,
             DWORD output_length, LPDWORD length)
{
    g_assert_not_reached();
}

LONG
SCardGetAttrib(SCARDHANDLE handle, DWORD id, LPBYTE value, LPDWORD length)
{
    g_assert_not_reached();
}

static gpointer
open_and_close(gpointer data)
{
    for (guint i = 0; i < ROUNDS; i++) {
        long context;
        g_assert_cmpuint(scd_pcsc_establish(&context), ==, SCARD_S_SUCCESS);
        g_assert_cmpint(context, ==, 1);
        scd_pcsc_disconnect(1);
        scd_pcsc_disconnect_and_unpower(1);
        scd_pcsc_release(context);
    }
    return NULL;
}

static void
test_turns(void)
{
    GThread *threads[THREADS];

    for (guint i = 0; i < THREADS; i++)
        threads[i] = g_thread_new("test", open_and_close, NULL);
    for (guint i = 0; i < THREADS; i++)
        g_thread_join(threads[i]);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/context/turns", test_turns);
    return g_test_run();
}
