#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Gives the alias "login" to the first reader that a login screen should use: one on a USB port, built
# in or plugged in. Needs the polkit permission org.smartcardd1.manage.
set -eu

busctl --list tree org.smartcardd1 | grep '^/org/smartcardd1/readers/.' | while read -r reader; do
    candidate=$(busctl get-property org.smartcardd1 "$reader" org.smartcardd1.Reader LoginCandidate)
    if [ "$candidate" = "b true" ]; then
        smartcardctl alias "$reader" login
        break
    fi
done
