//! Module aliases: which module wants which device.

/// One line of `modules.alias`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Alias {
    /// The pattern, `pci:v00001AF4d*sv*sd*bc*sc*i*`.
    pub(crate) pattern: String,
    /// The module, with `_` for `-`.
    pub(crate) module: String,
}

/// Buses whose devices are of interest; aliases of others are not kept.
pub(crate) const BUSES: [&str; 6] = ["pci", "virtio", "vmbus", "acpi", "usb", "scsi"];

/// More than the kernel of any distribution brings.
const MAX_ALIASES: usize = 60_000;

/// Reads `modules.alias`, keeping what matters on our buses and to modules that are there.
pub(crate) fn parse(text: &str, is_there: impl Fn(&str) -> bool) -> Vec<Alias> {
    let mut aliases = Vec::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let (Some("alias"), Some(pattern), Some(module)) =
            (words.next(), words.next(), words.next())
        else {
            continue;
        };
        let bus = pattern.split(':').next().unwrap_or_default();
        let module = module.replace('-', "_");
        if BUSES.contains(&bus) && is_there(&module) && aliases.len() < MAX_ALIASES {
            aliases.push(Alias {
                pattern: pattern.to_owned(),
                module,
            });
        }
    }
    aliases
}

/// Whether `text` matches a pattern of `fnmatch(3)` with `*`, `?` and `[…]`.
///
/// Only the last `*` is ever gone back to, so the time is bounded by the product of the lengths.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0_usize, 0_usize);
    let mut back: Option<(usize, usize)> = None;
    while let Some(&byte) = text.get(t) {
        let rest = pattern.get(p..).unwrap_or_default();
        if rest.first() == Some(&b'*') {
            p = p.saturating_add(1);
            back = Some((p, t));
        } else if let Some(taken) = one(rest, byte) {
            p = p.saturating_add(taken);
            t = t.saturating_add(1);
        } else if let Some((after_star, from)) = back {
            p = after_star;
            t = from.saturating_add(1);
            back = Some((p, t));
        } else {
            return false;
        }
    }
    pattern
        .get(p..)
        .unwrap_or_default()
        .iter()
        .all(|byte| *byte == b'*')
}

/// Whether the beginning of `pattern` takes `byte`, and how long that beginning is.
fn one(pattern: &[u8], byte: u8) -> Option<usize> {
    match *pattern.first()? {
        b'?' => Some(1),
        b'[' => {
            let end = pattern
                .iter()
                .skip(2)
                .position(|byte| *byte == b']')?
                .saturating_add(2);
            in_set(pattern.get(1..end)?, byte).then_some(end.saturating_add(1))
        }
        first => (first == byte).then_some(1),
    }
}

/// Whether a set such as `0-9a` or `!x` has `byte` in it.
fn in_set(set: &[u8], byte: u8) -> bool {
    let (negated, set) = match set.split_first() {
        Some((b'!' | b'^', rest)) => (true, rest),
        Some(_) | None => (false, set),
    };
    let mut at = 0_usize;
    let mut found = false;
    while let Some(&first) = set.get(at) {
        let range = set
            .get(at..)
            .and_then(|rest| rest.get(..3))
            .filter(|range| range.get(1) == Some(&b'-'));
        let last = range.and_then(|range| range.get(2)).copied();
        found |= (first..=last.unwrap_or(first)).contains(&byte);
        at = at.saturating_add(if last.is_some() { 3 } else { 1 });
    }
    found != negated
}

#[cfg(test)]
mod tests {
    use super::{Alias, matches, parse};

    /// Expected values from Python's `fnmatch.fnmatchcase` (with `!` for negation).
    #[track_caller]
    fn check(pattern: &str, text: &str, expect: bool) {
        assert_eq!(matches(pattern, text), expect, "{pattern} on {text}");
    }

    #[test]
    fn patterns_match_as_fnmatch_does() {
        let network = "pci:v00001AF4d00001041sv00001AF4sd00001100bc02sc00i00";
        check("pci:v00001AF4d*sv*sd*bc*sc*i*", network, true);
        check("pci:v00001AF5d*sv*sd*bc*sc*i*", network, false);
        check("virtio:d00000001v*", "virtio:d00000001v00001AF4", true);
        check("pci:v*d*sv*sd*bc01sc06i01*", network, false);
        check("a?c", "abc", true);
        check("a?c", "ac", false);
        check("a[0-9]c", "a5c", true);
        check("a[0-9]c", "axc", false);
        check("a[!0-9]c", "axc", true);
        check("*", "", true);
        check("", "", true);
        check("", "a", false);
        check("*ab", "aab", true);
    }

    #[test]
    fn a_set_without_an_end_matches_nothing() {
        check("a[0-9", "a5", false);
        check("[", "[", false);
    }

    #[test]
    fn many_stars_take_no_long_time() {
        check(&"a*".repeat(200), &"a".repeat(4000), true);
        check(&format!("{}b", "a*".repeat(200)), &"a".repeat(4000), false);
    }

    #[test]
    fn only_aliases_of_our_buses_and_modules_are_kept() {
        let text = "# Aliases extracted from modules themselves.\n\
            alias virtio:d00000002v* virtio-blk\n\
            alias pci:v*d*sv*sd*bc01sc06i01* ahci\n\
            alias dmi:* other\nalias spoiled\noptions x y\n";
        let kept = parse(text, |module| module == "virtio_blk" || module == "other");
        let expected = Alias {
            pattern: "virtio:d00000002v*".into(),
            module: "virtio_blk".into(),
        };
        assert_eq!(kept, [expected]);
    }
}
