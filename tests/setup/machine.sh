# SPDX-License-Identifier: LGPL-2.1-or-later
# Functions that ./demo, ./check, ./bench and the scripts below tests/ share: messages, root,
# packages and builds. To be sourced by a bash script whose working directory is the top folder.

# Seconds to wait for another program that is using apt or dpkg, such as the automatic upgrades of a
# machine that was just started.
APT_LIMIT_S=900

say() { printf '%s\n' "$*" >&2; }

trap 'say; exit 130' INT

# quietly LABEL COMMAND...: runs the command and prints its output only if it fails.
quietly() {
    local label=$1 output
    shift
    [ -t 2 ] && printf '%s …' "$label" >&2
    if output=$("$@" 2>&1 </dev/null); then
        [ -t 2 ] && printf '\r%s: done\n' "$label" >&2
        return 0
    fi
    [ -t 2 ] && say
    say "$output"
    say "$label: failed"
    return 1
}

# Python run as root writes no bytecode files, which the user could not remove.
SUDO=()
[ "$(id -u)" = 0 ] || SUDO=(sudo -- env PYTHONDONTWRITEBYTECODE=1)

as_root() { "${SUDO[@]}" "$@"; }

# Call this first: sudo asks for the password here, and not in the middle of a build.
need_root() {
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
        say "This needs root, and sudo is not installed: run it as root."
        exit 1
    fi
    as_root true </dev/null
}

# missing_packages PACKAGE...: prints those that are not installed.
missing_packages() {
    local package
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
            printf '%s\n' "$package"
    done
}

# lock_holder OUTPUT: prints the lock file that apt could not get, and the process that holds it.
# Fails if the output of apt is about something else. With a file that apt may not open at all, as
# without root, waiting does not help.
lock_holder() {
    grep -q 'Permission denied' <<<"$1" && return 1
    sed -n -E 's/^\w+: Could not get lock (\S+)\. It is held by (process .*)$/\1, held by \2/p
               s/^\w+: Could not get lock (\S+) - open.*$/\1/p
               s/^\w+: Unable to acquire the dpkg frontend lock \((.*)\), is.*$/\1/p' <<<"$1" |
        sed -n '1p' | grep .
}

# run_apt ARGUMENT...: runs apt-get and prints its output. While another program holds one of apt's
# or dpkg's locks, says so and tries again: DPkg::Lock::Timeout makes apt-get wait for the two locks
# of dpkg, but not for the lock of the package lists, for which "apt-get update" fails at once.
run_apt() {
    local output holder timeout=0 told='' end=$((SECONDS + APT_LIMIT_S))
    while ! output=$(as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C \
        apt-get -o "DPkg::Lock::Timeout=$timeout" "$@" 2>&1); do
        printf '%s\n' "$output"
        holder=$(lock_holder "$output") || return 1
        if [ $SECONDS -ge $end ]; then
            printf 'Another program has been using apt for %s minutes.\n' $((APT_LIMIT_S / 60))
            return 1
        fi
        if [ "$holder" != "$told" ]; then
            [ -t "$terminal" ] && printf '\n' >&"$terminal"
            printf 'Waiting until another program has finished with apt: %s\n' "$holder" \
                >&"$terminal"
            told=$holder
        fi
        timeout=30
        sleep 1
    done
    printf '%s\n' "$output"
}

# quietly_apt LABEL ARGUMENT...: quietly, but that it waits is said at once.
quietly_apt() {
    local label=$1 terminal
    shift
    exec {terminal}>&2
    quietly "$label" run_apt "$@" || return 1
    exec {terminal}>&-
}

# need_packages FILE...: installs the packages in these lists that the machine lacks.
need_packages() {
    local missing
    if ! command -v apt-get >/dev/null; then
        say "There is no apt-get: install the packages that $* list by other means. Continuing."
        return 0
    fi
    mapfile -t missing < <(missing_packages $(cat "$@"))
    [ ${#missing[@]} = 0 ] && return 0
    if ! quietly_apt "Updating the package lists" update; then
        say "Check the network, and the sources in /etc/apt; then run this again."
        return 1
    fi
    if ! quietly_apt "Installing ${#missing[@]} packages" install -y --no-install-recommends \
        "${missing[@]}"; then
        say "The lines above have the error. Common reasons: the network; a suite older than" \
            "Debian 12; an interrupted dpkg, for which 'dpkg --configure -a' helps. Then run this" \
            "again, or install the packages yourself:"
        say "    apt-get install --no-install-recommends ${missing[*]}"
        return 1
    fi
}

# build FOLDER [MESON-OPTION...]: configures the build folder if need be, and builds.
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
