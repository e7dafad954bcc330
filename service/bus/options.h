/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Reads the options of a method: an a{sv}, checked against a table of the keys that the method
 * accepts, their types, and the variables for their values. Below are the options of each method
 * that may wait.
 *
 *     gboolean follow = FALSE;
 *     const char *protocol = NULL;
 *     const ScdOption known[] = {
 *         {"follow", "b", &follow},
 *         {"protocol", "&s", &protocol},
 *         {NULL, NULL, NULL},
 *     };
 *
 *     if (!scd_options_read(options, known, &error))
 *         …
 *
 * The variable of a key that is not given keeps its value.
 */

#include <glib.h>

typedef struct {
    const char *key;    /* NULL ends the table, of at most 32 keys */
    const char *format; /* of g_variant_get(): "b", "u", "&s", "^a&s", "@ay" */
    gpointer target;    /* a variable of the type that the format needs */
} ScdOption;

/*
 * Fails with SCD_INVALID_ARGS, and sets no variable, if a key is not in the table or given
 * twice, or if a value has another type. Values of the formats "&s" and "^a&s" point into the
 * dictionary: they are valid until the next g_variant_get() with a "&" of the arguments around it,
 * which moves its content.
 */
gboolean scd_options_read(GVariant *dictionary, const ScdOption *known, GError **error);

/*
 * The options of each method that may wait, "timeout-ms" and "call-id" (CALLS in
 * org.smartcardd1(5)), and the registry in which CancelCall() finds a call by its id.
 */

/* Values of "timeout-ms" with a meaning of their own. */
#define SCD_TIMEOUT_NO_WAIT 0u
#define SCD_TIMEOUT_NO_LIMIT G_MAXUINT32

typedef struct {
    GVariant *timeout_ms; /* u; NULL: not given */
    char *call_id;        /* NULL: not given */
} ScdCallOptions;

void scd_call_options_clear(ScdCallOptions *options);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ScdCallOptions, scd_call_options_clear)

/* The two rows for a table of scd_options_read(). */
#define SCD_CALL_OPTION_ROWS(options)            \
    {"timeout-ms", "@u", &(options).timeout_ms}, \
    {                                            \
        "call-id", "s", &(options).call_id       \
    }

/* Reads the options of a method that has no others. */
gboolean scd_call_options_read(ScdCallOptions *options, GVariant *dictionary, GError **error);

/* Checks options that were read with others: fails with SCD_INVALID_ARGS for an invalid call-id. */
gboolean scd_call_options_check(const ScdCallOptions *options, GError **error);

/* Returns the value of "timeout-ms" if it was given. */
gboolean scd_call_options_get_timeout(const ScdCallOptions *options, guint32 *timeout_ms);

/* The pending calls that have an id. Thread-safe. */
typedef struct ScdCallRegistry ScdCallRegistry;

/* One registered call; owned by the call, which frees it before its reply is sent. */
typedef struct ScdRegisteredCall ScdRegisteredCall;

ScdCallRegistry *scd_call_registry_new(void);

/* All calls must have ended. */
void scd_call_registry_free(ScdCallRegistry *registry);

/* Ends the call; main thread only. The call may have ended before: data must outlive it. */
typedef void (*ScdCancelFunc)(gpointer data);

/*
 * Registers a call of the sender. Takes over the data, which free_data frees. Fails with
 * SCD_INVALID_ARGS for an invalid id, and for that of another pending call of the sender; the data
 * is freed then, too.
 */
ScdRegisteredCall *scd_call_registry_add(ScdCallRegistry *registry, const char *sender,
                                         const char *call_id, ScdCancelFunc cancel, gpointer data,
                                         GDestroyNotify free_data, GError **error);

/* From any thread. */
void scd_registered_call_free(ScdRegisteredCall *call);

/* Cancels the call of the sender with this id, if there is one. Main thread only. */
void scd_call_registry_cancel(ScdCallRegistry *registry, const char *sender, const char *call_id);

/* Fails with SCD_INVALID_ARGS for a call-id that no call can have. */
gboolean scd_call_id_check(const char *call_id, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdCallRegistry, scd_call_registry_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdRegisteredCall, scd_registered_call_free)
