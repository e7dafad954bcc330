/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any text as lock.conf: each setting stays in its range. */

#include "lock-settings.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

#define GRACE_MAX_US (600 * LGN_US_PER_S)

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    static int file = -1;
    g_autofree char *path = NULL;

    if (file < 0)
        file = memfd_create("lock.conf", MFD_CLOEXEC);
    g_assert_cmpint(ftruncate(file, 0), ==, 0);
    g_assert_cmpint(pwrite(file, data, size, 0), ==, size);
    path = g_strdup_printf("/proc/self/fd/%d", file);
    LgnLockSettings settings = lgn_lock_settings_load(path);

    g_assert_true(settings.action == LGN_ACTION_NONE || settings.action == LGN_ACTION_LOCK ||
                  settings.action == LGN_ACTION_LOG_OUT);
    g_assert_cmpuint(settings.grace.reader_grace_us, <=, GRACE_MAX_US);
    g_assert_cmpuint(settings.grace.service_grace_us, ==, 30 * LGN_US_PER_S);
    return 0;
}
