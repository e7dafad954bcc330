/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/code.h"

#include <winscard.h>

#include "base/words.h"
#include "pcsc/pcscd-socket.h"

#define PCSC_BASE 0x80100000u

/* The table in introspection/ has all numbers of winscard.h and no others. */
#define ASSERT_NUMBER(name, number, dbus_name, text) \
    _Static_assert((guint32)SCARD_##name == PCSC_BASE + number, #name);
SCD_PCSC_ERROR_TABLE(ASSERT_NUMBER)
#undef ASSERT_NUMBER

#define COUNT_ROW(name, number, dbus_name, text) +1
_Static_assert(0 SCD_PCSC_ERROR_TABLE(COUNT_ROW) == 0x31 - 1 + 0x6F - 0x64,
               "0x01 to 0x31 without 0x22, and 0x65 to 0x6F");
#undef COUNT_ROW

/* base/words.h has the numbers of winscard.h, which it may not include. */
_Static_assert(SCD_SHARE_EXCLUSIVE == SCARD_SHARE_EXCLUSIVE, "exclusive");
_Static_assert(SCD_SHARE_SHARED == SCARD_SHARE_SHARED, "shared");
_Static_assert(SCD_SHARE_DIRECT == SCARD_SHARE_DIRECT, "direct");
_Static_assert(SCD_PROTOCOL_NONE == SCARD_PROTOCOL_UNDEFINED, "no protocol");
_Static_assert(SCD_PROTOCOL_T0 == SCARD_PROTOCOL_T0, "T=0");
_Static_assert(SCD_PROTOCOL_T1 == SCARD_PROTOCOL_T1, "T=1");
_Static_assert(SCD_PROTOCOL_RAW == SCARD_PROTOCOL_RAW, "raw");
_Static_assert(SCD_PROTOCOL_T15 == SCARD_PROTOCOL_T15, "T=15");
_Static_assert(SCD_PROTOCOL_ANY == SCARD_PROTOCOL_ANY, "any");
_Static_assert(SCD_DISPOSITION_LEAVE == SCARD_LEAVE_CARD, "leave");
_Static_assert(SCD_DISPOSITION_RESET == SCARD_RESET_CARD, "reset");
_Static_assert(SCD_DISPOSITION_UNPOWER == SCARD_UNPOWER_CARD, "unpower");
_Static_assert(SCD_DISPOSITION_EJECT == SCARD_EJECT_CARD, "eject");

ScdErrorCode
scd_code_to_error(guint32 code)
{
    switch (code) {
#define AS_CASE(name, number, dbus_name, text) case PCSC_BASE + number:
        SCD_PCSC_ERROR_TABLE(AS_CASE)
#undef AS_CASE
        return code - PCSC_BASE;
    default:
        return SCD_F_UNKNOWN_ERROR;
    }
}

guint32
scd_code_of_error(ScdErrorCode error)
{
    return PCSC_BASE + error;
}

guint32
scd_code_to_known(guint32 code)
{
    return code == SCARD_S_SUCCESS ? code : scd_code_of_error(scd_code_to_error(code));
}

/* Any of these may follow the end of pcscd; the library maps ECONNRESET to SECURITY_VIOLATION. */
gboolean
scd_code_is_connection_lost(guint32 code)
{
    return code == SCARD_F_COMM_ERROR || code == SCARD_E_NO_SERVICE ||
           code == SCARD_E_SERVICE_STOPPED || code == SCARD_W_SECURITY_VIOLATION ||
           code == SCARD_E_INVALID_HANDLE;
}

/* pcscd returns the first code for any call on a handle whose reader is gone. */
gboolean
scd_code_is_reader_gone(guint32 code)
{
    return code == SCARD_E_INVALID_VALUE || code == SCARD_E_READER_UNAVAILABLE;
}

char *
scd_code_explain_no_connection(guint32 code, gboolean was_connected)
{
    switch (code) {
    case SCARD_E_NO_SERVICE:
    case SCARD_F_COMM_ERROR:
        if (was_connected)
            return g_strdup("pcscd has stopped, or is being restarted: if it stays away, start "
                            "pcscd.socket");
        return g_strdup_printf("pcscd does not listen on %s: start pcscd.socket, or install pcscd",
                               scd_socket_path());
    case SCARD_E_SERVICE_STOPPED:
        return g_strdup("pcscd speaks another version of its protocol than libpcsclite: install "
                        "the same version of both, then restart pcscd and smartcardd");
    case SCARD_W_SECURITY_VIOLATION:
        return g_strdup("pcscd refuses smartcardd: polkit does not let its user in, polkit is not "
                        "running, or pcscd serves as many programs as it can");
    case SCARD_E_UNSUPPORTED_FEATURE:
        return g_strdup("libpcsclite lost track of pcscd's readers (a fault of pcsc-lite 2.5): "
                        "smartcardd restarts to get over it");
    default:
        return g_strdup_printf("pcscd cannot be reached: %s (0x%08X)",
                               scd_error_text(scd_code_to_error(code)), code);
    }
}
