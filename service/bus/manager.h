/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The interface Manager of the root object: the service as a whole. */

#include "bus/readers.h"

typedef struct ScdManager ScdManager;

/* All that it is given must live longer. */
ScdManager *scd_manager_new(ScdTree *tree, ScdReaders *readers, ScdClients *clients,
                            ScdAuthority *authority, ScdWaitCalls *wait_calls, GError **error);
void scd_manager_free(ScdManager *manager);

/* trouble: why pcscd cannot be reached, NULL when it can. */
void scd_manager_set_trouble(ScdManager *manager, const char *trouble);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdManager, scd_manager_free)
