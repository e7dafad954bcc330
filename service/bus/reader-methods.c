/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/reader-methods.h"

#include "bus/connect.h"
#include "bus/one-shot.h"
#include "bus/set-alias.h"
#include "scd-interface-info.h"

static void
connect_reader(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdReader *reader = owner;
    scd_connect_start(scd_reader_context(reader)->sessions, reader, NULL, arguments, invocation);
}

static void
control(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdReader *reader = owner;
    scd_one_shot_control(scd_reader_context(reader)->sessions, reader, arguments, invocation);
}

static void
get_attribute(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdReader *reader = owner;
    scd_one_shot_get_attribute(scd_reader_context(reader)->sessions, reader, arguments, invocation);
}

static void
refresh_readers(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdReader *reader = owner;
    scd_wait_calls_refresh(scd_reader_context(reader)->wait_calls, arguments, invocation);
}

static void
set_alias(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdReader *reader = owner;
    const ScdMethodContext *context = scd_reader_context(reader);

    scd_set_alias_start(context->sessions, context->aliases, reader, arguments, invocation);
}

static void
connect_card(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdReader *reader = owner;
    scd_connect_start(scd_reader_context(reader)->sessions, reader, scd_reader_card(reader),
                      arguments, invocation);
}

static void
transmit(gpointer owner, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    ScdReader *reader = owner;
    scd_one_shot_transmit(scd_reader_context(reader)->sessions, reader, arguments, invocation);
}

static const ScdMethod reader_methods[] = {
    {"Connect", connect_reader},  {"Control", control},    {"GetAttribute", get_attribute},
    {"Refresh", refresh_readers}, {"SetAlias", set_alias}, {NULL, NULL},
};

static const ScdMethod card_methods[] = {
    {"Connect", connect_card}, {"Transmit", transmit},        {"TransmitMany", transmit},
    {"TransmitHex", transmit}, {"TransmitManyHex", transmit}, {NULL, NULL},
};

const ScdInterface scd_reader_methods = {&scd_reader_interface, reader_methods};
const ScdInterface scd_card_methods = {&scd_card_interface, card_methods};
