//! Whole conversions on real file systems, judged by qemu-img where it is there.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stderr, reason = "says what was skipped")]

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::{FileExt, MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use detente_block::{BlockRead, DirectoryGate, FileBackend, ReadError};
use detente_copy::{
    Amount, ConvertError, ConvertOptions, CreateOptions, OnExisting, OnUnreadable, Preallocation,
    Progress, ResizeOptions, Shrink, Stage, Unwatched, Verification, Zeroes, convert, create,
    resize,
};
use detente_disk::{Compression, Image, Qcow2Spec, Target, VhdKind, VhdSpec, VhdxSpec, open};

const MIB: u64 = 1 << 20;
/// The same, for indices.
const BYTES: usize = 1 << 20;

/// A disk of 16 MiB with text, noise, zeroes that are written and holes.
fn sample(folder: &Path) -> PathBuf {
    let path = folder.join("source.raw");
    let file = File::create_new(&path).unwrap();
    file.set_len(16 * MIB).unwrap();
    let text: Vec<u8> = b"all work and no play\n"
        .iter()
        .copied()
        .cycle()
        .take(BYTES)
        .collect();
    file.write_all_at(&text, 0).unwrap();
    file.write_all_at(&text, 5 * MIB + 4096).unwrap();
    file.write_all_at(&vec![0; 2 * BYTES], 8 * MIB).unwrap();
    let mut noise = vec![0; BYTES];
    File::open("/dev/urandom")
        .unwrap()
        .read_exact(&mut noise)
        .unwrap();
    file.write_all_at(&noise, 12 * MIB).unwrap();
    file.write_all_at(b"the end", 16 * MIB - 7).unwrap();
    path
}

fn image(path: &Path) -> Image {
    let file = Arc::new(FileBackend::open(path).unwrap());
    open(path, file, &DirectoryGate::beside(path)).unwrap()
}

fn bytes(image: &Image) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(image.reader.len_bytes()).unwrap()];
    image.reader.read_exact_at(0, &mut bytes).unwrap();
    bytes
}

fn qcow2(compression: Option<Compression>) -> Target {
    Target::Qcow2(Qcow2Spec {
        compression,
        ..Qcow2Spec::default()
    })
}

fn targets() -> Vec<Target> {
    vec![
        Target::Raw,
        qcow2(None),
        qcow2(Some(Compression::Zlib)),
        qcow2(Some(Compression::Zstd)),
        Target::Vhdx(VhdxSpec::default()),
        Target::Vhd(VhdSpec {
            kind: VhdKind::Dynamic,
        }),
        Target::Vhd(VhdSpec {
            kind: VhdKind::Fixed,
        }),
    ]
}

/// Whether qemu-img is there; says so if it is not.
fn has_qemu(test: &str) -> bool {
    let there = Command::new("qemu-img").arg("--version").output().is_ok();
    if !there {
        eprintln!("skipped: {test}: no qemu-img");
    }
    there
}

#[track_caller]
fn qemu_says_identical(source: &Path, copy: &Path, target: &Target) {
    let mut compare = Command::new("qemu-img");
    compare.args(["compare", "-f", "raw", "-F", target.format().qemu_name()]);
    let out = compare.args([source, copy]).output().unwrap();
    assert!(out.status.success(), "{target:?}: {out:?}");
    if let Target::Qcow2(_) = target {
        let out = Command::new("qemu-img")
            .arg("check")
            .arg(copy)
            .output()
            .unwrap();
        assert!(out.status.success(), "{out:?}");
    }
}

/// The names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = folder
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn every_target_holds_the_source_and_back() {
    let judged = has_qemu("every_target_holds_the_source_and_back");
    let folder = tempfile::tempdir().unwrap();
    let source = sample(folder.path());
    let expect = fs::read(&source).unwrap();
    for target in targets() {
        for zeroes in [Zeroes::AsMapped, Zeroes::Detect] {
            let copy = folder.path().join("copy");
            let options = ConvertOptions {
                zeroes,
                on_existing: OnExisting::Replace,
                verification: Verification::ReadBack,
                ..ConvertOptions::default()
            };
            convert(&image(&source), &target, &copy, &options, &Unwatched).unwrap();
            if judged {
                qemu_says_identical(&source, &copy, &target);
            }
            let back = folder.path().join("back");
            let image = match target {
                // A fixed VHD has nothing at its start to be known by.
                Target::Raw
                | Target::Vhd(VhdSpec {
                    kind: VhdKind::Fixed,
                }) => continue,
                Target::Qcow2(_) | Target::Vhdx(_) | Target::Vhd(_) => image(&copy),
            };
            convert(&image, &Target::Raw, &back, &options, &Unwatched).unwrap();
            assert!(fs::read(&back).unwrap() == expect, "{target:?} {zeroes:?}");
        }
    }
    assert_eq!(names(folder.path()), ["back", "copy", "source.raw"]);
}

#[test]
fn what_is_empty_takes_no_room() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("big.raw");
    let file = File::create_new(&source).unwrap();
    file.set_len(1 << 40).unwrap();
    file.write_all_at(b"x", 1 << 39).unwrap();
    for target in targets() {
        let copy = folder.path().join("copy");
        let options = ConvertOptions {
            on_existing: OnExisting::Replace,
            ..ConvertOptions::default()
        };
        let report = convert(&image(&source), &target, &copy, &options, &Unwatched).unwrap();
        assert!(report.data_bytes <= 64 << 10, "{target:?} {report:?}");
        let room = fs::metadata(&copy).unwrap().blocks() * 512;
        assert!(room <= 6 * MIB, "{target:?} {room}");
    }
}

#[test]
fn the_source_is_not_the_destination_by_any_name() {
    let folder = tempfile::tempdir().unwrap();
    let source = sample(folder.path());
    let expect = fs::read(&source).unwrap();
    let (soft, hard) = (folder.path().join("soft"), folder.path().join("hard"));
    symlink(&source, &soft).unwrap();
    fs::hard_link(&source, &hard).unwrap();
    for destination in [&source, &soft, &hard] {
        let options = ConvertOptions {
            on_existing: OnExisting::Replace,
            ..ConvertOptions::default()
        };
        let error = convert(
            &image(&source),
            &qcow2(None),
            destination,
            &options,
            &Unwatched,
        );
        let error = error.unwrap_err();
        assert!(
            matches!(error, ConvertError::DestinationIsSource { .. }),
            "{error}"
        );
    }
    assert!(fs::read(&source).unwrap() == expect);
}

#[test]
fn a_backing_file_is_not_the_destination() {
    if !has_qemu("a_backing_file_is_not_the_destination") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let base = sample(folder.path());
    let top = folder.path().join("top.qcow2");
    let mut make = Command::new("qemu-img");
    make.args([
        "create",
        "-q",
        "-f",
        "qcow2",
        "-F",
        "raw",
        "-b",
        "source.raw",
    ]);
    assert!(make.arg(&top).status().unwrap().success());
    let options = ConvertOptions {
        on_existing: OnExisting::Replace,
        ..ConvertOptions::default()
    };
    let error = convert(&image(&top), &Target::Raw, &base, &options, &Unwatched).unwrap_err();
    assert!(
        matches!(error, ConvertError::DestinationIsSource { .. }),
        "{error}"
    );
}

#[test]
fn what_exists_stays_unless_it_is_to_be_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let source = sample(folder.path());
    let there = folder.path().join("there");
    fs::write(&there, b"precious").unwrap();
    let mut options = ConvertOptions::default();
    let error = convert(&image(&source), &Target::Raw, &there, &options, &Unwatched).unwrap_err();
    assert!(
        matches!(error, ConvertError::DestinationExists { .. }),
        "{error}"
    );
    assert_eq!(fs::read(&there).unwrap(), b"precious");
    options.on_existing = OnExisting::Replace;
    convert(&image(&source), &Target::Raw, &there, &options, &Unwatched).unwrap();
    assert!(fs::read(&there).unwrap() == fs::read(&source).unwrap());
}

#[test]
fn the_longest_name_is_one_too() {
    let folder = tempfile::tempdir().unwrap();
    let source = sample(folder.path());
    let copy = folder.path().join("n".repeat(255));
    let options = ConvertOptions::default();
    convert(&image(&source), &Target::Raw, &copy, &options, &Unwatched).unwrap();
    assert_eq!(fs::metadata(&copy).unwrap().len(), 16 * MIB);
}

#[test]
fn another_file_system_gets_the_same() {
    let Ok(other) = tempfile::tempdir_in("/dev/shm") else {
        eprintln!("skipped: another_file_system_gets_the_same: no /dev/shm");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let source = sample(folder.path());
    let there = other.path().join("copy");
    let options = ConvertOptions::default();
    convert(&image(&source), &Target::Raw, &there, &options, &Unwatched).unwrap();
    assert!(fs::read(&there).unwrap() == fs::read(&source).unwrap());
    let back = folder.path().join("back");
    convert(&image(&there), &qcow2(None), &back, &options, &Unwatched).unwrap();
    assert!(bytes(&image(&back)) == fs::read(&source).unwrap());
}

#[test]
fn a_dead_writers_file_is_removed_and_a_live_ones_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let source = sample(folder.path());
    fs::write(folder.path().join(".copy.detente-00000001.part"), b"half").unwrap();
    let live = folder.path().join(".copy.detente-00000002.part");
    let held = File::create_new(&live).unwrap();
    held.lock().unwrap();
    let copy = folder.path().join("copy");
    let options = ConvertOptions::default();
    convert(&image(&source), &Target::Raw, &copy, &options, &Unwatched).unwrap();
    let expect = [".copy.detente-00000002.part", "copy", "source.raw"];
    assert_eq!(names(folder.path()), expect);
}

/// Cancels once something moved.
#[derive(Default)]
struct Cancels(AtomicU64);

impl Progress for Cancels {
    fn advanced(&self, amount: Amount) {
        assert!(amount.done_bytes <= amount.total_bytes);
        if amount.stage == Stage::Moving {
            self.0.fetch_max(amount.done_bytes, Ordering::Relaxed);
        }
    }

    fn cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

#[test]
fn a_cancelled_conversion_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let source = sample(folder.path());
    for target in targets() {
        let copy = folder.path().join("copy");
        let options = ConvertOptions::default();
        let progress = Cancels::default();
        let error = convert(&image(&source), &target, &copy, &options, &progress).unwrap_err();
        assert!(matches!(error, ConvertError::Cancelled), "{error}");
        assert_eq!(names(folder.path()), ["source.raw"]);
    }
}

/// Writes to the source while it is read.
struct Meddles<'a>(&'a Path);

impl Progress for Meddles<'_> {
    fn advanced(&self, _amount: Amount) {
        let file = File::options().append(true).open(self.0).unwrap();
        file.set_len(16 * MIB + 512).unwrap();
    }
}

#[test]
fn a_source_that_changes_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let source = sample(folder.path());
    let copy = folder.path().join("copy");
    let options = ConvertOptions::default();
    let meddles = Meddles(&source);
    let error = convert(&image(&source), &Target::Raw, &copy, &options, &meddles).unwrap_err();
    assert!(
        matches!(error, ConvertError::SourceChanged { .. }),
        "{error}"
    );
    assert_eq!(names(folder.path()), ["source.raw"]);
}

/// Fails where it is told to.
struct Scratched {
    disk: FileBackend,
    bad: std::ops::Range<u64>,
}

impl BlockRead for Scratched {
    fn len_bytes(&self) -> u64 {
        self.disk.len_bytes()
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        if offset < self.bad.end && offset + buf.len() as u64 > self.bad.start {
            let source = std::io::Error::other("scratched");
            return Err(ReadError::Io { offset, source });
        }
        self.disk.read_exact_at(offset, buf)
    }
}

#[test]
fn what_cannot_be_read_is_an_error_or_listed() {
    let folder = tempfile::tempdir().unwrap();
    let source = sample(folder.path());
    let disk = FileBackend::open(&source).unwrap();
    let bad = MIB / 2 + 100..MIB / 2 + 5000;
    let scratched = Arc::new(Scratched { disk, bad });
    let image = open(&source, scratched, &DirectoryGate::beside(&source)).unwrap();
    let copy = folder.path().join("copy");
    let mut options = ConvertOptions::default();
    let error = convert(&image, &Target::Raw, &copy, &options, &Unwatched).unwrap_err();
    assert!(matches!(error, ConvertError::Source(_)), "{error}");
    assert_eq!(names(folder.path()), ["source.raw"]);
    options.on_unreadable = OnUnreadable::Zero;
    options.verification = Verification::ReadBack;
    let report = convert(&image, &Target::Raw, &copy, &options, &Unwatched).unwrap();
    assert_eq!(report.lost_bytes, 8192);
    let [lost] = &*report.lost else {
        panic!("{:?}", report.lost);
    };
    assert_eq!((lost.offset, lost.len), (MIB / 2, 8192));
    assert!(lost.why.ends_with("scratched"), "{}", lost.why);
    let mut expect = fs::read(&source).unwrap();
    expect[BYTES / 2..BYTES / 2 + 8192].fill(0);
    assert!(fs::read(&copy).unwrap() == expect);
}

#[test]
fn a_running_qemu_keeps_its_disk() {
    if !has_qemu("a_running_qemu_keeps_its_disk") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let source = sample(folder.path());
    let mut writer = Command::new("qemu-io")
        .args(["-f", "raw"])
        .arg(&source)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // Its prompt says that the image is open.
    let mut prompt = [0; 7];
    writer
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut prompt)
        .unwrap();
    let copy = folder.path().join("copy");
    let options = ConvertOptions::default();
    let error = convert(&image(&source), &Target::Raw, &copy, &options, &Unwatched).unwrap_err();
    let replace = ConvertOptions {
        on_existing: OnExisting::Replace,
        ..ConvertOptions::default()
    };
    let other = folder.path().join("other.raw");
    fs::write(&other, [7; 4096]).unwrap();
    let refused = convert(&image(&other), &Target::Raw, &source, &replace, &Unwatched).unwrap_err();
    drop(writer.stdin.take());
    writer.wait().unwrap();
    assert!(matches!(error, ConvertError::SourceInUse { .. }), "{error}");
    let in_use = matches!(refused, ConvertError::DestinationInUse { .. });
    assert!(in_use, "{refused}");
    convert(&image(&source), &Target::Raw, &copy, &options, &Unwatched).unwrap();
}

#[test]
fn an_allocated_file_has_all_of_its_room() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("disk.raw");
    let options = CreateOptions {
        preallocation: Preallocation::Full,
        ..CreateOptions::default()
    };
    create(&Target::Raw, 3 * MIB, &path, &options).unwrap();
    assert!(fs::metadata(&path).unwrap().blocks() * 512 >= 3 * MIB);
}

#[test]
fn an_empty_image_is_one_that_qemu_takes() {
    let judged = has_qemu("an_empty_image_is_one_that_qemu_takes");
    let folder = tempfile::tempdir().unwrap();
    for target in targets() {
        let path = folder.path().join("disk");
        let options = CreateOptions {
            on_existing: OnExisting::Replace,
            ..CreateOptions::default()
        };
        create(&target, 16 * MIB, &path, &options).unwrap();
        if judged {
            let zero = folder.path().join("zero.raw");
            File::create(&zero).unwrap().set_len(16 * MIB).unwrap();
            qemu_says_identical(&zero, &path, &target);
        }
    }
}

#[test]
fn images_grow_and_shrink_as_allowed() {
    let judged = has_qemu("images_grow_and_shrink_as_allowed");
    let folder = tempfile::tempdir().unwrap();
    let source = sample(folder.path());
    for target in targets() {
        if matches!(
            target,
            Target::Vhd(VhdSpec {
                kind: VhdKind::Fixed
            })
        ) {
            continue;
        }
        let disk = folder.path().join("disk");
        let replace = ConvertOptions {
            on_existing: OnExisting::Replace,
            ..ConvertOptions::default()
        };
        convert(&image(&source), &target, &disk, &replace, &Unwatched).unwrap();
        let mut options = ResizeOptions {
            verification: Verification::ReadBack,
            ..ResizeOptions::default()
        };
        resize(&image(&disk), 24 * MIB, &options, &Unwatched).unwrap();
        if judged {
            qemu_says_identical(&source, &disk, &target);
        }
        assert_eq!(image(&disk).reader.len_bytes(), 24 * MIB, "{target:?}");
        let error = resize(&image(&disk), 16 * MIB, &options, &Unwatched).unwrap_err();
        assert!(matches!(error, ConvertError::Shrinks { .. }), "{error}");
        options.shrink = Shrink::OnlyZeroes;
        resize(&image(&disk), 16 * MIB, &options, &Unwatched).unwrap();
        assert!(bytes(&image(&disk)) == fs::read(&source).unwrap());
        let error = resize(&image(&disk), 15 * MIB, &options, &Unwatched).unwrap_err();
        let offset = 16 * MIB - 7;
        assert!(
            matches!(error, ConvertError::DataCutOff { offset: at } if at == offset),
            "{error}"
        );
        options.shrink = Shrink::DiscardData;
        resize(&image(&disk), 15 * MIB, &options, &Unwatched).unwrap();
        assert!(bytes(&image(&disk)) == fs::read(&source).unwrap()[..15 << 20]);
    }
}
