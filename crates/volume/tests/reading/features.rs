//! ext4 with the features that `mke2fs` can make, each beside the folder that it was made from.

use std::path::Path;
use std::process::Command;

use detente_volume::{FileKind, FileSystem};

use crate::support::{has_tool, open_bytes};

/// Options of `mke2fs`: block sizes, many groups, and whatever moves structures around.
const VARIANTS: [&[&str]; 11] = [
    &["-t", "ext2", "-b", "4096"],
    &[
        "-t",
        "ext2",
        "-b",
        "1024",
        "-O",
        "^filetype,^sparse_super,^resize_inode",
        "-g",
        "256",
    ],
    &["-t", "ext2", "-r", "0", "-I", "128"],
    &["-t", "ext3", "-b", "2048"],
    &["-t", "ext4", "-b", "4096"],
    &["-t", "ext4", "-b", "1024", "-g", "256", "-N", "4096"],
    &[
        "-t",
        "ext4",
        "-b",
        "1024",
        "-g",
        "256",
        "-O",
        "meta_bg,^resize_inode",
    ],
    &[
        "-t",
        "ext4",
        "-b",
        "1024",
        "-g",
        "256",
        "-O",
        "sparse_super2,meta_bg,^resize_inode,^64bit",
    ],
    &[
        "-t",
        "ext4",
        "-O",
        "bigalloc,large_dir,ea_inode,metadata_csum_seed",
    ],
    &[
        "-t",
        "ext4",
        "-O",
        "^extent,^64bit,^flex_bg,uninit_bg,^metadata_csum",
    ],
    &["-t", "ext4", "-b", "16384", "-N", "2048"],
];

#[test]
fn every_feature_reads_like_the_folder() {
    if !has_tool("every_feature_reads_like_the_folder", "mke2fs") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    for options in VARIANTS {
        let image = tempfile::NamedTempFile::new().unwrap();
        image.as_file().set_len(32 << 20).unwrap();
        let mut command = Command::new("mke2fs");
        command
            .args(["-q", "-F", "-d"])
            .arg(folder.path())
            .args(options)
            .arg(image.path());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{options:?}: {output:?}");
        let fs = open_bytes(std::fs::read(image.path()).unwrap()).unwrap();
        compare(fs.as_ref(), folder.path(), "", options);
    }
}

/// A large directory (indexed), a file of 3 MiB with holes, links short and long.
fn fill(folder: &Path) {
    std::fs::create_dir_all(folder.join("a/b/c")).unwrap();
    for index in 0..700 {
        std::fs::write(
            folder.join(format!("a/b/some-name-{index}")),
            format!("{index}\n"),
        )
        .unwrap();
    }
    let large: Vec<u8> = (0..3 << 18)
        .flat_map(|n: u32| {
            if n & 0x4000 == 0 {
                n.to_le_bytes()
            } else {
                [0; 4]
            }
        })
        .collect();
    std::fs::write(folder.join("a/large"), large).unwrap();
    std::os::unix::fs::symlink("a/large", folder.join("short")).unwrap();
    std::os::unix::fs::symlink(format!("a/{}large", "./".repeat(100)), folder.join("long"))
        .unwrap();
}

fn compare(fs: &dyn FileSystem, folder: &Path, path: &str, options: &[&str]) {
    let mut ours: Vec<_> = fs
        .read_dir(&format!("{path}/"))
        .unwrap()
        .into_iter()
        .map(|entry| entry.name)
        .collect();
    ours.retain(|name| name != "lost+found");
    ours.sort();
    let mut theirs: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    theirs.sort();
    assert_eq!(ours, theirs, "{options:?} {path}");
    for name in theirs {
        let (child, theirs) = (format!("{path}/{name}"), folder.join(&name));
        match fs.metadata(&child).unwrap().kind {
            FileKind::Directory => compare(fs, &theirs, &child, options),
            FileKind::File => {
                let same = fs.read(&child, 4 << 20).unwrap() == std::fs::read(&theirs).unwrap();
                assert!(same, "{options:?} {child}");
            }
            FileKind::Symlink | FileKind::Special => panic!("{child}"),
        }
    }
}
