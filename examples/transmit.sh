#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Sends one command to the card in a reader with busctl, and prints the response.
# Usage: transmit.sh READER APDU
set -eu

reader=$(busctl call org.smartcardd1 /org/smartcardd1 org.smartcardd1.Manager FindReader s "$1" |
    cut -d '"' -f 2)
card=$(busctl get-property org.smartcardd1 "$reader" org.smartcardd1.Reader Card | cut -d '"' -f 2)
if [ "$card" = / ]; then
    echo "there is no card in the reader" >&2
    exit 1
fi
busctl call org.smartcardd1 "$card" org.smartcardd1.Card TransmitHex s "$2" | cut -d '"' -f 2
