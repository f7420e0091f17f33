//! The order of versions by the UAPI group's "Version Format Specification".

use std::cmp::Ordering;

/// Compares two versions; the newer one is greater.
pub(crate) fn compare(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.as_bytes(), right.as_bytes());
    loop {
        // 1. Characters that mean nothing are skipped.
        left = skip(left);
        right = skip(right);
        // 2. `~` sorts before everything, also before the end.
        if let Some(order) = marker(&mut left, &mut right, b'~') {
            return order;
        }
        // 3. One has ended.
        match (left.is_empty(), right.is_empty()) {
            (true, true) => return Ordering::Equal,
            (true, false) => return Ordering::Less,
            (false, true) => return Ordering::Greater,
            (false, false) => {}
        }
        // 4.–6. `-`, `^` and `.` sort before text, in this order.
        for mark in [b'-', b'^', b'.'] {
            if let Some(order) = marker(&mut left, &mut right, mark) {
                return order;
            }
        }
        match segment(&mut left, &mut right) {
            Ordering::Equal => {}
            order => return order,
        }
    }
}

fn skip(text: &[u8]) -> &[u8] {
    let means = |byte: &u8| byte.is_ascii_alphanumeric() || b"~-^.".contains(byte);
    let start = text.iter().position(means).unwrap_or(text.len());
    text.get(start..).unwrap_or_default()
}

/// If exactly one starts with `mark` it is less; if both do, both lose it.
fn marker(left: &mut &[u8], right: &mut &[u8], mark: u8) -> Option<Ordering> {
    match (left.split_first(), right.split_first()) {
        (Some((l, left_rest)), Some((r, right_rest))) if *l == mark && *r == mark => {
            *left = left_rest;
            *right = right_rest;
            None
        }
        (Some((l, _)), _) if *l == mark => Some(Ordering::Less),
        (_, Some((r, _))) if *r == mark => Some(Ordering::Greater),
        _ => None,
    }
}

/// 7. Digits compare as numbers and beat letters; letters compare one by one, upper case first.
fn segment(left: &mut &[u8], right: &mut &[u8]) -> Ordering {
    let digit = |text: &[u8]| text.first().is_some_and(u8::is_ascii_digit);
    if digit(left) || digit(right) {
        let (l, r) = (
            take(left, u8::is_ascii_digit),
            take(right, u8::is_ascii_digit),
        );
        // An empty number is less than any.
        if l.is_empty() || r.is_empty() {
            return l.len().cmp(&r.len());
        }
        let (l, r) = (strip_zeroes(l), strip_zeroes(r));
        return l.len().cmp(&r.len()).then_with(|| l.cmp(r));
    }
    let (l, r) = (
        take(left, u8::is_ascii_alphabetic),
        take(right, u8::is_ascii_alphabetic),
    );
    l.cmp(r)
}

fn take<'t>(text: &mut &'t [u8], belongs: fn(&u8) -> bool) -> &'t [u8] {
    let end = text
        .iter()
        .position(|byte| !belongs(byte))
        .unwrap_or(text.len());
    let (taken, rest) = text.split_at(end);
    *text = rest;
    taken
}

fn strip_zeroes(digits: &[u8]) -> &[u8] {
    let start = digits
        .iter()
        .position(|&byte| byte != b'0')
        .unwrap_or(digits.len());
    digits.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the specification, and kernels.
    #[test]
    fn versions_sort_as_the_specification_says() {
        let ascending = [
            "122.1",
            "123~rc1-1",
            "123",
            "123-a",
            "123-a.1",
            "123-1",
            "123-1.1",
            "123^post1",
            "123.a-1",
            "123.1-1",
            "123a-1",
            "124-1",
        ];
        for pair in ascending.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(compare(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
        assert_eq!(compare("6.1.0-9-amd64", "6.1.0-28-amd64"), Ordering::Less);
        assert_eq!(
            compare("5.14.0-70.el9", "5.14.0-427.13.1.el9_4"),
            Ordering::Less
        );
        assert_eq!(compare("007", "7"), Ordering::Equal);
        assert_eq!(compare("", ""), Ordering::Equal);
    }
}
