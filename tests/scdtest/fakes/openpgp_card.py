# SPDX-License-Identifier: LGPL-2.1-or-later
"""A small OpenPGP card: enough of version 2.1 for GnuPG and OpenSC to read it and to sign with it.

OpenPgpCard.answer() is for vpcd.VirtualCard. The key is the tests' own, and no
secret; the same one serves all three purposes.
"""

import hashlib

# TA1 is for speed; T=1 alone; historical bytes as the specification wants them.
ATR = "3BDA18FF81B1FE751F030031C573C001400090000C"
AID = "D276000124010201FFFE000000010000"
HISTORICAL_BYTES = "0031C573C00140009000"
USER_PIN, ADMIN_PIN = b"123456", b"12345678"

MODULUS = int(
    "ca2ecc6e5bdf6e1a2a82a8c9745e0cc3d4330cf2cc077e237c0e98d4c184d957"
    "2a64cdbeea2ee02b08738575197cc156a9567c0712413a07f46372bf30a200ae"
    "7ac3c8da8802236e9816e77431dc6b7d81277e8f7044043321addd43aa22be06"
    "ecf23e36e52f16c835cf39f79851a1066846862a097ff317058acb81331b585f", 16)
EXPONENT = 65537
PRIVATE_EXPONENT = int(
    "b657d2a3cd540ad6aa744089bfdb7aa3bae377d019d6c01a7cae2583ec2c465f"
    "e8aa152d13c3c704c89077528ef406e283c2ae052a9f8d18d37e4564cd15ae8a"
    "1356f2fee71468607d7a36bf32fd75b40e4b66978428909c23ef856e8a842efe"
    "402dbe578cf38f6572d6a9a01f0dd069d7f94fada277605913fd5bedc928e4e1", 16)
SIZE = 128  # bytes of the modulus

OK, WRONG_LENGTH, NOT_ALLOWED, NOT_FOUND = b"\x90\x00", b"\x67\x00", b"\x69\x82", b"\x6A\x88"
NO_FILE, UNKNOWN = b"\x6A\x82", b"\x6D\x00"


def tlv(tag, *values):
    """tag: in hex. A value of BER-TLV has one, two or three bytes of length."""
    value = b"".join(values)
    length = len(value)
    if length < 0x80:
        head = bytes([length])
    elif length < 0x100:
        head = bytes([0x81, length])
    else:
        head = b"\x82" + length.to_bytes(2, "big")
    return bytes.fromhex(tag) + head + value


def fingerprint(number):
    """Returns a made-up fingerprint: GnuPG writes it when it makes a key, and does not check it."""
    return hashlib.sha1(b"key %d" % number).digest()


RSA_1024 = bytes.fromhex("01" "0400" "0020" "00")
TIMES = b"".join((1577836800 + number).to_bytes(4, "big") for number in range(3))
PIN_STATUS = bytes.fromhex("00" "202020" "030003")
DISCRETIONARY = [
    tlv("C0", bytes.fromhex("7800" "0000" "0400" "0400" "0400")),
    tlv("C1", RSA_1024), tlv("C2", RSA_1024), tlv("C3", RSA_1024),
    tlv("C4", PIN_STATUS),
    tlv("C5", *(fingerprint(number) for number in range(3))),
    tlv("C6", bytes(60)),
    tlv("CD", TIMES),
]
OBJECTS = {
    0x004F: bytes.fromhex(AID),
    0x5F52: bytes.fromhex(HISTORICAL_BYTES),
    0x5E: b"alice",
    0x5F50: b"https://example.org/alice.asc",
    0x65: tlv("5B", b"Liddell<<Alice") + tlv("5F2D", b"en") + tlv("5F35", b"2"),
    0x6E: (tlv("4F", bytes.fromhex(AID)) + tlv("5F52", bytes.fromhex(HISTORICAL_BYTES))
           + tlv("73", *DISCRETIONARY)),
    0x7A: tlv("93", bytes(3)),
    0xC4: PIN_STATUS,
    0x0101: b"a note", 0x0102: b"another note",
    0x7F21: b"",
}


class OpenPgpCard:
    """The state of the card from its insertion to its removal."""

    def __init__(self):
        self._is_selected = False
        self._is_verified = False
        self._rest = b""

    def answer(self, command):
        """Refuses commands of invalid length, and chained ones."""
        if len(command) < 4 or command[0] != 0:
            return UNKNOWN
        data, room = self._body(command[4:])
        if command[1] == 0xC0:
            return self._give(room)
        does = {0xA4: self._select, 0x20: self._verify, 0xCA: self._get, 0x47: self._public_key,
                0x2A: self._sign}.get(command[1])
        if not does:
            return UNKNOWN
        if command[1] != 0xA4 and not self._is_selected:
            return NO_FILE
        response = does(command[2] << 8 | command[3], data)
        self._rest = response[:-2]
        return response if len(self._rest) <= room else self._give(room)

    @staticmethod
    def _body(body):
        """Data and expected length of a command, short or extended."""
        width = 2 if len(body) > 2 and body[0] == 0 else 1
        body = body[width - 1:]
        if len(body) <= width:
            return b"", int.from_bytes(body, "big") or 256 ** width
        length = int.from_bytes(body[:width], "big")
        end = body[width + length:]
        return body[width:width + length], int.from_bytes(end, "big") or 256 ** width

    def _give(self, room):
        """Returns the next part of a response that was longer than the expected length."""
        part, self._rest = self._rest[:room], self._rest[room:]
        if not self._rest:
            return part + OK
        return part + bytes([0x61, min(len(self._rest), 0xFF)])

    def _select(self, parameters, data):
        self._is_verified = False
        self._is_selected = (parameters == 0x0400
                             and bytes.fromhex(AID).startswith(data) and len(data) >= 6)
        return OK if self._is_selected else NO_FILE

    def _verify(self, parameters, data):
        expected = ADMIN_PIN if parameters == 0x83 else USER_PIN
        if not data:
            return OK if self._is_verified else b"\x63\xC3"
        self._is_verified = data == expected
        return OK if self._is_verified else NOT_ALLOWED

    def _get(self, parameters, _data):
        if parameters not in OBJECTS:
            return NOT_FOUND
        return OBJECTS[parameters] + OK

    def _public_key(self, parameters, _data):
        if parameters >> 8 != 0x81:
            return NOT_ALLOWED
        return tlv("7F49", tlv("81", MODULUS.to_bytes(SIZE, "big")),
                   tlv("82", EXPONENT.to_bytes(3, "big"))) + OK

    def _sign(self, parameters, data):
        """PKCS #1 version 1.5; data is the DigestInfo."""
        if not self._is_verified:
            return NOT_ALLOWED
        if parameters != 0x9E9A or len(data) > SIZE - 11:
            return WRONG_LENGTH
        block = b"\x00\x01" + b"\xFF" * (SIZE - 3 - len(data)) + b"\x00" + data
        return pow(int.from_bytes(block, "big"), PRIVATE_EXPONENT,
                   MODULUS).to_bytes(SIZE, "big") + OK


SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


def is_signature(signature, text):
    """With the key of this card, by PKCS #1 version 1.5 and SHA-256."""
    block = pow(int.from_bytes(signature, "big"), EXPONENT, MODULUS).to_bytes(SIZE, "big")
    return block.endswith(b"\xFF\x00" + SHA256_INFO + hashlib.sha256(text).digest())
