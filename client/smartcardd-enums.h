/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define SMARTCARDD_API __attribute__((visibility("default")))

typedef struct _SmartcarddReader SmartcarddReader;
typedef struct _SmartcarddCard SmartcarddCard;
typedef struct _SmartcarddSession SmartcarddSession;
typedef struct _SmartcarddTransaction SmartcarddTransaction;

/**
 * SMARTCARDD_TIMEOUT_DEFAULT:
 *
 * A time limit: wait at most 20 seconds for other users of the card. Once the card has the
 * command, there is no limit: the generation of a key or the entry of a PIN take minutes.
 */
#define SMARTCARDD_TIMEOUT_DEFAULT (-1)

/**
 * SMARTCARDD_TIMEOUT_NONE:
 *
 * A time limit: wait for as long as it takes.
 */
#define SMARTCARDD_TIMEOUT_NONE 2147483647

/**
 * SmartcarddShareMode:
 * @SMARTCARDD_SHARE_MODE_EXCLUSIVE: Keeps all other programs from the card
 * @SMARTCARDD_SHARE_MODE_SHARED: Other programs may use the card, too
 * @SMARTCARDD_SHARE_MODE_DIRECT: A session with the reader, with or without a card
 *
 * How a session shares the card with other programs. The numbers are those of PC/SC.
 */
typedef enum {
    SMARTCARDD_SHARE_MODE_EXCLUSIVE = 1,
    SMARTCARDD_SHARE_MODE_SHARED = 2,
    SMARTCARDD_SHARE_MODE_DIRECT = 3,
} SmartcarddShareMode;

/**
 * SmartcarddProtocols:
 * @SMARTCARDD_PROTOCOLS_ANY: T=0 or T=1; as the protocol of a session: none is selected yet
 * @SMARTCARDD_PROTOCOLS_T0: T=0
 * @SMARTCARDD_PROTOCOLS_T1: T=1
 * @SMARTCARDD_PROTOCOLS_RAW: Raw, for cards that use neither T=0 nor T=1
 *
 * Transmission protocols. The numbers are those of PC/SC.
 */
typedef enum {
    SMARTCARDD_PROTOCOLS_ANY = 0,
    SMARTCARDD_PROTOCOLS_T0 = 1 << 0,
    SMARTCARDD_PROTOCOLS_T1 = 1 << 1,
    SMARTCARDD_PROTOCOLS_RAW = 1 << 2,
} SmartcarddProtocols;

/**
 * SmartcarddDisposition:
 * @SMARTCARDD_DISPOSITION_LEAVE: Leave the card as it is
 * @SMARTCARDD_DISPOSITION_RESET: Reset the card: verified PINs are forgotten
 * @SMARTCARDD_DISPOSITION_UNPOWER: Power the card down
 * @SMARTCARDD_DISPOSITION_EJECT: Eject the card, if the reader can
 *
 * The state in which to leave a card. The numbers are those of PC/SC.
 */
typedef enum {
    SMARTCARDD_DISPOSITION_LEAVE = 0,
    SMARTCARDD_DISPOSITION_RESET = 1,
    SMARTCARDD_DISPOSITION_UNPOWER = 2,
    SMARTCARDD_DISPOSITION_EJECT = 3,
} SmartcarddDisposition;

/**
 * SmartcarddAliasBinding:
 * @SMARTCARDD_ALIAS_BINDING_PORT: Whichever reader is in this USB port
 * @SMARTCARDD_ALIAS_BINDING_SERIAL: The reader with this serial number, in any port
 *
 * To what an alias belongs.
 */
typedef enum {
    SMARTCARDD_ALIAS_BINDING_PORT,
    SMARTCARDD_ALIAS_BINDING_SERIAL,
} SmartcarddAliasBinding;

/**
 * SmartcarddPinEncoding:
 * @SMARTCARDD_PIN_ENCODING_BINARY: One digit in each byte, as its value
 * @SMARTCARDD_PIN_ENCODING_BCD: Two digits in each byte
 * @SMARTCARDD_PIN_ENCODING_ASCII: One digit in each byte, as its character
 *
 * How a PIN is written into a command. The numbers are those of PC/SC part 10.
 */
typedef enum {
    SMARTCARDD_PIN_ENCODING_BINARY = 0,
    SMARTCARDD_PIN_ENCODING_BCD = 1,
    SMARTCARDD_PIN_ENCODING_ASCII = 2,
} SmartcarddPinEncoding;

/**
 * SMARTCARDD_ERROR:
 *
 * The domain of all errors of this library.
 */
#define SMARTCARDD_ERROR (smartcardd_error_quark())

/**
 * SmartcarddError:
 * @SMARTCARDD_ERROR_INTERNAL_ERROR: Internal PC/SC error
 * @SMARTCARDD_ERROR_CANCELLED: The operation was cancelled
 * @SMARTCARDD_ERROR_INVALID_HANDLE: The card handle is not valid
 * @SMARTCARDD_ERROR_INVALID_PARAMETER: A parameter is not valid
 * @SMARTCARDD_ERROR_INVALID_TARGET: Startup information is missing or not valid
 * @SMARTCARDD_ERROR_NO_MEMORY: Out of memory or of PC/SC handles
 * @SMARTCARDD_ERROR_WAITED_TOO_LONG: An internal timer of PC/SC expired
 * @SMARTCARDD_ERROR_INSUFFICIENT_BUFFER: The data is too long for the buffer
 * @SMARTCARDD_ERROR_UNKNOWN_READER: There is no such reader
 * @SMARTCARDD_ERROR_TIMEOUT: The operation timed out
 * @SMARTCARDD_ERROR_SHARING_VIOLATION: The card is in use by another program
 * @SMARTCARDD_ERROR_NO_SMARTCARD: There is no card in the reader
 * @SMARTCARDD_ERROR_UNKNOWN_CARD: There is no such card
 * @SMARTCARDD_ERROR_CANT_DISPOSE: The disposition is not supported
 * @SMARTCARDD_ERROR_PROTO_MISMATCH: The card does not support the protocol
 * @SMARTCARDD_ERROR_NOT_READY: The reader or the card is not ready
 * @SMARTCARDD_ERROR_INVALID_VALUE: A value is not valid
 * @SMARTCARDD_ERROR_SYSTEM_CANCELLED: The system cancelled the operation
 * @SMARTCARDD_ERROR_COMM_ERROR: Lost the connection to pcscd
 * @SMARTCARDD_ERROR_UNKNOWN_ERROR: Unknown PC/SC error
 * @SMARTCARDD_ERROR_INVALID_ATR: The ATR is not valid
 * @SMARTCARDD_ERROR_NOT_TRANSACTED: The exchange failed, or no transaction is open
 * @SMARTCARDD_ERROR_READER_UNAVAILABLE: The reader is not available
 * @SMARTCARDD_ERROR_SHUTDOWN: The service is shutting down
 * @SMARTCARDD_ERROR_PCI_TOO_SMALL: The protocol header is too short
 * @SMARTCARDD_ERROR_READER_UNSUPPORTED: The reader's driver lacks a feature
 * @SMARTCARDD_ERROR_DUPLICATE_READER: The reader's name is not unique
 * @SMARTCARDD_ERROR_CARD_UNSUPPORTED: The card lacks a feature
 * @SMARTCARDD_ERROR_NO_SERVICE: Pcscd cannot be reached
 * @SMARTCARDD_ERROR_SERVICE_STOPPED: Pcscd does not support this libpcsclite
 * @SMARTCARDD_ERROR_UNSUPPORTED_FEATURE: Not supported by reader or card
 * @SMARTCARDD_ERROR_ICC_INSTALLATION: No provider is known for the card
 * @SMARTCARDD_ERROR_ICC_CREATEORDER: Objects cannot be created in that order
 * @SMARTCARDD_ERROR_DIR_NOT_FOUND: The card has no such directory
 * @SMARTCARDD_ERROR_FILE_NOT_FOUND: The card has no such file
 * @SMARTCARDD_ERROR_NO_DIR: The path is not a directory on the card
 * @SMARTCARDD_ERROR_NO_FILE: The path is not a file on the card
 * @SMARTCARDD_ERROR_NO_ACCESS: The card denies access to the file
 * @SMARTCARDD_ERROR_WRITE_TOO_MANY: The card is full
 * @SMARTCARDD_ERROR_BAD_SEEK: The position is outside the card's file
 * @SMARTCARDD_ERROR_INVALID_CHV: The PIN is not valid
 * @SMARTCARDD_ERROR_UNKNOWN_RES_MNG: Unknown error of a lower layer
 * @SMARTCARDD_ERROR_NO_SUCH_CERTIFICATE: There is no such certificate
 * @SMARTCARDD_ERROR_CERTIFICATE_UNAVAILABLE: The certificate is missing
 * @SMARTCARDD_ERROR_NO_READERS_AVAILABLE: There is no reader
 * @SMARTCARDD_ERROR_COMM_DATA_LOST: Data from the card was lost
 * @SMARTCARDD_ERROR_NO_KEY_CONTAINER: There is no such key container
 * @SMARTCARDD_ERROR_SERVER_TOO_BUSY: Pcscd is too busy
 * @SMARTCARDD_ERROR_UNSUPPORTED_CARD: The reader cannot work with the card
 * @SMARTCARDD_ERROR_UNRESPONSIVE_CARD: The card does not answer
 * @SMARTCARDD_ERROR_UNPOWERED_CARD: The card has no power
 * @SMARTCARDD_ERROR_RESET_CARD: The card was reset; reconnect to use it
 * @SMARTCARDD_ERROR_REMOVED_CARD: The card was removed
 * @SMARTCARDD_ERROR_SECURITY_VIOLATION: Access to the card was denied
 * @SMARTCARDD_ERROR_WRONG_CHV: The PIN is wrong
 * @SMARTCARDD_ERROR_CHV_BLOCKED: The PIN is blocked
 * @SMARTCARDD_ERROR_EOF: End of the card's file
 * @SMARTCARDD_ERROR_CANCELLED_BY_USER: The user cancelled the operation
 * @SMARTCARDD_ERROR_CARD_NOT_AUTHENTICATED: No PIN was presented
 * @SMARTCARDD_ERROR_SERVICE_NOT_FOUND: The service is not running, and cannot be started
 * @SMARTCARDD_ERROR_SERVICE_UNREACHABLE: The bus or the service does not answer, or has gone
 * @SMARTCARDD_ERROR_SERVICE_TOO_OLD: The running service does not have this function yet
 * @SMARTCARDD_ERROR_BUS_ACCESS_DENIED: The configuration of the bus denies access to the service
 * @SMARTCARDD_ERROR_NOT_AUTHORIZED: Polkit denies the action
 * @SMARTCARDD_ERROR_NOT_OWNER: The session belongs to another program
 * @SMARTCARDD_ERROR_LIMITS_EXCEEDED: A limit was reached
 * @SMARTCARDD_ERROR_INVALID_ARGS: An argument is not valid
 * @SMARTCARDD_ERROR_NOT_SAVED: The change could not be written to the disk
 * @SMARTCARDD_ERROR_UNKNOWN_OBJECT: There is no such object
 * @SMARTCARDD_ERROR_INTERACTION_REQUIRED: The user must authenticate
 * @SMARTCARDD_ERROR_NO_PIN_PAD: The reader has no PIN pad for this
 * @SMARTCARDD_ERROR_PIN_TIMEOUT: No PIN was entered in time
 * @SMARTCARDD_ERROR_PIN_CANCELLED: The PIN entry was cancelled
 * @SMARTCARDD_ERROR_PIN_MISMATCH: The entries of the new PIN differ
 * @SMARTCARDD_ERROR_PIN_LENGTH: The PIN is too short or too long
 *
 * Errors of all functions of this library. Up to 0x6F they are the codes of PC/SC, without the
 * 0x80100000 that these begin with; see [func@Smartcardd.get_pcsc_code]. The others do not
 * exist in PC/SC; those from 0xE0 to 0xEF are about the service and the bus.
 *
 * The message of %SMARTCARDD_ERROR_CANCELLED and %SMARTCARDD_ERROR_TIMEOUT ends in "not sent" if
 * the card never receives the command, else in "sent, result unknown"; see
 * [func@Smartcardd.get_delivery].
 */
typedef enum {
    SMARTCARDD_ERROR_INTERNAL_ERROR = 0x01,
    SMARTCARDD_ERROR_CANCELLED = 0x02,
    SMARTCARDD_ERROR_INVALID_HANDLE = 0x03,
    SMARTCARDD_ERROR_INVALID_PARAMETER = 0x04,
    SMARTCARDD_ERROR_INVALID_TARGET = 0x05,
    SMARTCARDD_ERROR_NO_MEMORY = 0x06,
    SMARTCARDD_ERROR_WAITED_TOO_LONG = 0x07,
    SMARTCARDD_ERROR_INSUFFICIENT_BUFFER = 0x08,
    SMARTCARDD_ERROR_UNKNOWN_READER = 0x09,
    SMARTCARDD_ERROR_TIMEOUT = 0x0A,
    SMARTCARDD_ERROR_SHARING_VIOLATION = 0x0B,
    SMARTCARDD_ERROR_NO_SMARTCARD = 0x0C,
    SMARTCARDD_ERROR_UNKNOWN_CARD = 0x0D,
    SMARTCARDD_ERROR_CANT_DISPOSE = 0x0E,
    SMARTCARDD_ERROR_PROTO_MISMATCH = 0x0F,
    SMARTCARDD_ERROR_NOT_READY = 0x10,
    SMARTCARDD_ERROR_INVALID_VALUE = 0x11,
    SMARTCARDD_ERROR_SYSTEM_CANCELLED = 0x12,
    SMARTCARDD_ERROR_COMM_ERROR = 0x13,
    SMARTCARDD_ERROR_UNKNOWN_ERROR = 0x14,
    SMARTCARDD_ERROR_INVALID_ATR = 0x15,
    SMARTCARDD_ERROR_NOT_TRANSACTED = 0x16,
    SMARTCARDD_ERROR_READER_UNAVAILABLE = 0x17,
    SMARTCARDD_ERROR_SHUTDOWN = 0x18,
    SMARTCARDD_ERROR_PCI_TOO_SMALL = 0x19,
    SMARTCARDD_ERROR_READER_UNSUPPORTED = 0x1A,
    SMARTCARDD_ERROR_DUPLICATE_READER = 0x1B,
    SMARTCARDD_ERROR_CARD_UNSUPPORTED = 0x1C,
    SMARTCARDD_ERROR_NO_SERVICE = 0x1D,
    SMARTCARDD_ERROR_SERVICE_STOPPED = 0x1E,
    SMARTCARDD_ERROR_UNSUPPORTED_FEATURE = 0x1F,
    SMARTCARDD_ERROR_ICC_INSTALLATION = 0x20,
    SMARTCARDD_ERROR_ICC_CREATEORDER = 0x21,
    SMARTCARDD_ERROR_DIR_NOT_FOUND = 0x23,
    SMARTCARDD_ERROR_FILE_NOT_FOUND = 0x24,
    SMARTCARDD_ERROR_NO_DIR = 0x25,
    SMARTCARDD_ERROR_NO_FILE = 0x26,
    SMARTCARDD_ERROR_NO_ACCESS = 0x27,
    SMARTCARDD_ERROR_WRITE_TOO_MANY = 0x28,
    SMARTCARDD_ERROR_BAD_SEEK = 0x29,
    SMARTCARDD_ERROR_INVALID_CHV = 0x2A,
    SMARTCARDD_ERROR_UNKNOWN_RES_MNG = 0x2B,
    SMARTCARDD_ERROR_NO_SUCH_CERTIFICATE = 0x2C,
    SMARTCARDD_ERROR_CERTIFICATE_UNAVAILABLE = 0x2D,
    SMARTCARDD_ERROR_NO_READERS_AVAILABLE = 0x2E,
    SMARTCARDD_ERROR_COMM_DATA_LOST = 0x2F,
    SMARTCARDD_ERROR_NO_KEY_CONTAINER = 0x30,
    SMARTCARDD_ERROR_SERVER_TOO_BUSY = 0x31,
    SMARTCARDD_ERROR_UNSUPPORTED_CARD = 0x65,
    SMARTCARDD_ERROR_UNRESPONSIVE_CARD = 0x66,
    SMARTCARDD_ERROR_UNPOWERED_CARD = 0x67,
    SMARTCARDD_ERROR_RESET_CARD = 0x68,
    SMARTCARDD_ERROR_REMOVED_CARD = 0x69,
    SMARTCARDD_ERROR_SECURITY_VIOLATION = 0x6A,
    SMARTCARDD_ERROR_WRONG_CHV = 0x6B,
    SMARTCARDD_ERROR_CHV_BLOCKED = 0x6C,
    SMARTCARDD_ERROR_EOF = 0x6D,
    SMARTCARDD_ERROR_CANCELLED_BY_USER = 0x6E,
    SMARTCARDD_ERROR_CARD_NOT_AUTHENTICATED = 0x6F,
    SMARTCARDD_ERROR_SERVICE_NOT_FOUND = 0xE0,
    SMARTCARDD_ERROR_SERVICE_UNREACHABLE = 0xE1,
    SMARTCARDD_ERROR_SERVICE_TOO_OLD = 0xE2,
    SMARTCARDD_ERROR_BUS_ACCESS_DENIED = 0xE3,
    SMARTCARDD_ERROR_NOT_AUTHORIZED = 0xF0,
    SMARTCARDD_ERROR_NOT_OWNER = 0xF1,
    SMARTCARDD_ERROR_LIMITS_EXCEEDED = 0xF2,
    SMARTCARDD_ERROR_INVALID_ARGS = 0xF3,
    SMARTCARDD_ERROR_NOT_SAVED = 0xF4,
    SMARTCARDD_ERROR_UNKNOWN_OBJECT = 0xF5,
    SMARTCARDD_ERROR_INTERACTION_REQUIRED = 0xF6,
    SMARTCARDD_ERROR_NO_PIN_PAD = 0xF7,
    SMARTCARDD_ERROR_PIN_TIMEOUT = 0xF8,
    SMARTCARDD_ERROR_PIN_CANCELLED = 0xF9,
    SMARTCARDD_ERROR_PIN_MISMATCH = 0xFA,
    SMARTCARDD_ERROR_PIN_LENGTH = 0xFB,
} SmartcarddError;

SMARTCARDD_API GQuark smartcardd_error_quark(void);
SMARTCARDD_API guint32 smartcardd_get_pcsc_code(SmartcarddError code);

/**
 * SmartcarddDelivery:
 * @SMARTCARDD_DELIVERY_UNKNOWN: The error does not say it
 * @SMARTCARDD_DELIVERY_NOT_SENT: The card never receives the command
 * @SMARTCARDD_DELIVERY_SENT: The card may have executed the command
 *
 * Whether the card has received the command of a call that failed.
 */
typedef enum {
    SMARTCARDD_DELIVERY_UNKNOWN,
    SMARTCARDD_DELIVERY_NOT_SENT,
    SMARTCARDD_DELIVERY_SENT,
} SmartcarddDelivery;

SMARTCARDD_API SmartcarddDelivery smartcardd_get_delivery(const GError *error);

G_END_DECLS
