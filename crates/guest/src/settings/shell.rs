//! Assignments of a shell script: `/etc/sysconfig`, `/etc/default`. Nothing is expanded or run.

use super::MAX_LINES;
use crate::facts::{Evidence, Setting};

/// The assignments, in order, without their quotes; `NAME+=value` becomes an entry of its own
/// with the value that is appended. What is no assignment is passed over.
pub(crate) fn parse(path: &str, text: &str) -> Vec<Setting> {
    let mut all = Vec::new();
    let mut rest = text;
    let mut line: u32 = 1;
    while !rest.is_empty() && all.len() < MAX_LINES {
        let (statement, after) = statement(rest);
        let begin = statement.trim_start();
        let skipped = statement.strip_suffix(begin).unwrap_or_default();
        let number = line.saturating_add(newlines(skipped));
        if let Some((name, value)) = assignment(begin) {
            all.push(Setting::new(name, value, Evidence::line(path, number)));
        }
        let taken = rest.strip_suffix(after).unwrap_or(rest);
        line = line.saturating_add(newlines(taken));
        rest = after;
    }
    all
}

/// The last value of a name; an empty one counts as set.
pub(crate) fn last<'a>(settings: &'a [Setting], name: &str) -> Option<&'a Setting> {
    settings.iter().rev().find(|own| own.name == name)
}

/// The text of [`last`], unless it is empty.
pub(crate) fn value<'a>(settings: &'a [Setting], name: &str) -> Option<&'a str> {
    last(settings, name)
        .map(|own| own.value.as_str())
        .filter(|value| !value.is_empty())
}

fn newlines(text: &str) -> u32 {
    u32::try_from(text.matches('\n').count()).unwrap_or(u32::MAX)
}

/// One statement, up to a newline or `;` that no quote and no `\` protects, and what follows.
fn statement(text: &str) -> (&str, &str) {
    let (mut quote, mut escaped, mut comment, mut before) = (None, false, false, ' ');
    for (index, c) in text.char_indices() {
        match (quote, c) {
            (None, '\n') if !escaped => return cut(text, index),
            _ if comment || escaped => escaped = false,
            (None, ';') => return cut(text, index),
            (None, '#') if before.is_whitespace() => comment = true,
            (None | Some('"'), '\\') => escaped = true,
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (_, _) => (),
        }
        before = c;
    }
    (text, "")
}

/// What is before an ASCII character, and what is behind it.
fn cut(text: &str, at: usize) -> (&str, &str) {
    let after = at.saturating_add(1);
    (
        text.get(..at).unwrap_or(text),
        text.get(after..).unwrap_or_default(),
    )
}

fn assignment(statement: &str) -> Option<(&str, String)> {
    let statement = statement
        .strip_prefix("export ")
        .unwrap_or(statement)
        .trim_start();
    let (name, word) = statement.split_once('=')?;
    let name = name.strip_suffix('+').unwrap_or(name);
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.' || c == '-';
    let is_named = !name.is_empty() && name.chars().all(is_name);
    is_named.then(|| (name, unquote(word)))
}

/// The first word of `text`, without quotes.
fn unquote(text: &str) -> String {
    let (mut word, mut quote) = (String::new(), None);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, c) if c.is_whitespace() => break,
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (Some('\''), c) => word.push(c),
            // Between double quotes only these lose their meaning.
            (Some(_), '\\') => match chars.next() {
                Some('\n') | None => (),
                Some(c @ ('"' | '\\' | '$' | '`')) => word.push(c),
                Some(c) => word.extend(['\\', c]),
            },
            (None, '\\') => word.extend(chars.next().filter(|c| *c != '\n')),
            (_, c) => word.push(c),
        }
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_assign() {
        let text = "# c='1\nA=1 # no\nexport B=\"x y\"'z'\nif [ a ]; then C=3; fi\nD=\"two\nlines\"\nE=\n\
                    F='it'\\''s'\nA+=\"\\$2 \\n\"\nG=a#b\nH=x \\\n  I=y\n J=1\n";
        let found = parse("/f", text);
        let check = |name: &str, value: &str, line| {
            let own = last(&found, name).unwrap();
            assert_eq!(
                (own.value.as_str(), own.at.line),
                (value, Some(line)),
                "{name}"
            );
        };
        check("A", "$2 \\n", 9);
        check("B", "x yz", 3);
        check("D", "two\nlines", 5);
        check("E", "", 7);
        check("F", "it's", 8);
        check("G", "a#b", 10);
        assert_eq!(value(&found, "E"), None);
        assert_eq!(value(&found, "no"), None);
    }
}
