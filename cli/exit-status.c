/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "exit-status.h"

#include <gio/gio.h>
#include <stdlib.h>

#include "base/error.h"

GQuark
ctl_error_quark(void)
{
    return g_quark_from_static_string("ctl-error-quark");
}

static const struct {
    ScdErrorCode code;
    CtlExitStatus status;
} service_errors[] = {
    {SCD_E_TIMEOUT, CTL_STATUS_TIMEOUT},
    {SCD_E_UNKNOWN_READER, CTL_STATUS_NO_READER},
    {SCD_E_READER_UNAVAILABLE, CTL_STATUS_NO_READER},
    {SCD_UNKNOWN_OBJECT, CTL_STATUS_NO_READER},
    {SCD_E_NO_SMARTCARD, CTL_STATUS_NO_CARD},
    {SCD_W_REMOVED_CARD, CTL_STATUS_NO_CARD},
    {SCD_W_UNPOWERED_CARD, CTL_STATUS_NO_CARD},
    {SCD_W_UNRESPONSIVE_CARD, CTL_STATUS_NO_CARD},
    {SCD_NOT_AUTHORIZED, CTL_STATUS_REFUSED},
    {SCD_INTERACTION_REQUIRED, CTL_STATUS_REFUSED},
    {SCD_W_SECURITY_VIOLATION, CTL_STATUS_REFUSED},
    {SCD_E_NO_SERVICE, CTL_STATUS_NO_SERVICE},
    {SCD_E_SERVICE_STOPPED, CTL_STATUS_NO_SERVICE},
    {SCD_P_SHUTDOWN, CTL_STATUS_NO_SERVICE},
    {SCD_E_SHARING_VIOLATION, CTL_STATUS_IN_USE},
};

static int
get_service_status(int code)
{
    for (gsize i = 0; i < G_N_ELEMENTS(service_errors); i++) {
        if ((int)service_errors[i].code == code)
            return (int)service_errors[i].status;
    }
    return EXIT_FAILURE;
}

int
ctl_exit_status_get(const GError *error)
{
    if (error->domain == CTL_ERROR)
        return error->code;
    if (error->domain == SCD_ERROR)
        return get_service_status(error->code);
    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
        return CTL_STATUS_NO_READER;
    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED))
        return CTL_STATUS_NO_SERVICE;
    if (g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED))
        return CTL_STATUS_REFUSED;
    return error->domain == G_DBUS_ERROR ? (int)CTL_STATUS_NO_SERVICE : EXIT_FAILURE;
}
