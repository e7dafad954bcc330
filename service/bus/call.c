/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Where a reply is sent from was measured (./bench: Session.Transmit of 5 bytes,
 * sd-bus client, dbus-daemon; a direct SCardTransmit takes 12 µs there, the echo
 * of the bare bus 76):
 *
 *     the worker replies itself        95 µs, 1.07 of direct and echo
 *     reply from the main thread       97 µs, 1.10
 *
 * Other ways were measured with prototypes that check nothing, where a direct call
 * took 30 µs; these are ratios to that:
 *
 *     object registered in a GMainContext of the worker's thread    6.7 to 6.8
 *     GDBus filter that hands over to the worker's thread           6.3 to 6.9
 *     the worker replies itself                                     7.0 to 7.6
 *     GTask, reply from the main thread                             7.6 to 8.2
 *
 * The first two would have sessions, owners and limits looked up in other threads
 * than the main one, which alone knows them, and the first a main loop between a
 * channel and its worker. The worker replies itself, unless the main thread wants
 * to do something before.
 */

#include "bus/call.h"

#include <string.h>

#include "base/bytes-list.h"
#include "base/hex.h"
#include "base/words.h"
#include "bus/error.h"
#include "pcsc/code.h"
#include "pcsc/main-thread.h"

typedef struct {
    GDBusMethodInvocation *invocation; /* NULL when it has been answered */
    char *reader;
    ScdReplyForm form;
    GVariant *ready;
    ScdQuotaCharge charge;

    /* What the main thread wants to do before the reply. */
    ScdCallEndFunc end;
    gpointer end_data;
    GDestroyNotify free_end_data;
    guint32 code;
} Call;

/* What to do about it, where that is not plain from the text of the error. */
static const char *
hint_for(ScdErrorCode code)
{
    switch (code) {
    case SCD_W_RESET_CARD:
        return ": call Reconnect, and bring the card to its state again";
    case SCD_W_REMOVED_CARD:
        return ": put it in again, and call Reconnect";
    case SCD_E_SHARING_VIOLATION:
        return ": wait until it is done, or close it";
    case SCD_W_UNRESPONSIVE_CARD:
    case SCD_W_UNPOWERED_CARD:
        return ": take it out and put it in again";
    case SCD_E_PROTO_MISMATCH:
        return ": ask for one of the card's Protocols";
    case SCD_W_SECURITY_VIOLATION:
        return ": polkit has to let the user smartcardd in (rules of smartcardd for pcscd)";
    default:
        return "";
    }
}

static GVariant *
bytes_to_variant(GBytes *bytes)
{
    return g_variant_new_from_bytes(G_VARIANT_TYPE_BYTESTRING, bytes, TRUE);
}

static GVariant *
bytes_to_hex(GBytes *bytes)
{
    gsize length;
    const guint8 *data = g_bytes_get_data(bytes, &length);
    return g_variant_new_take_string(scd_hex_from_bytes(data, length));
}

static GVariant *
list_of(const ScdBytesList *outputs, const char *type, GVariant *(*convert)(GBytes *))
{
    g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE(type));
    for (guint i = 0; i < outputs->length; i++)
        g_variant_builder_add_value(&builder, convert(scd_bytes_list_get(outputs, i)));
    return g_variant_builder_end(&builder);
}

/* The arguments of the reply, a tuple; NULL for none. */
static GVariant *
reply_of(const Call *call, const ScdJob *job)
{
    switch (call->form) {
    case SCD_REPLY_NOTHING:
        return NULL;
    case SCD_REPLY_BYTES:
        return g_variant_new("(@ay)", bytes_to_variant(scd_bytes_list_get(&job->outputs, 0)));
    case SCD_REPLY_BYTES_LIST:
        return g_variant_new("(@aay)", list_of(&job->outputs, "aay", bytes_to_variant));
    case SCD_REPLY_HEX:
        return g_variant_new("(@s)", bytes_to_hex(scd_bytes_list_get(&job->outputs, 0)));
    case SCD_REPLY_HEX_LIST:
        return g_variant_new("(@as)", list_of(&job->outputs, "as", bytes_to_hex));
    case SCD_REPLY_PROTOCOL:
        return g_variant_new("(s)", scd_protocol_to_word(job->protocol));
    case SCD_REPLY_READY:
        return call->ready;
    }
    g_assert_not_reached();
}

static void
fail(GDBusMethodInvocation *invocation, const char *reader, guint32 code, const char *where)
{
    ScdErrorCode error = scd_code_to_error(code);
    g_dbus_method_invocation_return_error(invocation, SCD_ERROR, error, "Reader '%s': %s%s%s",
                                          reader, where, scd_error_text(error), hint_for(error));
}

void
scd_call_fail(GDBusMethodInvocation *invocation, const char *reader, guint32 code)
{
    fail(invocation, reader, code, "");
}

static void
reply(Call *call, const ScdJob *job, guint32 code)
{
    GDBusMethodInvocation *invocation = g_steal_pointer(&call->invocation);

    /* Before the caller can make the next one. */
    scd_quota_charge_give_back(&call->charge);
    if (code == 0) {
        g_dbus_method_invocation_return_value(invocation, reply_of(call, job));
    } else if (job->kind == SCD_JOB_TRANSMIT && job->inputs.length > 1) {
        g_autofree char *where =
            g_strdup_printf("command %u of %u: ", job->outputs.length + 1, job->inputs.length);
        fail(invocation, call->reader, code, where);
    } else {
        scd_call_fail(invocation, call->reader, code);
    }
}

static gboolean
reply_in_main(gpointer data)
{
    ScdJob *job = data;
    Call *call = job->data;

    call->end(call->code, call->end_data);
    reply(call, job, call->code);
    return G_SOURCE_REMOVE;
}

static void
done(ScdJob *job, guint32 code, gpointer data)
{
    Call *call = data;

    call->code = code;
    if (call->end)
        scd_main_thread_invoke(reply_in_main, scd_job_ref(job), (GDestroyNotify)scd_job_unref);
    else
        reply(call, job, code);
}

/* A call that ends with the service has no reply: the bus tells the caller that we left. */
static void
free_call(gpointer data)
{
    Call *call = data;

    g_clear_object(&call->invocation);
    scd_quota_charge_give_back(&call->charge);
    g_clear_pointer(&call->ready, g_variant_unref);
    if (call->free_end_data)
        call->free_end_data(call->end_data);
    g_free(call->reader);
    g_free(call);
}

ScdJob *
scd_call_new_job(ScdJobKind kind, GDBusMethodInvocation *invocation, const char *reader,
                 ScdReplyForm form)
{
    Call *call = g_new0(Call, 1);
    call->invocation = invocation;
    call->reader = g_strdup(reader);
    call->form = form;
    return scd_job_new(kind, done, call, free_call);
}

gboolean
scd_call_charge(ScdJob *job, ScdQuota *quota)
{
    Call *call = job->data;
    gsize bytes = 0;
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < job->inputs.length; i++)
        bytes += g_bytes_get_size(scd_bytes_list_get(&job->inputs, i));
    if (scd_quota_charge_take(&call->charge, quota, bytes, &error))
        return TRUE;
    scd_call_refuse(job, error);
    return FALSE;
}

void
scd_call_set_reply(ScdJob *job, GVariant *ready)
{
    ((Call *)job->data)->ready = g_variant_ref_sink(ready);
}

void
scd_call_tell_main(ScdJob *job, ScdCallEndFunc func, gpointer data, GDestroyNotify destroy)
{
    Call *call = job->data;
    call->end = func;
    call->end_data = data;
    call->free_end_data = destroy;
}

void
scd_call_refuse(ScdJob *job, const GError *error)
{
    Call *call = job->data;
    g_dbus_method_invocation_return_gerror(g_steal_pointer(&call->invocation), error);
    scd_job_unref(job);
}

void
scd_call_add_input(ScdJob *job, GVariant *bytes)
{
    gsize length;
    gconstpointer data = g_variant_get_fixed_array(bytes, &length, 1);

    scd_bytes_list_add(&job->inputs, scd_secret_new(data, length));
    /* The arguments are ours alone, and nobody looks at them again: there may be a PIN in them. */
    if (length > 0)
        explicit_bzero((gpointer)data, length);
}
