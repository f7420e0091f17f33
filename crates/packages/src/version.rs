//! Which of two versions is the newer one, as each package manager sees it.

mod alpm;
mod apk;
mod dpkg;
mod rpm;

use std::cmp::Ordering;

use crate::package::split_epoch;

/// Whose rules apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionScheme {
    /// RPM: `~` sorts before everything, `^` after the same version without it.
    Rpm,
    /// dpkg: `~` sorts before everything, letters before other characters.
    Dpkg,
    /// apk: numbers, a letter, suffixes such as `_rc1` or `_p2`, a revision `-r0`.
    Apk,
    /// pacman: as RPM did once, without `~` and `^`.
    Pacman,
}

impl VersionScheme {
    /// Compares two versions, each `[epoch:]version[-release]`. Never fails: what is no version by
    /// the rules compares somehow, and always in the same way.
    ///
    /// With RPM and pacman a version without release equals that with any.
    ///
    /// ```
    /// use std::cmp::Ordering;
    /// use detente_packages::VersionScheme;
    ///
    /// assert_eq!(VersionScheme::Rpm.compare("5.14.0-70.el9", "5.14.0-503.el9"), Ordering::Less);
    /// assert_eq!(VersionScheme::Dpkg.compare("1:7.2~rc1-1", "1:7.2-1"), Ordering::Less);
    /// assert_eq!(VersionScheme::Apk.compare("1.0_rc1-r0", "1.0-r0"), Ordering::Less);
    /// ```
    #[must_use]
    pub fn compare(self, left: &str, right: &str) -> Ordering {
        match self {
            Self::Rpm => with_epoch(left, right, rpm::compare),
            Self::Pacman => with_epoch(left, right, alpm::compare),
            Self::Dpkg => dpkg::compare(left, right),
            Self::Apk => apk::compare(left, right),
        }
    }
}

/// Epochs first (none is 0), then versions, then releases if both have one.
fn with_epoch(left: &str, right: &str, part: fn(&str, &str) -> Ordering) -> Ordering {
    let (left_epoch, left) = split_epoch(left);
    let (right_epoch, right) = split_epoch(right);
    let (left, left_release) = split_release(left);
    let (right, right_release) = split_release(right);
    left_epoch
        .unwrap_or(0)
        .cmp(&right_epoch.unwrap_or(0))
        .then_with(|| part(left, right))
        .then_with(|| match (left_release, right_release) {
            (Some(left), Some(right)) => part(left, right),
            (None, _) | (_, None) => Ordering::Equal,
        })
}

fn split_release(version: &str) -> (&str, Option<&str>) {
    match version.rsplit_once('-') {
        Some((version, release)) => (version, Some(release)),
        None => (version, None),
    }
}

/// Compares runs of digits as numbers of any size.
fn numbers(left: &[u8], right: &[u8]) -> Ordering {
    let left = without_zeros(left);
    let right = without_zeros(right);
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

fn without_zeros(digits: &[u8]) -> &[u8] {
    let start = digits.iter().position(|&digit| digit != b'0');
    digits
        .get(start.unwrap_or(digits.len())..)
        .unwrap_or_default()
}

/// Cuts the longest beginning of bytes that are `kind` off.
fn take_while<'a>(rest: &mut &'a [u8], kind: impl Fn(&u8) -> bool) -> &'a [u8] {
    let end = rest.iter().position(|byte| !kind(byte));
    let (taken, left) = rest.split_at(end.unwrap_or(rest.len()));
    *rest = left;
    taken
}

/// Holds each version of a line, oldest first, against all that come after it.
#[cfg(test)]
fn check_ascending(compare: fn(&str, &str) -> Ordering, lines: &[&str]) {
    for line in lines {
        let versions: Vec<&str> = line.split_whitespace().collect();
        for (index, older) in versions.iter().enumerate() {
            assert_eq!(compare(older, older), Ordering::Equal, "{older}");
            for newer in versions.iter().skip(index).skip(1) {
                assert_eq!(compare(older, newer), Ordering::Less, "{older} {newer}");
                assert_eq!(compare(newer, older), Ordering::Greater, "{newer} {older}");
            }
        }
    }
}
