/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/identity.h"

#include <string.h>

#include "base/usb-device.h"

void
scd_driver_answers_clear(ScdDriverAnswers *answers)
{
    g_clear_pointer(&answers->usb_path, g_bytes_unref);
    g_clear_pointer(&answers->channel_id, g_bytes_unref);
    g_clear_pointer(&answers->vendor, g_bytes_unref);
    g_clear_pointer(&answers->product, g_bytes_unref);
    g_clear_pointer(&answers->serial, g_bytes_unref);
    g_clear_pointer(&answers->version, g_bytes_unref);
    g_clear_pointer(&answers->features, g_bytes_unref);
    g_clear_pointer(&answers->tlv_properties, g_bytes_unref);
    g_clear_pointer(&answers->pin_properties, g_bytes_unref);
    g_clear_pointer(&answers->display_properties, g_bytes_unref);
}

/* A missing answer counts as one without bytes. */
static const guint8 *
get_bytes(GBytes *answer, gsize *length)
{
    *length = 0;
    return answer != NULL ? g_bytes_get_data(answer, length) : NULL;
}

static void
set_place_from_driver(ScdIdentity *identity, const ScdDriverAnswers *answers)
{
    gsize path_length, channel_length;
    const guint8 *path = get_bytes(answers->usb_path, &path_length);
    const guint8 *channel = get_bytes(answers->channel_id, &channel_length);
    guint8 bus, address;

    identity->has_usb_path = scd_usb_path_parse_answer(path, path_length, &identity->usb_path);
    if (identity->has_usb_path)
        identity->usb_bus = identity->usb_path.port.bus;
    if (!scd_usb_address_parse_channel_id(channel, channel_length, &bus, &address))
        return;
    if (identity->has_usb_path && bus != identity->usb_bus)
        return;
    identity->usb_bus = bus;
    identity->usb_address = address;
}

static ScdUsbDevice *
find_device(ScdIdentity *identity, const ScdReaderName *name, const char *sysfs)
{
    ScdUsbDevice *device;

    if (identity->has_usb_path)
        return scd_usb_tree_find_port(sysfs, &identity->usb_path.port);
    if (identity->usb_bus == 0) {
        device = scd_usb_tree_find_name(sysfs, name, &identity->usb_path);
        identity->has_usb_path = device != NULL;
        return device;
    }
    device = scd_usb_tree_find_address(sysfs, identity->usb_bus, identity->usb_address);
    identity->has_usb_path =
        device != NULL && scd_usb_device_find_interface(device, name, &identity->usb_path);
    return device;
}

static void
set_properties_from_kernel(ScdIdentity *identity, const ScdUsbDevice *device)
{
    identity->in_kernel = TRUE;
    identity->usb_port = device->port;
    identity->usb_bus = device->port.bus;
    if (device->address != 0)
        identity->usb_address = device->address;
    identity->vendor_id = device->vendor_id;
    identity->product_id = device->product_id;
    identity->vendor = g_strdup(device->manufacturer);
    identity->product = g_strdup(device->product);
    identity->serial = g_strdup(device->serial);
    identity->built_in = device->built_in;
}

/* Does nothing if the text is already set. */
static void
set_text(char **text, const void *bytes, gsize length)
{
    if (*text != NULL && **text != '\0')
        return;
    g_free(*text);
    *text = scd_device_text_clean(bytes, length);
}

static void
set_text_from_driver(char **text, GBytes *answer)
{
    gsize length;
    const guint8 *bytes = get_bytes(answer, &length);

    set_text(text, bytes, length);
}

/* A number 0xMMmmbbbb, the lowest byte first. Some drivers write a longer one. */
static char *
print_version(GBytes *answer)
{
    gsize length;
    const guint8 *bytes = get_bytes(answer, &length);

    if (length < 4)
        return g_strdup("");
    return g_strdup_printf("%u.%u.%u", bytes[3], bytes[2], (guint)(bytes[1] << 8 | bytes[0]));
}

static gboolean
is_display(const ScdDisplaySize *size)
{
    return size->lines > 0 && size->columns > 0;
}

static ScdDisplaySize
find_display(const ScdDriverAnswers *answers, const ScdTlvProperties *properties,
             const ScdCcid *ccid)
{
    gsize pin_length, display_length;
    const guint8 *pin = get_bytes(answers->pin_properties, &pin_length);
    const guint8 *display = get_bytes(answers->display_properties, &display_length);
    const ScdDisplaySize sizes[] = {
        scd_display_size_of_layout(properties->lcd_layout),
        {properties->lcd_lines, properties->lcd_columns},
        scd_display_size_of_display_properties(display, display_length),
        scd_display_size_of_pin_properties(pin, pin_length),
        scd_display_size_of_layout(ccid->lcd_layout),
    };

    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++)
        if (is_display(&sizes[i]))
            return sizes[i];
    return (ScdDisplaySize){0, 0};
}

/* Part 10 has no values up to that of a short APDU, but 0 for it, and none above the greatest. */
static guint32
find_command_max(const ScdTlvProperties *properties, const ScdCcid *ccid)
{
    if (!properties->has_command_max || properties->command_max > SCD_CCID_EXTENDED_APDU_MAX)
        return scd_ccid_command_max(ccid);
    return MAX(properties->command_max, SCD_CCID_SHORT_APDU_MAX);
}

static void
set_properties_from_driver(ScdIdentity *identity, const ScdDriverAnswers *answers,
                           const ScdCcid *ccid)
{
    gsize features_length, properties_length;
    const guint8 *features = get_bytes(answers->features, &features_length);
    const guint8 *properties = get_bytes(answers->tlv_properties, &properties_length);
    g_autoptr(ScdTlvProperties) parsed = scd_tlv_properties_parse(properties, properties_length);

    identity->complete = answers->asked;
    if (identity->vendor_id == 0) {
        identity->vendor_id = parsed->vendor_id;
        identity->product_id = parsed->product_id;
    }
    set_text_from_driver(&identity->vendor, answers->vendor);
    set_text_from_driver(&identity->product, answers->product);
    set_text_from_driver(&identity->serial, answers->serial);
    identity->driver_version = print_version(answers->version);
    identity->features = scd_features_dup_words(features, features_length);
    identity->feature_list = g_bytes_new(features, features_length);
    identity->command_max = find_command_max(parsed, ccid);
    identity->display = find_display(answers, parsed, ccid);
}

ScdIdentity *
scd_identity_new(const char *reader, const ScdDriverAnswers *answers, const char *sysfs)
{
    ScdIdentity *identity = g_atomic_rc_box_new0(ScdIdentity);
    g_autoptr(ScdReaderName) name = scd_reader_name_parse(reader);
    ScdCcid ccid = {0};

    identity->name = scd_reader_name_to_text(reader);
    set_place_from_driver(identity, answers);
    g_autoptr(ScdUsbDevice) device = sysfs != NULL ? find_device(identity, name, sysfs) : NULL;
    if (device != NULL)
        set_properties_from_kernel(identity, device);
    if (sysfs != NULL && identity->has_usb_path)
        scd_usb_tree_read_ccid(sysfs, &identity->usb_path, &ccid);
    set_properties_from_driver(identity, answers, &ccid);
    set_text(&identity->serial, name->serial, strlen(name->serial));
    identity->slot = name->slot;
    identity->seat = g_strdup(SCD_DEFAULT_SEAT);
    return identity;
}

gboolean
scd_identity_is_better(const ScdIdentity *identity, const ScdIdentity *before)
{
    if (identity->complete != before->complete)
        return identity->complete;
    if (!before->has_usb_path && identity->has_usb_path)
        return TRUE;
    return identity->complete && identity->has_usb_path == before->has_usb_path &&
           !g_bytes_equal(identity->feature_list, before->feature_list);
}

guint8
scd_identity_interface(const ScdIdentity *identity)
{
    return identity->has_usb_path ? identity->usb_path.interface : 0;
}

gboolean
scd_identity_is_elsewhere(const ScdIdentity *identity, const ScdIdentity *before)
{
    if (!identity->complete || !before->complete)
        return FALSE;
    return identity->has_usb_path != before->has_usb_path ||
           identity->usb_address != before->usb_address ||
           (identity->has_usb_path && !scd_usb_path_equal(&identity->usb_path, &before->usb_path));
}

ScdIdentity *
scd_identity_copy_with_seat(const ScdIdentity *identity, const char *seat)
{
    ScdIdentity *copy = g_atomic_rc_box_new(ScdIdentity);

    *copy = *identity;
    copy->name = g_strdup(identity->name);
    copy->vendor = g_strdup(identity->vendor);
    copy->product = g_strdup(identity->product);
    copy->serial = g_strdup(identity->serial);
    copy->driver_version = g_strdup(identity->driver_version);
    copy->features = g_strdupv(identity->features);
    copy->feature_list = g_bytes_ref(identity->feature_list);
    copy->seat = g_strdup(seat);
    return copy;
}

ScdIdentity *
scd_identity_ref(const ScdIdentity *identity)
{
    return g_atomic_rc_box_acquire((gpointer)identity);
}

static void
clear_identity(gpointer data)
{
    ScdIdentity *identity = data;

    g_free(identity->name);
    g_free(identity->vendor);
    g_free(identity->product);
    g_free(identity->serial);
    g_free(identity->driver_version);
    g_strfreev(identity->features);
    g_bytes_unref(identity->feature_list);
    g_free(identity->seat);
}

void
scd_identity_unref(ScdIdentity *identity)
{
    if (identity != NULL)
        g_atomic_rc_box_release_full(identity, clear_identity);
}
