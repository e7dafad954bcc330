/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* smartcardctl attributes: what the reader's driver knows, out of what PC/SC has a name for. */

#include <glib/gi18n.h>
#include <stdlib.h>

#include "attribute.h"
#include "base/error.h"
#include "command.h"
#include "describe.h"
#include "json.h"
#include "session.h"
#include "text.h"

/* Of ctl_attributes, in its order; NULL for what the driver does not know, or fails to tell. */
static GPtrArray *
ask(CtlSession *session, GError **error)
{
    g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);

    for (guint i = 0; i < ctl_n_attributes; i++) {
        g_autoptr(GError) trouble = NULL;
        GBytes *value = ctl_session_get_attribute(session, ctl_attributes[i].id, &trouble);
        if (!value && !g_error_matches(trouble, SCD_ERROR, SCD_E_UNSUPPORTED_FEATURE) &&
            !g_error_matches(trouble, SCD_ERROR, SCD_E_NOT_TRANSACTED)) {
            g_propagate_error(error, g_steal_pointer(&trouble));
            return NULL;
        }
        g_ptr_array_add(values, value);
    }
    return g_steal_pointer(&values);
}

static void
print_json(GPtrArray *values, CtlOutput *output)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    for (guint i = 0; i < values->len; i++) {
        if (values->pdata[i])
            ctl_attribute_to_json(&ctl_attributes[i], values->pdata[i], builder);
    }
    json_builder_end_object(builder);
    g_autofree char *text = ctl_json_to_text(builder, TRUE);
    ctl_output_line(output, text);
}

static guint
width_of_names(GPtrArray *values)
{
    guint width = 0;

    for (guint i = 0; i < values->len; i++) {
        if (values->pdata[i])
            width = MAX(width, ctl_text_width(ctl_attributes[i].name));
    }
    return width;
}

static char *
line_of(const CtlAttribute *attribute, GBytes *value, guint width, CtlOutput *output)
{
    g_autofree char *text = ctl_attribute_to_text(attribute, value);

    if (ctl_output_is_terminal(output)) {
        g_autofree char *padded = ctl_text_pad(attribute->name, width);
        return g_strchomp(g_strdup_printf("%s  %s", padded, text));
    }
    g_autofree char *hex = ctl_describe_hex(value);
    return g_strjoin("\t", attribute->name, hex, text, NULL);
}

static void
print_lines(GPtrArray *values, CtlOutput *output)
{
    guint width = width_of_names(values);

    for (guint i = 0; i < values->len; i++) {
        if (!values->pdata[i])
            continue;
        g_autofree char *line = line_of(&ctl_attributes[i], values->pdata[i], width, output);
        ctl_output_line(output, line);
    }
}

static int
run(const CtlArguments *arguments, CtlOutput *output)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(CtlReader) reader = ctl_reader_choose(arguments, output, &error);
    g_autoptr(CtlSession) session = reader ? ctl_session_begin_direct(reader, &error) : NULL;
    g_autoptr(GPtrArray) values = session ? ask(session, &error) : NULL;

    if (!values)
        return ctl_command_fail(error);
    if (arguments->json)
        print_json(values, output);
    else
        print_lines(values, output);
    return EXIT_SUCCESS;
}

const CtlCommand ctl_command_attributes = {
    .name = "attributes",
    .argument = N_("[READER]"),
    .summary = N_("Show what the reader's driver knows of reader and card"),
    .description = N_("These are the attributes of PC/SC (SCARD_ATTR_*) that the driver knows.\n"
                      "READER may be left out when there is only one.\n"
                      "\n"
                      "Into a pipe or a file each line has three fields separated by tabs: the\n"
                      "attribute's name, 'vendor-name' for SCARD_ATTR_VENDOR_NAME; its bytes in\n"
                      "hexadecimal; and what they mean.\n"
                      "\n"
                      "JSON is an object with the names for keys. Values are texts, numbers, or\n"
                      "hexadecimal where the bytes make neither."),
    .reader = CTL_READER_MAYBE,
    .run = run,
};
