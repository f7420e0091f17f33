#!/bin/sh
# Fetches the packages that the guests of this folder need beyond the shared root tree, by the apt of
# this machine, which asks the tree what it has and trusts whom the tree trusts. Nothing is installed.
#
# From the environment: ROOTFS (tar), PREPARE (this folder), WORK (empty folder), DEBS (folder to fill).
set -eu
tree=$WORK/tree
mkdir "$tree"
tar --extract --file "$ROOTFS" --directory "$tree" --no-same-owner \
    ./etc/apt ./var/lib/apt ./var/lib/dpkg ./var/cache/apt

apt() {
    apt-get --quiet=2 -o Dir="$tree" -o Dir::State::status="$tree/var/lib/dpkg/status" \
        -o APT::Architecture=amd64 -o APT::Architectures::=amd64 -o APT::Sandbox::User=root "$@"
}

download() {
    for list in "$PREPARE"/*/packages; do
        packages=$(grep -v '^#' "$list" | tr '\n' ' ')
        # shellcheck disable=SC2086 # a list of names
        [ -z "$packages" ] || apt install --yes --no-install-recommends --download-only $packages
    done
}

# Not this machine's own configuration.
: >"$WORK/apt.conf"
export APT_CONFIG="$WORK/apt.conf"
# What the tree knows of the archive may be some days old.
download || { apt update && download; }
mv "$tree"/var/cache/apt/archives/*.deb "$DEBS/"
