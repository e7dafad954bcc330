/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A slot holds a card or none, and the failures that were ordered for it. The slots of a reader are
 * independent.
 *
 * pcscd has one thread for each slot, which repeats: poll (sleep until something changes), read the
 * presence, process it. Three things must hold:
 *
 * - No change is lost. Changes are numbered; a poll returns at once if the latest number differs
 *   from that with which the previous poll returned.
 * - No removal is lost, however soon the next card is inserted. Until pcscd has completed one round
 *   with the removal in view, all callers are told that no card is present. The round is complete
 *   when pcscd polls again and the removal is no younger than the change with which the previous
 *   poll returned. The presence requests alone would not show that: pcscd also sends one before
 *   each power-up, in any thread.
 * - No insertion is lost in pcscd. Its thread of a client that was told that no card is present
 *   stores this as the state of the reader, some time later and with no lock, so it may overwrite
 *   what the thread of the slot has stored since. So a new card is out of view until a poll
 *   returns, and the poll waits until no other thread has been told so for a while.
 * - No thread sleeps for long after the card or the reader has gone or polling has to stop. The
 *   request to stop stays until a poll has returned, since pcscd may send it just before it polls.
 */

#include "slot.h"

#include <errno.h>
#include <string.h>
#include <time.h>

/* The longest wait for clients that ask again and again. */
enum { LONGEST_SETTLE_MS = 10 * SLOT_SETTLE_MS };

static uint64_t
now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static struct timespec
deadline_after(unsigned milliseconds)
{
    struct timespec deadline;

    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += milliseconds / 1000;
    deadline.tv_nsec += milliseconds % 1000 * 1000000L;
    if (deadline.tv_nsec >= 1000000000L) {
        deadline.tv_sec++;
        deadline.tv_nsec -= 1000000000L;
    }
    return deadline;
}

/* Releases the lock until something changes; returns false after the deadline. */
static bool
slot_sleep(struct slot *slot, const struct timespec *deadline)
{
    slot->waiting++;
    int error = pthread_cond_timedwait(&slot->changed, &slot->lock, deadline);
    slot->waiting--;
    if (slot->closing)
        pthread_cond_broadcast(&slot->changed);
    return error != ETIMEDOUT;
}

static void
slot_change(struct slot *slot)
{
    slot->changes++;
    pthread_cond_broadcast(&slot->changed);
}

static void
slot_power_down(struct slot *slot)
{
    slot->powered = false;
    slot->protocol = 0;
}

static void
slot_depart(struct slot *slot)
{
    slot_power_down(slot);
    slot_change(slot);
    slot->departed = slot->changes;
}

static bool
departure_untold(const struct slot *slot)
{
    return slot->departed > slot->shown;
}

void
slot_init(struct slot *slot, const struct atr *atr)
{
    pthread_condattr_t attributes;

    *slot = (struct slot){.present = atr->length > 0};
    if (slot->present)
        card_init(&slot->card, atr);
    pthread_mutex_init(&slot->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&slot->changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

void
slot_destroy(struct slot *slot)
{
    pthread_mutex_lock(&slot->lock);
    slot->closing = slot->stop = true;
    slot_depart(slot);
    while (slot->waiting > 0)
        pthread_cond_wait(&slot->changed, &slot->lock);
    pthread_mutex_unlock(&slot->lock);

    order_drop_all(&slot->controls);
    order_drop_all(&slot->attributes);
    pthread_cond_destroy(&slot->changed);
    pthread_mutex_destroy(&slot->lock);
}

bool
slot_insert(struct slot *slot, const struct atr *atr)
{
    if (slot->present)
        return false;
    card_init(&slot->card, atr);
    slot->present = slot->coming = true;
    slot_change(slot);
    return true;
}

bool
slot_remove(struct slot *slot)
{
    if (!slot->present)
        return false;
    slot->present = false;
    slot_depart(slot);
    return true;
}

void
slot_plug(struct slot *slot, bool plugged)
{
    if (slot->unplugged != plugged)
        return;
    slot->unplugged = !plugged;
    if (plugged)
        slot_change(slot);
    else
        slot_depart(slot);
}

RESPONSECODE
slot_presence(struct slot *slot)
{
    if (slot->unplugged)
        return IFD_COMMUNICATION_ERROR;
    if (slot->present && !slot->coming && !departure_untold(slot))
        return IFD_ICC_PRESENT;
    if (slot->polled && !pthread_equal(pthread_self(), slot->poller))
        slot->refused_at = now_ms();
    return IFD_ICC_NOT_PRESENT;
}

RESPONSECODE
slot_power(struct slot *slot, DWORD action)
{
    if (action != IFD_POWER_UP && action != IFD_POWER_DOWN && action != IFD_RESET)
        return IFD_NOT_SUPPORTED;
    slot_power_down(slot);
    if (slot->unplugged)
        return IFD_COMMUNICATION_ERROR;
    if (action == IFD_POWER_DOWN)
        return IFD_SUCCESS;
    if (slot->mute || slot_presence(slot) != IFD_ICC_PRESENT)
        return IFD_ERROR_POWER_ACTION;

    card_reset(&slot->card);
    slot->powered = true;
    if (action == IFD_RESET)
        slot->resets++;
    else
        slot->powerups++;
    return IFD_SUCCESS;
}

void
slot_finish(struct slot *slot)
{
    slot->finished++;
    pthread_cond_broadcast(&slot->changed);
}

/* Returns false as soon as the card or the reader goes. */
static bool
slot_pass_time(struct slot *slot, unsigned milliseconds)
{
    uint64_t departed = slot->departed, finished = slot->finished;
    struct timespec deadline = deadline_after(milliseconds);

    while (milliseconds > 0 && slot->departed == departed && slot->finished == finished)
        if (!slot_sleep(slot, &deadline))
            break;
    return slot->departed == departed;
}

/* Sleeps for the duration of a command; returns false if it is cut off. */
static bool
slot_be_busy(struct slot *slot, unsigned milliseconds)
{
    slot->busy = true;
    bool stayed = slot_pass_time(slot, milliseconds);
    slot->busy = false;
    return stayed;
}

/* A command that is cut off is a communication error; without a card no command is sent. */
RESPONSECODE
slot_transmit(struct slot *slot, const uint8_t *command, size_t length, uint8_t *answer,
              DWORD *answer_length)
{
    bool pull = slot->pull;
    size_t size = *answer_length;

    *answer_length = 0;
    if (slot_presence(slot) != IFD_ICC_PRESENT)
        return slot->unplugged ? IFD_COMMUNICATION_ERROR : IFD_ICC_NOT_PRESENT;
    if (!slot->powered || length > CARD_COMMAND_MAX)
        return IFD_COMMUNICATION_ERROR;

    slot->pull = false;
    bool stayed = slot_be_busy(slot, pull ? slot->delay / 2 : slot->delay);
    if (!stayed || (pull && slot_remove(slot)))
        return IFD_COMMUNICATION_ERROR;
    if (slot->failures > 0) {
        slot->failures--;
        return IFD_COMMUNICATION_ERROR;
    }

    slot->commands++;
    size_t count = card_execute(&slot->card, command, length, answer, size);
    if (count > size)
        return IFD_ERROR_INSUFFICIENT_BUFFER;
    *answer_length = count;
    return IFD_SUCCESS;
}

bool
slot_press(struct slot *slot, const char *keys)
{
    bool known = pin_pad_press(&slot->pin_pad, keys);

    pthread_cond_broadcast(&slot->changed);
    return known;
}

/* Sleeps until the entry is complete; returns false if it is cut off. */
static bool
slot_wait_for_pin(struct slot *slot)
{
    uint64_t departed = slot->departed;
    struct timespec deadline = deadline_after(24 * 3600 * 1000);

    slot->busy = true;
    while (slot->departed == departed && !pin_pad_is_complete(&slot->pin_pad))
        if (pin_pad_read_key(&slot->pin_pad) == 0)
            slot_sleep(slot, &deadline);
    slot->busy = false;
    return slot->departed == departed;
}

static RESPONSECODE
slot_finish_pin(struct slot *slot, uint8_t *answer, size_t size, DWORD *answer_length)
{
    if (!pin_pad_is_complete(&slot->pin_pad) || size < 2)
        return IFD_COMMUNICATION_ERROR;
    slot->commands++;
    *answer_length = pin_pad_finish(&slot->pin_pad, &slot->card, answer, size);
    return IFD_SUCCESS;
}

/* A PIN pad works while a card is in the reader. */
static RESPONSECODE
slot_use_pin_pad(struct slot *slot, enum pin_pad_code code, bool modify, const uint8_t *request,
                 size_t length, uint8_t *answer, size_t size, DWORD *answer_length)
{
    struct pin_pad *pad = &slot->pin_pad;

    if (slot->failures > 0) {
        slot->failures--;
        return IFD_COMMUNICATION_ERROR;
    }
    if (code == PIN_PAD_ABORT) {
        pin_pad_abort(pad);
        return IFD_SUCCESS;
    }
    if (slot_presence(slot) != IFD_ICC_PRESENT || !slot->powered)
        return IFD_COMMUNICATION_ERROR;
    if (code == PIN_PAD_FINISH)
        return slot_finish_pin(slot, answer, size, answer_length);
    if (code == PIN_PAD_KEY) {
        if (!pad->active || size < 1)
            return IFD_COMMUNICATION_ERROR;
        answer[0] = pin_pad_read_key(pad);
        *answer_length = 1;
        return IFD_SUCCESS;
    }
    if (!pin_pad_begin(pad, modify, request, length))
        return IFD_COMMUNICATION_ERROR;
    if (code == PIN_PAD_START)
        return IFD_SUCCESS;
    if (slot_wait_for_pin(slot))
        return slot_finish_pin(slot, answer, size, answer_length);
    pad->active = false;
    return IFD_COMMUNICATION_ERROR;
}

/* A code without an order, and not of the PIN pad, is refused at once. */
RESPONSECODE
slot_control(struct slot *slot, uint32_t code, const uint8_t *request, size_t length,
             uint8_t *answer, size_t size, DWORD *answer_length)
{
    const struct order *order = order_find(slot->controls, code);
    bool modify = false;
    enum pin_pad_code pin_pad_code = pin_pad_find(&slot->pin_pad, code, &modify);

    if (pin_pad_code != PIN_PAD_OTHER && order == NULL && !slot->unplugged)
        return slot_use_pin_pad(slot, pin_pad_code, modify, request, length, answer, size,
                                answer_length);

    if (slot->unplugged || (order != NULL && !slot_be_busy(slot, slot->delay)))
        return IFD_COMMUNICATION_ERROR;
    order = order_find(slot->controls, code); /* it may have been dropped in the meantime */
    if (order == NULL)
        return IFD_ERROR_NOT_SUPPORTED;
    slot->commands++;
    if (order->length > size)
        return IFD_ERROR_INSUFFICIENT_BUFFER;
    *answer_length = order->length;
    memcpy(answer, order->answer, order->length);
    return IFD_SUCCESS;
}

/*
 * Waits until the threads that were told that no card is present have stored it. The end of the
 * last connection asks polling to stop, but changes nothing for others.
 */
static void
slot_settle(struct slot *slot)
{
    uint64_t now = now_ms(), end = now + LONGEST_SETTLE_MS;

    while (!slot->closing && now < end && now < slot->refused_at + SLOT_SETTLE_MS) {
        struct timespec deadline =
            deadline_after((unsigned)(slot->refused_at + SLOT_SETTLE_MS - now));

        slot_sleep(slot, &deadline);
        now = now_ms();
    }
}

/* A time-out is a success as well: pcscd sleeps after any other result. */
RESPONSECODE
slot_poll(struct slot *slot, unsigned timeout)
{
    bool untold = departure_untold(slot);
    struct timespec deadline = deadline_after(timeout);

    slot->poller = pthread_self();
    slot->polled = true;
    slot->shown = slot->seen;
    if (untold && !departure_untold(slot) && slot->present)
        slot_change(slot);
    while (slot->changes == slot->seen && !slot->stop)
        if (!slot_sleep(slot, &deadline))
            break;
    if (slot->coming && !departure_untold(slot)) {
        slot_settle(slot);
        slot->coming = departure_untold(slot);
    }
    slot->seen = slot->changes;
    slot->stop = false;
    return IFD_SUCCESS;
}

void
slot_stop_polling(struct slot *slot)
{
    slot->stop = true;
    pthread_cond_broadcast(&slot->changed);
}
