//! What a step changes in a text, as `diff -u` shows it.

/// Lines that are shown around a change.
const CONTEXT: usize = 3;
/// Above so many pairs of lines, what lies between the first change and the last is shown as one.
const MAX_PAIRS: usize = 1 << 20;

/// A line, and what becomes of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Edit<'a> {
    Same(&'a str),
    Gone(&'a str),
    New(&'a str),
}

/// The change from one text to another; `None` if either is no UTF-8, empty if they are the same.
#[must_use]
pub(crate) fn unified(path: &str, old: &[u8], new: &[u8]) -> Option<String> {
    let (old, new) = (
        std::str::from_utf8(old).ok()?,
        std::str::from_utf8(new).ok()?,
    );
    let (old, new): (Vec<&str>, Vec<&str>) = (
        old.split_inclusive('\n').collect(),
        new.split_inclusive('\n').collect(),
    );
    let edits = edits(&old, &new);
    let mut text = String::new();
    for hunk in hunks(&edits) {
        if text.is_empty() {
            text = format!("--- {path}\n+++ {path}\n");
        }
        write_hunk(&mut text, &edits, hunk);
    }
    Some(text)
}

fn edits<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Edit<'a>> {
    let head = old
        .iter()
        .zip(new)
        .take_while(|(old, new)| old == new)
        .count();
    let (same, old, new) = (
        old.get(..head).unwrap_or_default(),
        old.get(head..).unwrap_or_default(),
        new.get(head..).unwrap_or_default(),
    );
    let tail = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take_while(|(old, new)| old == new)
        .count();
    let (old, end) = old
        .split_at_checked(old.len().saturating_sub(tail))
        .unwrap_or_default();
    let new = new
        .get(..new.len().saturating_sub(tail))
        .unwrap_or_default();
    let mut all: Vec<Edit<'a>> = same.iter().map(|line| Edit::Same(line)).collect();
    match old.len().checked_mul(new.len()) {
        Some(pairs) if pairs <= MAX_PAIRS => middle(old, new, &mut all),
        Some(_) | None => {
            all.extend(old.iter().map(|line| Edit::Gone(line)));
            all.extend(new.iter().map(|line| Edit::New(line)));
        }
    }
    all.extend(end.iter().map(|line| Edit::Same(line)));
    all
}

/// By the longest common subsequence.
fn middle<'a>(old: &[&'a str], new: &[&'a str], all: &mut Vec<Edit<'a>>) {
    let width = new.len().saturating_add(1);
    // lengths[i * width + j]: of old[i..] and new[j..].
    let mut lengths = vec![0_u32; width.saturating_mul(old.len().saturating_add(1))];
    let at = |i: usize, j: usize| i.saturating_mul(width).saturating_add(j);
    let get = |lengths: &[u32], i: usize, j: usize| lengths.get(at(i, j)).copied().unwrap_or(0);
    for (i, one) in old.iter().enumerate().rev() {
        for (j, other) in new.iter().enumerate().rev() {
            let (down, right) = (i.saturating_add(1), j.saturating_add(1));
            let best = match one == other {
                true => get(&lengths, down, right).saturating_add(1),
                false => get(&lengths, down, j).max(get(&lengths, i, right)),
            };
            if let Some(own) = lengths.get_mut(at(i, j)) {
                *own = best;
            }
        }
    }
    let (mut i, mut j) = (0_usize, 0_usize);
    loop {
        let (down, right) = (i.saturating_add(1), j.saturating_add(1));
        match (old.get(i), new.get(j)) {
            (Some(one), Some(other)) if one == other => {
                all.push(Edit::Same(one));
                (i, j) = (down, right);
            }
            (Some(one), Some(_)) if get(&lengths, down, j) >= get(&lengths, i, right) => {
                all.push(Edit::Gone(one));
                i = down;
            }
            (_, Some(other)) => {
                all.push(Edit::New(other));
                j = right;
            }
            (Some(one), None) => {
                all.push(Edit::Gone(one));
                i = down;
            }
            (None, None) => return,
        }
    }
}

/// The edits that are shown together, from and to.
fn hunks(edits: &[Edit<'_>]) -> Vec<(usize, usize)> {
    let mut all: Vec<(usize, usize)> = Vec::new();
    for (index, edit) in edits.iter().enumerate() {
        if matches!(edit, Edit::Same(_)) {
            continue;
        }
        let from = index.saturating_sub(CONTEXT);
        let to = index
            .saturating_add(CONTEXT)
            .saturating_add(1)
            .min(edits.len());
        match all.last_mut() {
            Some(last) if last.1 >= from => last.1 = to,
            Some(_) | None => all.push((from, to)),
        }
    }
    all
}

fn write_hunk(text: &mut String, edits: &[Edit<'_>], (from, to): (usize, usize)) {
    let count = |range: &[Edit<'_>]| {
        range
            .iter()
            .fold((0_usize, 0_usize), |(old, new), edit| match edit {
                Edit::Same(_) => (old.saturating_add(1), new.saturating_add(1)),
                Edit::Gone(_) => (old.saturating_add(1), new),
                Edit::New(_) => (old, new.saturating_add(1)),
            })
    };
    let (before, own) = (
        edits.get(..from).unwrap_or_default(),
        edits.get(from..to).unwrap_or_default(),
    );
    let (start, len) = (count(before), count(own));
    // Of an empty range the line before it is named.
    let first = |start: usize, len: usize| start.saturating_add(usize::from(len > 0));
    text.push_str(&format!(
        "@@ -{},{} +{},{} @@\n",
        first(start.0, len.0),
        len.0,
        first(start.1, len.1),
        len.1
    ));
    for edit in own {
        let (sign, line) = match edit {
            Edit::Same(line) => (' ', line),
            Edit::Gone(line) => ('-', line),
            Edit::New(line) => ('+', line),
        };
        text.push(sign);
        text.push_str(line);
        if !line.ends_with('\n') {
            text.push_str("\n\\ No newline at end of file\n");
        }
    }
}

/// Over hostile text.
pub(crate) fn exercise(bytes: &[u8]) {
    let bytes = bytes.get(..4096).unwrap_or(bytes);
    let (one, other) = bytes.split_at_checked(bytes.len() / 2).unwrap_or_default();
    let _ = unified("/x", one, other);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(old: &str, new: &str, expect: &str) {
        let text = unified("/f", old.as_bytes(), new.as_bytes()).unwrap();
        assert_eq!(text, expect);
    }

    /// As GNU diff -u prints it, headers aside.
    #[test]
    fn changes_are_shown_as_diff_shows_them() {
        check("a\nb\n", "a\nb\n", "");
        check(
            "1\n2\n3\n4\n5\n6\n7\n8\n9\n",
            "1\n2\n3\n4\nfive\n6\n7\n8\n9\nten\n",
            "--- /f\n+++ /f\n@@ -2,8 +2,9 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n 9\n+ten\n",
        );
        check("", "a\n", "--- /f\n+++ /f\n@@ -0,0 +1,1 @@\n+a\n");
        check(
            "a",
            "b\n",
            "--- /f\n+++ /f\n@@ -1,1 +1,1 @@\n-a\n\\ No newline at end of file\n+b\n",
        );
        assert_eq!(unified("/f", b"\xff", b""), None);
    }
}
