//! Kernel command lines.

use std::ops::Range;

/// An argument, and where it is in its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Argument {
    /// The whole of it.
    pub(crate) at: Range<usize>,
    /// What stands before `=`, without quotes.
    pub(crate) name: String,
    /// What stands behind it, without quotes.
    pub(crate) value: Option<String>,
}

/// What becomes of an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It stays.
    Keep,
    /// It goes.
    Gone,
    /// It becomes this.
    Text(String),
}

/// The arguments of a line, up to a `--` that begins what init gets.
pub(crate) fn arguments(line: &str) -> Vec<Argument> {
    let mut all = Vec::new();
    let (mut start, mut quoted) = (None, false);
    for (at, letter) in line.char_indices().chain([(line.len(), ' ')]) {
        if letter == '"' {
            quoted = !quoted;
        }
        let is_end = at == line.len() || (letter.is_whitespace() && !quoted);
        match (start, is_end) {
            (None, false) => start = Some(at),
            (Some(from), true) => {
                let text = line.get(from..at).unwrap_or_default();
                if text == "--" {
                    return all;
                }
                all.push(argument(text, from..at));
                start = None;
            }
            (None, true) | (Some(_), false) => {}
        }
    }
    all
}

fn argument(text: &str, at: Range<usize>) -> Argument {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    };
    let plain = |text: &str| text.replace('"', "");
    Argument {
        at,
        name: plain(name),
        value: value.map(plain),
    }
}

/// The line with each argument as `change` says. With an argument that goes, the blanks before it
/// go; at the beginning of a line, those behind it.
pub(crate) fn edit(line: &str, mut change: impl FnMut(&Argument) -> Fate) -> String {
    let mut all = String::with_capacity(line.len());
    let mut done = 0_usize;
    for own in arguments(line) {
        let gap = line.get(done..own.at.start).unwrap_or_default();
        match change(&own) {
            Fate::Keep => {
                all.push_str(gap);
                all.push_str(line.get(own.at.clone()).unwrap_or_default());
            }
            Fate::Text(text) => {
                all.push_str(gap);
                all.push_str(&text);
            }
            Fate::Gone if all.trim().is_empty() => {
                // The next one takes its place.
                if all.is_empty() {
                    all.push_str(gap);
                }
                let rest = line.get(own.at.end..).unwrap_or_default();
                let blanks = rest.len().saturating_sub(rest.trim_start().len());
                done = own.at.end.saturating_add(blanks);
                continue;
            }
            Fate::Gone => {}
        }
        done = own.at.end;
    }
    all.push_str(line.get(done..).unwrap_or_default());
    all
}

/// The line with further arguments: before the first one that `before` fits, else behind the last
/// one.
pub(crate) fn insert(line: &str, text: &str, before: impl Fn(&Argument) -> bool) -> String {
    let all = arguments(line);
    if let Some(own) = all.iter().find(|own| before(own)) {
        let (head, tail) = line.split_at_checked(own.at.start).unwrap_or((line, ""));
        return format!("{head}{text} {tail}");
    }
    match all.last() {
        Some(last) => {
            let (head, tail) = line.split_at_checked(last.at.end).unwrap_or((line, ""));
            format!("{head} {text}{tail}")
        }
        None if line.trim().is_empty() => format!("{line}{text}"),
        // What init gets stands behind it.
        None => format!("{text} {}", line.trim_start()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without(line: &str, name: &str) -> String {
        edit(line, |own| {
            if own.name == name {
                Fate::Gone
            } else {
                Fate::Keep
            }
        })
    }

    #[test]
    fn arguments_go_with_their_blanks() {
        assert_eq!(without("ro  nopv quiet", "nopv"), "ro quiet");
        assert_eq!(without("nopv  ro quiet ", "nopv"), "ro quiet ");
        assert_eq!(without(" nopv ro", "nopv"), " ro");
        assert_eq!(without("ro nopv", "nopv"), "ro");
        assert_eq!(without("nopv", "nopv"), "");
        assert_eq!(without("nopv nopv a", "nopv"), "a");
        assert_eq!(without("a -- nopv", "nopv"), "a -- nopv");
        assert_eq!(without("a=\"x nopv\" nopv", "nopv"), "a=\"x nopv\"");
        assert_eq!(without("\ta  b\t", "nopv"), "\ta  b\t");
    }

    #[test]
    fn arguments_are_put_before_others() {
        let is_tty = |own: &Argument| own.value.as_deref() == Some("tty0");
        assert_eq!(
            insert("ro console=tty0 quiet ", "console=ttyS0", is_tty),
            "ro console=ttyS0 console=tty0 quiet "
        );
        assert_eq!(insert("ro quiet ", "x=1", is_tty), "ro quiet x=1 ");
        assert_eq!(insert("", "x=1", is_tty), "x=1");
        assert_eq!(insert("ro -- 3", "x=1", is_tty), "ro x=1 -- 3");
        assert_eq!(insert("-- 3", "x=1", is_tty), "x=1 -- 3");
    }
}
