/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/probe.h"

#include <reader.h>
#include <string.h>
#include <winscard.h>

#include "base/feature.h"
#include "pcsc/main-thread.h"
#include "pcsc/seat.h"

/* Of libccid since 1.7.1: the port that the reader is plugged into. */
#define GET_USB_PATH SCARD_CTL_CODE(3601)

#define REAL_SYSFS "/sys" /* the only one that udev knows */

#define ANSWER_LIMIT_MS 1000

/*
 * The kernel answers at once; but the machine may have much else to do, as when it boots with many
 * readers, and one that is shown without its place keeps a path without it.
 */
#define LOOK_LIMIT_MS 60000

/*
 * libpcsclite guards the handles of its contexts badly: two threads that open some at once may
 * crash it. So drivers are asked one after the other, unless one takes longer than this.
 */
#define TURN_MS 10

/*
 * Each is a client of pcscd, which has 200 of them at most. When so many are late that asking more
 * would keep other programs out, only the kernel is asked.
 */
#define ASKING_MAX 64

typedef struct {
    ScdProbes *probes; /* NULL when nobody waits for it any more; the main thread's */
    char *reader;
    char *sysfs;
    gboolean asks;         /* the driver, and not the kernel alone */
    guint timer;           /* while it has time */
    ScdIdentity *identity; /* the thread's until it has told the main thread */
} Probe;

struct ScdProbes {
    char *sysfs;
    ScdProbeFunc func;
    gpointer data;
    GQueue waiting;     /* of Probe */
    GPtrArray *running; /* of Probe, late ones too */
    Probe *turn;        /* the one that keeps the next from running; NULL when none does */
    guint turn_timer;   /* while there is one */
};

/* A transaction that another program has begun since we connected keeps the answer from us. */
static GBytes *
take_answer_in_probe(ScdDriverAnswers *answers, LONG code, const guint8 *bytes, DWORD length)
{
    if (code == SCARD_E_SHARING_VIOLATION)
        answers->asked = FALSE;
    return code == SCARD_S_SUCCESS ? g_bytes_new(bytes, length) : NULL;
}

static GBytes *
ask_driver_in_probe(SCARDHANDLE reader, DWORD control_code, ScdDriverAnswers *answers)
{
    guint8 answer[MAX_BUFFER_SIZE];
    DWORD length = 0;
    LONG code = SCardControl(reader, control_code, NULL, 0, answer, sizeof answer, &length);

    return take_answer_in_probe(answers, code, answer, length);
}

static GBytes *
get_attribute_in_probe(SCARDHANDLE reader, DWORD id, ScdDriverAnswers *answers)
{
    guint8 value[MAX_BUFFER_SIZE];
    DWORD length = sizeof value;
    LONG code = SCardGetAttrib(reader, id, value, &length);

    return take_answer_in_probe(answers, code, value, length);
}

static GBytes *
ask_feature_in_probe(SCARDHANDLE reader, guint8 feature, ScdDriverAnswers *answers)
{
    gsize length = 0;
    const guint8 *list = answers->features ? g_bytes_get_data(answers->features, &length) : NULL;
    guint32 code = scd_features_find_code(list, length, feature);

    return code != 0 ? ask_driver_in_probe(reader, code, answers) : NULL;
}

static void
ask_in_probe(SCARDHANDLE reader, ScdDriverAnswers *answers)
{
    answers->asked = TRUE;
    answers->usb_path = ask_driver_in_probe(reader, GET_USB_PATH, answers);
    answers->channel_id = get_attribute_in_probe(reader, SCARD_ATTR_CHANNEL_ID, answers);
    answers->vendor = get_attribute_in_probe(reader, SCARD_ATTR_VENDOR_NAME, answers);
    answers->product = get_attribute_in_probe(reader, SCARD_ATTR_VENDOR_IFD_TYPE, answers);
    answers->serial = get_attribute_in_probe(reader, SCARD_ATTR_VENDOR_IFD_SERIAL_NO, answers);
    answers->version = get_attribute_in_probe(reader, SCARD_ATTR_VENDOR_IFD_VERSION, answers);
    answers->features = ask_driver_in_probe(reader, CM_IOCTL_GET_FEATURE_REQUEST, answers);
    answers->tlv_properties = ask_feature_in_probe(reader, SCD_FEATURE_GET_TLV_PROPERTIES, answers);
}

static void
connect_and_ask_in_probe(const char *name, ScdDriverAnswers *answers)
{
    SCARDCONTEXT context;
    SCARDHANDLE reader;
    DWORD protocol;

    if (SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context) != SCARD_S_SUCCESS)
        return;
    /* Without a protocol: any other value would change that of everybody on the reader. */
    if (SCardConnect(context, name, SCARD_SHARE_DIRECT, 0, &reader, &protocol) == SCARD_S_SUCCESS)
        ask_in_probe(reader, answers);
    /* Leaves the card alone, and unlike SCardDisconnect() other threads' handles too: see TURN_MS.
     */
    SCardReleaseContext(context);
}

static ScdIdentity *
identify_in_probe(const Probe *probe)
{
    g_auto(ScdDriverAnswers) answers = {0};

    if (probe->asks)
        connect_and_ask_in_probe(probe->reader, &answers);
    ScdIdentity *identity = scd_identity_new(probe->reader, &answers, probe->sysfs);
    char *seat = identity->in_kernel && g_str_equal(probe->sysfs, REAL_SYSFS)
                     ? scd_seat_dup_in_probe(&identity->usb_port)
                     : NULL;
    if (seat) {
        g_free(identity->seat);
        identity->seat = seat;
    }
    return identity;
}

static void
free_probe(gpointer data)
{
    Probe *probe = data;
    scd_identity_unref(probe->identity);
    g_free(probe->sysfs);
    g_free(probe->reader);
    g_free(probe);
}

static void run_waiting(ScdProbes *probes);

static void
end_turn(ScdProbes *probes)
{
    g_clear_handle_id(&probes->turn_timer, g_source_remove);
    probes->turn = NULL;
}

/* Whatever it still finds out, nobody hears of it. */
static void
leave_behind(Probe *probe)
{
    ScdProbes *probes = probe->probes;

    g_ptr_array_remove_fast(probes->running, probe);
    g_clear_handle_id(&probe->timer, g_source_remove);
    if (probes->turn == probe)
        end_turn(probes);
    probe->probes = NULL;
}

static gboolean
answered(gpointer data)
{
    Probe *probe = data;
    ScdProbes *probes = probe->probes;

    if (!probes)
        return G_SOURCE_REMOVE;
    leave_behind(probe);
    probes->func(probe->reader, g_steal_pointer(&probe->identity), probes->data);
    run_waiting(probes);
    return G_SOURCE_REMOVE;
}

static gpointer
run_in_probe(gpointer data)
{
    Probe *probe = data;

    probe->identity = identify_in_probe(probe);
    scd_main_thread_invoke(answered, probe, free_probe);
    return NULL;
}

static Probe *
new_probe(ScdProbes *probes, const char *reader, gboolean asks)
{
    Probe *probe = g_new0(Probe, 1);
    probe->probes = probes;
    probe->reader = g_strdup(reader);
    probe->sysfs = g_strdup(probes->sysfs);
    probe->asks = asks;
    return probe;
}

static gboolean time_over(gpointer data);

static void
run(Probe *probe)
{
    guint limit_ms = probe->asks ? ANSWER_LIMIT_MS : LOOK_LIMIT_MS;

    g_ptr_array_add(probe->probes->running, probe);
    probe->timer = g_timeout_add(limit_ms, time_over, probe);
    g_thread_unref(g_thread_new("probe", run_in_probe, probe));
}

static gboolean
time_over(gpointer data)
{
    static const ScdDriverAnswers nothing = {0};
    Probe *probe = data;
    ScdProbes *probes = probe->probes;

    probe->timer = 0;
    if (probe->asks)
        run(new_probe(probes, probe->reader, FALSE));
    else
        probes->func(probe->reader, scd_identity_new(probe->reader, &nothing, NULL), probes->data);
    return G_SOURCE_REMOVE;
}

static gboolean
turn_over(gpointer data)
{
    ScdProbes *probes = data;

    probes->turn_timer = 0;
    end_turn(probes);
    run_waiting(probes);
    return G_SOURCE_REMOVE;
}

static void
run_waiting(ScdProbes *probes)
{
    if (probes->turn || probes->waiting.length == 0)
        return;
    probes->turn = g_queue_pop_head(&probes->waiting);
    probes->turn->asks = probes->running->len < ASKING_MAX;
    probes->turn_timer = g_timeout_add(TURN_MS, turn_over, probes);
    run(probes->turn);
}

ScdProbes *
scd_probes_new(const char *sysfs, ScdProbeFunc func, gpointer data)
{
    ScdProbes *probes = g_new0(ScdProbes, 1);
    probes->sysfs = g_strdup(sysfs);
    probes->func = func;
    probes->data = data;
    g_queue_init(&probes->waiting);
    probes->running = g_ptr_array_new();
    return probes;
}

void
scd_probes_free(ScdProbes *probes)
{
    while (probes->running->len > 0)
        leave_behind(probes->running->pdata[0]);
    g_ptr_array_unref(probes->running);
    g_queue_clear_full(&probes->waiting, free_probe);
    g_free(probes->sysfs);
    g_free(probes);
}

static int
compare_reader(gconstpointer probe, gconstpointer reader)
{
    return strcmp(((const Probe *)probe)->reader, reader);
}

static gboolean
is_about(gconstpointer probe, gconstpointer reader)
{
    return compare_reader(probe, reader) == 0;
}

void
scd_probes_start(ScdProbes *probes, const char *reader)
{
    if (g_queue_find_custom(&probes->waiting, reader, compare_reader) ||
        g_ptr_array_find_with_equal_func(probes->running, reader, is_about, NULL))
        return;
    g_queue_push_tail(&probes->waiting, new_probe(probes, reader, TRUE));
    run_waiting(probes);
}

void
scd_probes_forget(ScdProbes *probes, const char *reader)
{
    GList *waiting;
    guint index;

    while ((waiting = g_queue_find_custom(&probes->waiting, reader, compare_reader))) {
        free_probe(waiting->data);
        g_queue_delete_link(&probes->waiting, waiting);
    }
    while (g_ptr_array_find_with_equal_func(probes->running, reader, is_about, &index))
        leave_behind(probes->running->pdata[index]);
    run_waiting(probes);
}
