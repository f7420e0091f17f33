//! Files, memory and windows: reads, extents, and what is refused.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stderr, reason = "says what was skipped")]

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;

use detente_block::{BlockRead, Extent, ExtentKind, FileBackend, MemoryBackend, ReadError, Window};

const MIB: u64 = 1 << 20;

/// A file of 4 MiB with one MiB of data at 1 MiB.
fn sparse_file(folder: &Path) -> FileBackend {
    let path = folder.join("sparse");
    let file = File::create(&path).unwrap();
    file.set_len(4 * MIB).unwrap();
    file.write_all_at(&vec![7; 1 << 20], MIB).unwrap();
    FileBackend::open(&path).unwrap()
}

/// All extents, neighbours of a kind joined: what a disk says is independent of how it is cut.
fn extents(disk: &dyn BlockRead) -> Vec<Extent> {
    let mut all: Vec<Extent> = Vec::new();
    let mut offset = 0;
    while offset < disk.len_bytes() {
        let extent = disk.next_extent(offset).unwrap();
        assert!(extent.len > 0 && extent.offset == offset, "{extent:?}");
        offset += extent.len;
        match all.last_mut() {
            Some(last) if last.kind == extent.kind => last.len += extent.len,
            _ => all.push(extent),
        }
    }
    assert_eq!(offset, disk.len_bytes());
    all
}

#[test]
fn a_sparse_file_says_where_its_holes_are() {
    let folder = tempfile::tempdir().unwrap();
    let disk = sparse_file(folder.path());
    let got = extents(&disk);
    if got
        == [Extent {
            offset: 0,
            len: 4 * MIB,
            kind: ExtentKind::Data,
        }]
    {
        eprintln!("skipped: a_sparse_file_says_where_its_holes_are: no holes on this file system");
        return;
    }
    let zero = |offset, len| Extent {
        offset,
        len,
        kind: ExtentKind::Zero,
    };
    let data = Extent {
        offset: MIB,
        len: MIB,
        kind: ExtentKind::Data,
    };
    assert_eq!(got, [zero(0, MIB), data, zero(2 * MIB, 2 * MIB)]);
}

#[test]
fn a_file_is_read_at_any_place_but_not_past_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let disk = sparse_file(folder.path());
    let mut bytes = [9; 4];
    disk.read_exact_at(MIB - 2, &mut bytes).unwrap();
    assert_eq!(bytes, [0, 0, 7, 7]);
    for offset in [4 * MIB - 3, 4 * MIB, u64::MAX] {
        let error = disk.read_exact_at(offset, &mut bytes).unwrap_err();
        assert!(
            matches!(error, ReadError::PastEnd { wanted: 4, .. }),
            "{error}"
        );
    }
    assert!(matches!(
        disk.next_extent(4 * MIB),
        Err(ReadError::PastEnd { .. })
    ));
}

#[test]
fn a_file_that_shrank_is_an_error_not_zeroes() {
    let folder = tempfile::tempdir().unwrap();
    let disk = sparse_file(folder.path());
    File::options()
        .write(true)
        .open(folder.path().join("sparse"))
        .unwrap()
        .set_len(MIB)
        .unwrap();
    let error = disk.read_exact_at(2 * MIB, &mut [0; 4]).unwrap_err();
    assert!(
        matches!(
            error,
            ReadError::Io {
                offset: 0x20_0000,
                ..
            }
        ),
        "{error}"
    );
    // Some file systems know no holes; none may call what is gone zero.
    let extent = disk.next_extent(2 * MIB);
    assert!(
        !matches!(
            extent,
            Ok(Extent {
                kind: ExtentKind::Zero,
                ..
            })
        ),
        "{extent:?}"
    );
}

#[test]
fn an_empty_file_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty");
    fs::write(&path, b"").unwrap();
    assert_eq!(extents(&FileBackend::open(&path).unwrap()), []);
}

/// Opening is refused at once, with these words.
fn refused(path: &Path, kind: io::ErrorKind, words: &str) {
    let error = FileBackend::open(path).unwrap_err();
    assert_eq!(error.kind(), kind, "{}", path.display());
    assert!(error.to_string().contains(words), "{error}");
}

#[test]
fn what_cannot_be_read_at_any_place_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("fifo");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, mode).unwrap();
    refused(&fifo, io::ErrorKind::InvalidInput, "FIFO");
    let socket = folder.path().join("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    refused(&socket, io::ErrorKind::InvalidInput, "socket");
    refused(
        Path::new("/dev/zero"),
        io::ErrorKind::InvalidInput,
        "character device",
    );
    refused(folder.path(), io::ErrorKind::IsADirectory, "directory");
    refused(
        &folder.path().join("nothing"),
        io::ErrorKind::NotFound,
        "No such file",
    );
}

#[test]
fn memory_is_read_inside_its_bounds() {
    let disk = MemoryBackend::new(b"0123456789".to_vec());
    let mut bytes = [0; 3];
    disk.read_exact_at(7, &mut bytes).unwrap();
    assert_eq!(&bytes, b"789");
    for offset in [8, 10, u64::MAX] {
        assert!(disk.read_exact_at(offset, &mut bytes).is_err(), "{offset}");
    }
    disk.read_exact_at(10, &mut []).unwrap();
    assert!(disk.next_extent(10).is_err());
}

#[test]
fn a_window_shows_its_span_only() {
    let disk: Arc<dyn BlockRead> = Arc::new(MemoryBackend::new(b"0123456789".to_vec()));
    let window = Window::new(disk.clone(), 3, 4).unwrap();
    assert_eq!(window.len_bytes(), 4);
    let mut bytes = [0; 4];
    window.read_exact_at(0, &mut bytes).unwrap();
    assert_eq!(&bytes, b"3456");
    for offset in [1, 4, u64::MAX] {
        let error = window.read_exact_at(offset, &mut bytes).unwrap_err();
        assert!(
            matches!(error, ReadError::PastEnd { end: 4, .. }),
            "{error}"
        );
    }
    for (start, len) in [(7, 4), (11, 0), (u64::MAX, 2)] {
        assert!(
            Window::new(disk.clone(), start, len).is_err(),
            "{start} {len}"
        );
    }
    assert_eq!(extents(&Window::new(disk, 10, 0).unwrap()), []);
}

#[test]
fn a_window_cuts_the_extents_of_what_lies_below() {
    let folder = tempfile::tempdir().unwrap();
    let disk: Arc<dyn BlockRead> = Arc::new(sparse_file(folder.path()));
    let below = disk.next_extent(MIB).unwrap();
    let window = Window::new(disk, MIB, MIB / 2).unwrap();
    let extent = window.next_extent(4096).unwrap();
    assert_eq!(
        extent,
        Extent {
            offset: 4096,
            len: MIB / 2 - 4096,
            kind: below.kind
        }
    );
}
