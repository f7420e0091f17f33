//! Lines of fields that blanks part: fstab, crypttab.

use std::ops::Range;

/// Where the fields of a line are.
pub(crate) fn fields(line: &str) -> Vec<Range<usize>> {
    let mut all = Vec::new();
    let mut start = None;
    for (at, letter) in line.char_indices() {
        match (start, letter.is_whitespace()) {
            (None, false) => start = Some(at),
            (Some(from), true) => {
                all.push(from..at);
                start = None;
            }
            (None, true) | (Some(_), false) => {}
        }
    }
    all.extend(start.map(|from| from..line.len()));
    all
}

/// The line with another text in one of its fields. Blanks behind a field stay as they are, unless
/// that would move what stands behind it: then as many go, or come, as keep it in its column, and one
/// at least stays.
pub(crate) fn replace(line: &str, index: usize, text: &str) -> Option<String> {
    let all = fields(line);
    let own = all.get(index)?.clone();
    let next = all
        .get(index.checked_add(1)?)
        .map_or(line.len(), |next| next.start);
    let (before, gap) = (line.get(..own.start)?, line.get(own.end..next)?);
    let after = line.get(next..)?;
    let is_spaces = gap.len() > 1 && gap.bytes().all(|byte| byte == b' ');
    if !is_spaces || after.is_empty() {
        return Some(format!("{before}{text}{gap}{after}"));
    }
    let width = own.len().saturating_add(gap.len());
    let pad = width.saturating_sub(text.len()).max(1);
    Some(format!("{before}{text}{}{after}", " ".repeat(pad)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_field_is_replaced() {
        let check = |line: &str, expect: &str| {
            assert_eq!(
                replace(line, 0, "UUID=1").as_deref(),
                Some(expect),
                "{line}"
            );
        };
        check("/dev/sda1 / ext4", "UUID=1 / ext4");
        check("/dev/sda1\t/\text4", "UUID=1\t/\text4");
        check("  /dev/sda1    /  ext4  # x", "  UUID=1       /  ext4  # x");
        check("/dev/sda1", "UUID=1");
        assert_eq!(replace("a  b", 0, "longer").as_deref(), Some("longer b"));
        assert_eq!(replace("a b", 1, "c").as_deref(), Some("a c"));
        assert_eq!(replace("a b", 2, "c"), None);
    }
}
