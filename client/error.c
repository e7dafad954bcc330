/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "error.h"

#include "error-table.h"

#define PCSC_BASE 0x80100000u

typedef struct {
    int code;
    const char *name; /* of the D-Bus error, without SCD_ERROR_PREFIX for PC/SC's */
    const char *text;
} ErrorRow;

static const ErrorRow pcsc_errors[] = {
#define AS_ROW(name, number, dbus_name, text) {number, dbus_name, text},
    SCD_PCSC_ERROR_TABLE(AS_ROW)};
static const ErrorRow own_errors[] = {SCD_OWN_ERROR_TABLE(AS_ROW)
#undef AS_ROW
};

/* Errors of the bus, and of GIO, with their codes here. All others mean that it is unreachable. */
static const struct {
    GQuark (*domain)(void);
    int from;
    SmartcarddError to;
} equivalents[] = {
    {g_io_error_quark, G_IO_ERROR_CANCELLED, SMARTCARDD_ERROR_CANCELLED},
    {g_io_error_quark, G_IO_ERROR_TIMED_OUT, SMARTCARDD_ERROR_TIMEOUT},
    {g_dbus_error_quark, G_DBUS_ERROR_TIMEOUT, SMARTCARDD_ERROR_TIMEOUT},
    {g_dbus_error_quark, G_DBUS_ERROR_TIMED_OUT, SMARTCARDD_ERROR_TIMEOUT},
    {g_dbus_error_quark, G_DBUS_ERROR_NAME_HAS_NO_OWNER, SMARTCARDD_ERROR_SERVICE_NOT_FOUND},
    {g_dbus_error_quark, G_DBUS_ERROR_SERVICE_UNKNOWN, SMARTCARDD_ERROR_SERVICE_NOT_FOUND},
    {g_dbus_error_quark, G_DBUS_ERROR_ACCESS_DENIED, SMARTCARDD_ERROR_BUS_ACCESS_DENIED},
    {g_dbus_error_quark, G_DBUS_ERROR_UNKNOWN_METHOD, SMARTCARDD_ERROR_SERVICE_TOO_OLD},
    {g_dbus_error_quark, G_DBUS_ERROR_UNKNOWN_INTERFACE, SMARTCARDD_ERROR_SERVICE_TOO_OLD},
    {g_dbus_error_quark, G_DBUS_ERROR_UNKNOWN_PROPERTY, SMARTCARDD_ERROR_SERVICE_TOO_OLD},
};

/* G_DEFINE_QUARK() takes the name without quotes, and a tool that formats it adds spaces to it. */
GQuark
smartcardd_error_quark(void)
{
    return g_quark_from_static_string("smartcardd-error-quark");
}

/**
 * smartcardd_get_pcsc_code:
 * @code: an error code
 *
 * Returns: the code of PC/SC, such as 0x80100069 for %SMARTCARDD_ERROR_REMOVED_CARD; 0 for an
 *   error that PC/SC does not have
 */
guint32
smartcardd_get_pcsc_code(SmartcarddError code)
{
    for (gsize i = 0; i < G_N_ELEMENTS(pcsc_errors); i++)
        if (pcsc_errors[i].code == (int)code)
            return PCSC_BASE | (guint32)code;
    return 0;
}

/**
 * smartcardd_get_delivery:
 * @error: an error of a call of this library
 *
 * Whether the command of a call that was cancelled, or whose time limit expired, may be sent once
 * more: not if the card may have executed it, such as the use of a key or a try to verify a PIN.
 *
 * Returns: what is known about the command
 */
SmartcarddDelivery
smartcardd_get_delivery(const GError *error)
{
    if (error->domain != SMARTCARDD_ERROR)
        return SMARTCARDD_DELIVERY_UNKNOWN;
    if (g_str_has_suffix(error->message, SMARTCARDD_NOT_SENT))
        return SMARTCARDD_DELIVERY_NOT_SENT;
    return g_str_has_suffix(error->message, SMARTCARDD_SENT) ? SMARTCARDD_DELIVERY_SENT
                                                             : SMARTCARDD_DELIVERY_UNKNOWN;
}

void
smartcardd_error_set_code(GError **error, guint32 code, const char *note)
{
    int number = SMARTCARDD_ERROR_UNKNOWN_ERROR;
    const char *text = "the service returned an unknown code";

    for (gsize i = 0; i < G_N_ELEMENTS(pcsc_errors); i++) {
        if (code == (PCSC_BASE | (guint32)pcsc_errors[i].code)) {
            number = pcsc_errors[i].code;
            text = pcsc_errors[i].text;
        }
    }
    g_set_error(error, SMARTCARDD_ERROR, number, "%s%s%s", text, note ? ": " : "",
                note ? note : "");
}

void
smartcardd_error_set_own(GError **error, SmartcarddError code)
{
    for (gsize i = 0; i < G_N_ELEMENTS(own_errors); i++)
        if (own_errors[i].code == (int)code)
            g_set_error_literal(error, SMARTCARDD_ERROR, own_errors[i].code, own_errors[i].text);
}

void
smartcardd_error_set_invalid_reply(GError **error)
{
    g_set_error_literal(error, SMARTCARDD_ERROR, SMARTCARDD_ERROR_COMM_ERROR,
                        "the service sent an invalid reply");
}

/* Returns 0 for a name that is not in the tables. */
static int
find_code_of_name(const char *name)
{
    if (g_str_has_prefix(name, SCD_ERROR_PREFIX)) {
        for (gsize i = 0; i < G_N_ELEMENTS(pcsc_errors); i++)
            if (g_str_equal(name + strlen(SCD_ERROR_PREFIX), pcsc_errors[i].name))
                return pcsc_errors[i].code;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(own_errors); i++)
        if (g_str_equal(name, own_errors[i].name))
            return own_errors[i].code;
    return 0;
}

GError *
smartcardd_error_adopt(GError *error)
{
    g_autofree char *name = g_dbus_error_get_remote_error(error);
    int code = name ? find_code_of_name(name) : 0;

    if (error->domain == SMARTCARDD_ERROR)
        return error;
    g_dbus_error_strip_remote_error(error);
    for (gsize i = 0; i < G_N_ELEMENTS(equivalents) && code == 0; i++)
        if (g_error_matches(error, equivalents[i].domain(), equivalents[i].from))
            code = equivalents[i].to;
    if (code == 0 && name && g_str_has_prefix(name, SCD_ERROR_PREFIX))
        code = SMARTCARDD_ERROR_UNKNOWN_ERROR;
    error->domain = SMARTCARDD_ERROR;
    error->code = code != 0 ? code : SMARTCARDD_ERROR_SERVICE_UNREACHABLE;
    return error;
}
