/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/reader.h"

#include <string.h>

#include "base/reader-name.h"
#include "base/words.h"
#include "bus/bus-stream.h"

struct ScdReader {
    ScdReaderParts parts;
    ScdObject *object;
    ScdIdentity *identity;
    ScdReaderState *state;
    ScdCard *card;              /* NULL while the reader is empty */
    GPtrArray *watches;         /* of const ScdReaderWatch, each owned by its watcher */
    GPtrArray *details_watches; /* of const ScdReaderDetailsWatch, likewise */
    guint n_sessions;           /* of the service */
    guint n_exclusive;          /* of them, those in share mode exclusive */
    gboolean leaving;           /* its properties do not change any more */
};

static void
set_login_candidate(ScdReader *reader)
{
    ScdRuleFlag login = scd_reader_rules_login((*reader->parts.settings)->rules, reader->identity);
    gboolean is_candidate = login == SCD_RULE_UNSET
                                ? g_str_equal(reader->identity->seat, SCD_DEFAULT_SEAT)
                                : login == SCD_RULE_YES;

    scd_object_set(reader->object, "LoginCandidate", g_variant_new_boolean(is_candidate));
}

/* These properties change only when the device is identified better. */
static void
set_identity(ScdReader *reader, const ScdIdentity *identity)
{
    ScdObject *object = reader->object;
    g_autoptr(ScdIdentity) before G_GNUC_UNUSED = reader->identity;
    g_autofree char *path =
        identity->has_usb_path ? scd_usb_path_to_string(&identity->usb_path) : g_strdup("");

    reader->identity = scd_identity_ref(identity);
    scd_object_set(object, "Vendor", g_variant_new_string(identity->vendor));
    scd_object_set(object, "Product", g_variant_new_string(identity->product));
    scd_object_set(object, "Serial", g_variant_new_string(identity->serial));
    scd_object_set(object, "Slot", g_variant_new_uint32(identity->slot));
    scd_object_set(object, "UsbPath", g_variant_new_string(path));
    scd_object_set(object, "UsbBus", g_variant_new_byte(identity->usb_bus));
    scd_object_set(object, "UsbAddress", g_variant_new_byte(identity->usb_address));
    scd_object_set(object, "UsbVendorId", g_variant_new_uint16(identity->vendor_id));
    scd_object_set(object, "UsbProductId", g_variant_new_uint16(identity->product_id));
    scd_object_set(object, "BuiltIn", g_variant_new_boolean(identity->built_in));
    scd_object_set(object, "DriverVersion", g_variant_new_string(identity->driver_version));
    scd_object_set(object, "Features",
                   g_variant_new_strv((const char *const *)identity->features, -1));
    scd_object_set(object, "MaxCommandLength", g_variant_new_uint32(identity->command_max));
    scd_object_set(object, "DisplayLines", g_variant_new_uint32(identity->display.lines));
    scd_object_set(object, "DisplayColumns", g_variant_new_uint32(identity->display.columns));
    scd_object_set(object, "Seat", g_variant_new_string(identity->seat));
    set_login_candidate(reader);
}

/*
 * pcscd reports that readers are in use only together with other events, so its bits may be older
 * than the sessions of the service. A session excludes exclusive use by others.
 */
guint16
scd_reader_bits(const ScdReader *reader)
{
    guint16 bits = reader->state->bits;

    if (reader->n_exclusive > 0)
        return (bits & ~SCD_STATE_INUSE) | SCD_STATE_EXCLUSIVE;
    if (reader->n_sessions > 0)
        return (bits & ~SCD_STATE_EXCLUSIVE) | SCD_STATE_INUSE;
    return bits;
}

static void
set_state(ScdReader *reader)
{
    ScdObject *object = reader->object;
    const char *card_path = reader->card ? scd_card_path(reader->card) : "/";
    guint16 bits = scd_reader_bits(reader);

    scd_object_set(object, "Card", g_variant_new_object_path(card_path));
    scd_object_set(object, "CardPresent", g_variant_new_boolean(reader->card != NULL));
    scd_object_set(object, "Mute", g_variant_new_boolean((bits & SCD_STATE_MUTE) != 0));
    scd_object_set(object, "InUse",
                   g_variant_new_boolean((bits & (SCD_STATE_INUSE | SCD_STATE_EXCLUSIVE)) != 0));
    scd_object_set(object, "Exclusive", g_variant_new_boolean((bits & SCD_STATE_EXCLUSIVE) != 0));
    scd_object_set(object, "State", g_variant_new_uint32(bits));
    scd_object_set(object, "EventCount", g_variant_new_uint32(reader->state->event_count));
}

static void
free_reader(ScdReader *reader)
{
    g_clear_pointer(&reader->object, scd_object_free);
    scd_reader_state_unref(reader->state);
    scd_identity_unref(reader->identity);
    g_ptr_array_unref(reader->watches);
    g_ptr_array_unref(reader->details_watches);
    g_free(reader);
}

/* Returns NULL if another reader has this label. */
static ScdObject *
new_object(ScdReader *reader, const char *label, GError **error)
{
    g_autofree char *path = g_strconcat(SCD_ROOT_PATH "/readers/", label, NULL);
    return scd_object_new(scd_tree_bus(reader->parts.tree), path, reader->parts.reader_interface,
                          reader, NULL, error);
}

static ScdObject *
new_object_at_usb_path(ScdReader *reader, const ScdIdentity *identity)
{
    g_autofree char *label = scd_usb_path_to_label(&identity->usb_path, identity->slot);
    g_autofree char *text = scd_reader_name_to_text(reader->state->name);
    ScdObject *object = new_object(reader, label, NULL);

    if (!object)
        g_warning("Reader '%s' seems to be at the USB port of another reader: its object path is "
                  "made from its name instead",
                  text);
    return object;
}

static void
set_name(ScdReader *reader)
{
    const char *name = reader->state->name;
    g_autofree char *text = scd_reader_name_to_text(name);

    if (!scd_reader_name_is_text(name))
        g_message("Reader '%s': its name is not valid text, which its device or pcscd has to mend; "
                  "it is shown with replacements",
                  text);
    scd_object_set(reader->object, "Name", g_variant_new_string(text));
    scd_object_set(reader->object, "PcscName",
                   g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, name, strlen(name), 1));
}

ScdReader *
scd_reader_new(const ScdReaderParts *parts, const ScdIdentity *identity, const char *alias,
               ScdReaderState *state, GError **error)
{
    g_autofree char *label = scd_reader_name_to_label(state->name);
    ScdReader *reader = g_new0(ScdReader, 1);

    reader->parts = *parts;
    reader->watches = g_ptr_array_new();
    reader->details_watches = g_ptr_array_new();
    reader->state = scd_reader_state_ref(state);
    if (identity->has_usb_path)
        reader->object = new_object_at_usb_path(reader, identity);
    if (!reader->object)
        reader->object = new_object(reader, label, error);
    if (!reader->object) {
        free_reader(reader);
        return NULL;
    }
    set_name(reader);
    scd_object_set(reader->object, "Alias", g_variant_new_string(alias));
    set_identity(reader, identity);
    set_state(reader);
    scd_tree_add(reader->parts.tree, reader->object);
    return reader;
}

/* A watch that was removed by a function of another one is skipped. */
static void
call_watches(ScdReader *reader, void (*call)(const ScdReaderWatch *watch, ScdErrorCode why),
             ScdErrorCode why)
{
    g_autoptr(GPtrArray) all = g_ptr_array_copy(reader->watches, NULL, NULL);

    for (guint i = 0; i < all->len; i++)
        if (g_ptr_array_find(reader->watches, all->pdata[i], NULL))
            call(all->pdata[i], why);
}

static void
call_reader_left(const ScdReaderWatch *watch, ScdErrorCode why)
{
    watch->reader_left(why, watch->data);
}

static void
call_card_left(const ScdReaderWatch *watch, ScdErrorCode why)
{
    watch->card_left(watch->data);
}

void
scd_reader_free(ScdReader *reader, ScdErrorCode why)
{
    g_assert(!reader->card || why == SCD_P_SHUTDOWN);
    reader->leaving = TRUE;
    call_watches(reader, call_reader_left, why);
    g_assert(reader->watches->len == 0 && reader->details_watches->len == 0);
    g_clear_pointer(&reader->card, scd_card_free);
    scd_workers_reader_removed(reader->parts.workers, scd_reader_pcsc_name(reader));
    scd_tree_remove(reader->parts.tree, reader->object);
    free_reader(reader);
}

const ScdMethodContext *
scd_reader_context(const ScdReader *reader)
{
    return reader->parts.context;
}

const char *
scd_reader_path(const ScdReader *reader)
{
    return scd_object_path(reader->object);
}

const ScdIdentity *
scd_reader_identity(const ScdReader *reader)
{
    return reader->identity;
}

const char *
scd_reader_usb_path(const ScdReader *reader)
{
    return scd_object_get_string(reader->object, "UsbPath");
}

const char *
scd_reader_name(const ScdReader *reader)
{
    return scd_object_get_string(reader->object, "Name");
}

const char *
scd_reader_pcsc_name(const ScdReader *reader)
{
    return reader->state->name;
}

const ScdReaderState *
scd_reader_state(const ScdReader *reader)
{
    return reader->state;
}

const ScdCard *
scd_reader_card(const ScdReader *reader)
{
    return reader->card;
}

GBytes *
scd_reader_dup_atr(const ScdReader *reader)
{
    return g_bytes_new(reader->state->atr, reader->state->atr_length);
}

ScdAuthorityDetails
scd_reader_details(const ScdReader *reader)
{
    return (ScdAuthorityDetails){
        .reader = scd_reader_name(reader),
        .usb_path = scd_reader_usb_path(reader),
        .alias = scd_object_get_string(reader->object, "Alias"),
        .serial = reader->identity->serial,
        .atr = reader->card ? scd_card_atr_hex(reader->card) : "",
    };
}

void
scd_reader_watch(ScdReader *reader, const ScdReaderWatch *watch)
{
    g_ptr_array_add(reader->watches, (gpointer)watch);
}

void
scd_reader_unwatch(ScdReader *reader, const ScdReaderWatch *watch)
{
    g_ptr_array_remove_fast(reader->watches, (gpointer)watch);
}

void
scd_reader_watch_details(ScdReader *reader, const ScdReaderDetailsWatch *watch)
{
    g_ptr_array_add(reader->details_watches, (gpointer)watch);
}

void
scd_reader_unwatch_details(ScdReader *reader, const ScdReaderDetailsWatch *watch)
{
    g_ptr_array_remove_fast(reader->details_watches, (gpointer)watch);
}

static void
call_details_watches(ScdReader *reader)
{
    g_autoptr(GPtrArray) all = g_ptr_array_copy(reader->details_watches, NULL, NULL);

    for (guint i = 0; i < all->len; i++) {
        const ScdReaderDetailsWatch *watch = all->pdata[i];
        if (g_ptr_array_find(reader->details_watches, watch, NULL))
            watch->changed(watch->data);
    }
}

void
scd_reader_identify(ScdReader *reader, const ScdIdentity *identity)
{
    set_identity(reader, identity);
    call_details_watches(reader);
    scd_object_announce(reader->object);
}

void
scd_reader_apply_settings(ScdReader *reader)
{
    set_login_candidate(reader);
    scd_object_announce(reader->object);
    if (reader->card)
        scd_card_apply_settings(reader->card);
}

gboolean
scd_reader_set_alias(ScdReader *reader, const char *alias)
{
    if (g_str_equal(scd_object_get_string(reader->object, "Alias"), alias))
        return FALSE;
    scd_object_set(reader->object, "Alias", g_variant_new_string(alias));
    call_details_watches(reader);
    scd_object_announce(reader->object);
    return TRUE;
}

void
scd_reader_count_session(ScdReader *reader, guint32 before, guint32 now)
{
    guint16 bits = scd_reader_bits(reader);

    reader->n_sessions += (now != 0) - (before != 0);
    reader->n_exclusive += (now == SCD_SHARE_EXCLUSIVE) - (before == SCD_SHARE_EXCLUSIVE);
    if (reader->leaving || scd_reader_bits(reader) == bits)
        return;
    set_state(reader);
    scd_object_announce(reader->object);
}

static gboolean
has_same_atr(const ScdReaderState *a, const ScdReaderState *b)
{
    return a->atr_length == b->atr_length && memcmp(a->atr, b->atr, a->atr_length) == 0;
}

static void
apply_state(ScdReader *reader, ScdReaderState *state, gboolean details_changed)
{
    scd_reader_state_ref(state);
    scd_reader_state_unref(reader->state);
    reader->state = state;
    set_state(reader);
    if (details_changed)
        call_details_watches(reader);
    scd_object_announce(reader->object);
}

void
scd_reader_update(ScdReader *reader, ScdReaderState *state)
{
    apply_state(reader, state, !has_same_atr(reader->state, state));
}

void
scd_reader_insert_card(ScdReader *reader, ScdReaderState *state)
{
    g_autoptr(GError) error = NULL;
    const ScdCardParts parts = {
        .tree = reader->parts.tree,
        .interface = reader->parts.card_interface,
        .reader = reader,
        .reader_path = scd_reader_path(reader),
        .card_list = reader->parts.card_list,
        .settings = reader->parts.settings,
    };

    scd_bus_hold(scd_tree_bus(reader->parts.tree));
    reader->card = scd_card_new(&parts, state, &error);
    if (!reader->card)
        g_error("A card's path was in use: %s", error->message);
    apply_state(reader, state, TRUE);
    scd_object_emit(reader->object, "CardInserted",
                    g_variant_new("(o@ay)", scd_card_path(reader->card),
                                  g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, state->atr,
                                                            state->atr_length, 1)));
    scd_bus_release(scd_tree_bus(reader->parts.tree));
}

void
scd_reader_remove_card(ScdReader *reader, ScdReaderState *state)
{
    g_autoptr(ScdCard) card = g_steal_pointer(&reader->card);

    call_watches(reader, call_card_left, SCD_W_REMOVED_CARD);
    scd_workers_card_removed(reader->parts.workers, scd_reader_pcsc_name(reader));
    scd_card_withdraw(card);
    scd_object_emit(reader->object, "CardRemoved", g_variant_new("(o)", scd_card_path(card)));
    scd_reader_update(reader, state);
}
