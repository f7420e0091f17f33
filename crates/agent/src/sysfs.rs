//! Small readings of small files.

use std::fs;
use std::io::Read as _;
use std::path::Path;

/// No file of `/proc` or `/sys` that we read as a whole is longer, but for those of a guest that
/// wants us to run out of memory.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// What the file holds, without the line end; nothing if it cannot be read.
pub(crate) fn text(path: impl AsRef<Path>) -> String {
    let mut bytes = Vec::new();
    if let Ok(file) = fs::File::open(path) {
        let _ = file.take(MAX_FILE_BYTES).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).trim_end().to_owned()
}

/// The last part of what a link points to: the name of a driver, a subsystem, a module.
pub(crate) fn link_name(path: impl AsRef<Path>) -> Option<String> {
    let target = fs::read_link(path).ok()?;
    Some(target.file_name()?.to_string_lossy().into_owned())
}

/// The names in a directory, sorted, at most `limit`; none if it cannot be read.
pub(crate) fn names(path: impl AsRef<Path>, limit: usize) -> Vec<String> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .take(limit)
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// The numbers of a list such as `0-3,8`, at most 65536 of them.
pub(crate) fn list(text: &str) -> Vec<u32> {
    let mut numbers = Vec::new();
    for part in text.trim().split(',').filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        if let (Ok(first), Ok(last)) = (first.parse::<u32>(), last.parse::<u32>()) {
            numbers.extend((first..=last).take(65_536_usize.saturating_sub(numbers.len())));
        }
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::list;

    #[test]
    fn lists_are_read_as_the_kernel_writes_them() {
        assert_eq!(list("0"), [0]);
        assert_eq!(list("0-3,8\n"), [0, 1, 2, 3, 8]);
        assert_eq!(list("\n"), [0_u32; 0]);
    }

    #[test]
    fn a_spoiled_list_yields_what_can_be_read() {
        assert_eq!(list("x,2,-,5-"), [2]);
        assert_eq!(list("3-1"), [0_u32; 0]);
        assert_eq!(list("0-4294967295").len(), 65_536);
    }
}
