//! The process is killed before each change of a name: the old images are whole, nothing half has
//! a name, and whoever comes next brings it to one end or the other.

use std::cell::Cell;
use std::fs;
use std::io;
use std::path::Path;

use super::*;
use crate::prepare::names::System;

/// Does so many changes; the process is dead then.
struct Killed {
    left: Cell<usize>,
    has_links: bool,
}

impl Killed {
    fn live(&self) -> io::Result<()> {
        let left = self.left.get().checked_sub(1);
        self.left.set(left.unwrap_or(0));
        left.map(drop).ok_or_else(|| io::Error::other("killed"))
    }
}

impl Names for Killed {
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.live()?;
        System.rename_new(from, to)
    }

    fn rename_over(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.live()?;
        System.rename_over(from, to)
    }

    fn link(&self, file: &Path, also: &Path) -> io::Result<()> {
        self.live()?;
        if !self.has_links {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        System.link(file, also)
    }

    fn unlink(&self, file: &Path) -> io::Result<()> {
        self.live()?;
        System.unlink(file)
    }

    fn write(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        // A cut in the middle leaves a part.
        let half = bytes.len() / 2;
        if self.left.get() == 0 {
            System.write(file, &bytes[..half])?;
        }
        self.live()?;
        System.write(file, bytes)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.live()?;
        System.sync_folder(folder)
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        self.live()?;
        System.remove_folder(folder)
    }
}

/// A folder with old images and a work folder in which all is whole.
struct Place {
    folder: tempfile::TempDir,
    intent: Intent,
}

impl Place {
    fn new(in_place: bool, disks: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let work = folder.path().join("work");
        fs::create_dir_all(work.join("journal")).unwrap();
        fs::write(work.join("journal/journal.json"), "whole").unwrap();
        fs::write(work.join("disk0.overlay"), "scrap").unwrap();
        let disk = |index| {
            let to = format!("disk{index}");
            fs::write(work.join(format!("new{index}")), format!("new {index}")).unwrap();
            let image = folder.path().join(&to);
            let old = in_place.then(|| {
                fs::write(&image, format!("old image {index}")).unwrap();
                Old::of(&image, format!("disk{index}.before")).unwrap()
            });
            let from = format!("new{index}");
            Disk { from, to, old }
        };
        let disks: Vec<Disk> = (0..disks).map(disk).collect();
        let journal = Some(("journal".to_owned(), "disk0.journal".to_owned()));
        Self {
            intent: Intent::new(journal, disks),
            folder,
        }
    }

    fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.folder.path().join(name)).ok()
    }

    /// At every moment: no disk is half, none is there without the journal, no old image is lost.
    #[track_caller]
    fn expect_nothing_lost(&self) {
        for (index, disk) in self.intent.disks.iter().enumerate() {
            let (old, new) = (format!("old image {index}"), format!("new {index}"));
            let is = self.read(&disk.to);
            let is_new = is.as_ref() == Some(&new);
            if disk.old.is_some() {
                let before = self.read(&format!("{}.before", disk.to));
                assert!(
                    [&is, &before].contains(&&Some(old.clone())),
                    "{is:?} {before:?}"
                );
                assert!(is.is_none() || is == Some(old) || is_new, "{is:?}");
            } else {
                assert!(is.is_none() || is_new, "{is:?}");
            }
            if is_new {
                let journal = self.read("disk0.journal/journal.json");
                assert_eq!(journal.as_deref(), Some("whole"));
            }
        }
    }

    /// All the names that are there.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap().flatten();
        let mut names: Vec<_> = entries
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// In the end: either nothing has happened, or everything.
    #[track_caller]
    fn expect_settled(&self, is_done: bool) {
        let mut expect = Vec::new();
        for disk in &self.intent.disks {
            if is_done || disk.old.is_some() {
                expect.push(disk.to.clone());
            }
            if is_done && disk.old.is_some() {
                expect.push(format!("{}.before", disk.to));
            }
        }
        if is_done {
            expect.push("disk0.journal".to_owned());
        }
        expect.sort();
        assert_eq!(self.names(), expect);
        for (index, disk) in self.intent.disks.iter().enumerate() {
            if is_done {
                assert_eq!(self.read(&disk.to), Some(format!("new {index}")));
            }
        }
    }
}

/// Kills the run before each of its changes, and whoever cleans up before each of theirs.
#[track_caller]
fn check(in_place: bool, disks: usize, has_links: bool) {
    let cut = |left| Killed {
        left: Cell::new(left),
        has_links,
    };
    let mut ends = [0, 0];
    for first in 0.. {
        let mut whole = true;
        for second in 0.. {
            let place = Place::new(in_place, disks);
            let run = place.intent.carry_out(&cut(first), &place.work());
            place.expect_nothing_lost();
            whole = run.is_ok();
            let cleaned = settle(&cut(second), &place.work());
            place.expect_nothing_lost();
            let is_cut = cleaned.is_err();
            // Whoever was killed while cleaning up left nothing that another cannot clean up. A
            // folder that is half removed says so no more.
            let was_done = place.read("disk0.journal/journal.json").is_some();
            if exists(&place.work()) {
                settle(&System, &place.work()).unwrap();
            }
            place.expect_nothing_lost();
            let is_done = place
                .read("disk0")
                .is_some_and(|text| text.starts_with("new"));
            place.expect_settled(is_done);
            assert!(!whole || is_done, "what was whole stays");
            assert!(!is_done || was_done);
            ends[usize::from(is_done)] += 1;
            if !is_cut {
                break;
            }
        }
        if whole {
            break;
        }
    }
    assert!(ends.iter().all(|count| *count > 3), "{ends:?}");
}

#[test]
fn a_kill_leaves_no_half_image() {
    check(false, 1, true);
}

#[test]
fn a_kill_leaves_each_image_in_place_whole() {
    check(true, 1, true);
    check(true, 3, true);
}

#[test]
fn a_kill_loses_nothing_where_files_have_one_name() {
    check(true, 1, false);
    check(true, 2, false);
}

#[test]
fn an_image_that_changed_meanwhile_is_not_replaced() {
    let place = Place::new(true, 2);
    // Two names, for the journal and the first disk: the second disk has none yet.
    let cut = (0..)
        .map(|left| {
            let place = Place::new(true, 2);
            let killed = Killed {
                left: Cell::new(left),
                has_links: true,
            };
            let _ = place.intent.carry_out(&killed, &place.work());
            (left, place.intent.disks[0].has_its_name(&place.work()))
        })
        .find_map(|(left, is_named)| is_named.then_some(left));
    let killed = Killed {
        left: Cell::new(cut.unwrap()),
        has_links: true,
    };
    place.intent.carry_out(&killed, &place.work()).unwrap_err();
    fs::write(place.folder.path().join("disk1"), "somebody else's").unwrap();
    let error = settle(&System, &place.work()).unwrap_err();
    assert!(matches!(error, SettleError::Changed { .. }), "{error}");
    assert_eq!(place.read("disk1").as_deref(), Some("somebody else's"));
    assert_eq!(place.read("work/new1").as_deref(), Some("new 1"));
}

#[test]
fn an_intent_that_leads_elsewhere_is_none() {
    for (name, is_taken) in [
        ("new0", true),
        ("../new0", false),
        ("..", false),
        ("/x", false),
    ] {
        let place = Place::new(false, 1);
        let disk = Disk {
            from: name.to_owned(),
            to: "disk0".to_owned(),
            old: None,
        };
        let intent = Intent::new(None, vec![disk]);
        let text = serde_json::to_vec(&intent).unwrap();
        fs::write(place.work().join(INTENT), text).unwrap();
        assert_eq!(Intent::read(&place.work()).is_some(), is_taken, "{name}");
    }
}

#[test]
fn a_name_that_is_taken_is_not_replaced() {
    let place = Place::new(false, 1);
    fs::write(place.folder.path().join("disk0"), "mine").unwrap();
    place.intent.carry_out(&System, &place.work()).unwrap_err();
    settle(&System, &place.work()).unwrap();
    assert_eq!(place.names(), ["disk0"]);
    assert_eq!(place.read("disk0").as_deref(), Some("mine"));
}
