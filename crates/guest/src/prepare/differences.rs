//! What differs between two listings of a guest's tree, and whose doing it is.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::io::BufRead;

use serde::{Deserialize, Serialize};

use super::Journal;
use super::listing::{Lines, Listed, ListedKind, ListingError, order};

/// A name that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The path.
    pub path: String,
    /// How it differs.
    pub how: How,
    /// Whose doing it is.
    pub whose: Whose,
}

/// How a name differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// Its bytes, or its target, are others.
    Content,
    /// Its permission bits are others, its bytes are not.
    Mode,
    /// It is of another kind.
    Kind,
}

/// Whose doing a difference is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whose {
    /// `prepare`: the journal has it.
    Prepare,
    /// The guest's: logs.
    Logs,
    /// The guest's: who it is, which it makes up at its first boot.
    Identity,
    /// The guest's: what it seeds its random numbers with.
    RandomSeed,
    /// The guest's: what its services remember from boot to boot.
    ServiceState,
    /// The guest's: what its boot loader remembers.
    LoaderState,
    /// The guest's: what the programs that prepared it remember.
    ToolState,
    /// The guest's: what can be made anew at any time.
    Cache,
    /// The guest's, of no kind that is known.
    Other,
}

impl Whose {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Prepare => "changed by prepare",
            Self::Logs => "the guest's own: logs",
            Self::Identity => "the guest's own: its identity",
            Self::RandomSeed => "the guest's own: random seed",
            Self::ServiceState => "the guest's own: state of services",
            Self::LoaderState => "the guest's own: state of the boot loader",
            Self::ToolState => "the guest's own: state of its tools",
            Self::Cache => "the guest's own: caches",
            Self::Other => "the guest's own",
        }
    }
}

/// What begins a path, or is all of it, and whose such a path is. The first one that fits counts.
const KNOWN: &[(&str, Whose)] = &[
    ("/var/log/", Whose::Logs),
    ("/run/log/", Whose::Logs),
    ("/etc/machine-id", Whose::Identity),
    ("/var/lib/dbus/machine-id", Whose::Identity),
    ("/etc/ssh/ssh_host_", Whose::Identity),
    ("/var/lib/systemd/random-seed", Whose::RandomSeed),
    ("/var/lib/systemd/credential.secret", Whose::Identity),
    ("/var/lib/urandom/", Whose::RandomSeed),
    ("/var/lib/seedrng/", Whose::RandomSeed),
    ("/var/lib/misc/random-seed", Whose::RandomSeed),
    ("/var/lib/random-seed", Whose::RandomSeed),
    ("/boot/efi/loader/random-seed", Whose::RandomSeed),
    ("/boot/loader/random-seed", Whose::RandomSeed),
    ("/efi/loader/random-seed", Whose::RandomSeed),
    ("/boot/grub2/grubenv", Whose::LoaderState),
    ("/boot/grub/grubenv", Whose::LoaderState),
    ("/boot/efi/EFI/", Whose::LoaderState),
    ("/var/lib/initramfs-tools/", Whose::ToolState),
    ("/var/lib/kdump/", Whose::ToolState),
    ("/var/lib/dpkg/", Whose::ToolState),
    ("/var/lib/rpm/", Whose::ToolState),
    ("/usr/lib/sysimage/rpm/", Whose::ToolState),
    ("/etc/lvm/", Whose::ToolState),
    ("/usr/lib/modules/", Whose::ToolState),
    ("/lib/modules/", Whose::ToolState),
    ("/var/cache/", Whose::Cache),
    ("/var/tmp/", Whose::Cache),
    ("/tmp/", Whose::Cache),
    ("/etc/ld.so.cache", Whose::Cache),
    ("/etc/udev/hwdb.bin", Whose::Cache),
    ("/var/lib/apt/", Whose::Cache),
    ("/var/lib/dnf/", Whose::Cache),
    ("/var/lib/", Whose::ServiceState),
    ("/var/spool/", Whose::ServiceState),
    ("/var/run/", Whose::ServiceState),
    ("/run/", Whose::ServiceState),
    ("/etc/resolv.conf", Whose::ServiceState),
    ("/etc/adjtime", Whose::ServiceState),
    ("/etc/mtab", Whose::ServiceState),
    ("/etc/.updated", Whose::ServiceState),
    ("/var/.updated", Whose::ServiceState),
];

/// Says what differs between two listings, name by name, to `each`. Memory does not grow with them.
///
/// # Errors
/// [`ListingError`] when one of them cannot be read or is no listing.
pub fn differences<B: BufRead, A: BufRead>(
    before: B,
    after: A,
    journal: Option<&Journal>,
    each: &mut dyn FnMut(Difference),
) -> Result<(), ListingError> {
    let ours: BTreeSet<&str> = journal.into_iter().flat_map(changed).collect();
    let (mut old, mut new) = (Lines::new(before)?, Lines::new(after)?);
    let (mut one, mut other) = (old.next()?, new.next()?);
    loop {
        let turn = match (&one, &other) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(one), Some(other)) => order(&one.path, &other.path),
        };
        let found = match (turn, &one, &other) {
            (Ordering::Less, Some(one), _) => Some((one.path.as_str(), How::Removed)),
            (Ordering::Greater, _, Some(other)) => Some((other.path.as_str(), How::Added)),
            (Ordering::Equal, Some(one), Some(other)) => {
                how(one, other).map(|how| (other.path.as_str(), how))
            }
            (_, _, _) => None,
        };
        if let Some((path, how)) = found {
            each(Difference {
                path: path.to_owned(),
                how,
                whose: whose(path, &ours),
            });
        }
        if turn != Ordering::Greater {
            one = old.next()?;
        }
        if turn != Ordering::Less {
            other = new.next()?;
        }
    }
}

/// The files that prepare changed, and the folders that it may have made for them.
fn changed(journal: &Journal) -> impl Iterator<Item = &str> {
    journal.files.iter().flat_map(|file| {
        let folders = file.path.match_indices('/').skip(1);
        let folders = folders.filter_map(|(at, _)| file.path.get(..at));
        folders.chain([file.path.as_str()])
    })
}

fn how(one: &Listed, other: &Listed) -> Option<How> {
    if one.what == other.what {
        return None;
    }
    Some(match (&one.what, &other.what) {
        (
            ListedKind::File {
                sha256: one,
                len_bytes: old,
                ..
            },
            ListedKind::File {
                sha256: other,
                len_bytes: new,
                ..
            },
        ) if (one, old) == (other, new) => How::Mode,
        (ListedKind::File { .. }, ListedKind::File { .. })
        | (ListedKind::Link { .. }, ListedKind::Link { .. }) => How::Content,
        (ListedKind::Folder { .. }, ListedKind::Folder { .. }) => How::Mode,
        (
            ListedKind::File { .. }
            | ListedKind::Folder { .. }
            | ListedKind::Link { .. }
            | ListedKind::Special
            | ListedKind::Unread,
            _,
        ) => How::Kind,
    })
}

fn whose(path: &str, ours: &BTreeSet<&str>) -> Whose {
    if ours.contains(path) {
        return Whose::Prepare;
    }
    let fits = |own: &&(&str, Whose)| {
        let folder = own.0.strip_suffix('/');
        path.starts_with(own.0) || folder == Some(path)
    };
    KNOWN
        .iter()
        .find(fits)
        .map_or(Whose::Other, |(_, whose)| *whose)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "detente/tree-listing/1\n";

    fn found(before: &str, after: &str) -> Vec<(String, How, Whose)> {
        let (before, after) = (format!("{HEAD}{before}"), format!("{HEAD}{after}"));
        let mut all = Vec::new();
        differences(before.as_bytes(), after.as_bytes(), None, &mut |own| {
            all.push((own.path, own.how, own.whose));
        })
        .unwrap();
        all
    }

    #[test]
    fn every_difference_is_named_with_whose_it_is() {
        let before = "d 755 /etc\nf 644 1 aa /etc/a\nf 644 1 aa /etc/b\nl x /etc/c\n\
                      f 644 1 aa /gone\nf 600 9 aa /var/log/messages\n";
        let after = "d 755 /etc\nf 644 1 bb /etc/a\nf 600 1 aa /etc/b\nf 644 0 aa /etc/c\n\
                     f 444 33 cc /etc/machine-id\nd 755 /tmp\nf 600 9 dd /var/log/messages\n";
        let text = |path: &str| path.to_owned();
        assert_eq!(
            found(before, after),
            [
                (text("/etc/a"), How::Content, Whose::Other),
                (text("/etc/b"), How::Mode, Whose::Other),
                (text("/etc/c"), How::Kind, Whose::Other),
                (text("/etc/machine-id"), How::Added, Whose::Identity),
                (text("/gone"), How::Removed, Whose::Other),
                (text("/tmp"), How::Added, Whose::Cache),
                (text("/var/log/messages"), How::Content, Whose::Logs),
            ]
        );
        assert_eq!(found(before, before), []);
    }

    #[test]
    fn a_folder_and_a_name_that_begins_alike_keep_their_order() {
        let before = "d 755 /a\nf 644 1 aa /a/z\nf 644 1 aa /a-b\n";
        let after = "d 755 /a\nf 644 1 aa /a-b\n";
        assert_eq!(
            found(before, after),
            [("/a/z".to_owned(), How::Removed, Whose::Other)]
        );
    }
}
