/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/job-call.h"

#include <string.h>

typedef struct {
    guint8 *bytes; /* NULL: only measures */
    gsize length;
} ReplyBody;

static void
add_zeros(ReplyBody *body, gsize count)
{
    if (body->bytes)
        memset(body->bytes + body->length, 0, count);
    body->length += count;
}

static void
add_length(ReplyBody *body, gsize length)
{
    const guint32 number = length;

    add_zeros(body, -body->length & (sizeof number - 1));
    if (body->bytes)
        memcpy(body->bytes + body->length, &number, sizeof number);
    body->length += sizeof number;
}

static void
add_response(ReplyBody *body, GBytes *response)
{
    gsize length;
    const guint8 *data = g_bytes_get_data(response, &length);

    add_length(body, length);
    if (body->bytes && length > 0)
        memcpy(body->bytes + body->length, data, length);
    body->length += length;
}

static void
add_hex_response(ReplyBody *body, GBytes *response)
{
    gsize length;
    const guint8 *data = g_bytes_get_data(response, &length);

    add_length(body, 2 * length);
    if (body->bytes)
        scd_hex_write((char *)body->bytes + body->length, data, length);
    body->length += 2 * length + 1;
}

/* Why a script has fewer responses than commands. */
static const char *
get_stop_reason(const ScdJob *job)
{
    if (job->outputs.length == scd_job_n_commands(job))
        return "";
    return job->out_of_room ? "size" : "expect";
}

static void
add_text(ReplyBody *body, const char *text)
{
    gsize size = strlen(text) + 1;

    add_length(body, size - 1);
    if (body->bytes)
        memcpy(body->bytes + body->length, text, size);
    body->length += size;
}

/* All responses, and why there are no more. */
static void
add_responses(ReplyBody *body, const ScdJob *job, void (*add)(ReplyBody *body, GBytes *response))
{
    ReplyBody list = {body->bytes ? body->bytes + sizeof(guint32) : NULL, 0};

    for (guint i = 0; i < job->outputs.length; i++)
        add(&list, scd_bytes_list_get(&job->outputs, i));
    add_length(body, list.length);
    body->length += list.length;
    add_text(body, get_stop_reason(job));
}

static void
encode_bytes_list(ReplyBody *body, const ScdJob *job)
{
    add_responses(body, job, add_response);
}

static void
encode_hex_list(ReplyBody *body, const ScdJob *job)
{
    add_responses(body, job, add_hex_response);
}

static void
encode_hex(ReplyBody *body, const ScdJob *job)
{
    add_hex_response(body, scd_bytes_list_get(&job->outputs, 0));
}

static GBytes *
encode_body(const ScdJob *job, void (*encode)(ReplyBody *body, const ScdJob *job))
{
    ReplyBody size = {0}, body = {0};

    encode(&size, job);
    GBytes *bytes = scd_job_new_output_of_size(job, size.length, &body.bytes);
    encode(&body, job);
    return bytes;
}

GBytes *
scd_responses_encode_list(const ScdJob *job)
{
    return encode_body(job, encode_bytes_list);
}

GBytes *
scd_responses_encode_hex(const ScdJob *job)
{
    return encode_body(job, encode_hex);
}

GBytes *
scd_responses_encode_hex_list(const ScdJob *job)
{
    return encode_body(job, encode_hex_list);
}
