//! A command line that a person can paste.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// The words as one line for a POSIX shell.
///
/// Words with control characters, or bytes that are no UTF-8, come as `$'\ooo'` (Bash, Zsh, ksh).
#[must_use]
pub fn shell_line(words: impl IntoIterator<Item = impl Into<OsString>>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| quoted(&word.into())).collect();
    words.join(" ")
}

fn quoted(word: &OsStr) -> String {
    match word.to_str() {
        Some(text) if !text.is_empty() && text.chars().all(is_plain) => text.to_owned(),
        Some(text) if !text.chars().any(char::is_control) => {
            format!("'{}'", text.replace('\'', r"'\''"))
        }
        // A terminal must not be steered by a file name.
        Some(_) | None => escaped(word.as_bytes()),
    }
}

fn is_plain(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-_./:=,+@%".contains(character)
}

fn escaped(bytes: &[u8]) -> String {
    let mut line = String::from("$'");
    for &byte in bytes {
        match byte {
            b'\'' | b'\\' => {
                line.push('\\');
                line.push(char::from(byte));
            }
            b' '..=b'~' => line.push(char::from(byte)),
            0..=0x1f | 0x7f.. => line.push_str(&format!("\\{byte:03o}")),
        }
    }
    line.push('\'');
    line
}
