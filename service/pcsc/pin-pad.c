/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pcsc/pin-pad.h"

#include <reader.h>
#include <winscard.h>

#include "base/feature.h"

_Static_assert(SCD_CODE_GET_FEATURE_REQUEST == CM_IOCTL_GET_FEATURE_REQUEST, "the same code");

typedef struct {
    guint8 bytes[MAX_BUFFER_SIZE];
    gsize length;
} FeatureList;

/* A driver without features has an empty list. */
static guint32
query_features_in_worker(long card, FeatureList *list)
{
    DWORD length = 0;
    guint32 code = SCardControl(card, CM_IOCTL_GET_FEATURE_REQUEST, NULL, 0, list->bytes,
                                sizeof list->bytes, &length);

    list->length = code == SCARD_S_SUCCESS ? length : 0;
    if (code == SCARD_E_UNSUPPORTED_FEATURE || code == SCARD_E_NOT_TRANSACTED)
        return SCARD_S_SUCCESS;
    return code;
}

guint32
scd_pin_pad_check_code_in_worker(long card, guint32 code)
{
    FeatureList list;

    if (code == SCD_CODE_GET_FEATURE_REQUEST)
        return SCARD_S_SUCCESS;
    guint32 result = query_features_in_worker(card, &list);
    if (result == SCARD_S_SUCCESS &&
        scd_control_code_is_driver_command(code, list.bytes, list.length))
        return SCARD_W_SECURITY_VIOLATION;
    return result;
}
