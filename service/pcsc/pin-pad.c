/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/pin-pad.h"

#include <reader.h>
#include <string.h>
#include <winscard.h>

#include "base/feature.h"
#include "pcsc/card-place.h"
#include "pcsc/context.h"

_Static_assert(SCD_CODE_GET_FEATURE_REQUEST == CM_IOCTL_GET_FEATURE_REQUEST, "the same code");
_Static_assert(offsetof(PIN_VERIFY_STRUCTURE, abData) == 19, "as in base/pin-format.c");
_Static_assert(offsetof(PIN_MODIFY_STRUCTURE, abData) == 24, "as in base/pin-format.c");

/* A driver returns each key once. The user sees the echo of a key after this time. */
#define KEY_INTERVAL_US (50 * G_TIME_SPAN_MILLISECOND)

/* For a driver that neither ends the entry by itself nor reports that it is over. */
#define ENTRY_LIMIT_US (10 * G_TIME_SPAN_MINUTE)

/* The byte that the control code for keys returns. */
enum {
    KEY_NONE = 0x00,
    KEY_BACKSPACE = 0x08,
    KEY_ENTER = 0x0D,
    KEY_TIMEOUT = 0x0E,
    KEY_CANCEL = 0x1B,
    KEY_DIGIT = 0x2B,
    KEY_ABORTED = 0x40,
};

/* Status words of PC/SC part 10. */
enum {
    STATUS_TIMEOUT = 0x6400,
    STATUS_CANCELLED = 0x6401,
};

typedef struct {
    guint8 bytes[MAX_BUFFER_SIZE];
    gsize length;
} FeatureList;

/* 0: the driver does not have it. */
typedef struct {
    guint32 direct;
    guint32 start;
    guint32 key;
    guint32 finish;
    guint32 abort;
} PinCodes;

/* A driver without features has an empty list. */
static guint32
query_features_in_worker(long card, FeatureList *list)
{
    list->length = sizeof list->bytes;
    guint32 code =
        scd_pcsc_control(card, CM_IOCTL_GET_FEATURE_REQUEST, NULL, 0, list->bytes, &list->length);

    if (code == SCARD_E_UNSUPPORTED_FEATURE || code == SCARD_E_NOT_TRANSACTED)
        return SCARD_S_SUCCESS;
    return code;
}

gboolean
scd_pin_pad_may_send_in_worker(long card, ScdJob *job, ScdControlEffect *effect)
{
    FeatureList list;

    *effect = SCD_CONTROL_DESCRIBES;
    if (job->number == SCD_CODE_GET_FEATURE_REQUEST)
        return TRUE;
    guint32 code = query_features_in_worker(card, &list);
    gboolean of_driver = scd_control_code_is_driver_command(job->number, list.bytes, list.length);
    if (code != SCARD_S_SUCCESS ||
        scd_control_code_enters_pin(job->number, list.bytes, list.length))
        *effect = SCD_CONTROL_ENTERS_PIN;
    else if (of_driver)
        *effect = SCD_CONTROL_OF_DRIVER;
    if (!job->only_features)
        return TRUE;
    job->code = code;
    if (code == SCARD_S_SUCCESS && of_driver)
        job->code = job->refused = SCARD_W_SECURITY_VIOLATION;
    return job->code == SCARD_S_SUCCESS;
}

static guint32
find_code(const FeatureList *list, guint8 feature)
{
    return scd_features_find_pin_code(list->bytes, list->length, feature);
}

static PinCodes
find_codes(const FeatureList *list, ScdPinOperation operation)
{
    gboolean verify = operation == SCD_PIN_VERIFY;

    return (PinCodes){
        .direct = find_code(list, verify ? FEATURE_VERIFY_PIN_DIRECT : FEATURE_MODIFY_PIN_DIRECT),
        .start = find_code(list, verify ? FEATURE_VERIFY_PIN_START : FEATURE_MODIFY_PIN_START),
        .finish = find_code(list, verify ? FEATURE_VERIFY_PIN_FINISH : FEATURE_MODIFY_PIN_FINISH),
        .key = find_code(list, FEATURE_GET_KEY_PRESSED),
        .abort = find_code(list, FEATURE_ABORT),
    };
}

static guint32
send_in_worker(const ScdPinPad *pad, guint32 code, GBytes *input, gsize *length)
{
    gsize input_length = 0;
    gconstpointer bytes = input ? g_bytes_get_data(input, &input_length) : NULL;

    *length = pad->room;
    return scd_pcsc_control(pad->card, code, bytes, input_length, pad->buffer, length);
}

static guint32
enter_directly_in_worker(const ScdPinPad *pad, const PinCodes *codes, GBytes *structure,
                         gsize *length)
{
    scd_job_report_in_worker(pad->job, SCD_PIN_STARTED);
    guint32 code = send_in_worker(pad, codes->direct, structure, length);
    scd_job_report_in_worker(pad->job, SCD_PIN_ENDED);
    return code;
}

/* How far an entry by keys has come. */
typedef struct {
    ScdPinEntry entry;
    guint n_complete; /* PINs */
    guint n_digits;   /* of the next one */
    gboolean full;    /* the last PIN was complete with its last digit */
    guint16 status;   /* for the response if the driver has none; 0 while the entry goes on */
} Progress;

static void
complete_entry(Progress *progress, gboolean full)
{
    progress->n_complete++;
    progress->n_digits = 0;
    progress->full = full;
}

static void
note_digit(Progress *progress)
{
    progress->full = FALSE;
    progress->n_digits++;
    if (progress->entry.ends_with_max && progress->n_digits >= progress->entry.max_length)
        complete_entry(progress, TRUE);
}

/* Returns FALSE when the entry is over. Keys that are not known are not reported. */
static gboolean
handle_key_in_worker(const ScdPinPad *pad, Progress *progress, guint8 key)
{
    switch (key) {
    case KEY_DIGIT:
        scd_job_report_in_worker(pad->job, SCD_PIN_KEY_DIGIT);
        note_digit(progress);
        break;
    case KEY_BACKSPACE:
        scd_job_report_in_worker(pad->job, SCD_PIN_KEY_BACKSPACE);
        progress->n_digits -= progress->n_digits > 0;
        break;
    case KEY_ENTER:
        scd_job_report_in_worker(pad->job, SCD_PIN_KEY_ENTER);
        if (progress->n_digits > 0 || !progress->full) /* else it ends a PIN that is complete */
            complete_entry(progress, FALSE);
        break;
    case KEY_CANCEL:
        scd_job_report_in_worker(pad->job, SCD_PIN_KEY_CANCEL);
        progress->status = STATUS_CANCELLED;
        break;
    case KEY_ABORTED:
        progress->status = STATUS_CANCELLED;
        break;
    case KEY_TIMEOUT:
        progress->status = STATUS_TIMEOUT;
        break;
    default:
        break;
    }
    return progress->status == 0 && progress->n_complete < progress->entry.n_entries;
}

/* Returns the code with which the entry has to be aborted; SCARD_S_SUCCESS to finish it. */
static guint32
follow_keys_in_worker(const ScdPinPad *pad, const PinCodes *codes, Progress *progress)
{
    gint64 limit = g_get_monotonic_time() + ENTRY_LIMIT_US;

    for (;;) {
        gsize length;
        guint32 code = scd_card_check_access_in_worker(pad->card);

        if (code == SCARD_S_SUCCESS)
            code = send_in_worker(pad, codes->key, NULL, &length);
        if (code != SCARD_S_SUCCESS)
            return code;
        guint8 key = length > 0 ? pad->buffer[0] : KEY_NONE;
        if (!handle_key_in_worker(pad, progress, key))
            return SCARD_S_SUCCESS;
        gint64 now = g_get_monotonic_time();
        if (codes->abort)
            pad->await_answer(pad->job, now + KEY_INTERVAL_US, pad->data);
        else
            g_usleep(KEY_INTERVAL_US);
        if (codes->abort && scd_job_is_answered(pad->job))
            return SCARD_E_CANCELLED;
        if (now >= limit) {
            progress->status = STATUS_TIMEOUT;
            return SCARD_E_TIMEOUT;
        }
    }
}

static void
abort_entry_in_worker(const ScdPinPad *pad, const PinCodes *codes)
{
    gsize length;

    if (codes->abort)
        send_in_worker(pad, codes->abort, NULL, &length);
}

/* A driver that ended the entry by itself may have no response to it any more. */
static guint32
write_status(const ScdPinPad *pad, guint16 status, gsize *length)
{
    pad->buffer[0] = (guint8)(status >> 8);
    pad->buffer[1] = (guint8)status;
    *length = 2;
    return SCARD_S_SUCCESS;
}

static guint32
enter_by_keys_in_worker(const ScdPinPad *pad, const PinCodes *codes, GBytes *structure,
                        gsize *length)
{
    Progress progress = {.entry =
                             scd_pin_entry_of(pad->job->number, g_bytes_get_data(structure, NULL))};
    guint32 code = send_in_worker(pad, codes->start, structure, length);

    if (code != SCARD_S_SUCCESS)
        return code;
    scd_job_report_in_worker(pad->job,
                             codes->abort ? SCD_PIN_STARTED_CANCELLABLE : SCD_PIN_STARTED);
    code = follow_keys_in_worker(pad, codes, &progress);
    if (code == SCARD_S_SUCCESS)
        code = send_in_worker(pad, codes->finish, NULL, length);
    if (code != SCARD_S_SUCCESS || *length < 2)
        abort_entry_in_worker(pad, codes);
    scd_job_report_in_worker(pad->job, SCD_PIN_ENDED);
    if (progress.status != 0 && (code != SCARD_S_SUCCESS || *length < 2))
        return write_status(pad, progress.status, length);
    return code;
}

guint32
scd_pin_pad_enter_in_worker(const ScdPinPad *pad, gsize *length)
{
    GBytes *structure = scd_bytes_list_get(&pad->job->inputs, 0);
    FeatureList list;
    guint32 code = query_features_in_worker(pad->card, &list);

    *length = 0;
    if (code != SCARD_S_SUCCESS)
        return code;
    PinCodes codes = find_codes(&list, pad->job->number);
    gboolean has_keys = codes.start && codes.key && codes.finish;
    if (!has_keys && !codes.direct)
        return SCARD_E_UNSUPPORTED_FEATURE;
    if (has_keys && (codes.abort || !codes.direct))
        code = enter_by_keys_in_worker(pad, &codes, structure, length);
    else
        code = enter_directly_in_worker(pad, &codes, structure, length);
    return code == SCARD_S_SUCCESS && *length < 2 ? (guint32)SCARD_E_COMM_DATA_LOST : code;
}
