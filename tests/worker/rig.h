/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Shared by the tests of the worker: queues of a worker, jobs that count their answers, and a clock
 * that the test sets.
 */

#include "pcsc/workers.h"

#define RIG_CODE_CANCEL 0x1001
#define RIG_CODE_CLOSE 0x1002
#define RIG_TIMEOUT 0x8010000A

typedef struct {
    ScdJob *job; /* with a reference */
    guint n_answers;
    guint32 code;
    gboolean sent;
    guint n_frees;
    gboolean holds_worker; /* done() blocks the worker until rig_let_answer() */
    gboolean blocks;
} RigJob;

typedef struct {
    ScdWorkers *workers;
    ScdJobQueue *ours;
    ScdJobQueue *other;
    guint n_queues;
    guint n_destroyed;
    GPtrArray *jobs; /* of RigJob */
} Rig;

/* Both queues belong to different users. "other" is connected; connected: "ours" is, too. */
Rig *rig_new(gboolean connected);

/* Closes and stops all, and asserts that nothing is left and each job had one answer. */
void rig_free(Rig *rig);

RigJob *rig_new_job(Rig *rig, ScdJobKind kind);
RigJob *rig_submit(Rig *rig, ScdJobQueue *queue, ScdJobKind kind);
void rig_wait(RigJob *job);
guint32 rig_run(Rig *rig, ScdJobQueue *queue, ScdJobKind kind);

/* Returns the number of answers so far. From any thread. */
guint rig_count_answers(const RigJob *job);

void rig_wait_until_answer_blocks(RigJob *job);
void rig_let_answer(RigJob *job);

void rig_close(Rig *rig, ScdJobQueue **queue, guint32 disposition);

/* Advances the clock of the worker and its queues. In the main loop, each source with a time is
 * ready at once. */
void rig_advance_clock(gint64 us);

/* Runs the main loop, so that time limits take effect. */
void rig_iterate(void);
