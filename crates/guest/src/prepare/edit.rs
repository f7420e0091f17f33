//! Editors of configuration that keep every byte which an edit is not about: comments, order, white
//! space, line ends, and bytes that are no UTF-8.

pub(crate) mod arguments;
pub(crate) mod fields;
pub(crate) mod ini;
pub(crate) mod lines;
#[cfg(test)]
mod properties;
pub(crate) mod shell;

/// The editors over hostile text: no panic, no hang, and what nobody asked for stays.
pub(crate) fn exercise(bytes: &[u8]) {
    use arguments::Fate;
    let same = lines::edit(bytes, |_, _| lines::Line::Keep);
    assert_eq!(same, bytes, "lines that are kept stay");
    shell::edit(bytes, |_, value| Some(format!("{value} x")));
    let unset = ini::unset(bytes, "a", "b");
    ini::set(&unset, "a", "b", "c");
    for line in String::from_utf8_lossy(bytes).lines().take(64) {
        let same = arguments::edit(line, |_| Fate::Keep);
        assert_eq!(same, line, "arguments that are kept stay");
        arguments::edit(line, |_| Fate::Gone);
        arguments::insert(line, "x=1", |own| own.name == "y");
        fields::replace(line, 1, "x");
    }
}
