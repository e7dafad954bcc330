#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Waits for a card in a reader, and locks the session when the card is removed.
# Usage: lock-on-removal.sh READER [COMMAND...]
# COMMAND runs after the removal; by default it is "loginctl lock-session".
set -eu

reader=$1
shift
[ $# -gt 0 ] || set -- loginctl lock-session

line=$(smartcardctl wait "$reader")
printf '%s\n' "$line"
smartcardctl wait --removal --card "$(printf '%s\n' "$line" | cut -f 6)"
"$@"
