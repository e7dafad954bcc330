# SPDX-License-Identifier: LGPL-2.1-or-later
# Debian systems in a folder, for tests/suites/run, tests/package/run and tests/boot/run. To be
# sourced after machine.sh, by a script that defines a function "usage".

wrong_usage() {
    say "$0: $1 (see $0 --help)"
    exit 2
}

# get_arguments ARGUMENT...: parses SUITE [--keep FOLDER] [OTHER...] into the variables suite,
# folder and others. Without --keep the folder is temporary, and removed when the script ends.
get_arguments() {
    suite=
    folder=
    others=()
    while [ $# -gt 0 ]; do
        case $1 in
        --help | -h)
            usage
            exit 0
            ;;
        --keep)
            [ $# -gt 1 ] || wrong_usage "--keep needs a folder"
            folder=$2
            shift
            ;;
        -*) wrong_usage "unknown option '$1'" ;;
        *)
            if [ -z "$suite" ]; then suite=$1; else others+=("$1"); fi
            ;;
        esac
        shift
    done
    [ -n "$suite" ] || wrong_usage "a suite is missing"
    [ "$(id -u)" = 0 ] || wrong_usage "needs root: try sudo"

    if [ -n "$folder" ]; then
        mkdir -p "$folder"
        folder=$(cd "$folder" && pwd)
    else
        folder=$(mktemp -d /var/tmp/smartcardd-suite.XXXXXX)
        trap 'rm -rf --one-file-system "$folder"' EXIT
    fi
}

# Prints mmdebstrap options for this machine's apt settings of verification and download.
apt_options() {
    apt-config dump --format='--aptopt=%F "%v";%n' Acquire | grep -E '=Acquire::(Check-|https?::)' || :
}

# Prints the address of the Debian mirror that apt uses on this machine.
mirror() {
    apt-get indextargets --format '$(LABEL) $(SITE)' 'Created-By: Packages' |
        awk '$1 == "Debian" && !n++ { print $2 }'
}

# need_debian PACKAGES [MMDEBSTRAP-OPTION...]: creates $folder/root, a Debian of $suite with these
# packages. A root that was made with the same arguments is kept; any other is made again. It has
# its own processes: scripts of packages stop others by their names, such as the polkitd that runs.
need_debian() {
    local packages=$1 options
    shift
    if printf '%s\n' "$suite" "$packages" "$@" | cmp --quiet - "$folder/made-of"; then
        return 0
    fi
    rm -rf --one-file-system "$folder/root"
    mapfile -t options < <(apt_options)
    quietly "Making a root of $suite" unshare --mount --mount-proc --pid --fork --kill-child \
        mmdebstrap --mode=root --variant=apt --format=directory --dpkgopt=force-unsafe-io \
        --aptopt='APT::Install-Recommends "false"' "${options[@]}" \
        --include="$(echo $packages)" "$@" "$suite" "$folder/root" $(mirror) || return 1
    printf '%s\n' "$suite" "$packages" "$@" >"$folder/made-of"
}

# Options of need_debian that install the build dependencies in debian/control: in_root has no
# network, so that hooks of mmdebstrap do it. The sum makes the root again if they change.
build_dependencies=(
    --customize-hook='mkdir --parents "$1/build/smartcardd"'
    --customize-hook='copy-in debian /build/smartcardd'
    --customize-hook='chroot "$1" apt-get build-dep --yes --no-install-recommends /build/smartcardd'
    --customize-hook=": $(md5sum <debian/control)"
)

# copy_tree FOLDER: copies the files that a commit of the working tree would contain.
copy_tree() {
    rm -rf "$1"
    mkdir "$1"
    git -c safe.directory='*' ls-files -z --cached --others --exclude-standard |
        tar --create --null --files-from=- --ignore-failed-read | tar --extract --directory="$1"
}

# in_root ROOT COMMAND...: runs the command in that root and in private namespaces, so that no
# process and no mount remains. There is no network: a build must not download anything. It is no
# chroot, because the kernel refuses user namespaces to processes in one.
in_root() {
    unshare --mount --propagation private --net --pid --fork --kill-child bash -euc '
        mount --bind "$0" "$0"
        mount -t proc proc "$0/proc"
        mount -t sysfs -o ro sysfs "$0/sys"
        mount --rbind /sys/fs/cgroup "$0/sys/fs/cgroup" # libsystemd looks at its kind
        mount --rbind /dev "$0/dev"
        cd "$0"
        pivot_root . .
        umount --lazy .
        cd /
        exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 "$@"
    ' "$@"
}
