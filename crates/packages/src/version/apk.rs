//! apk's comparison. \[apk-package\](5): `number{.number}{letter}{_suffix{number}}{~hash}{-r#}`.

use std::cmp::Ordering;

use super::{numbers, take_while};

/// A part of a version. Of two parts of different kinds the later one here is the newer, but for a
/// suffix of something to come, which is older than anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// `_alpha`, `_beta`, `_pre`, `_rc`.
    Before,
    /// What is no version.
    Invalid,
    /// Nothing is left.
    End,
    /// `-r1`.
    Revision,
    /// `~abcdef`.
    Hash,
    /// The number of a suffix.
    SuffixNumber,
    /// `_cvs`, `_svn`, `_git`, `_hg`, `_p`.
    After,
    Letter,
    Number,
}

/// Suffixes before a release, oldest first.
const BEFORE: [&[u8]; 4] = [b"alpha", b"beta", b"pre", b"rc"];
/// Suffixes after it.
const AFTER: [&[u8]; 5] = [b"cvs", b"svn", b"git", b"hg", b"p"];

/// One part and its text.
struct Part<'a> {
    kind: Kind,
    text: &'a [u8],
    /// Numbers behind a point that begin with 0 are compared as fractions.
    fraction: bool,
}

/// Compares two whole versions.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (Parts::new(left), Parts::new(right));
    loop {
        let (own, other) = (left.next(), right.next());
        let order = own.kind.cmp(&other.kind).then_with(|| same(&own, &other));
        if order.is_ne() || matches!(own.kind, Kind::End | Kind::Invalid) {
            return order;
        }
    }
}

/// Compares two parts of one kind.
fn same(left: &Part<'_>, right: &Part<'_>) -> Ordering {
    let place = |all: &[&[u8]], text: &[u8]| all.iter().position(|suffix| *suffix == text);
    match left.kind {
        Kind::Before => place(&BEFORE, left.text).cmp(&place(&BEFORE, right.text)),
        Kind::After => place(&AFTER, left.text).cmp(&place(&AFTER, right.text)),
        Kind::Number if left.fraction || right.fraction => left.text.cmp(right.text),
        Kind::Number | Kind::SuffixNumber | Kind::Revision => numbers(left.text, right.text),
        Kind::Letter | Kind::Hash | Kind::Invalid => left.text.cmp(right.text),
        Kind::End => Ordering::Equal,
    }
}

/// The parts of a version, one after another.
struct Parts<'a> {
    rest: &'a [u8],
    before: Kind,
}

impl<'a> Parts<'a> {
    fn new(version: &'a str) -> Self {
        Self {
            rest: version.as_bytes(),
            before: Kind::End,
        }
    }

    fn next(&mut self) -> Part<'a> {
        let (kind, text) = self.take();
        let fraction =
            kind == Kind::Number && self.before == Kind::Number && text.first() == Some(&b'0');
        self.before = kind;
        Part {
            kind,
            text,
            fraction,
        }
    }

    fn take(&mut self) -> (Kind, &'a [u8]) {
        let digits = u8::is_ascii_digit;
        match self.rest {
            [] => (Kind::End, &[]),
            [b'-', b'r', rest @ ..] => {
                self.rest = rest;
                (Kind::Revision, take_while(&mut self.rest, digits))
            }
            [b'~', rest @ ..] => {
                self.rest = rest;
                (
                    Kind::Hash,
                    take_while(&mut self.rest, u8::is_ascii_hexdigit),
                )
            }
            [b'_', rest @ ..] => {
                self.rest = rest;
                self.suffix()
            }
            [b'.', rest @ ..] if self.before == Kind::Number => {
                self.rest = rest;
                (Kind::Number, take_while(&mut self.rest, digits))
            }
            [digit, ..] if digit.is_ascii_digit() => {
                let suffix = matches!(self.before, Kind::Before | Kind::After);
                let kind = if suffix {
                    Kind::SuffixNumber
                } else {
                    Kind::Number
                };
                (kind, take_while(&mut self.rest, digits))
            }
            [letter, rest @ ..] if letter.is_ascii_lowercase() && self.before == Kind::Number => {
                let (letter, _) = self.rest.split_at(1);
                self.rest = rest;
                (Kind::Letter, letter)
            }
            _ => self.invalid(),
        }
    }

    fn suffix(&mut self) -> (Kind, &'a [u8]) {
        let word = take_while(&mut self.rest, u8::is_ascii_lowercase);
        if BEFORE.contains(&word) {
            (Kind::Before, word)
        } else if AFTER.contains(&word) {
            (Kind::After, word)
        } else {
            self.invalid()
        }
    }

    fn invalid(&mut self) -> (Kind, &'a [u8]) {
        (Kind::Invalid, std::mem::take(&mut self.rest))
    }
}

#[cfg(test)]
mod tests {
    use super::super::check_ascending;
    use super::*;

    #[test]
    fn versions_sort_as_the_manual_says() {
        // [apk-package](5): suffixes in their order, and what stands around them.
        let ascending = [
            "1.0_alpha 1.0_alpha2 1.0_beta 1.0_pre 1.0_rc 1.0_rc1 1.0-r0",
            "1.0-r1 1.0-r2 1.0-r10 1.0_p1-r0 1.0a-r0 1.0b 1.0.1 1.1",
            "1.0_cvs 1.0_svn 1.0_git 1.0_hg 1.0_p 1.0_p1",
            "1.9 1.10 2 10",
            "1.01 1.1",
            "1.0 1.0-r0",
        ];
        check_ascending(compare, &ascending);
        assert_eq!(compare("1.2.3-r4", "1.2.3-r4"), Ordering::Equal);
    }
}
