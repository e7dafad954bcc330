/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a reader can do beside moving APDUs: PC/SC part 10, revision 2.02.09.
 *
 * A driver answers CM_IOCTL_GET_FEATURE_REQUEST with a list of records: a feature's tag, the length
 * 4, and the control code that asks for it, highest byte first. To the code of GET_TLV_PROPERTIES
 * it answers with records likewise, their numbers with the lowest byte first. Any bytes may be
 * parsed: records of unknown tags or of wrong lengths are passed over, and so is one that is cut.
 */

#include <glib.h>

#define SCD_FEATURE_GET_TLV_PROPERTIES 0x12

/* Words such as "verify-pin-direct", in the order of their tags, each once. */
char **scd_features_dup_words(const guint8 *list, gsize length);

/* The control code of a feature; 0 when the list does not have it. */
guint32 scd_features_find_code(const guint8 *list, gsize length, guint8 feature);

typedef struct {
    guint16 vendor_id;  /* of the USB device; 0 when not told */
    guint16 product_id; /* likewise */
    char *firmware;     /* cleaned, empty when not told */
} ScdTlvProperties;

ScdTlvProperties *scd_tlv_properties_parse(const guint8 *records, gsize length);
void scd_tlv_properties_free(ScdTlvProperties *properties);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScdTlvProperties, scd_tlv_properties_free)
