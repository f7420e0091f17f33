//! Who says whether a result is right.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use detente_block::FileBackend;

use crate::open;
use crate::sources::Source;
use crate::targets::Output;

/// Our own reader and check: needed, and not enough.
#[track_caller]
pub(crate) fn ours(what: &str, path: &Path, content: &[u8]) {
    let file = Arc::new(FileBackend::open(path).unwrap());
    let report = detente_disk::check(&*file).unwrap();
    assert!(report.complete, "{what}");
    assert_eq!(report.findings, [], "{what}");
    let image = open(path);
    let mut read = vec![0xff; usize::try_from(image.reader.len_bytes()).unwrap()];
    image.reader.read_exact_at(0, &mut read).unwrap();
    same(what, &read, content);
}

/// qemu-img, or where it does not read the image, another reader.
#[track_caller]
pub(crate) fn others(what: &str, path: &Path, output: &Output, source: &Source) {
    match output.qemu {
        Some(format) => qemu(what, path, format, &source.expected),
        None => vhdx_core(what, path, &source.content),
    }
}

#[track_caller]
fn qemu(what: &str, path: &Path, format: &str, expected: &Path) {
    let mut compare = Command::new("qemu-img");
    compare.args(["compare", "-f", "raw", "-F", format]);
    let output = compare.args([expected, path]).output().unwrap();
    assert!(output.status.success(), "{what}: {output:?}");
    if matches!(format, "qcow2" | "vhdx") {
        let mut check = Command::new("qemu-img");
        let output = check.args(["check", "-f", format]).arg(path).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{what}: {output:?}");
    }
}

#[track_caller]
fn vhdx_core(what: &str, path: &Path, content: &[u8]) {
    use std::io::Read as _;
    let mut image = vhdx::VhdxReader::open(path).unwrap();
    let mut read = Vec::new();
    image.read_to_end(&mut read).unwrap();
    same(what, &read, content);
}

/// The same bytes, and zeroes where the format rounded the size up.
#[track_caller]
fn same(what: &str, read: &[u8], content: &[u8]) {
    assert!(read.len() >= content.len(), "{what}: {} bytes", read.len());
    let (own, beyond) = read.split_at(content.len());
    let pages = own.chunks(4096).zip(content.chunks(4096));
    // Whole pages at once: this runs without optimization.
    let differ = pages.enumerate().find(|(_, (own, wanted))| own != wanted);
    assert_eq!(differ.map(|(page, _)| page), None, "{what}: the first page");
    assert!(
        beyond.iter().all(|byte| *byte == 0),
        "{what}: beyond the end"
    );
}
