//! Whole disks: a partition table and what lies in the partitions.

use std::fs;

use crate::tool::{run, tool};
use crate::tree::ROOT;

const MIB: usize = 1 << 20;

/// The kind of a partition table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// The old one.
    Dos,
    /// The one that comes with UEFI.
    Gpt,
}

/// A partition.
#[derive(Debug, Clone)]
pub struct Partition {
    /// Its type as sfdisk calls it: `linux`, `uefi`, `83`.
    pub kind: &'static str,
    /// What begins it; the rest, up to a whole MiB, are zeros.
    pub content: Vec<u8>,
    /// How long it is at least.
    pub mib: usize,
}

impl Partition {
    fn mib(&self) -> usize {
        self.mib.max(self.content.len().div_ceil(MIB))
    }
}

/// A disk with these partitions one after another, the first at 1 MiB, by sfdisk.
#[must_use]
pub fn disk(label: Label, partitions: &[Partition]) -> Vec<u8> {
    let place = tempfile::tempdir().unwrap();
    let (image, layout) = (place.path().join("disk"), place.path().join("layout"));
    let mut script = match label {
        Label::Dos => "label: dos\n".to_owned(),
        Label::Gpt => "label: gpt\n".to_owned(),
    };
    let mut end = 1;
    for partition in partitions {
        let (kind, mib) = (partition.kind, partition.mib());
        script.push_str(&format!("start={end}MiB, size={mib}MiB, type={kind}\n"));
        end += mib;
    }
    fs::write(&layout, script).unwrap();
    // The last MiB is for the second copy of a GPT.
    fs::write(&image, vec![0; (end + 1) * MIB]).unwrap();
    run(tool("sfdisk")
        .arg("-q")
        .arg(&image)
        .stdin(fs::File::open(&layout).unwrap()));
    let mut bytes = fs::read(&image).unwrap();
    let mut start = MIB;
    for partition in partitions {
        let content = &partition.content;
        bytes[start..start + content.len()].copy_from_slice(content);
        start += partition.mib() * MIB;
    }
    bytes
}

/// An EFI system partition of 8 MiB with GRUB's first configuration, by mtools.
#[must_use]
pub fn esp() -> Partition {
    let place = tempfile::tempdir().unwrap();
    let (image, config) = (place.path().join("esp"), place.path().join("grub.cfg"));
    fs::write(&image, vec![0; 8 * MIB]).unwrap();
    let text = format!(
        "search.fs_uuid {ROOT} root hd0,gpt2\nset prefix=($root)'/boot/grub'\n\
         configfile $prefix/grub.cfg\n"
    );
    fs::write(&config, text).unwrap();
    let on_image = |name: &str| {
        let mut command = tool(name);
        command.arg("-i").arg(&image);
        command
    };
    run(on_image("mformat").args(["-N", "abcd1234", "::"]));
    run(on_image("mmd").args(["::/EFI", "::/EFI/debian"]));
    run(on_image("mcopy").arg(&config).arg("::/EFI/debian/grub.cfg"));
    Partition {
        kind: "uefi",
        content: fs::read(&image).unwrap(),
        mib: 8,
    }
}
