//! Names without Rock Ridge.

use super::IsoNames;

/// The name of a record as Linux shows it.
pub(super) fn shown(identifier: &[u8], names: IsoNames) -> Vec<u8> {
    match names {
        IsoNames::Joliet => joliet(identifier),
        IsoNames::Plain | IsoNames::RockRidge => plain(identifier),
    }
}

/// Whether a record that is shown as `own` is the one asked for. Linux compares Joliet's names
/// without regard to case.
pub(super) fn equal(own: &[u8], asked: &[u8], names: IsoNames) -> bool {
    match names {
        IsoNames::Joliet => {
            let small = |name| String::from_utf8_lossy(name).to_lowercase();
            own == asked || (own.len() == asked.len() && small(own) == small(asked))
        }
        IsoNames::Plain | IsoNames::RockRidge => own == asked,
    }
}

/// Small letters, without version 1 and the dot before it. \[ECMA-119\] 7.5.1: the dot is there
/// even if nothing follows it.
fn plain(identifier: &[u8]) -> Vec<u8> {
    let name = identifier.strip_suffix(b";1").unwrap_or(identifier);
    let name = match name.strip_suffix(b".") {
        Some(short) if name.len() < identifier.len() => short,
        _ => name,
    };
    let letter = |byte: &u8| match byte {
        b';' | b'/' => b'.',
        other => other.to_ascii_lowercase(),
    };
    name.iter().map(letter).collect()
}

fn joliet(identifier: &[u8]) -> Vec<u8> {
    let mut name = joliet_text(identifier);
    if name.len() > 2 && name.ends_with(b";1") {
        name.truncate(name.len().saturating_sub(2));
    }
    while name.len() > 1 && name.ends_with(b".") {
        name.pop();
    }
    for byte in &mut name {
        // No name may have one; it would look like a way.
        if *byte == b'/' {
            *byte = b'.';
        }
    }
    name
}

/// UTF-16 in the order of the network as UTF-8.
pub(super) fn joliet_text(bytes: &[u8]) -> Vec<u8> {
    let units = bytes.as_chunks::<2>().0.iter();
    let letters = char::decode_utf16(units.map(|&unit| u16::from_be_bytes(unit)));
    let text: String = letters
        .map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_as_linux_shows_them() {
        let check = |identifier: &[u8], expect: &str| {
            assert_eq!(String::from_utf8_lossy(&plain(identifier)), expect);
        };
        check(b"README.;1", "readme");
        check(b"A.B;1", "a.b");
        check(b"A.B;2", "a.b.2");
        check(b"DIR", "dir");
        check(b"DIR.", "dir.");
        check(b"A/B", "a.b");
        let check = |text: &str, expect: &str| {
            let units = text.encode_utf16().flat_map(u16::to_be_bytes);
            let shown = joliet(&units.collect::<Vec<u8>>());
            assert_eq!(String::from_utf8_lossy(&shown), expect);
        };
        check("Größe.txt;1", "Größe.txt");
        check("Punkte..;1", "Punkte");
        check("a/b", "a.b");
        check("🦀", "🦀");
        assert_eq!(joliet(&[0xd8, 0, 0]), "\u{fffd}".as_bytes());
    }

    #[test]
    fn only_joliet_forgets_case() {
        let check =
            |names, expect| assert_eq!(equal("Öl".as_bytes(), "öL".as_bytes(), names), expect);
        check(IsoNames::Joliet, true);
        check(IsoNames::Plain, false);
        check(IsoNames::RockRidge, false);
    }
}
