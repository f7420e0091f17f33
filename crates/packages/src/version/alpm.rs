//! pacman's comparison. \[vercmp\](8): as RPM's, but letters behind a number are older than none
//! (`1.0a` before `1.0`), and separators count by their length.

use std::cmp::Ordering;

use super::{numbers, take_while};

/// Compares two versions, or two releases.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    if left == right {
        return Ordering::Equal;
    }
    let (mut left, mut right) = (left.as_bytes(), right.as_bytes());
    while !left.is_empty() && !right.is_empty() {
        let separator = |byte: &u8| !byte.is_ascii_alphanumeric();
        let own = take_while(&mut left, separator).len();
        let other = take_while(&mut right, separator).len();
        if left.is_empty() || right.is_empty() {
            break;
        }
        if own != other {
            return own.cmp(&other);
        }
        let order = segment(&mut left, &mut right);
        if order.is_ne() {
            return order;
        }
    }
    end(left, right)
}

/// Whoever has something left is newer, unless that begins with a letter.
fn end(left: &[u8], right: &[u8]) -> Ordering {
    let letter = |rest: &[u8]| rest.first().is_some_and(u8::is_ascii_alphabetic);
    match (left.is_empty(), right.is_empty()) {
        (true, true) => Ordering::Equal,
        (true, false) if letter(right) => Ordering::Greater,
        (_, _) if letter(left) => Ordering::Less,
        (true, false) => Ordering::Less,
        (false, _) => Ordering::Greater,
    }
}

/// Compares the next segment of each; a number is newer than letters.
fn segment(left: &mut &[u8], right: &mut &[u8]) -> Ordering {
    let digit = left.first().is_some_and(u8::is_ascii_digit);
    let kind = if digit {
        u8::is_ascii_digit
    } else {
        u8::is_ascii_alphabetic
    };
    let own = take_while(left, kind);
    let other = take_while(right, kind);
    match (digit, other.is_empty()) {
        (true, true) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (true, false) => numbers(own, other),
        (false, false) => own.cmp(other),
    }
}

#[cfg(test)]
mod tests {
    use super::super::check_ascending;
    use super::*;

    #[test]
    fn versions_sort_as_the_manual_says() {
        // [vercmp](8), section "Options" and its examples.
        let ascending = [
            "1.0a 1.0b 1.0beta 1.0p 1.0pre 1.0rc 1.0 1.0.a 1.0.1",
            "1 1.0 1.1 1.1.1 1.2 2.0 3.0.0",
        ];
        check_ascending(compare, &ascending);
    }
}
