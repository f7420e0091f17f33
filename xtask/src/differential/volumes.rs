//! Populated volumes of 1 GiB: the digest of every file as we read it, beside the kernel's mount of
//! the same image. FAT is filled and read by mtools, for some kernels have none.

use std::path::Path;

use super::{Bench, lines};
use crate::images;
use crate::tool::Tool;
use crate::workspace;

/// A file system, what makes it in the words of a shell (`$1` is the image), and what it needs.
struct System {
    kind: &'static str,
    make: &'static str,
    tools: &'static [&'static str],
    recipe: &'static str,
}

const SYSTEMS: [System; 4] = [
    System {
        kind: "xfs",
        make: "mkfs.xfs -q -f \"$1\"",
        tools: &["mkfs.xfs"],
        recipe: BY_KERNEL,
    },
    System {
        kind: "ext4",
        make: "mke2fs -q -t ext4 -F \"$1\"",
        tools: &["mke2fs"],
        recipe: BY_KERNEL,
    },
    System {
        kind: "btrfs",
        make: "mkfs.btrfs -q -f \"$1\" >/dev/null 2>&1",
        tools: &["mkfs.btrfs"],
        recipe: BY_KERNEL,
    },
    System {
        kind: "vfat",
        make: "mkfs.fat -F 32 \"$1\" >/dev/null",
        tools: &["mkfs.fat", "mcopy", "mdel"],
        recipe: BY_MTOOLS,
    },
];

/// Makes the image, mounts it, fills it, and prints what the kernel reads once it is mounted anew.
const BY_KERNEL: &str = r#"
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
truncate --size 200M "$mount/sparse"
printf end >>"$mount/sparse"
head -c 100000000 /dev/urandom >"$mount/large"
rm "$mount"/many/*7
umount "$mount"
mount -t "$kind" -o loop,ro "$image" "$mount"
(cd "$mount" && find . -type f -print0 | xargs -0 sha256sum | sed 's|  ./|  |')
"#;

/// The same without the kernel. FAT has no holes and no links; mtools takes long over many names.
const BY_MTOOLS: &str = r#"
set -eu
image=$1 make=$3 source=$4 stage=$1.stage
export MTOOLS_SKIP_CHECK=1
truncate --size 1G "$image"
sh -c "$make" sh "$image"
trap 'rm -rf "$stage"' EXIT
mkdir -p "$stage/in/many" "$stage/out"
cp -rL "$source/volume" "$stage/in/source"
n=0; while [ $n -lt 300 ]; do echo "file $n" >"$stage/in/many/a-file-with-a-number-$n"; n=$((n + 1)); done
head -c 100000000 /dev/urandom >"$stage/in/large"
mcopy -s -i "$image" "$stage"/in/* ::/
mdel -i "$image" '::/many/*7'
mcopy -s -i "$image" '::/*' "$stage/out/"
(cd "$stage/out" && find . -type f -print0 | xargs -0 sha256sum | sed 's|  ./|  |')
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
    for system in SYSTEMS {
        let what = format!("1 GiB of {}", system.kind);
        if bench.has(&what, system.tools) {
            one(bench, &what, &system, &reader)?;
        }
    }
    Ok(())
}

fn one(bench: &mut Bench, what: &str, system: &System, reader: &Path) -> anyhow::Result<()> {
    let image = bench.place.join(format!("{}.raw", system.kind));
    let theirs = Tool::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c"])
        .args([system.recipe, "sh"])
        .arg(&image)
        .args([system.kind, system.make])
        .arg(workspace::root().join("crates"))
        .capture();
    match theirs {
        Err(error) => bench.skip(what, &format!("{error:#}")),
        Ok(theirs) => {
            let ours = Tool::new(&reader.display().to_string())
                .arg(&image)
                .capture()?;
            bench.judge(&format!("{what}, files"), &lines(&ours), &lines(&theirs));
        }
    }
    if image.exists() {
        std::fs::remove_file(&image)?;
    }
    Ok(())
}
