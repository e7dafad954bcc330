/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "unserved.h"

#include <glib/gi18n.h>

#include "json.h"
#include "text.h"

#define TIME_LIMIT_US (5 * G_USEC_PER_SEC)

/* In the words of the person who has the device. */
static const struct {
    const char *word;
    const char *text;
} reasons[] = {
    {"ignored", N_("the administrator's settings ignore it (smartcardd.conf)")},
    {"no-service", N_("pcscd cannot be reached")},
    {"no-driver", N_("no driver of pcscd is installed for it")},
    {"other-program", N_("another program has it, or pcscd is still starting it")},
    {"reader-limit", N_("this pcscd allows no more readers")},
};

GPtrArray *
ctl_unserved_load(const CtlRoute *route, SmartcarddClient *client)
{
    const gint64 end = g_get_monotonic_time() + TIME_LIMIT_US;
    CtlWaiting waiting = ctl_client_get_waiting(route);
    GPtrArray *devices = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);

    waiting.end = route->end == CTL_WAITING_DO_NOT_WAIT ? end : MIN(route->end, end);
    ctl_waiting_begin(&waiting);
    smartcardd_client_list_unserved_devices_async(client, waiting.cancellable, ctl_waiting_finish,
                                                  &waiting);
    g_autoptr(GAsyncResult) result = ctl_waiting_run(&waiting);
    g_autoptr(GVariant) list = smartcardd_client_list_unserved_devices_finish(client, result, NULL);
    for (gsize i = 0; list && i < g_variant_n_children(list); i++)
        g_ptr_array_add(devices, g_variant_get_child_value(list, i));
    return devices;
}

static char *
format_reason(GVariant *device)
{
    const char *word = ctl_property_text(device, "reason");
    g_autofree char *driver = ctl_text_escape(ctl_property_text(device, "kernel-driver"), FALSE);

    if (g_str_equal(word, "kernel-driver"))
        return g_strdup_printf(_("the driver %s of the kernel has it"), driver);
    for (gsize i = 0; i < G_N_ELEMENTS(reasons); i++) {
        if (g_str_equal(reasons[i].word, word))
            return g_strdup(_(reasons[i].text));
    }
    return g_strdup(_("pcscd has not opened it"));
}

static char *
format_ids(GVariant *device)
{
    return g_strdup_printf("%04x:%04x", (guint)ctl_property_number(device, "vendor-id"),
                           (guint)ctl_property_number(device, "product-id"));
}

static char *
format_name(GVariant *device)
{
    g_autofree char *both = g_strjoin(" ", ctl_property_text(device, "vendor"),
                                      ctl_property_text(device, "product"), NULL);

    g_strstrip(both);
    return *both ? ctl_text_escape(both, FALSE) : format_ids(device);
}

void
ctl_unserved_print_notes(GPtrArray *devices, CtlOutput *output)
{
    for (guint i = 0; i < devices->len; i++) {
        GVariant *device = devices->pdata[i];
        g_autofree char *name = format_name(device);
        g_autofree char *port = ctl_text_escape(ctl_property_text(device, "usb-port"), FALSE);
        g_autofree char *reason = format_reason(device);
        /* TRANSLATORS: The name of a USB device, its USB port such as 1-3, and a reason. */
        g_autofree char *note = g_strdup_printf(
            _("%s on USB port %s is not available as a reader: %s."), name, port, reason);

        ctl_output_note(output, note);
    }
}

void
ctl_unserved_print(GPtrArray *devices, CtlOutput *output)
{
    for (guint i = 0; i < devices->len; i++) {
        GVariant *device = devices->pdata[i];
        g_autofree char *ids = format_ids(device);
        g_autofree char *port = ctl_text_escape(ctl_property_text(device, "usb-port"), FALSE);
        g_autofree char *reason = format_reason(device);
        g_autofree char *line = g_strdup_printf("  %s  %s, %s", port, ids, reason);

        ctl_output_line(output, line);
    }
}

void
ctl_unserved_add_to_json(GPtrArray *devices, JsonBuilder *builder)
{
    json_builder_begin_array(builder);
    for (guint i = 0; i < devices->len; i++) {
        GVariant *device = devices->pdata[i];

        json_builder_begin_object(builder);
        ctl_json_add_text(builder, "usb-port", ctl_property_text(device, "usb-port"));
        ctl_json_add_number(builder, "vendor-id", (gint64)ctl_property_number(device, "vendor-id"));
        ctl_json_add_number(builder, "product-id",
                            (gint64)ctl_property_number(device, "product-id"));
        ctl_json_add_text(builder, "reason", ctl_property_text(device, "reason"));
        ctl_json_add_text(builder, "kernel-driver", ctl_property_text(device, "kernel-driver"));
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
}
