//! What the tests share: a small image made by hand, QEMU's tools, and reading a whole disk.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stderr, reason = "says what was skipped")]
#![allow(dead_code, reason = "each test program uses a part of it")]

pub(crate) mod engine;
pub(crate) mod files;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use detente_block::{BlockRead, DirectoryGate, ExtentKind, FileBackend};
use detente_disk::{Image, OpenError};
use sha2::{Digest, Sha256};

/// Where things are in [`sound`], by the specification's names.
pub(crate) mod at {
    pub(crate) const L1: usize = 0x200;
    pub(crate) const L2: usize = 0x400;
    pub(crate) const DATA: usize = 0x600;
    pub(crate) const PACKED: usize = 0x800;
    pub(crate) const REFCOUNT_TABLE: usize = 0xa00;
    pub(crate) const END: usize = 0xc00;
}

/// The virtual size of [`sound`]: one L2 table and a cluster.
pub(crate) const SOUND_SIZE: usize = 64 * 512 + 512;

/// A qcow2 image of version 3 with clusters of 512 bytes, after the specification: cluster 0 holds
/// 0x11, cluster 1 is zero, cluster 2 is deflated and holds 0x22, the others are not there.
pub(crate) fn sound() -> Vec<u8> {
    let mut image = vec![0; at::END];
    put(&mut image, 0, b"QFI\xfb");
    put(&mut image, 4, &3_u32.to_be_bytes()); // version
    put(&mut image, 20, &9_u32.to_be_bytes()); // cluster_bits
    put(&mut image, 24, &(SOUND_SIZE as u64).to_be_bytes()); // size
    put(&mut image, 36, &2_u32.to_be_bytes()); // l1_size
    put(&mut image, 40, &(at::L1 as u64).to_be_bytes()); // l1_table_offset
    put(&mut image, 48, &(at::REFCOUNT_TABLE as u64).to_be_bytes());
    put(&mut image, 56, &1_u32.to_be_bytes()); // refcount_table_clusters
    put(&mut image, 96, &4_u32.to_be_bytes()); // refcount_order
    put(&mut image, 100, &104_u32.to_be_bytes()); // header_length
    put(&mut image, at::L1, &(1 << 63 | at::L2 as u64).to_be_bytes());
    put(
        &mut image,
        at::L2,
        &(1 << 63 | at::DATA as u64).to_be_bytes(),
    );
    put(&mut image, at::L2 + 8, &1_u64.to_be_bytes()); // zero flag
    put(
        &mut image,
        at::L2 + 16,
        &(1 << 62 | at::PACKED as u64).to_be_bytes(),
    );
    put(&mut image, at::DATA, &[0x11; 512]);
    let level = flate2::Compression::default();
    let mut deflate = flate2::write::DeflateEncoder::new(Vec::new(), level);
    deflate.write_all(&[0x22; 512]).unwrap();
    put(&mut image, at::PACKED, &deflate.finish().unwrap());
    image
}

/// What the guest sees of [`sound`].
pub(crate) fn sound_content() -> Vec<u8> {
    let mut content = vec![0; SOUND_SIZE];
    content[..512].fill(0x11);
    content[1024..1536].fill(0x22);
    content
}

/// [`sound`], resting on the file `name`, whose format stands in an extension if one is given.
pub(crate) fn sound_on(name: &[u8], format: Option<&[u8]>) -> Vec<u8> {
    let mut image = sound();
    if let Some(format) = format {
        put(&mut image, 104, &0xe279_2aca_u32.to_be_bytes());
        put(
            &mut image,
            108,
            &u32::try_from(format.len()).unwrap().to_be_bytes(),
        );
        put(&mut image, 112, format);
    }
    put(&mut image, 8, &256_u64.to_be_bytes()); // backing_file_offset
    put(
        &mut image,
        16,
        &u32::try_from(name.len()).unwrap().to_be_bytes(),
    );
    put(&mut image, 256, name);
    image
}

/// Overwrites a field.
pub(crate) fn put(image: &mut [u8], at: usize, field: &[u8]) {
    image[at..][..field.len()].copy_from_slice(field);
}

/// Opens the image at `path` with the gate of its folder.
pub(crate) fn open(path: &Path) -> Result<Image, OpenError> {
    let file = Arc::new(FileBackend::open(path).unwrap());
    detente_disk::open(path, file, &DirectoryGate::beside(path))
}

/// Everything the guest sees.
pub(crate) fn read_all(disk: &dyn BlockRead) -> Vec<u8> {
    let mut bytes = vec![0xee; usize::try_from(disk.len_bytes()).unwrap()];
    disk.read_exact_at(0, &mut bytes).unwrap();
    bytes
}

/// The disk holds `content`: read at once, read in odd pieces, and by its extents.
pub(crate) fn check_content(disk: &dyn BlockRead, content: &[u8], what: &str) {
    assert_eq!(disk.len_bytes(), content.len() as u64, "{what}: length");
    assert!(read_all(disk) == content, "{what}: content");
    let mut piece = vec![0; 7001];
    for (index, expect) in content.chunks(piece.len()).enumerate().step_by(3) {
        let offset = index * 7001;
        let piece = &mut piece[..expect.len()];
        disk.read_exact_at(offset as u64, piece).unwrap();
        assert!(piece == expect, "{what}: piece at {offset:#x}");
    }
    let mut offset = 0;
    while offset < content.len() {
        let extent = disk.next_extent(offset as u64).unwrap();
        let end = offset + usize::try_from(extent.len).unwrap();
        assert!(extent.offset == offset as u64 && extent.len > 0 && end <= content.len());
        let is_zero = content[offset..end].iter().all(|&byte| byte == 0);
        assert!(
            is_zero || extent.kind == ExtentKind::Data,
            "{what}: {extent:?} is not zero"
        );
        offset = end;
    }
}

/// Whether QEMU's tools are here; says that `test` is skipped if not.
pub(crate) fn has_qemu(test: &str) -> bool {
    let has = |tool| Command::new(tool).arg("--version").output().is_ok();
    if has("qemu-img") && has("qemu-io") {
        return true;
    }
    eprintln!("skipped: {test}: qemu-img and qemu-io are not installed");
    false
}

/// Runs a tool in `folder`; its output.
pub(crate) fn run(folder: &Path, tool: &str, args: &[&str]) -> String {
    let output = Command::new(tool)
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{tool} {args:?}: {text}{errors}");
    text
}

/// What QEMU says that the guest sees.
pub(crate) fn qemu_content(folder: &Path, image: &str) -> Vec<u8> {
    run(
        folder,
        "qemu-img",
        &["convert", "-O", "raw", image, "expected.raw"],
    );
    std::fs::read(folder.join("expected.raw")).unwrap()
}

/// The sample images beside the repository; says that `test` is skipped if they are not there.
pub(crate) fn samples(test: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/disks");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: {test}: no sample images beside the repository");
    None
}

/// Unpacks a sample into `to`.
pub(crate) fn unpack(samples: &Path, name: &str, to: &Path) -> PathBuf {
    let packed = std::fs::read(samples.join(format!("{name}.zst"))).unwrap();
    let path = to.join(name);
    std::fs::write(&path, zstd::decode_all(packed.as_slice()).unwrap()).unwrap();
    path
}

/// The SHA-256 in hexadecimal, as `sha256sum` prints it.
pub(crate) fn sha256(content: &[u8]) -> String {
    let digest = Sha256::digest(content);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
