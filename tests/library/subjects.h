/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Each subject begins and ends in the same state: a card in reader A only, no other program, no
 * open context. Its file documents further requirements.
 */
void run_attributes(void);
void run_buffers(void);
void run_cancel(void);
void run_changes(void);
void run_connect(void);
void run_contexts(void);
void run_fork(void);
void run_lists(void);
void run_no_blocking(void);
void run_no_service(void);
void run_others(void);
void run_reconnect(void);
void run_states(void);
void run_texts(void);
void run_threads(void);
void run_transactions(void);
void run_transmit(void);
void run_unplug(void);
