//! The room that is left, against what e2fsprogs says of the same file system.

#[expect(dead_code, reason = "each test binary uses its own part")]
mod support;

use std::process::Command;

use detente_guest::{Options, inspect};

#[test]
fn the_room_that_is_left_is_as_dumpe2fs_says() {
    let Some(tree) = support::sound("the_room_that_is_left_is_as_dumpe2fs_says") else {
        return;
    };
    let root = tree.ext4(24);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &root).unwrap();
    // It comes with mke2fs.
    let output = Command::new("/usr/sbin/dumpe2fs")
        .arg("-h")
        .arg(file.path())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let number = |name: &str| -> u64 {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    let expect = number("Free blocks:") * number("Block size:");
    let guest = inspect(&[support::with_root(root)], Options::default()).unwrap();
    assert_eq!(guest.facts().disks[0].volumes[1].free_bytes, Some(expect));
}
