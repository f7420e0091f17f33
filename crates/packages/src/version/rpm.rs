//! RPM's comparison. \[rpm-version\](7): segments of letters and of digits in turn, whatever
//! separates them; `~` and `^`.

use std::cmp::Ordering;

use super::{numbers, take_while};

/// Compares two versions, or two releases.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.as_bytes(), right.as_bytes());
    loop {
        let separator = |byte: &u8| !byte.is_ascii_alphanumeric() && !matches!(byte, b'~' | b'^');
        take_while(&mut left, separator);
        take_while(&mut right, separator);
        match mark(&mut left, &mut right) {
            Mark::Both => continue,
            Mark::Decided(order) => return order,
            Mark::Neither => {}
        }
        if left.is_empty() || right.is_empty() {
            // Whoever has something left is newer.
            return left.len().cmp(&right.len());
        }
        let order = segment(&mut left, &mut right);
        if order.is_ne() {
            return order;
        }
    }
}

/// What `~` or `^` at the beginning say.
enum Mark {
    Neither,
    Both,
    Decided(Ordering),
}

/// A tilde is older than anything, the end too; a caret is newer than the end, older than the rest.
fn mark(left: &mut &[u8], right: &mut &[u8]) -> Mark {
    match (left.first(), right.first()) {
        (Some(b'~'), Some(b'~')) | (Some(b'^'), Some(b'^')) => {
            take_one(left);
            take_one(right);
            Mark::Both
        }
        (Some(b'~'), _) => Mark::Decided(Ordering::Less),
        (_, Some(b'~')) => Mark::Decided(Ordering::Greater),
        (Some(b'^'), None) => Mark::Decided(Ordering::Greater),
        (None, Some(b'^')) => Mark::Decided(Ordering::Less),
        (Some(b'^'), Some(_)) => Mark::Decided(Ordering::Less),
        (Some(_), Some(b'^')) => Mark::Decided(Ordering::Greater),
        (Some(_) | None, Some(_) | None) => Mark::Neither,
    }
}

fn take_one(rest: &mut &[u8]) {
    *rest = rest.get(1..).unwrap_or_default();
}

/// Compares the next segment of each, of the kind that the left one is. A number is newer than
/// letters.
fn segment(left: &mut &[u8], right: &mut &[u8]) -> Ordering {
    if left.first().is_some_and(u8::is_ascii_digit) {
        let own = take_while(left, u8::is_ascii_digit);
        let other = take_while(right, u8::is_ascii_digit);
        if other.is_empty() {
            return Ordering::Greater;
        }
        numbers(own, other)
    } else {
        let own = take_while(left, u8::is_ascii_alphabetic);
        let other = take_while(right, u8::is_ascii_alphabetic);
        if other.is_empty() {
            return Ordering::Less;
        }
        own.cmp(other)
    }
}

#[cfg(test)]
mod tests {
    use super::super::check_ascending;
    use super::*;

    #[test]
    fn versions_sort_as_the_manual_says() {
        // [rpm-version](7) and Fedora's versioning guidelines; oldest first, each before the next.
        let ascending = [
            "1.0~beta 1.0~rc1 1.0 1.0^git1 1.0.1",
            "1.0a 1.0.0 1.0.1 1.1 1.9 1.10 2",
            "a b 1 1a 1b 10",
            "1.0^20240101 1.0^20240501 1.0.1^20240101",
            "503.el9 503.11.1.el9_5 504.el9",
            "1.0~rc1^git1 1.0~rc2",
        ];
        check_ascending(compare, &ascending);
        for (left, right) in [
            ("1.0", "1_0"),
            ("1.05", "1.5"),
            ("1.0", "1.0"),
            ("2a", "2.a"),
            ("1.", "1"),
        ] {
            assert_eq!(compare(left, right), Ordering::Equal, "{left} {right}");
        }
    }
}
