/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* SmartcarddSession: its signals, each of which is one of the service. */

#include "session.h"

typedef enum {
    CARD_RESET,
    PIN_ENTRY_STARTED,
    PIN_KEY_PRESSED,
    PIN_ENTRY_ENDED,
    N_SIGNALS,
} Signal;

static const struct {
    const char *name; /* of the service */
    const char *type; /* of its arguments */
} origins[] = {
    [CARD_RESET] = {"CardReset", "()"},
    [PIN_ENTRY_STARTED] = {"PinEntryStarted", "(b)"},
    [PIN_KEY_PRESSED] = {"PinKeyPressed", "(s)"},
    [PIN_ENTRY_ENDED] = {"PinEntryEnded", "()"},
};

static guint signals[N_SIGNALS];

static guint
install_signal(const char *name, GType argument)
{
    return g_signal_new(name, SMARTCARDD_TYPE_SESSION, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                        G_TYPE_NONE, argument == G_TYPE_NONE ? 0 : 1, argument);
}

void
smartcardd_session_install_signals(void)
{
    /**
     * SmartcarddSession::card-reset:
     * @self: the session
     *
     * Emitted in the main context of the client when another session, another PC/SC program, or the
     * service has reset the card: a verified PIN is lost, and calls fail with
     * %SMARTCARDD_ERROR_RESET_CARD until [method@Session.reconnect]. Emitted once until then.
     *
     * A reset by a program that does not use the service is found at the next call of any session
     * with the card, or within a second.
     */
    signals[CARD_RESET] = install_signal("card-reset", G_TYPE_NONE);
    /**
     * SmartcarddSession::pin-entry-started:
     * @self: the session
     * @cancellable: whether the cancellable of the call, its time limit, or the end of the session
     *   ends the entry; otherwise only the user or the time limits of the reader do
     *
     * Emitted in the main context of the client when the reader expects the user to enter a PIN,
     * for [method@Session.verify_pin_async] or [method@Session.modify_pin_async]: tell the user.
     */
    signals[PIN_ENTRY_STARTED] = install_signal("pin-entry-started", G_TYPE_BOOLEAN);
    /**
     * SmartcarddSession::pin-key-pressed:
     * @self: the session
     * @key: "digit", "backspace", "enter" or "cancel"; never which digit
     *
     * Emitted in the main context of the client when the user has pressed a key of the PIN pad. Not
     * all readers report keys.
     */
    signals[PIN_KEY_PRESSED] =
        install_signal("pin-key-pressed", G_TYPE_STRING | G_SIGNAL_TYPE_STATIC_SCOPE);
    /**
     * SmartcarddSession::pin-entry-ended:
     * @self: the session
     *
     * Emitted in the main context of the client when the reader does not expect a PIN any more. If
     * the call has ended before, because it was cancelled, the entry goes on until this signal.
     */
    signals[PIN_ENTRY_ENDED] = install_signal("pin-entry-ended", G_TYPE_NONE);
}

static void
emit_signal(GObject *session, Signal signal, GVariant *arguments)
{
    gboolean cancellable;
    const char *key;

    switch (signal) {
    case PIN_ENTRY_STARTED:
        g_variant_get(arguments, "(b)", &cancellable);
        g_signal_emit(session, signals[signal], 0, cancellable);
        break;
    case PIN_KEY_PRESSED:
        g_variant_get(arguments, "(&s)", &key);
        g_signal_emit(session, signals[signal], 0, key);
        break;
    default:
        g_signal_emit(session, signals[signal], 0);
    }
}

void
smartcardd_session_handle_signal(GObject *session, const char *name, GVariant *arguments)
{
    if (smartcardd_session_is_closed(SMARTCARDD_SESSION(session)))
        return;
    for (Signal signal = 0; signal < N_SIGNALS; signal++)
        if (g_str_equal(name, origins[signal].name) &&
            g_variant_is_of_type(arguments, G_VARIANT_TYPE(origins[signal].type)))
            emit_signal(session, signal, arguments);
}
