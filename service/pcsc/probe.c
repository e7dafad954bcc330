/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/probe.h"

#include <reader.h>
#include <string.h>
#include <winscard.h>

#include "base/feature.h"
#include "base/reader-name.h"
#include "base/usb-device.h"
#include "pcsc/code.h"
#include "pcsc/context.h"
#include "pcsc/descriptors.h"
#include "pcsc/main-thread.h"
#include "pcsc/reader-use.h"
#include "pcsc/seat-watch.h"

/* Returns the USB path of the reader; libccid has it since 1.7.1. */
#define GET_USB_PATH SCARD_CTL_CODE(3601)

#define DRIVER_LIMIT_MS 1000

/*
 * The kernel answers at once, but the machine may be busy, for example when it boots with many
 * readers. A reader that is announced without its USB path keeps an object path without it.
 */
#define KERNEL_LIMIT_MS 60000

/*
 * Drivers are queried one after the other, with one context: to open one takes longer than a query.
 * A probe that takes longer than this does not delay the next one any more, which opens its own.
 */
#define EXCLUSIVE_TIME_MS 10

/* For the context, the folders and files of sysfs, and the device of udev. */
#define PROBE_DESCRIPTORS 6

/* The number of retries is limited so that the reader is announced at last, without its path. */
#define RETRY_MS 1000
#define RETRIES_MAX 60

typedef struct {
    ScdProbes *probes;   /* the main thread's */
    ScdThreadTask *task; /* NULL until it runs */
    char *reader;
    char *sysfs;
    gboolean queries_driver; /* else only the kernel */
    gboolean starved;        /* descriptors or threads were missing */
    gboolean again;          /* another one follows, unless this one finds all there is to know */
    guint n_retries;
    guint timer;           /* until the time limit */
    ScdIdentity *identity; /* the result of the thread */
} ScdProbe;

struct ScdProbes {
    char *sysfs;
    ScdProbeFunc func;
    gpointer data;
    GQueue waiting;        /* of ScdProbe */
    GQueue starved;        /* of ScdProbe, to be repeated */
    guint retry_timer;     /* while there are some */
    GPtrArray *running;    /* of ScdProbe, including late ones */
    ScdProbe *exclusive;   /* the one that delays the next; NULL if none does */
    guint exclusive_timer; /* while there is one */
};

/* Another program may have begun a transaction since the connection: then the answer is missing. */
static GBytes *
take_answer_in_probe(ScdDriverAnswers *answers, guint32 code, const guint8 *bytes, gsize length)
{
    if (code == SCARD_E_SHARING_VIOLATION)
        answers->asked = FALSE;
    return code == SCARD_S_SUCCESS ? g_bytes_new(bytes, length) : NULL;
}

static GBytes *
send_control_in_probe(SCARDHANDLE reader, DWORD control_code, ScdDriverAnswers *answers)
{
    guint8 answer[MAX_BUFFER_SIZE];
    gsize length = sizeof answer;
    guint32 code = scd_pcsc_control(reader, control_code, NULL, 0, answer, &length);

    return take_answer_in_probe(answers, code, answer, length);
}

static GBytes *
get_attribute_in_probe(SCARDHANDLE reader, DWORD id, ScdDriverAnswers *answers)
{
    guint8 value[MAX_BUFFER_SIZE];
    gsize length = sizeof value;
    guint32 code = scd_pcsc_get_attribute(reader, id, value, &length);

    return take_answer_in_probe(answers, code, value, length);
}

static GBytes *
get_feature_in_probe(SCARDHANDLE reader, guint8 feature, ScdDriverAnswers *answers)
{
    gsize length = 0;
    const guint8 *list = answers->features ? g_bytes_get_data(answers->features, &length) : NULL;
    guint32 code = scd_features_find_pin_code(list, length, feature);

    return code != 0 ? send_control_in_probe(reader, code, answers) : NULL;
}

static void
query_driver_in_probe(SCARDHANDLE reader, ScdDriverAnswers *answers)
{
    answers->asked = TRUE;
    answers->usb_path = send_control_in_probe(reader, GET_USB_PATH, answers);
    answers->channel_id = get_attribute_in_probe(reader, SCARD_ATTR_CHANNEL_ID, answers);
    answers->vendor = get_attribute_in_probe(reader, SCARD_ATTR_VENDOR_NAME, answers);
    answers->product = get_attribute_in_probe(reader, SCARD_ATTR_VENDOR_IFD_TYPE, answers);
    answers->serial = get_attribute_in_probe(reader, SCARD_ATTR_VENDOR_IFD_SERIAL_NO, answers);
    answers->version = get_attribute_in_probe(reader, SCARD_ATTR_VENDOR_IFD_VERSION, answers);
    answers->features = send_control_in_probe(reader, CM_IOCTL_GET_FEATURE_REQUEST, answers);
    answers->tlv_properties = get_feature_in_probe(reader, SCD_FEATURE_GET_TLV_PROPERTIES, answers);
    answers->pin_properties = get_feature_in_probe(reader, SCD_FEATURE_IFD_PIN_PROPERTIES, answers);
    answers->display_properties =
        get_feature_in_probe(reader, SCD_FEATURE_IFD_DISPLAY_PROPERTIES, answers);
}

/*
 * The context that a probe has left to the next one; 0 for none. It stays open: to open and to
 * close one takes about as long as all queries of a reader.
 */
static GMutex spare_lock;
static long spare_context;

/* Leaves a context, or 0, and returns the one that was left before. */
static long
exchange_spare_context_in_probe(long context)
{
    g_mutex_lock(&spare_lock);
    long before = spare_context;
    spare_context = context;
    g_mutex_unlock(&spare_lock);
    return before;
}

/* Returns the code of the connection: SCARD_S_SUCCESS if the driver was queried. */
static guint32
query_reader_in_probe(long context, const char *name, ScdDriverAnswers *answers)
{
    SCARDHANDLE reader;
    DWORD protocol;

    scd_reader_use_begin_probe(name);
    /* Without a protocol: any other value would change that of all users of the reader. */
    guint32 code = SCardConnect(context, name, SCARD_SHARE_DIRECT, 0, &reader, &protocol);
    if (code == SCARD_S_SUCCESS) {
        query_driver_in_probe(reader, answers);
        code = scd_pcsc_disconnect(reader);
    }
    scd_reader_use_end_probe(name);
    return code;
}

/* Returns FALSE if the context is of no use any more. */
static gboolean
connect_and_query_in_probe(long context, const char *name, ScdDriverAnswers *answers)
{
    return !scd_code_is_connection_lost(query_reader_in_probe(context, name, answers));
}

/* A context of a pcscd that has ended since is replaced once. */
static void
query_with_context_in_probe(const ScdProbe *probe, ScdDriverAnswers *answers)
{
    long context = exchange_spare_context_in_probe(0);
    gboolean works = context && connect_and_query_in_probe(context, probe->reader, answers);

    if (context && !works) {
        scd_pcsc_release(context);
        context = 0;
    }
    if (!context && scd_pcsc_establish(&context) != SCARD_S_SUCCESS)
        return;
    if (!works)
        works = connect_and_query_in_probe(context, probe->reader, answers);
    if (works)
        context = exchange_spare_context_in_probe(context);
    if (context)
        scd_pcsc_release(context);
}

static void
identify_in_probe(gpointer data)
{
    ScdProbe *probe = data;
    g_auto(ScdDriverAnswers) answers = {0};

    probe->starved = !scd_descriptors_are_left(PROBE_DESCRIPTORS);
    if (probe->queries_driver)
        query_with_context_in_probe(probe, &answers);
    ScdIdentity *identity = scd_identity_new(probe->reader, &answers, probe->sysfs);
    char *seat = identity->in_kernel && g_str_equal(probe->sysfs, SCD_REAL_SYSFS)
                     ? scd_seat_read(&identity->usb_port)
                     : NULL;
    if (seat) {
        g_free(identity->seat);
        identity->seat = seat;
    }
    probe->identity = identity;
    probe->starved |= !scd_descriptors_are_left(1);
}

static void
free_probe(gpointer data)
{
    ScdProbe *probe = data;
    scd_identity_unref(probe->identity);
    g_free(probe->sysfs);
    g_free(probe->reader);
    g_free(probe);
}

static ScdProbe *
new_probe(ScdProbes *probes, const char *reader, gboolean queries_driver)
{
    ScdProbe *probe = g_new0(ScdProbe, 1);
    probe->probes = probes;
    probe->reader = g_strdup(reader);
    probe->sysfs = g_strdup(probes->sysfs);
    probe->queries_driver = queries_driver;
    return probe;
}

static void start_next_probe(ScdProbes *probes);

static void
end_exclusive_time(ScdProbes *probes)
{
    g_clear_handle_id(&probes->exclusive_timer, g_source_remove);
    probes->exclusive = NULL;
}

static void
remove_running_probe(ScdProbe *probe)
{
    ScdProbes *probes = probe->probes;

    g_ptr_array_remove_fast(probes->running, probe);
    g_clear_handle_id(&probe->timer, g_source_remove);
    if (probes->exclusive == probe)
        end_exclusive_time(probes);
}

static void
abandon_probe(ScdProbe *probe)
{
    remove_running_probe(probe);
    scd_thread_task_abandon(probe->task);
}

static gboolean
retry_starved_probes(gpointer data)
{
    ScdProbes *probes = data;

    probes->retry_timer = 0;
    for (ScdProbe *probe; (probe = g_queue_pop_head(&probes->starved));)
        g_queue_push_tail(&probes->waiting, probe);
    start_next_probe(probes);
    return G_SOURCE_REMOVE;
}

/* A new probe, because the task has the data of the old one. */
static void
retry_later(const ScdProbe *starved)
{
    ScdProbes *probes = starved->probes;
    ScdProbe *probe = new_probe(probes, starved->reader, TRUE);

    if (starved->n_retries == 0) {
        g_autofree char *text = scd_reader_name_to_text(probe->reader);
        g_message("Reader '%s': no file descriptor or thread is left to identify it", text);
    }
    probe->n_retries = starved->n_retries + 1;
    g_queue_push_tail(&probes->starved, probe);
    if (!probes->retry_timer)
        probes->retry_timer = g_timeout_add(RETRY_MS, retry_starved_probes, probes);
}

static void
report_identity(gpointer data)
{
    ScdProbe *probe = data;
    ScdProbes *probes = probe->probes;

    remove_running_probe(probe);
    if (probe->starved && probe->n_retries < RETRIES_MAX) {
        retry_later(probe);
        start_next_probe(probes);
        return;
    }
    gboolean again = probe->again && !probe->identity->complete;
    probes->func(probe->reader, g_steal_pointer(&probe->identity), probes->data);
    if (again)
        scd_probes_start(probes, probe->reader);
    start_next_probe(probes);
}

static gboolean report_time_limit(gpointer data);

static void
run_probe(ScdProbe *probe)
{
    static const ScdThreadTaskFuncs funcs = {identify_in_probe, report_identity, free_probe};
    guint limit_ms = probe->queries_driver ? DRIVER_LIMIT_MS : KERNEL_LIMIT_MS;

    g_ptr_array_add(probe->probes->running, probe);
    probe->timer = g_timeout_add(limit_ms, report_time_limit, probe);
    probe->task = scd_thread_task_start("probe", &funcs, probe);
    if (!probe->task) {
        remove_running_probe(probe);
        retry_later(probe);
        free_probe(probe);
    }
}

/*
 * The probe continues. Meanwhile the kernel alone is queried; if that is late too, an empty
 * identity is reported.
 */
static gboolean
report_time_limit(gpointer data)
{
    static const ScdDriverAnswers no_answers = {0};
    ScdProbe *probe = data;
    ScdProbes *probes = probe->probes;

    probe->timer = 0;
    if (probe->queries_driver)
        run_probe(new_probe(probes, probe->reader, FALSE));
    else
        probes->func(probe->reader, scd_identity_new(probe->reader, &no_answers, NULL),
                     probes->data);
    return G_SOURCE_REMOVE;
}

static gboolean
pass_exclusive_time(gpointer data)
{
    ScdProbes *probes = data;

    probes->exclusive_timer = 0;
    end_exclusive_time(probes);
    start_next_probe(probes);
    return G_SOURCE_REMOVE;
}

static void
start_next_probe(ScdProbes *probes)
{
    while (!probes->exclusive && probes->waiting.length > 0) {
        probes->exclusive = g_queue_pop_head(&probes->waiting);
        probes->exclusive->queries_driver = probes->running->len < SCD_DRIVER_PROBES_MAX;
        probes->exclusive_timer = g_timeout_add(EXCLUSIVE_TIME_MS, pass_exclusive_time, probes);
        run_probe(probes->exclusive);
    }
}

ScdProbes *
scd_probes_new(const char *sysfs, ScdProbeFunc func, gpointer data)
{
    ScdProbes *probes = g_new0(ScdProbes, 1);
    probes->sysfs = g_strdup(sysfs);
    probes->func = func;
    probes->data = data;
    g_queue_init(&probes->waiting);
    g_queue_init(&probes->starved);
    probes->running = g_ptr_array_new();
    return probes;
}

void
scd_probes_free(ScdProbes *probes)
{
    while (probes->running->len > 0)
        abandon_probe(probes->running->pdata[0]);
    g_ptr_array_unref(probes->running);
    g_queue_clear_full(&probes->waiting, free_probe);
    g_queue_clear_full(&probes->starved, free_probe);
    g_clear_handle_id(&probes->retry_timer, g_source_remove);
    g_free(probes->sysfs);
    g_free(probes);
}

static int
compare_reader(gconstpointer probe, gconstpointer reader)
{
    return strcmp(((const ScdProbe *)probe)->reader, reader);
}

static gboolean
has_reader(gconstpointer probe, gconstpointer reader)
{
    return compare_reader(probe, reader) == 0;
}

void
scd_probes_start(ScdProbes *probes, const char *reader)
{
    guint index;

    if (g_queue_find_custom(&probes->waiting, reader, compare_reader) ||
        g_queue_find_custom(&probes->starved, reader, compare_reader))
        return;
    if (g_ptr_array_find_with_equal_func(probes->running, reader, has_reader, &index)) {
        ((ScdProbe *)probes->running->pdata[index])->again = TRUE;
        return;
    }
    g_queue_push_tail(&probes->waiting, new_probe(probes, reader, TRUE));
    start_next_probe(probes);
}

static void
forget_queued(GQueue *probes, const char *reader)
{
    for (GList *link; (link = g_queue_find_custom(probes, reader, compare_reader));) {
        free_probe(link->data);
        g_queue_delete_link(probes, link);
    }
}

void
scd_probes_forget(ScdProbes *probes, const char *reader)
{
    guint index;

    forget_queued(&probes->waiting, reader);
    forget_queued(&probes->starved, reader);
    while (g_ptr_array_find_with_equal_func(probes->running, reader, has_reader, &index))
        abandon_probe(probes->running->pdata[index]);
    start_next_probe(probes);
}

/* Waits for further events, so that one check covers them all, and clients receive their signals
 * first. */
#define RELOCATION_DELAY_MS 500

typedef struct {
    ScdReaderRelocation *relocation; /* the main thread's */
    char *sysfs;
    GHashTable *readers; /* PC/SC name → ScdIdentity; at the end only of readers that have moved */
} ScdRelocationCheck;

struct ScdReaderRelocation {
    char *sysfs;
    GHashTable *readers; /* PC/SC name → ScdIdentity or NULL */
    ScdReaderRelocationFunc func;
    gpointer data;
    guint timer;         /* before a check; 0 if none was requested */
    ScdThreadTask *task; /* NULL if no check is running */
};

ScdReaderRelocation *
scd_reader_relocation_new(const char *sysfs, GHashTable *readers, ScdReaderRelocationFunc func,
                          gpointer data)
{
    ScdReaderRelocation *relocation = g_new0(ScdReaderRelocation, 1);
    relocation->sysfs = g_strdup(sysfs);
    relocation->readers = readers;
    relocation->func = func;
    relocation->data = data;
    return relocation;
}

void
scd_reader_relocation_free(ScdReaderRelocation *relocation)
{
    g_clear_handle_id(&relocation->timer, g_source_remove);
    g_clear_pointer(&relocation->task, scd_thread_task_abandon);
    g_free(relocation->sysfs);
    g_free(relocation);
}

static void
free_relocation_check(gpointer data)
{
    ScdRelocationCheck *check = data;
    g_hash_table_unref(check->readers);
    g_free(check->sysfs);
    g_free(check);
}

static gboolean
has_same_address(gpointer reader, gpointer identity_of_it, gpointer sysfs)
{
    const ScdIdentity *identity = identity_of_it;

    return scd_usb_tree_read_address(sysfs, &identity->usb_port) == identity->usb_address;
}

static void
compare_addresses_in_thread(gpointer data)
{
    ScdRelocationCheck *check = data;

    g_hash_table_foreach_remove(check->readers, has_same_address, check->sysfs);
}

static void
report_moved_readers(gpointer data)
{
    ScdRelocationCheck *check = data;
    ScdReaderRelocation *relocation = check->relocation;
    GHashTableIter iter;
    gpointer reader;

    relocation->task = NULL;
    g_hash_table_iter_init(&iter, check->readers);
    while (g_hash_table_iter_next(&iter, &reader, NULL))
        relocation->func(reader, relocation->data);
}

static void
add_reader_to_check(gpointer reader, gpointer identity_of_it, gpointer readers)
{
    const ScdIdentity *identity = identity_of_it;

    if (identity && identity->complete && identity->in_kernel)
        g_hash_table_insert(readers, g_strdup(reader), scd_identity_ref(identity));
}

static gboolean
check_now(gpointer data)
{
    static const ScdThreadTaskFuncs funcs = {compare_addresses_in_thread, report_moved_readers,
                                             free_relocation_check};
    ScdReaderRelocation *relocation = data;

    if (relocation->task) /* after that one */
        return G_SOURCE_CONTINUE;
    relocation->timer = 0;
    ScdRelocationCheck *check = g_new0(ScdRelocationCheck, 1);
    check->relocation = relocation;
    check->sysfs = g_strdup(relocation->sysfs);
    check->readers =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)scd_identity_unref);
    g_hash_table_foreach(relocation->readers, add_reader_to_check, check->readers);
    if (g_hash_table_size(check->readers) > 0)
        relocation->task = scd_thread_task_start("relocation", &funcs, check);
    if (!relocation->task) /* none is needed, or there is no thread: the next event checks again */
        free_relocation_check(check);
    return G_SOURCE_REMOVE;
}

void
scd_reader_relocation_check(ScdReaderRelocation *relocation)
{
    if (!relocation->timer)
        relocation->timer = g_timeout_add(RELOCATION_DELAY_MS, check_now, relocation);
}
