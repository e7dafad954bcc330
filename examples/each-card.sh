#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs a command for each card, and misses none: a card that comes and goes while the command works
# on another one has its turn afterwards.
# Usage: each-card.sh COMMAND [READER...]
# COMMAND gets the name of the reader, the ATR, and the object path of the card.
set -eu

command=$1
shift

smartcardctl monitor "$@" | while IFS="$(printf '\t')" read -r _time event reader atr _type card; do
    case $event in
    card-present | card-inserted) "$command" "$reader" "$atr" "$card" </dev/null ;;
    esac
done
