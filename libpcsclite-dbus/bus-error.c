/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus-error.h"

#include "error-table.h"

#define BUS_ERROR(name) "org.freedesktop.DBus.Error." name

static const struct {
    const char *name;
    uint32_t code;
} error_codes[] = {
#define AS_ROW(constant, number, name, text) {SCD_ERROR_PREFIX name, 0x80100000u + number},
    SCD_PCSC_ERROR_TABLE(AS_ROW)
#undef AS_ROW
        {SCD_ERROR_PREFIX "NotAuthorized", SCARD_W_SECURITY_VIOLATION},
    {SCD_ERROR_PREFIX "NotOwner", SCARD_E_INVALID_HANDLE},

    /* The session or reader does not exist any more. */
    {BUS_ERROR("UnknownObject"), SCARD_E_INVALID_HANDLE},
    {BUS_ERROR("UnknownInterface"), SCARD_E_INVALID_HANDLE},
    {BUS_ERROR("UnknownMethod"), SCARD_E_INVALID_HANDLE},

    {BUS_ERROR("AccessDenied"), SCARD_W_SECURITY_VIOLATION},
    {BUS_ERROR("InteractiveAuthorizationRequired"), SCARD_W_SECURITY_VIOLATION},
    {BUS_ERROR("InvalidArgs"), SCARD_E_INVALID_PARAMETER},
    {BUS_ERROR("LimitsExceeded"), SCARD_E_NO_MEMORY},
    {BUS_ERROR("NoMemory"), SCARD_E_NO_MEMORY},
};

LONG
pld_bus_error_code(const sd_bus_error *error)
{
    for (size_t i = 0; i < sizeof error_codes / sizeof error_codes[0]; i++)
        if (sd_bus_error_has_name(error, error_codes[i].name))
            return pld_long(error_codes[i].code);
    return SCARD_E_NO_SERVICE;
}
