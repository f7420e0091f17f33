//! The dialects in which Linux writes its configuration, each with the lines kept.
//!
//! A file of more than [`MAX_LINES`] lines is read up to there; each parser is linear in its text.

pub(crate) mod arguments;
pub(crate) mod drop_ins;
pub(crate) mod gathered;
pub(crate) mod ini;
pub(crate) mod shell;
pub(crate) mod udev;
pub(crate) mod words;
pub(crate) mod yaml;

/// More lines than any configuration has that somebody wrote.
pub(crate) const MAX_LINES: usize = 16_384;

/// The lines of a text, trimmed, with their numbers from 1; empty ones and those that begin with one
/// of `comments` are left out.
pub(crate) fn lines<'a>(
    text: &'a str,
    comments: &'a [char],
) -> impl Iterator<Item = (u32, &'a str)> {
    (1..)
        .zip(text.lines().take(MAX_LINES).map(str::trim))
        .filter(move |(_, line)| !line.is_empty() && !line.starts_with(comments))
}

/// As [`lines`], where a `\` at the end of a line joins it to the next; the number is the first
/// one's.
pub(crate) fn joined_lines(text: &str, comments: &[char]) -> Vec<(u32, String)> {
    let (mut all, mut open) = (Vec::new(), None::<(u32, String)>);
    for (number, line) in (1..).zip(text.lines().take(MAX_LINES).map(str::trim)) {
        if line.starts_with(comments) {
            continue;
        }
        let (line, goes_on) = match line.strip_suffix('\\') {
            Some(line) => (line.trim_end(), true),
            None => (line, false),
        };
        let (first, mut whole) = open.take().unwrap_or((number, String::new()));
        if !whole.is_empty() && !line.is_empty() {
            whole.push(' ');
        }
        whole.push_str(line);
        if goes_on {
            open = Some((first, whole));
        } else if !whole.is_empty() {
            all.push((first, whole));
        }
    }
    all.extend(open.filter(|(_, whole)| !whole.is_empty()));
    all
}

/// `yes`, `true`, `on`, `1`, as systemd, NetworkManager and initscripts read them.
pub(crate) fn is_yes(value: &str) -> bool {
    ["yes", "true", "on", "1", "y", "t"]
        .iter()
        .any(|yes| value.eq_ignore_ascii_case(yes))
}

/// Their opposites.
pub(crate) fn is_no(value: &str) -> bool {
    ["no", "false", "off", "0", "n", "f"]
        .iter()
        .any(|no| value.eq_ignore_ascii_case(no))
}

/// The parsers that no gatherer's exerciser reaches with the whole text.
pub(crate) fn exercise(text: &str) {
    ini::Ini::key_file("/x", text);
    ini::Ini::systemd("/x", text);
    shell::parse("/x", text);
    udev::parse("/x", text);
    let (pattern, name) = text.split_at(text.floor_char_boundary(text.len().min(64)));
    words::fits(
        pattern,
        name.get(..name.floor_char_boundary(256)).unwrap_or(name),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_numbers() {
        let found: Vec<_> = lines("# c\n\n a\n;b\nc", &['#', ';']).collect();
        assert_eq!(found, [(3, "a"), (5, "c")]);
        let joined = joined_lines("a \\\n# c\n  b\nc \\", &['#']);
        assert_eq!(joined, [(1, "a b".to_owned()), (4, "c".to_owned())]);
        assert_eq!(lines(&"x\n".repeat(MAX_LINES + 9), &[]).count(), MAX_LINES);
    }
}
