//! Edits line by line.

/// What becomes of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line {
    /// It stays as it is.
    Keep,
    /// Its text is this; its end stays.
    Text(String),
    /// It goes, with its end.
    Gone,
    /// It stays, and these come behind it.
    Then(Vec<String>),
}

/// Asks for each line what becomes of it; lines count from 1 and come without their ends. A line
/// that is no UTF-8 stays as it is.
pub(crate) fn edit(bytes: &[u8], mut change: impl FnMut(u32, &str) -> Line) -> Vec<u8> {
    let mut all = Vec::with_capacity(bytes.len());
    for (number, whole) in (1..).zip(bytes.split_inclusive(|byte| *byte == b'\n')) {
        let (text, end) = parts(whole);
        let answer = match std::str::from_utf8(text) {
            Ok(text) => change(number, text),
            Err(_) => Line::Keep,
        };
        match answer {
            Line::Keep => all.extend_from_slice(whole),
            Line::Text(text) => {
                all.extend_from_slice(text.as_bytes());
                all.extend_from_slice(end);
            }
            Line::Gone => {}
            Line::Then(more) => {
                all.extend_from_slice(text);
                let end = if end.is_empty() { b"\n" } else { end };
                all.extend_from_slice(end);
                for line in more {
                    all.extend_from_slice(line.as_bytes());
                    all.extend_from_slice(end);
                }
            }
        }
    }
    all
}

/// A line without its end, and the end.
fn parts(whole: &[u8]) -> (&[u8], &[u8]) {
    let text = whole.strip_suffix(b"\n").unwrap_or(whole);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    whole.split_at_checked(text.len()).unwrap_or((whole, &[]))
}

/// Changes one line alone.
pub(crate) fn one(bytes: &[u8], number: u32, change: impl Fn(&str) -> Line) -> Vec<u8> {
    edit(bytes, |own, text| {
        if own == number {
            change(text)
        } else {
            Line::Keep
        }
    })
}

/// Adds lines behind the last one.
pub(crate) fn append(bytes: &[u8], lines: &[String]) -> Vec<u8> {
    let mut all = bytes.to_vec();
    if !all.is_empty() && !all.ends_with(b"\n") {
        all.push(b'\n');
    }
    for line in lines {
        all.extend_from_slice(line.as_bytes());
        all.push(b'\n');
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_asked_for_stays_to_the_byte() {
        let old = b"a\r\n\xff\xfe\n# c\n\n last";
        assert_eq!(edit(old, |_, _| Line::Keep), old);
        let new = edit(old, |number, text| match (number, text) {
            (1, "a") => Line::Text("b".to_owned()),
            (3, _) => Line::Gone,
            (5, " last") => Line::Then(vec!["more".to_owned()]),
            _ => Line::Keep,
        });
        assert_eq!(new, b"b\r\n\xff\xfe\n\n last\nmore\n");
        assert_eq!(append(b"a", &["b".to_owned()]), b"a\nb\n");
        assert_eq!(append(b"", &["b".to_owned()]), b"b\n");
    }
}
