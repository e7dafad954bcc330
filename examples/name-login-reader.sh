#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Gives the alias "login" to the first reader that a login screen should use and that is on a USB port,
# built in or plugged in. Needs the polkit permission org.smartcardd1.manage.
set -eu

property() {
    busctl get-property org.smartcardd1 "$reader" org.smartcardd1.Reader "$1"
}

busctl --list tree org.smartcardd1 | grep '^/org/smartcardd1/readers/.' | while read -r reader; do
    if [ "$(property LoginCandidate)" = "b true" ] && [ "$(property UsbPath)" != 's ""' ]; then
        smartcardctl alias "$reader" login
        break
    fi
done
