# Runs in a shell at the end of mmdebstrap, with the root tree as $1 and the
# recipes in $RECIPES: prepares what every guest shares, and fetches what a
# variant will need, so that the guests themselves are made without a network.
set -eu
root=$1

chroot "$root" systemctl --quiet enable systemd-networkd systemd-resolved systemd-timesyncd
# A golden image does no housekeeping in its first minutes; ordinary configuration.
chroot "$root" systemctl --quiet disable \
    apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer dpkg-db-backup.timer
chroot "$root" passwd --lock root >/dev/null

# By the apt of this machine: the name resolution in the tree is already the guest's own.
for list in "$RECIPES"/variants/*/packages; do
    grep -v '^#' "$list" |
        APT_CONFIG=$MMDEBSTRAP_APT_CONFIG xargs apt-get install --yes --quiet --no-install-recommends --download-only
done
