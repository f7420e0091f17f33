//! The images that are converted.

use std::path::{Path, PathBuf};
use std::process::Command;

use detente_copy::{ConvertOptions, Unwatched, convert};
use detente_disk::{Details, Target, VhdxKind, VhdxParent, VhdxSpec};

use crate::content::{mixed, other, write_sparse};
use crate::open;

/// An image and what it holds.
pub(crate) struct Source {
    pub(crate) name: &'static str,
    pub(crate) path: PathBuf,
    pub(crate) content: Vec<u8>,
    /// A raw file that holds the same, for other readers.
    pub(crate) expected: PathBuf,
}

/// Variants that qemu-img makes out of the raw file: name, format, options.
const MADE: [(&str, &str, &[&str]); 17] = [
    ("qcow2-v2", "qcow2", &["-o", "compat=0.10"]),
    ("qcow2-v3", "qcow2", &[]),
    ("qcow2-512", "qcow2", &["-o", "cluster_size=512"]),
    ("qcow2-2m", "qcow2", &["-o", "cluster_size=2M"]),
    ("qcow2-refcount1", "qcow2", &["-o", "refcount_bits=1"]),
    ("qcow2-zlib", "qcow2", &["-c"]),
    (
        "qcow2-zstd",
        "qcow2",
        &["-c", "-o", "compression_type=zstd"],
    ),
    (
        "qcow2-subclusters",
        "qcow2",
        &["-o", "extended_l2=on,cluster_size=128k"],
    ),
    (
        "qcow2-preallocated",
        "qcow2",
        &["-o", "preallocation=metadata"],
    ),
    ("vhdx-dynamic", "vhdx", &[]),
    ("vhdx-1m", "vhdx", &["-o", "block_size=1M"]),
    ("vhdx-fixed", "vhdx", &["-o", "subformat=fixed"]),
    ("vhd-dynamic", "vpc", &["-o", "force_size=on"]),
    ("vhd-fixed", "vpc", &["-o", "subformat=fixed,force_size=on"]),
    ("vmdk-sparse", "vmdk", &["-o", "subformat=monolithicSparse"]),
    (
        "vmdk-split",
        "vmdk",
        &["-o", "subformat=twoGbMaxExtentSparse"],
    ),
    ("vmdk-stream", "vmdk", &["-o", "subformat=streamOptimized"]),
];

/// All of them; `None`, said aloud, without qemu-img.
pub(crate) fn all(test: &str, place: &Path) -> Option<Vec<Source>> {
    if Command::new("qemu-img").arg("--version").output().is_err() {
        eprintln!("skipped: {test}: qemu-img is not installed");
        return None;
    }
    let content = mixed();
    let raw = place.join("raw-sparse.img");
    write_sparse(&raw, &content);
    let full = place.join("raw-full.img");
    std::fs::write(&full, &content).unwrap();
    let mut sources = vec![
        source("raw-sparse", raw.clone(), &content),
        source("raw-full", full, &content),
    ];
    for (name, format, options) in MADE {
        let path = place.join(name);
        let mut words = vec!["convert", "-f", "raw", "-O", format];
        words.extend(options);
        qemu_img(&words, &[&raw, &path]);
        // VMDK has whole sectors, the others take any size that we have here.
        sources.push(source(name, path, &content));
    }
    // Its extents bear their own names beside it.
    let flat = place.join("vmdk-flat");
    let words = [
        "convert",
        "-f",
        "raw",
        "-O",
        "vmdk",
        "-o",
        "subformat=monolithicFlat",
    ];
    qemu_img(&words, &[&raw, &flat]);
    sources.push(source("vmdk-flat", flat, &content));
    sources.push(with_data_file(place, &raw, &content));
    sources.push(chain(place, &raw));
    sources.push(differencing(place, &raw, &content));
    Some(sources)
}

fn source(name: &'static str, path: PathBuf, content: &[u8]) -> Source {
    Source {
        name,
        expected: path.with_file_name("raw-sparse.img"),
        path,
        content: content.to_vec(),
    }
}

fn with_data_file(place: &Path, raw: &Path, content: &[u8]) -> Source {
    let path = place.join("qcow2-data-file");
    let words = [
        "create",
        "-q",
        "-f",
        "qcow2",
        "-o",
        "data_file=outside.data",
    ];
    let size = content.len().to_string();
    let mut create = Command::new("qemu-img");
    create.current_dir(place).args(words).arg(&path).arg(size);
    assert!(create.status().unwrap().success());
    let mut fill = Command::new("qemu-img");
    fill.current_dir(place)
        .args(["convert", "-n", "-f", "raw", "-O", "qcow2"])
        .args([raw, &path]);
    assert!(fill.status().unwrap().success());
    source("qcow2-data-file", path, content)
}

/// qcow2 on qcow2 on raw; what it holds is said by qemu-img.
fn chain(place: &Path, raw: &Path) -> Source {
    let (middle, top) = (place.join("middle.qcow2"), place.join("qcow2-chain"));
    let create = |base: &Path, format: &str, path: &Path| {
        let base = base.file_name().unwrap().to_str().unwrap();
        let words = ["create", "-q", "-f", "qcow2", "-F", format, "-b", base];
        let mut create = Command::new("qemu-img");
        create.current_dir(place).args(words).arg(path);
        assert!(create.status().unwrap().success());
    };
    create(raw, "raw", &middle);
    qemu_io(&middle, &["write -P 0x11 1M 300k", "write -z 3M 128k"]);
    create(&middle, "qcow2", &top);
    qemu_io(
        &top,
        &[
            "write -P 0x22 1100k 64k",
            "write -z 12M 100k",
            "discard 9M 64k",
        ],
    );
    let said = place.join("chain.raw");
    qemu_img(&["convert", "-f", "qcow2", "-O", "raw"], &[&top, &said]);
    let content = std::fs::read(&said).unwrap();
    Source {
        expected: said,
        ..source("qcow2-chain", top, &content)
    }
}

/// A differencing VHDX: its parent by qemu-img, itself by us.
fn differencing(place: &Path, raw: &Path, content: &[u8]) -> Source {
    let base = place.join("base.raw");
    write_sparse(&base, &other());
    let parent = place.join("parent.vhdx");
    let words = ["convert", "-f", "raw", "-O", "vhdx", "-o", "block_size=1M"];
    qemu_img(&words, &[&base, &parent]);
    let Details::Vhdx(details) = &open(&parent).layers[0].details else {
        panic!("not a VHDX image");
    };
    let child = Target::Vhdx(VhdxSpec {
        kind: VhdxKind::Differencing(VhdxParent {
            data_write_guid: details.data_write_guid.0,
            virtual_disk_id: details.virtual_disk_id.0,
            relative_path: ".\\parent.vhdx".to_owned(),
            absolute_path: None,
        }),
        block_bytes: 1 << 20,
        ..VhdxSpec::default()
    });
    let path = place.join("vhdx-differencing");
    convert(
        &open(raw),
        &child,
        &path,
        &ConvertOptions::default(),
        &Unwatched,
    )
    .unwrap();
    source("vhdx-differencing", path, content)
}

fn qemu_img(words: &[&str], files: &[&Path]) {
    let status = Command::new("qemu-img").args(words).args(files).status();
    assert!(status.unwrap().success(), "{words:?}");
}

fn qemu_io(image: &Path, commands: &[&str]) {
    let mut io = Command::new("qemu-io");
    for command in commands {
        io.args(["-c", command]);
    }
    let output = io.args(["-f", "qcow2"]).arg(image).output().unwrap();
    assert!(output.status.success(), "{commands:?}");
}
