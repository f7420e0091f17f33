//! dpkg's comparison. \[deb-version\](7): an epoch, the upstream version, the revision; runs of
//! other characters and of digits in turn.

use std::cmp::Ordering;

use super::{numbers, take_while};
use crate::package::split_epoch;

/// Compares two whole versions. No epoch is 0, no revision is the same as `0`.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    let (left_epoch, left) = split_epoch(left);
    let (right_epoch, right) = split_epoch(right);
    let (left, left_revision) = left.rsplit_once('-').unwrap_or((left, ""));
    let (right, right_revision) = right.rsplit_once('-').unwrap_or((right, ""));
    left_epoch
        .unwrap_or(0)
        .cmp(&right_epoch.unwrap_or(0))
        .then_with(|| part(left, right))
        .then_with(|| part(left_revision, right_revision))
}

fn part(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.as_bytes(), right.as_bytes());
    while !left.is_empty() || !right.is_empty() {
        let other = |byte: &u8| !byte.is_ascii_digit();
        let order = others(take_while(&mut left, other), take_while(&mut right, other));
        if order.is_ne() {
            return order;
        }
        let digits = u8::is_ascii_digit;
        let order = numbers(
            take_while(&mut left, digits),
            take_while(&mut right, digits),
        );
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

/// A tilde is before the end, the end before letters, letters before all else.
fn others(left: &[u8], right: &[u8]) -> Ordering {
    let rank = |byte: Option<&u8>| match byte {
        Some(b'~') => (0, 0),
        None => (1, 0),
        Some(byte) if byte.is_ascii_alphabetic() => (2, *byte),
        Some(byte) => (3, *byte),
    };
    let longest = left.len().max(right.len());
    let pairs = (0..longest).map(|at| rank(left.get(at)).cmp(&rank(right.get(at))));
    pairs.fold(Ordering::Equal, Ordering::then)
}

#[cfg(test)]
mod tests {
    use super::super::check_ascending;
    use super::*;

    #[test]
    fn versions_sort_as_the_manual_says() {
        // [deb-version](7), "Sorting algorithm": the order of `~~`, `~~a`, `~`, nothing, `a`.
        let ascending = [
            "1~~ 1~~a 1~ 1 1a",
            "1.0~beta1~svn1245 1.0~beta1 1.0",
            "6.1.99-1 6.1.112-1 6.1.123-1 1:0.1-1",
            "1.2-1 1.2-1+deb12u1 1.2-1.1 1.2-2",
            "1a 1+ 1.0",
        ];
        check_ascending(compare, &ascending);
        for (left, right) in [("1.0", "1.0-0"), ("0:1", "1"), ("1.00", "1.0")] {
            assert_eq!(compare(left, right), Ordering::Equal, "{left} {right}");
        }
    }
}
