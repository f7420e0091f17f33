//! Files of sections: NetworkManager's key files, units and network files of systemd.

use std::collections::{BTreeMap, BTreeSet};

use super::lines::{self, Line};

/// Sets a key of a section: where it is, the last one of that name is changed; where it is not, it
/// comes behind the section's head; a section that is not there comes at the end.
pub(crate) fn set(bytes: &[u8], section: &str, key: &str, value: &str) -> Vec<u8> {
    let places = places(bytes, section, key);
    let line = format!("{key}={value}");
    match (places.keys.last(), places.head) {
        (Some(last), _) => lines::edit(bytes, |number, _| match number {
            number if number == *last => Line::Text(line.clone()),
            number if places.is_tail_of(*last, number) => Line::Gone,
            _ => Line::Keep,
        }),
        (None, Some(head)) => lines::one(bytes, head, |_| Line::Then(vec![line.clone()])),
        (None, None) => {
            let mut new = Vec::new();
            if !bytes.is_empty() {
                new.push(String::new());
            }
            new.extend([format!("[{section}]"), line]);
            lines::append(bytes, &new)
        }
    }
}

/// Takes a key out of a section, wherever it stands.
pub(crate) fn unset(bytes: &[u8], section: &str, key: &str) -> Vec<u8> {
    let places = places(bytes, section, key);
    let mut gone: BTreeSet<u32> = places.keys.into_iter().collect();
    gone.extend(places.tails.into_keys());
    lines::edit(bytes, |number, _| {
        if gone.contains(&number) {
            Line::Gone
        } else {
            Line::Keep
        }
    })
}

/// The lines of a section's head, its first one, and of a key in it.
struct Places {
    head: Option<u32>,
    keys: Vec<u32>,
    /// Lines that go on with the one before, and the key's line that they belong to.
    tails: BTreeMap<u32, u32>,
}

impl Places {
    fn is_tail_of(&self, key: u32, number: u32) -> bool {
        self.tails.get(&number) == Some(&key)
    }
}

fn places(bytes: &[u8], section: &str, key: &str) -> Places {
    let mut places = Places {
        head: None,
        keys: Vec::new(),
        tails: BTreeMap::new(),
    };
    let (mut inside, mut open) = (false, None);
    lines::edit(bytes, |number, text| {
        let text = text.trim();
        // \[systemd.syntax(7)\] A line that ends with `\` goes on.
        let goes_on = text.ends_with('\\');
        if let Some(key) = open {
            places.tails.insert(number, key);
            open = open.filter(|_| goes_on);
            return Line::Keep;
        }
        if let Some(name) = text.strip_prefix('[') {
            inside = name.strip_suffix(']') == Some(section);
            if inside && places.head.is_none() {
                places.head = Some(number);
            }
        } else if inside && !text.starts_with(['#', ';']) {
            let own = text.split_once('=').map(|(own, _)| own.trim_end());
            if own == Some(key) {
                places.keys.push(number);
                open = goes_on.then_some(number);
            }
        }
        Line::Keep
    });
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &[u8] = b"# c\n[a]\nx=1\n#y=0\ny = 2\n\n[b]\ny=3\n";

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn keys_are_set_where_they_are() {
        assert_eq!(
            text(set(FILE, "a", "y", "9")),
            "# c\n[a]\nx=1\n#y=0\ny=9\n\n[b]\ny=3\n"
        );
        assert_eq!(
            text(set(FILE, "b", "z", "9")),
            "# c\n[a]\nx=1\n#y=0\ny = 2\n\n[b]\nz=9\ny=3\n"
        );
        assert_eq!(
            text(set(FILE, "c", "z", "9")),
            "# c\n[a]\nx=1\n#y=0\ny = 2\n\n[b]\ny=3\n\n[c]\nz=9\n"
        );
        assert_eq!(
            text(unset(FILE, "a", "y")),
            "# c\n[a]\nx=1\n#y=0\n\n[b]\ny=3\n"
        );
        assert_eq!(unset(FILE, "a", "z"), FILE);
        let long = b"[a]\ny=1 \\\n  2 \\\n  3\nx=1\n";
        assert_eq!(text(set(long, "a", "y", "9")), "[a]\ny=9\nx=1\n");
        assert_eq!(text(unset(long, "a", "y")), "[a]\nx=1\n");
    }
}
