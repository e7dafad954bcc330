/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The complete list of errors. Each PC/SC code has a D-Bus error name of its
 * own, "org.smartcardd1.Error.NAME", so that a client can map it back; the
 * second table has the errors that PC/SC does not have. Users expand the tables
 * with a macro of four arguments:
 *
 *   X(constant, low byte of the PC/SC code or own number, D-Bus name, text)
 *
 * A PC/SC code is 0x80100000 + the number. pcsclite.h has two names for
 * 0x8010001F: SCARD_E_UNSUPPORTED_FEATURE, which is used here, and
 * SCARD_E_UNEXPECTED.
 *
 * This header includes no other: the service and the PC/SC library over the bus
 * both include it.
 */

#define SCD_ERROR_PREFIX "org.smartcardd1.Error."
#define SCD_DBUS_ERROR_PREFIX "org.freedesktop.DBus.Error."

#define SCD_PCSC_ERROR_TABLE(X)                                                                  \
    X(F_INTERNAL_ERROR, 0x01, "InternalError", "internal PC/SC error")                           \
    X(E_CANCELLED, 0x02, "Cancelled", "the operation was cancelled")                             \
    X(E_INVALID_HANDLE, 0x03, "InvalidHandle", "the card handle is not valid")                   \
    X(E_INVALID_PARAMETER, 0x04, "InvalidParameter", "a parameter is not valid")                 \
    X(E_INVALID_TARGET, 0x05, "InvalidTarget", "startup information is missing or not valid")    \
    X(E_NO_MEMORY, 0x06, "NoMemory", "out of memory or of PC/SC handles")                        \
    X(F_WAITED_TOO_LONG, 0x07, "WaitedTooLong", "an internal timer of PC/SC expired")            \
    X(E_INSUFFICIENT_BUFFER, 0x08, "InsufficientBuffer", "the data is too long for the buffer")  \
    X(E_UNKNOWN_READER, 0x09, "UnknownReader", "there is no such reader")                        \
    X(E_TIMEOUT, 0x0A, "Timeout", "the operation timed out")                                     \
    X(E_SHARING_VIOLATION, 0x0B, "SharingViolation", "the card is in use by another program")    \
    X(E_NO_SMARTCARD, 0x0C, "NoSmartcard", "there is no card in the reader")                     \
    X(E_UNKNOWN_CARD, 0x0D, "UnknownCard", "there is no such card")                              \
    X(E_CANT_DISPOSE, 0x0E, "CantDispose", "the disposition is not supported")                   \
    X(E_PROTO_MISMATCH, 0x0F, "ProtoMismatch", "the card does not support the protocol")         \
    X(E_NOT_READY, 0x10, "NotReady", "the reader or the card is not ready")                      \
    X(E_INVALID_VALUE, 0x11, "InvalidValue", "a value is not valid")                             \
    X(E_SYSTEM_CANCELLED, 0x12, "SystemCancelled", "the system cancelled the operation")         \
    X(F_COMM_ERROR, 0x13, "CommError", "lost the connection to pcscd")                           \
    X(F_UNKNOWN_ERROR, 0x14, "UnknownError", "unknown PC/SC error")                              \
    X(E_INVALID_ATR, 0x15, "InvalidAtr", "the ATR is not valid")                                 \
    X(E_NOT_TRANSACTED, 0x16, "NotTransacted", "the exchange failed, or no transaction is open") \
    X(E_READER_UNAVAILABLE, 0x17, "ReaderUnavailable", "the reader is not available")            \
    X(P_SHUTDOWN, 0x18, "Shutdown", "the service is shutting down")                              \
    X(E_PCI_TOO_SMALL, 0x19, "PciTooSmall", "the protocol header is too short")                  \
    X(E_READER_UNSUPPORTED, 0x1A, "ReaderUnsupported", "the reader's driver lacks a feature")    \
    X(E_DUPLICATE_READER, 0x1B, "DuplicateReader", "the reader's name is not unique")            \
    X(E_CARD_UNSUPPORTED, 0x1C, "CardUnsupported", "the card lacks a feature")                   \
    X(E_NO_SERVICE, 0x1D, "NoService", "pcscd cannot be reached")                                \
    X(E_SERVICE_STOPPED, 0x1E, "ServiceStopped", "pcscd does not support this libpcsclite")      \
    X(E_UNSUPPORTED_FEATURE, 0x1F, "UnsupportedFeature", "not supported by reader or card")      \
    X(E_ICC_INSTALLATION, 0x20, "IccInstallation", "no provider is known for the card")          \
    X(E_ICC_CREATEORDER, 0x21, "IccCreateorder", "objects cannot be created in that order")      \
    X(E_DIR_NOT_FOUND, 0x23, "DirNotFound", "the card has no such directory")                    \
    X(E_FILE_NOT_FOUND, 0x24, "FileNotFound", "the card has no such file")                       \
    X(E_NO_DIR, 0x25, "NoDir", "the path is not a directory on the card")                        \
    X(E_NO_FILE, 0x26, "NoFile", "the path is not a file on the card")                           \
    X(E_NO_ACCESS, 0x27, "NoAccess", "the card denies access to the file")                       \
    X(E_WRITE_TOO_MANY, 0x28, "WriteTooMany", "the card is full")                                \
    X(E_BAD_SEEK, 0x29, "BadSeek", "the position is outside the card's file")                    \
    X(E_INVALID_CHV, 0x2A, "InvalidChv", "the PIN is not valid")                                 \
    X(E_UNKNOWN_RES_MNG, 0x2B, "UnknownResMng", "unknown error of a lower layer")                \
    X(E_NO_SUCH_CERTIFICATE, 0x2C, "NoSuchCertificate", "there is no such certificate")          \
    X(E_CERTIFICATE_UNAVAILABLE, 0x2D, "CertificateUnavailable", "the certificate is missing")   \
    X(E_NO_READERS_AVAILABLE, 0x2E, "NoReadersAvailable", "there is no reader")                  \
    X(E_COMM_DATA_LOST, 0x2F, "CommDataLost", "data from the card was lost")                     \
    X(E_NO_KEY_CONTAINER, 0x30, "NoKeyContainer", "there is no such key container")              \
    X(E_SERVER_TOO_BUSY, 0x31, "ServerTooBusy", "pcscd is too busy")                             \
    X(W_UNSUPPORTED_CARD, 0x65, "UnsupportedCard", "the reader cannot work with the card")       \
    X(W_UNRESPONSIVE_CARD, 0x66, "UnresponsiveCard", "the card does not answer")                 \
    X(W_UNPOWERED_CARD, 0x67, "UnpoweredCard", "the card has no power")                          \
    X(W_RESET_CARD, 0x68, "ResetCard", "the card was reset; reconnect to use it")                \
    X(W_REMOVED_CARD, 0x69, "RemovedCard", "the card was removed")                               \
    X(W_SECURITY_VIOLATION, 0x6A, "SecurityViolation", "access to the card was denied")          \
    X(W_WRONG_CHV, 0x6B, "WrongChv", "the PIN is wrong")                                         \
    X(W_CHV_BLOCKED, 0x6C, "ChvBlocked", "the PIN is blocked")                                   \
    X(W_EOF, 0x6D, "Eof", "end of the card's file")                                              \
    X(W_CANCELLED_BY_USER, 0x6E, "CancelledByUser", "the user cancelled the operation")          \
    X(W_CARD_NOT_AUTHENTICATED, 0x6F, "CardNotAuthenticated", "no PIN was presented")

#define SCD_OWN_ERROR_TABLE(X)                                                                     \
    X(NOT_AUTHORIZED, 0xF0, "org.smartcardd1.Error.NotAuthorized", "polkit denies the action")     \
    X(NOT_OWNER, 0xF1, "org.smartcardd1.Error.NotOwner", "the session belongs to another program") \
    X(LIMITS_EXCEEDED, 0xF2, "org.freedesktop.DBus.Error.LimitsExceeded", "a limit was reached")   \
    X(INVALID_ARGS, 0xF3, "org.freedesktop.DBus.Error.InvalidArgs", "an argument is not valid")    \
    X(NOT_SAVED, 0xF4, "org.smartcardd1.Error.NotSaved",                                           \
      "the change could not be written to the disk")                                               \
    X(UNKNOWN_OBJECT, 0xF5, "org.freedesktop.DBus.Error.UnknownObject", "there is no such object") \
    X(INTERACTION_REQUIRED, 0xF6, "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired",   \
      "the user must authenticate")                                                                \
    X(NO_PIN_PAD, 0xF7, "org.smartcardd1.Error.NoPinPad", "the reader has no PIN pad for this")    \
    X(PIN_TIMEOUT, 0xF8, "org.smartcardd1.Error.PinTimeout", "no PIN was entered in time")         \
    X(PIN_CANCELLED, 0xF9, "org.smartcardd1.Error.PinCancelled", "the PIN entry was cancelled")    \
    X(PIN_MISMATCH, 0xFA, "org.smartcardd1.Error.PinMismatch",                                     \
      "the entries of the new PIN differ")                                                         \
    X(PIN_LENGTH, 0xFB, "org.smartcardd1.Error.PinLength", "the PIN is too short or too long")
