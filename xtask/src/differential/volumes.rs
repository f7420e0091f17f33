//! Populated volumes of 1 GiB: the digest of every file as we read it, beside the kernel's mount of
//! the same image.

use super::{Bench, lines};
use crate::images;
use crate::tool::Tool;
use crate::workspace;

/// How each is made, in the words of a shell: `$1` is the image. FAT has no links and few names.
const SYSTEMS: [(&str, &str); 4] = [
    ("xfs", "mkfs.xfs -q -f \"$1\""),
    ("ext4", "mke2fs -q -t ext4 -F \"$1\""),
    ("btrfs", "mkfs.btrfs -q -f \"$1\" >/dev/null 2>&1"),
    ("vfat", "mkfs.fat -F 32 \"$1\" >/dev/null"),
];

/// Makes the image, mounts it, fills it, and prints what the kernel reads once it is mounted anew.
const RECIPE: &str = r#"
set -eu
image=$1 kind=$2 make=$3 source=$4 mount=$1.mount
truncate --size 1G "$image"
sh -c "$make" sh "$image"
mkdir -p "$mount"
trap 'umount "$mount" 2>/dev/null || true; rmdir "$mount"' EXIT
mount -t "$kind" -o loop "$image" "$mount"
cp -r --no-preserve=ownership "$source" "$mount/source"
mkdir "$mount/many"
n=0; while [ $n -lt 3000 ]; do echo "file $n" >"$mount/many/a-file-with-a-number-$n"; n=$((n + 1)); done
if [ "$kind" != vfat ]; then truncate --size 200M "$mount/sparse" && printf end >>"$mount/sparse"; fi
head -c 100000000 /dev/urandom >"$mount/large"
rm "$mount"/many/*7
umount "$mount"
mount -t "$kind" -o loop,ro "$image" "$mount"
(cd "$mount" && find . -type f -print0 | xargs -0 sha256sum | sed 's|  \./|  /|')
"#;

pub(super) fn compare(bench: &mut Bench) -> anyhow::Result<()> {
    if !images::is_root() {
        bench.skip("volumes", "needs root, for loop mounts");
        return Ok(());
    }
    let reader = workspace::target("release").join("examples/hash_tree");
    if !reader.exists() {
        bench.skip(
            "volumes",
            "cargo build --release -p detente-volume --example hash_tree",
        );
        return Ok(());
    }
    for (kind, make) in SYSTEMS {
        let image = bench.place.join(format!("{kind}.raw"));
        let kernels = Tool::new("unshare")
            .args([
                "--mount",
                "--propagation",
                "private",
                "sh",
                "-c",
                RECIPE,
                "sh",
            ])
            .arg(&image)
            .args([kind, make])
            .arg(workspace::root().join("crates"))
            .capture();
        match kernels {
            Err(error) => bench.skip(&format!("1 GiB of {kind}"), &format!("{error:#}")),
            Ok(theirs) => {
                let ours = Tool::new(&reader.display().to_string())
                    .arg(&image)
                    .capture()?;
                bench.judge(
                    &format!("1 GiB of {kind}, files"),
                    &lines(&ours),
                    &lines(&theirs),
                );
            }
        }
        if image.exists() {
            std::fs::remove_file(&image)?;
        }
    }
    Ok(())
}
