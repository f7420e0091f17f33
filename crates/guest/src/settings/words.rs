//! Lists within a value.

/// The parts of a value, as blanks, `,` or `;` part them.
pub(crate) fn list(value: &str) -> impl Iterator<Item = &str> {
    value
        .split(|c: char| c.is_whitespace() || c == ',' || c == ';')
        .filter(|word| !word.is_empty())
}

/// Whether `name` fits a pattern of `*`, `?` and `[…]` (as fnmatch, without classes by name).
/// Time is bounded by the product of both lengths.
pub(crate) fn fits(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let mut states = vec![false; pattern.len().saturating_add(1)];
    // states[i]: the first i characters of the pattern fit what was read so far.
    if let Some(first) = states.first_mut() {
        *first = true;
    }
    skip_stars(&pattern, &mut states);
    for c in name.chars() {
        let mut next = vec![false; states.len()];
        for (index, _) in states.iter().enumerate().filter(|(_, alive)| **alive) {
            step(&pattern, index, c, &mut next);
        }
        states = next;
        skip_stars(&pattern, &mut states);
    }
    states.last().copied().unwrap_or(false)
}

fn step(pattern: &[char], index: usize, c: char, next: &mut [bool]) {
    let mut reach = |at: usize| {
        if let Some(state) = next.get_mut(at) {
            *state = true;
        }
    };
    match pattern.get(index) {
        Some('*') => reach(index),
        Some('?') => reach(index.saturating_add(1)),
        Some('[') => match class(
            pattern.get(index.saturating_add(1)..).unwrap_or_default(),
            c,
        ) {
            Some((true, len)) => reach(index.saturating_add(len).saturating_add(1)),
            Some((false, _)) => (),
            None if c == '[' => reach(index.saturating_add(1)),
            None => (),
        },
        Some(own) if *own == c => reach(index.saturating_add(1)),
        Some(_) | None => (),
    }
}

/// Whether `c` is in the class, and how long it is with its `]`; `None` if it is never closed.
fn class(rest: &[char], c: char) -> Option<(bool, usize)> {
    let (negated, start) = match rest.first() {
        Some('!' | '^') => (true, 1_usize),
        Some(_) | None => (false, 0),
    };
    let first = start.saturating_add(1);
    // A `]` that comes first is a member.
    let end = rest.iter().skip(first).position(|own| *own == ']')?;
    let end = end.saturating_add(first);
    let members = rest.get(start..end)?;
    let mut inside = members.contains(&c);
    for range in members.windows(3) {
        if let [from, '-', to] = range {
            inside |= (*from..=*to).contains(&c);
        }
    }
    Some((inside != negated, end.saturating_add(1)))
}

fn skip_stars(pattern: &[char], states: &mut [bool]) {
    for (index, c) in pattern.iter().enumerate() {
        if *c == '*'
            && states.get(index) == Some(&true)
            && let Some(state) = states.get_mut(index.saturating_add(1))
        {
            *state = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_as_fnmatch() {
        for (pattern, name) in [
            ("en*", "ens3"),
            ("e[nt]h?", "eth0"),
            ("[!w]*", "eth0"),
            ("eth[0-9]", "eth7"),
            ("*", ""),
            ("a*b*c", "axxbyyc"),
            ("[", "["),
            ("*.cfg", "50-x.cfg"),
        ] {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("en*", "eth0"),
            ("[!e]*", "eth0"),
            ("eth?", "eth10"),
            ("eth[0-9]", "ethx"),
            ("a*b", "abc"),
            ("", "x"),
        ] {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
        assert_eq!(list(" a,b; c ").collect::<Vec<_>>(), ["a", "b", "c"]);
    }
}
