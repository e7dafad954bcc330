/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The choice of faults. The file "random" in the directory SCD_FAULTS has the plan, which the test
 * may change at any time: see scdtest/testbed/random_faults.py.
 *
 * The n-th call of a function by threads of a name gets the same faults whenever the seed is the
 * same. The order in which threads run, and so which job a call belongs to, is up to the kernel.
 */

#include "shim.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
    FAIL,   /* the call returns an error */
    LATE,   /* it takes some milliseconds longer */
    HANG,   /* it takes up to a second longer */
    LENGTH, /* it returns a length that makes no sense */
    VANISH, /* pcscd has gone: for the monitor, from all contexts, and for a while */
    KINDS,
};

/* Of 65,536 calls, so many have the fault. The counts are those of the calls that had it. */
typedef struct {
    uint64_t seed;
    _Atomic uint32_t is_active;
    _Atomic uint32_t calls;
    _Atomic uint32_t rates[KINDS];
    _Atomic uint32_t counts[KINDS];
} Plan;

enum {
    COUNTERS_MAX = 256,
    LATE_MAX_US = 5000,
    HANG_MAX_MS = 900, /* below the least limit of a call of the monitor */
    AWAY_MAX_MS = 100,
    REFUSALS_MAX = 3, /* without an event that tells the monitor to try again */
};

static Plan *plan;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Atomic uint64_t counters[COUNTERS_MAX];
static _Atomic int64_t away_until; /* µs; pcscd has vanished until then */
static _Atomic uint32_t refusals;  /* of contexts for the monitor, one after the other */

/* After the end of pcscd, libpcsclite returns any of these. */
static const LONG lost_codes[] = {SCARD_E_NO_SERVICE, SCARD_F_COMM_ERROR, SCARD_E_SERVICE_STOPPED,
                                  SCARD_W_SECURITY_VIOLATION, SCARD_E_INVALID_HANDLE};

/* No other number is a code of winscard.h. */
static const LONG odd_codes[] = {
    1, -1, 0x7FFFFFFF, (LONG)0x80100022, (LONG)0x801000FF, (LONG)0xDEADBEEF, (LONG)0x8010000FF};

static void
map_plan(void)
{
    const char *folder = getenv("SCD_FAULTS");
    char path[256];

    snprintf(path, sizeof path, "%s/random", folder ? folder : "/nonexistent");
    int file = open(path, O_RDWR | O_CLOEXEC);
    plan = file < 0 ? MAP_FAILED
                    : mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (plan == MAP_FAILED)
        shim_abort("cannot map %s", path);
    close(file);
}

/* splitmix64: a good mixture of the bits of a number. */
static uint64_t
mix(uint64_t number)
{
    number += 0x9E3779B97F4A7C15;
    number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9;
    number = (number ^ number >> 27) * 0x94D049BB133111EB;
    return number ^ number >> 31;
}

static uint64_t
hash_text(uint64_t start, const char *text)
{
    for (; *text; text++)
        start = (start ^ (uint8_t)*text) * 0x100000001B3;
    return start;
}

static uint64_t
throw_dice(const char *function)
{
    char thread[16];

    if (pthread_getname_np(pthread_self(), thread, sizeof thread) != 0)
        thread[0] = '\0';
    uint64_t hash = hash_text(hash_text(0xCBF29CE484222325, thread), function);
    uint64_t number = atomic_fetch_add(&counters[mix(hash) % COUNTERS_MAX], 1);
    return mix(plan->seed ^ mix(hash ^ number));
}

/* Uses up some of the bits. */
static uint32_t
take_number(uint64_t *dice, uint32_t limit)
{
    *dice = mix(*dice);
    return (uint32_t)(*dice >> 32) % limit;
}

static bool
happens(uint64_t *dice, int kind)
{
    if (take_number(dice, 65536) >= atomic_load(&plan->rates[kind]))
        return false;
    atomic_fetch_add(&plan->counts[kind], 1);
    return true;
}

static int64_t
get_time_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

/* Returns early if the test has ended the faults. */
static void
wait_us(int64_t duration)
{
    int64_t end = get_time_us() + duration;

    while (atomic_load(&plan->is_active) && get_time_us() < end)
        usleep(duration < 10000 ? (useconds_t)duration : 10000);
}

static LONG
choose_code(uint64_t *dice)
{
    uint32_t number = take_number(dice, 80);

    if (number < 0x31)
        return SCARD_F_INTERNAL_ERROR + (LONG)number;
    if (number < 0x31 + 11)
        return SCARD_W_UNSUPPORTED_CARD + (LONG)(number - 0x31);
    return odd_codes[number % (sizeof odd_codes / sizeof *odd_codes)];
}

static LONG
choose_lost_code(uint64_t *dice)
{
    return lost_codes[take_number(dice, sizeof lost_codes / sizeof *lost_codes)];
}

static void
let_pcscd_vanish(uint64_t *dice, SCARDCONTEXT context)
{
    if (!rules_is_monitor()) {
        rules_lose_context(context);
        return;
    }
    rules_lose_all();
    atomic_store(&away_until, get_time_us() + take_number(dice, AWAY_MAX_MS * 1000));
}

/* Returns whether the monitor would wait for an event of pcscd's socket after another refusal. */
static bool
has_to_admit(SCARDCONTEXT context, Fault *fault)
{
    if (context != 0 || !rules_is_monitor())
        return false;
    if (fault->code != SCARD_S_SUCCESS && atomic_fetch_add(&refusals, 1) < REFUSALS_MAX)
        return false;
    atomic_store(&refusals, 0);
    return true;
}

Fault
random_choose(const char *function, SCARDCONTEXT context)
{
    pthread_once(&once, map_plan);
    Fault fault = {.dice = throw_dice(function)};

    atomic_fetch_add(&plan->calls, 1);
    if (atomic_load(&plan->is_active)) {
        if (happens(&fault.dice, LATE))
            wait_us(take_number(&fault.dice, LATE_MAX_US));
        if (happens(&fault.dice, HANG))
            wait_us(take_number(&fault.dice, HANG_MAX_MS) * INT64_C(1000));
        if (context != 0 && happens(&fault.dice, VANISH))
            let_pcscd_vanish(&fault.dice, context);
        if (happens(&fault.dice, FAIL))
            fault.code = choose_code(&fault.dice);
        fault.has_length = happens(&fault.dice, LENGTH);
    }
    if (rules_is_lost(context) || get_time_us() < atomic_load(&away_until)) {
        fault.code = choose_lost_code(&fault.dice);
        fault.is_lost = true;
    }
    if (has_to_admit(context, &fault))
        fault.code = SCARD_S_SUCCESS;
    return fault;
}

DWORD
random_length(const Fault *fault, DWORD size, DWORD length)
{
    uint64_t dice = fault->dice;
    const DWORD lengths[] = {0,          1,        length - 1, length + 1,      length / 2,
                             size,       size + 1, size + 16,  2 * size + 4096, 0x7FFFFFFF,
                             0xFFFFFFFF, (DWORD)-1};

    return lengths[take_number(&dice, sizeof lengths / sizeof *lengths)];
}
