/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fake-pcsc.h"

#include <reader.h>
#include <string.h>
#include <winscard.h>

#define HANDLES_MAX 64
const SCARD_IO_REQUEST g_rgSCardT0Pci = {SCARD_PROTOCOL_T0, sizeof(SCARD_IO_REQUEST)};
const SCARD_IO_REQUEST g_rgSCardT1Pci = {SCARD_PROTOCOL_T1, sizeof(SCARD_IO_REQUEST)};
const SCARD_IO_REQUEST g_rgSCardRawPci = {SCARD_PROTOCOL_RAW, sizeof(SCARD_IO_REQUEST)};

typedef struct {
    gboolean is_open;
    guint depth;
    gboolean reset;
} FakeHandle;

static struct {
    GMutex lock;
    GCond changed;
    FakeFunction held; /* FAKE_N_FUNCTIONS for none */
    gboolean blocks;
    gboolean foreign;
    gboolean guest;
    gboolean removed;
    gboolean unplugged;
    gboolean verified;
    gboolean has_pin_pad;
    gboolean can_abort;
    guint8 key;
    guint32 disconnect_code;
    guint refusals;
    guint contexts;
    guint resets;
    guint calls[FAKE_N_FUNCTIONS];
    FakeHandle handles[HANDLES_MAX]; /* SCARDHANDLE: the index and 1 */
} fake;

/* Without end: a test that hangs is ended by the test program's time limit. */
static void
wait_for(gboolean (*is_so)(void))
{
    g_mutex_lock(&fake.lock);
    while (!is_so())
        g_cond_wait(&fake.changed, &fake.lock);
    g_mutex_unlock(&fake.lock);
}

void
fake_pcsc_reset(void)
{
    g_mutex_lock(&fake.lock);
    g_assert(fake.contexts == 0);
    fake.held = FAKE_N_FUNCTIONS;
    fake.blocks = fake.foreign = fake.guest = fake.removed = fake.verified = FALSE;
    fake.unplugged = FALSE;
    fake.has_pin_pad = fake.can_abort = FALSE;
    fake.key = 0;
    fake.disconnect_code = SCARD_S_SUCCESS;
    fake.refusals = fake.resets = 0;
    memset(fake.calls, 0, sizeof fake.calls);
    memset(fake.handles, 0, sizeof fake.handles);
    g_mutex_unlock(&fake.lock);
}

void
fake_pcsc_hold(FakeFunction function)
{
    g_mutex_lock(&fake.lock);
    fake.held = function;
    g_mutex_unlock(&fake.lock);
}

static gboolean
blocks(void)
{
    return fake.blocks;
}

void
fake_pcsc_wait_until_held(void)
{
    wait_for(blocks);
}

void
fake_pcsc_release(void)
{
    g_mutex_lock(&fake.lock);
    fake.held = FAKE_N_FUNCTIONS;
    fake.blocks = FALSE;
    g_cond_broadcast(&fake.changed);
    g_mutex_unlock(&fake.lock);
}

void
fake_pcsc_set_foreign(gboolean foreign)
{
    g_mutex_lock(&fake.lock);
    fake.foreign = foreign;
    fake.refusals = 0;
    g_mutex_unlock(&fake.lock);
}

void
fake_pcsc_set_guest(gboolean guest)
{
    g_mutex_lock(&fake.lock);
    fake.guest = guest;
    g_mutex_unlock(&fake.lock);
}

gboolean
fake_pcsc_is_verified(void)
{
    g_mutex_lock(&fake.lock);
    gboolean verified = fake.verified;
    g_mutex_unlock(&fake.lock);
    return verified;
}

static gboolean
has_refused(void)
{
    return fake.refusals > 0;
}

void
fake_pcsc_wait_until_refused(void)
{
    wait_for(has_refused);
}

void
fake_pcsc_set_pin_pad(gboolean can_abort)
{
    g_mutex_lock(&fake.lock);
    fake.has_pin_pad = TRUE;
    fake.can_abort = can_abort;
    g_mutex_unlock(&fake.lock);
}

void
fake_pcsc_set_key(guint8 key)
{
    g_mutex_lock(&fake.lock);
    fake.key = key;
    g_mutex_unlock(&fake.lock);
}

void
fake_pcsc_set_disconnect_code(guint32 code)
{
    g_mutex_lock(&fake.lock);
    fake.disconnect_code = code;
    g_mutex_unlock(&fake.lock);
}

void
fake_pcsc_remove_card(void)
{
    g_mutex_lock(&fake.lock);
    fake.removed = TRUE;
    fake.foreign = FALSE;
    for (guint i = 0; i < HANDLES_MAX; i++)
        fake.handles[i].depth = 0;
    g_mutex_unlock(&fake.lock);
}

void
fake_pcsc_insert_card(void)
{
    g_mutex_lock(&fake.lock);
    fake.removed = FALSE;
    g_mutex_unlock(&fake.lock);
}

void
fake_pcsc_unplug(void)
{
    fake_pcsc_remove_card();
    g_mutex_lock(&fake.lock);
    fake.unplugged = TRUE;
    g_mutex_unlock(&fake.lock);
}

static guint
count_handles_locked(void)
{
    guint count = 0;
    for (guint i = 0; i < HANDLES_MAX; i++)
        count += fake.handles[i].is_open;
    return count;
}

static guint
depth_locked(void)
{
    guint depth = 0;
    for (guint i = 0; i < HANDLES_MAX; i++)
        depth += fake.handles[i].depth;
    return depth;
}

static guint
read_locked(guint (*count)(void))
{
    g_mutex_lock(&fake.lock);
    guint value = count();
    g_mutex_unlock(&fake.lock);
    return value;
}

guint
fake_pcsc_count_handles(void)
{
    return read_locked(count_handles_locked);
}

guint
fake_pcsc_transaction_depth(void)
{
    return read_locked(depth_locked);
}

static guint
contexts_locked(void)
{
    return fake.contexts;
}

guint
fake_pcsc_count_contexts(void)
{
    return read_locked(contexts_locked);
}

static guint
resets_locked(void)
{
    return fake.resets;
}

guint
fake_pcsc_count_resets(void)
{
    return read_locked(resets_locked);
}

guint
fake_pcsc_count_calls(FakeFunction function)
{
    g_mutex_lock(&fake.lock);
    guint calls = fake.calls[function];
    g_mutex_unlock(&fake.lock);
    return calls;
}

void
fake_pcsc_wait_for_calls(FakeFunction function, guint more)
{
    g_mutex_lock(&fake.lock);
    guint until = fake.calls[function] + more;
    while (fake.calls[function] < until)
        g_cond_wait(&fake.changed, &fake.lock);
    g_mutex_unlock(&fake.lock);
}

static void
block_if_held(FakeFunction function)
{
    fake.calls[function]++;
    if (fake.held != function)
        return;
    fake.blocks = TRUE;
    g_cond_broadcast(&fake.changed);
    while (fake.blocks)
        g_cond_wait(&fake.changed, &fake.lock);
}

/* Each call that can be held begins with this, and ends with leave(). */
static void
enter(FakeFunction function)
{
    g_mutex_lock(&fake.lock);
    block_if_held(function);
}

static LONG
leave(LONG code)
{
    if (code == SCARD_E_SHARING_VIOLATION)
        fake.refusals++;
    g_cond_broadcast(&fake.changed);
    g_mutex_unlock(&fake.lock);
    return code;
}

static FakeHandle *
find_handle(SCARDHANDLE handle)
{
    g_assert(handle >= 1 && handle <= HANDLES_MAX);
    g_assert(fake.handles[handle - 1].is_open);
    return &fake.handles[handle - 1];
}

/* The code that the state of the card gives to any call. */
static LONG
check_card(const FakeHandle *handle)
{
    if (fake.removed)
        return SCARD_W_REMOVED_CARD;
    return handle->reset ? SCARD_W_RESET_CARD : SCARD_S_SUCCESS;
}

static void
reset_card(DWORD disposition)
{
    if (disposition == SCARD_LEAVE_CARD)
        return;
    fake.resets++;
    fake.verified = FALSE;
    for (guint i = 0; i < HANDLES_MAX; i++)
        fake.handles[i].reset = TRUE;
}

void
fake_pcsc_reset_card(void)
{
    g_mutex_lock(&fake.lock);
    reset_card(SCARD_RESET_CARD);
    g_mutex_unlock(&fake.lock);
}

LONG
SCardEstablishContext(DWORD scope, LPCVOID reserved1, LPCVOID reserved2, LPSCARDCONTEXT context)
{
    g_mutex_lock(&fake.lock);
    fake.contexts++;
    *context = 1;
    return leave(SCARD_S_SUCCESS);
}

/* A worker does not wait in SCardGetStatusChange. */
LONG
SCardCancel(SCARDCONTEXT context)
{
    g_assert_not_reached();
}

LONG
SCardReleaseContext(SCARDCONTEXT context)
{
    g_mutex_lock(&fake.lock);
    g_assert(fake.contexts == 1);
    g_assert(count_handles_locked() == 0);
    fake.contexts--;
    return leave(SCARD_S_SUCCESS);
}

LONG
SCardConnect(SCARDCONTEXT context, LPCSTR reader, DWORD share_mode, DWORD protocols,
             LPSCARDHANDLE handle, LPDWORD active)
{
    enter(FAKE_CONNECT);
    g_assert(context == 1 && fake.contexts == 1 && strcmp(reader, "Reader") == 0);
    if (fake.unplugged)
        return leave(SCARD_E_UNKNOWN_READER);
    if (fake.removed && share_mode != SCARD_SHARE_DIRECT)
        return leave(SCARD_E_NO_SMARTCARD);
    for (guint i = 0; i < HANDLES_MAX; i++) {
        if (fake.handles[i].is_open)
            continue;
        fake.handles[i] = (FakeHandle){.is_open = TRUE};
        *handle = i + 1;
        *active = share_mode == SCARD_SHARE_DIRECT ? 0 : SCARD_PROTOCOL_T1;
        return leave(SCARD_S_SUCCESS);
    }
    return leave(SCARD_E_NO_MEMORY);
}

LONG
SCardReconnect(SCARDHANDLE handle, DWORD share_mode, DWORD protocols, DWORD initialization,
               LPDWORD active)
{
    gboolean restarts = share_mode == SCARD_SHARE_DIRECT && initialization != SCARD_LEAVE_CARD;

    enter(restarts ? FAKE_RESTART : FAKE_RECONNECT);
    FakeHandle *found = find_handle(handle);
    if (fake.removed)
        return leave(SCARD_W_REMOVED_CARD);
    if (fake.foreign || depth_locked() != found->depth)
        return leave(SCARD_E_SHARING_VIOLATION);
    if (share_mode == SCARD_SHARE_EXCLUSIVE && (fake.guest || count_handles_locked() > 1))
        return leave(SCARD_E_SHARING_VIOLATION);
    reset_card(initialization);
    found->reset = FALSE;
    *active = SCARD_PROTOCOL_T1;
    return leave(SCARD_S_SUCCESS);
}

LONG
SCardDisconnect(SCARDHANDLE handle, DWORD disposition)
{
    enter(FAKE_DISCONNECT);
    /* It must not wait: a lock is held. */
    g_assert(disposition == SCARD_LEAVE_CARD ||
             (disposition == SCARD_UNPOWER_CARD && find_handle(handle)->depth > 0));
    reset_card(disposition);
    find_handle(handle)->is_open = FALSE;
    fake.handles[handle - 1].depth = 0;
    return leave(fake.disconnect_code);
}

LONG
SCardBeginTransaction(SCARDHANDLE handle)
{
    enter(FAKE_BEGIN);
    FakeHandle *found = find_handle(handle);
    LONG code = check_card(found);
    g_assert(depth_locked() == found->depth);
    if (code != SCARD_S_SUCCESS)
        return leave(code);
    block_if_held(FAKE_LOCK);
    found->depth++;
    return leave(SCARD_S_SUCCESS);
}

LONG
SCardEndTransaction(SCARDHANDLE handle, DWORD disposition)
{
    enter(FAKE_END);
    FakeHandle *found = find_handle(handle);
    LONG code = check_card(found);
    if (code != SCARD_S_SUCCESS)
        return leave(code);
    if (found->depth == 0)
        return leave(SCARD_E_NOT_TRANSACTED);
    found->depth--;
    reset_card(disposition);
    return leave(SCARD_S_SUCCESS);
}

LONG
SCardTransmit(SCARDHANDLE handle, const SCARD_IO_REQUEST *send_pci, LPCBYTE command, DWORD length,
              SCARD_IO_REQUEST *receive_pci, LPBYTE response, LPDWORD response_length)
{
    enter(FAKE_TRANSMIT);
    const FakeHandle *found = find_handle(handle);
    LONG code = check_card(found);
    g_assert(depth_locked() == found->depth);
    if (code == SCARD_S_SUCCESS && fake.foreign)
        code = SCARD_E_SHARING_VIOLATION;
    if (code != SCARD_S_SUCCESS)
        return leave(code);
    fake.verified = TRUE;
    memcpy(response, "\x90\x00", 2);
    *response_length = 2;
    return leave(SCARD_S_SUCCESS);
}

/* Any numbers: the driver announces them. */
static const struct {
    guint8 feature;
    guint8 code;
    FakeFunction function;
} pin_codes[] = {
    {FEATURE_ABORT, 0x10, FAKE_PIN_ABORT}, /* first: it may be left out */
    {FEATURE_VERIFY_PIN_START, 0x11, FAKE_PIN_START},
    {FEATURE_GET_KEY_PRESSED, 0x12, FAKE_PIN_KEY},
    {FEATURE_VERIFY_PIN_FINISH, 0x13, FAKE_PIN_FINISH},
};

static FakeFunction
find_function(DWORD control_code)
{
    for (guint i = 0; i < G_N_ELEMENTS(pin_codes); i++)
        if (control_code == (DWORD)SCARD_CTL_CODE(pin_codes[i].code))
            return pin_codes[i].function;
    return FAKE_CONTROL;
}

/* Returns the number of bytes. */
static gsize
write_features(guint8 *output)
{
    PCSC_TLV_STRUCTURE *feature = (PCSC_TLV_STRUCTURE *)output;

    for (guint i = fake.can_abort ? 0 : 1; i < G_N_ELEMENTS(pin_codes); i++)
        *feature++ = (PCSC_TLV_STRUCTURE){pin_codes[i].feature, sizeof feature->value,
                                          GUINT32_TO_BE(SCARD_CTL_CODE(pin_codes[i].code))};
    return (gsize)((guint8 *)feature - output);
}

LONG
SCardControl(SCARDHANDLE handle, DWORD control_code, LPCVOID input, DWORD input_length,
             LPVOID output, DWORD output_length, LPDWORD returned)
{
    FakeFunction function = find_function(control_code);
    guint8 *bytes = output;

    enter(function);
    *returned = 0;
    if (fake.foreign || depth_locked() > find_handle(handle)->depth)
        return leave(SCARD_E_SHARING_VIOLATION);
    if (control_code == CM_IOCTL_GET_FEATURE_REQUEST && fake.has_pin_pad) {
        *returned = write_features(bytes);
    } else if (function == FAKE_PIN_KEY) {
        bytes[0] = fake.key;
        *returned = 1;
    } else if (function == FAKE_PIN_FINISH) {
        memcpy(bytes, "\x90\x00", 2);
        *returned = 2;
    }
    return leave(SCARD_S_SUCCESS);
}

LONG
SCardGetAttrib(SCARDHANDLE handle, DWORD id, LPBYTE attribute, LPDWORD length)
{
    enter(FAKE_GET_ATTRIBUTE);
    LONG code = check_card(find_handle(handle));
    if (code == SCARD_S_SUCCESS && fake.foreign)
        code = SCARD_E_SHARING_VIOLATION;
    *length = 0;
    return leave(code);
}

LONG
SCardSetAttrib(SCARDHANDLE handle, DWORD id, LPCBYTE attribute, DWORD length)
{
    return SCARD_E_UNSUPPORTED_FEATURE;
}
