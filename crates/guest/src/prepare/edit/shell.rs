//! Assignments of files in the shell's syntax: `/etc/default/grub`, `/etc/sysconfig`, dracut,
//! mkinitcpio. Nothing is expanded or run.

use std::ops::Range;

/// Longer files are not configuration.
const MAX_ASSIGNMENTS: usize = 4096;
/// What is looked at for ends of values, all together: quotes that are never closed would have the
/// rest of the text looked through again and again.
const MAX_LOOKED_AT: usize = 16 << 20;

/// An assignment whose value is written in one piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assignment {
    /// The variable.
    pub(crate) name: String,
    /// The line where it begins, from 1.
    pub(crate) line: u32,
    /// Where the value is, without its quotes or brackets.
    pub(crate) value: Range<usize>,
    /// What is around it.
    pub(crate) around: Around,
}

/// What is around a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Around {
    /// Nothing.
    Nothing,
    /// Quotes.
    Quotes(char),
    /// The brackets of an array.
    Brackets,
}

/// The assignments of a text. One that is put together of several pieces, such as `a="b"c`, is not
/// among them.
pub(crate) fn assignments(text: &str) -> Vec<Assignment> {
    let mut all = Vec::new();
    let (mut at, mut line, mut budget) = (0_usize, 1_u32, MAX_LOOKED_AT);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if all.len() >= MAX_ASSIGNMENTS || budget == 0 {
            break;
        }
        let found = assignment(rest, at, line, &mut budget);
        let end = match &found {
            Some(own) => own.value.end,
            None => at,
        };
        all.extend(found);
        // On to the next line, from the end of the value.
        let tail = text.get(end..).unwrap_or_default();
        let next = tail.find('\n').map_or(text.len(), |more| {
            end.saturating_add(more).saturating_add(1)
        });
        let passed = text.get(at..next).unwrap_or_default();
        let lines = passed.bytes().filter(|byte| *byte == b'\n').count();
        line = line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        at = next;
    }
    all
}

/// The assignment at the beginning of a text that is itself at `at`.
fn assignment(rest: &str, at: usize, line: u32, budget: &mut usize) -> Option<Assignment> {
    let first = rest.lines().next()?;
    let trimmed = first.trim_start();
    let trimmed = trimmed
        .strip_prefix("export ")
        .map_or(trimmed, str::trim_start);
    let name_at = first.len().checked_sub(trimmed.len())?;
    let (name, _) = trimmed.split_once('=')?;
    let start = name_at.checked_add(name.len())?.checked_add(1)?;
    let name = name.strip_suffix('+').unwrap_or(name);
    let is_name = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_');
    if !is_name {
        return None;
    }
    let (value, around) = value(rest.get(start..)?, budget)?;
    let from = at.checked_add(start)?;
    Some(Assignment {
        name: name.to_owned(),
        line,
        value: from.checked_add(value.start)?..from.checked_add(value.end)?,
        around,
    })
}

/// Where the value is in a text that begins with it.
fn value(text: &str, budget: &mut usize) -> Option<(Range<usize>, Around)> {
    let open = text.chars().next();
    let (close, around) = match open {
        Some(quote @ ('"' | '\'')) => (quote, Around::Quotes(quote)),
        Some('(') => (')', Around::Brackets),
        _ => {
            let end = text.find(|c: char| c.is_whitespace() || matches!(c, ';' | '#'));
            let end = end.unwrap_or(text.len());
            let plain = !text.get(..end)?.contains(['"', '\'', '`', '$', '(']);
            return plain.then_some((0..end, Around::Nothing));
        }
    };
    let mut escaped = false;
    for (index, letter) in text.char_indices().skip(1) {
        *budget = budget.checked_sub(1)?;
        if letter == close && !escaped {
            let after = text.get(index..)?.chars().nth(1);
            let ends = after.is_none_or(|c| c.is_whitespace() || matches!(c, ';' | '#'));
            return ends.then_some((1..index, around));
        }
        escaped = letter == '\\' && !escaped && close != '\'';
    }
    None
}

/// The text with another value where `change` gives one.
pub(crate) fn edit(
    bytes: &[u8],
    mut change: impl FnMut(&Assignment, &str) -> Option<String>,
) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return bytes.to_vec();
    };
    let (mut all, mut done) = (String::with_capacity(text.len()), 0_usize);
    for own in assignments(text) {
        let old = text.get(own.value.clone()).unwrap_or_default();
        let Some(new) = change(&own, old).filter(|new| fits(new, own.around)) else {
            continue;
        };
        all.push_str(text.get(done..own.value.start).unwrap_or_default());
        match own.around {
            // A plain word cannot take blanks.
            Around::Nothing if new.contains(char::is_whitespace) => {
                all.push('"');
                all.push_str(&new);
                all.push('"');
            }
            Around::Nothing | Around::Quotes(_) | Around::Brackets => all.push_str(&new),
        }
        done = own.value.end;
    }
    all.push_str(text.get(done..).unwrap_or_default());
    all.into_bytes()
}

/// Whether a value can stand there without an escape.
fn fits(new: &str, around: Around) -> bool {
    match around {
        Around::Quotes(quote) => !new.contains(quote) || new.contains('\\'),
        Around::Brackets => !new.contains(')'),
        Around::Nothing => !new.contains(['"', '\'', '`', '$', '\\']),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# A=1\nA=1\n  export B=\"x y\" # z\nC='a\nb'\nD=(v \"w\")\nE=\"a\"b\nif x; then F=2; fi\nG=\nH=\"a \\\" b\"\n";

    #[test]
    fn values_are_found_where_they_are() {
        let found: Vec<_> = assignments(TEXT)
            .into_iter()
            .map(|own| (own.name, own.line, &TEXT[own.value]))
            .map(|(name, line, value)| format!("{name}:{line} {value}"))
            .collect();
        assert_eq!(
            found,
            [
                "A:2 1",
                "B:3 x y",
                "C:4 a\nb",
                "D:6 v \"w\"",
                "G:9 ",
                "H:10 a \\\" b"
            ]
        );
    }

    #[test]
    fn one_value_is_changed_and_nothing_else() {
        let new = edit(TEXT.as_bytes(), |own, old| {
            (own.name == "B").then(|| format!("{old} more"))
        });
        let expect = TEXT.replace("x y", "x y more");
        assert_eq!(String::from_utf8(new).unwrap(), expect);
        let new = edit(b"A=1", |_, _| Some("1 2".to_owned()));
        assert_eq!(new, b"A=\"1 2\"");
        assert_eq!(edit(b"A='1'", |_, _| Some("'".to_owned())), b"A='1'");
    }
}
