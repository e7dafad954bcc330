# SPDX-License-Identifier: LGPL-2.1-or-later
# Gets a Debian machine ready: what ./demo and ./check have in common.
# To be read by a bash that stands in the top folder.

say() { printf '%s\n' "$*" >&2; }

trap 'say; exit 130' INT

# Runs a command; its output is for those who ask what went wrong.
quietly() {
    local what=$1 output
    shift
    [ -t 2 ] && printf '%s …' "$what" >&2
    if output=$("$@" 2>&1 </dev/null); then
        [ -t 2 ] && printf '\r%s: done\n' "$what" >&2
        return 0
    fi
    [ -t 2 ] && say
    say "$output"
    say "$what: failed"
    return 1
}

# Root's programs leave no bytecode that a user could not remove.
SUDO=()
[ "$(id -u)" = 0 ] || SUDO=(sudo -- env PYTHONDONTWRITEBYTECODE=1)

as_root() { "${SUDO[@]}" "$@"; }

# To be called first: whoever has to give a password gives it here.
need_root() {
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
        say "This needs root, and there is no sudo here: run it as root."
        exit 1
    fi
    as_root true </dev/null
}

missing_packages() {
    local package
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
            printf '%s\n' "$package"
    done
}

# need_packages FILE...: installs what the files list and the machine lacks.
need_packages() {
    local missing
    if ! command -v apt-get >/dev/null; then
        say "This is no Debian: have the packages of $* installed by other means."
        return 0
    fi
    mapfile -t missing < <(missing_packages $(cat "$@"))
    [ ${#missing[@]} = 0 ] && return 0
    quietly "Reading the lists of packages" as_root apt-get update
    quietly "Installing ${#missing[@]} packages" as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends "${missing[@]}"
}

# build FOLDER [MESON-OPTION...]
build() {
    local folder=$1
    shift
    if [ ! -e "$folder/build.ninja" ]; then
        quietly "Setting up $folder" meson setup "$folder" "$@"
    elif [ $# -gt 0 ]; then
        quietly "Configuring $folder" meson configure "$folder" "$@"
    fi
    quietly "Building $folder" meson compile -C "$folder"
}
