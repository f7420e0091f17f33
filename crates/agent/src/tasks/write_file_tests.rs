//! Files that are new, replaced, followed, refused.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::PathBuf;

use detente_plan::protocol::{Bytes, Moment, Xattr};
use tempfile::TempDir;

use super::*;

/// FIPS 180-2, B.1.
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn root() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(folder.path()).unwrap();
    fs::create_dir(root.join("etc")).unwrap();
    (folder, root)
}

fn order(path: &str, text: &str, before: Before) -> WriteFile {
    WriteFile {
        path: path.try_into().unwrap(),
        content: Content::Message {
            bytes: Bytes(text.into()),
        },
        before,
        mode: None,
        owner: None,
        modified: None,
        xattrs: None,
    }
}

/// Nothing but the named files is left in `/etc`.
#[track_caller]
fn holds_only(root: &Path, names: &[&str]) {
    let mut found: Vec<String> = fs::read_dir(root.join("etc"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    assert_eq!(found, names);
}

#[test]
fn a_new_file_comes_with_its_folders() {
    let (_folder, root) = root();
    let written = run(&root, &order("/etc/a/b.conf", "abc", Before::Absent)).unwrap();
    assert_eq!(
        (written.end, written.found),
        (ChangeEnd::Done, FileState::Absent)
    );
    let made = root.join("etc/a").to_string_lossy().into_owned();
    assert_eq!(written.made_folders, [made]);
    assert_eq!(fs::read(root.join("etc/a/b.conf")).unwrap(), b"abc");
    let FileState::File(left) = written.left else {
        panic!("{:?}", written.left)
    };
    assert_eq!((left.mode, &*left.sha256), (0o644, ABC));
    assert_eq!(written.relabelled, None);
}

#[test]
fn a_file_that_is_replaced_hands_down_what_is_not_ordered() {
    let (_folder, root) = root();
    let file = root.join("etc/fstab");
    fs::write(&file, "abc").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    // A file system without attributes of users makes this a smaller test.
    let marked = rustix::fs::setxattr(&file, "user.mark", b"x", rustix::fs::XattrFlags::empty());
    let mut order = order("/etc/fstab", "new", Before::File { sha256: ABC.into() });
    order.modified = Some(Moment {
        seconds: 1_000_000_000,
        nanoseconds: 7,
    });
    let written = run(&root, &order).unwrap();
    assert_eq!(written.end, ChangeEnd::Done);
    let metadata = fs::metadata(&file).unwrap();
    assert_eq!(metadata.mode() & 0o7777, 0o640);
    assert_eq!(
        (metadata.mtime(), metadata.mtime_nsec()),
        (1_000_000_000, 7)
    );
    let FileState::File(left) = written.left else {
        panic!("{:?}", written.left)
    };
    let mark = Xattr {
        name: "user.mark".into(),
        value: Bytes(b"x".into()),
    };
    assert_eq!(left.xattrs.contains(&mark), marked.is_ok());
    holds_only(&root, &["fstab"]);
}

#[test]
fn what_is_not_as_demanded_is_left_alone() {
    let (_folder, root) = root();
    fs::write(root.join("etc/fstab"), "another").unwrap();
    symlink("fstab", root.join("etc/link")).unwrap();
    let sha = || Before::File { sha256: ABC.into() };
    for (path, before) in [
        ("/etc/fstab", sha()),
        ("/etc/fstab", Before::Absent),
        ("/etc/gone", sha()),
        ("/etc/link", Before::Absent),
        ("/etc/link", Before::Link { target: "x".into() }),
        ("/etc", Before::Anything),
    ] {
        let written = run(&root, &order(path, "new", before)).unwrap();
        assert_eq!(written.end, ChangeEnd::Refused, "{path}");
        assert_eq!(written.left, written.found);
    }
    assert_eq!(fs::read(root.join("etc/fstab")).unwrap(), b"another");
    holds_only(&root, &["fstab", "link"]);
}

#[test]
fn a_link_is_followed_unless_it_is_about_the_link() {
    let (_folder, root) = root();
    fs::write(root.join("real"), "abc").unwrap();
    symlink("../real", root.join("etc/link")).unwrap();
    let sha = Before::File { sha256: ABC.into() };
    let written = run(&root, &order("/etc/link", "new", sha)).unwrap();
    assert_eq!(written.resolved, root.join("real").to_string_lossy());
    assert_eq!(fs::read(root.join("real")).unwrap(), b"new");

    let before = Before::Link {
        target: "../real".into(),
    };
    run(&root, &order("/etc/link", "file", before)).unwrap();
    assert!(
        fs::symlink_metadata(root.join("etc/link"))
            .unwrap()
            .is_file()
    );
    assert_eq!(fs::read(root.join("real")).unwrap(), b"new");

    let mut back = order("/etc/link", "", Before::Anything);
    back.content = Content::Link {
        target: "../real".into(),
    };
    let written = run(&root, &back).unwrap();
    let target = "../real".to_owned();
    assert_eq!(written.left, FileState::Link { target });
    holds_only(&root, &["link"]);
}

#[test]
fn what_fails_leaves_nothing() {
    let (_folder, root) = root();
    fs::write(root.join("etc/fstab"), "abc").unwrap();
    let long = "x".repeat(INLINE_LIMIT_BYTES + 1);
    assert!(run(&root, &order("/etc/fstab", &long, Before::Anything)).is_err());
    let mut nobody = order("/etc/fstab", "new", Before::Anything);
    nobody.xattrs = Some(vec![Xattr {
        name: "no-such-class.x".into(),
        value: Bytes::default(),
    }]);
    assert!(run(&root, &nobody).is_err());
    assert_eq!(fs::read(root.join("etc/fstab")).unwrap(), b"abc");
    holds_only(&root, &["fstab"]);
}
