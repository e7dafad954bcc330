#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs a command each time a card is inserted, with the name of the reader as its last argument.
# A card that is there at the start counts for none.
# Usage: on-insertion.sh COMMAND...
set -eu

tab=$(printf '\t')
smartcardctl monitor | while IFS=$tab read -r _ event reader _; do
    [ "$event" != card-inserted ] || "$@" "$reader" </dev/null
done
