#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs a command each time a card is inserted, with the name of the reader as its argument, and
# misses none: one command follows the other. A card that is there at the start counts for none.
# Usage: on-insertion.sh COMMAND
set -eu

export ON_INSERTION="$1"
exec smartcardctl monitor --exec '
    [ "$SMARTCARDCTL_EVENT" != card-inserted ] ||
        exec "$ON_INSERTION" "$SMARTCARDCTL_READER" </dev/null'
