//! Keys as scan codes of set 1, and text as keys of a US keyboard.

/// What goes before a scan code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefix {
    /// Nothing.
    None,
    /// E0: the keys that later keyboards added.
    E0,
    /// E1: the pause key alone.
    E1,
}

/// A key, by the code that it makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// What goes before the code.
    pub prefix: Prefix,
    /// The code that is made when it goes down: 1 to 127.
    pub make: u8,
}

impl Key {
    /// The enter key.
    pub const ENTER: Self = Self::plain(0x1c);
    /// The escape key.
    pub const ESCAPE: Self = Self::plain(0x01);
    /// The left control key.
    pub const CONTROL: Self = Self::plain(0x1d);
    /// The left alternate key.
    pub const ALT: Self = Self::plain(0x38);
    /// The left shift key.
    pub const SHIFT: Self = Self::plain(0x2a);
    /// The delete key of the middle block.
    pub const DELETE: Self = Self::e0(0x53);
    /// The cursor up key of the middle block.
    pub const UP: Self = Self::e0(0x48);
    /// The cursor down key of the middle block.
    pub const DOWN: Self = Self::e0(0x50);
    /// The system request key, as it is while alternate is down.
    pub const SYSTEM_REQUEST: Self = Self::plain(0x54);

    /// A key without a prefix.
    #[must_use]
    pub const fn plain(make: u8) -> Self {
        Self {
            prefix: Prefix::None,
            make,
        }
    }

    /// A key behind E0.
    #[must_use]
    pub const fn e0(make: u8) -> Self {
        Self {
            prefix: Prefix::E0,
            make,
        }
    }
}

/// The rows of a US keyboard: the code of the first key, and what its keys write without and with
/// shift.
const ROWS: &[(u8, &str, &str)] = &[
    (0x02, "1234567890-=", "!@#$%^&*()_+"),
    (0x10, "qwertyuiop[]", "QWERTYUIOP{}"),
    (0x1e, "asdfghjkl;'`", "ASDFGHJKL:\"~"),
    (0x2b, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
];

/// The keys that write the same with shift.
const SAME: &[(char, u8)] = &[(' ', 0x39), ('\t', 0x0f), ('\n', 0x1c), ('\u{8}', 0x0e)];

/// Whether shift has to be down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shift {
    Up,
    Down,
}

/// The key of a US keyboard that writes a character.
pub(super) fn key_of(character: char) -> Option<(Key, Shift)> {
    let same = SAME.iter().find(|(written, _)| *written == character);
    if let Some(&(_, make)) = same {
        return Some((Key::plain(make), Shift::Up));
    }
    ROWS.iter().find_map(|(first, without, with)| {
        let at = |row: &str| row.chars().position(|written| written == character);
        let (place, shift) = match at(without) {
            Some(place) => (place, Shift::Up),
            None => (at(with)?, Shift::Down),
        };
        let make = first.checked_add(u8::try_from(place).ok()?)?;
        Some((Key::plain(make), shift))
    })
}
