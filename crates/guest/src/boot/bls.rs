//! Entries of the UAPI group's "Boot Loader Specification", type 1: a small text file each.

use std::cmp::Ordering;

use super::version_order::compare;

/// A longer file is none of this kind.
pub(super) const MAX_BYTES: u64 = 64 * 1024;
/// More files than any menu shows.
pub(super) const MAX_ENTRIES: usize = 256;

/// An entry as its file has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct BlsEntry {
    /// The file's name without `.conf` and boot counter.
    pub(super) id: String,
    /// Tries left, from a name like `x+2-1.conf`.
    pub(super) tries_left: Option<u32>,
    pub(super) title: String,
    pub(super) version: String,
    pub(super) machine_id: String,
    pub(super) sort_key: String,
    pub(super) linux: Option<String>,
    /// A unified kernel image (`uki`), or any EFI program (`efi`).
    pub(super) efi: Option<String>,
    pub(super) initrd: Vec<String>,
    pub(super) options: String,
    pub(super) architecture: Option<String>,
}

/// Reads an entry; unknown keys mean nothing.
pub(super) fn parse(file_name: &str, text: &str) -> BlsEntry {
    let (id, tries_left) = identity(file_name);
    let mut entry = BlsEntry {
        id,
        tries_left,
        ..BlsEntry::default()
    };
    for line in text.lines() {
        let line = line.trim();
        let (key, value) = line.split_once([' ', '\t']).unwrap_or((line, ""));
        let value = value.trim();
        match key {
            "title" => value.clone_into(&mut entry.title),
            "version" => value.clone_into(&mut entry.version),
            "machine-id" => value.clone_into(&mut entry.machine_id),
            "sort-key" => value.clone_into(&mut entry.sort_key),
            "architecture" => entry.architecture = Some(value.to_ascii_lowercase()),
            "linux" => entry.linux = Some(value.to_owned()),
            "efi" | "uki" => entry.efi = Some(value.to_owned()),
            "initrd" => entry.initrd.push(value.to_owned()),
            "options" => {
                if !entry.options.is_empty() && !value.is_empty() {
                    entry.options.push(' ');
                }
                entry.options.push_str(value);
            }
            _ => {}
        }
    }
    entry
}

/// `ID.conf`, or `ID+LEFT-DONE.conf` where boots are counted.
pub(super) fn identity(file_name: &str) -> (String, Option<u32>) {
    let stem = file_name
        .strip_suffix(".conf")
        .or_else(|| file_name.strip_suffix(".efi"));
    let stem = stem.unwrap_or(file_name);
    if let Some((id, counter)) = stem.rsplit_once('+') {
        let left = counter.split_once('-').map_or(counter, |(left, _)| left);
        if let Ok(left) = left.parse() {
            return (id.to_owned(), Some(left));
        }
    }
    (stem.to_owned(), None)
}

/// The order of a menu by the specification, "Sorting": what comes first is less.
pub(super) fn menu_order(left: &BlsEntry, right: &BlsEntry) -> Ordering {
    let spent = |entry: &BlsEntry| entry.tries_left == Some(0);
    let unkeyed = |entry: &BlsEntry| entry.sort_key.is_empty();
    let keyed = || {
        (left.sort_key.cmp(&right.sort_key))
            .then_with(|| left.machine_id.cmp(&right.machine_id))
            .then_with(|| compare(&right.version, &left.version))
    };
    spent(left)
        .cmp(&spent(right))
        .then_with(|| unkeyed(left).cmp(&unkeyed(right)))
        .then_with(|| {
            if unkeyed(left) {
                Ordering::Equal
            } else {
                keyed()
            }
        })
        .then_with(|| compare(&right.id, &left.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_as_kernel_install_writes_it() {
        let text = "# made by a tool\ntitle      Fedora Linux 40 (Server Edition)\n\
                    version    6.8.5-301.fc40.x86_64\nmachine-id 0123\nsort-key fedora\n\
                    options    root=UUID=1 ro\noptions\tquiet\nlinux /0123/6.8.5/linux\n\
                    initrd /0123/6.8.5/microcode\ninitrd /0123/6.8.5/initrd\ngrub_class fedora\n";
        let entry = parse("0123-6.8.5+3-1.conf", text);
        assert_eq!(entry.id, "0123-6.8.5");
        assert_eq!(entry.tries_left, Some(3));
        assert_eq!(entry.options, "root=UUID=1 ro quiet");
        assert_eq!(
            entry.initrd,
            ["/0123/6.8.5/microcode", "/0123/6.8.5/initrd"]
        );
        assert_eq!(entry.linux.as_deref(), Some("/0123/6.8.5/linux"));
    }

    #[test]
    fn a_plus_that_counts_nothing_belongs_to_the_name() {
        assert_eq!(
            identity("linux-6.1+deb12.conf"),
            ("linux-6.1+deb12".to_owned(), None)
        );
    }

    /// Ids in menu order, from entries of (file name, sort key, version).
    fn sorted(entries: &[(&str, &str, &str)]) -> Vec<String> {
        let entry = |(name, key, version): &(&str, &str, &str)| {
            parse(name, &format!("sort-key {key}\nversion {version}\n"))
        };
        let mut entries: Vec<BlsEntry> = entries.iter().map(entry).collect();
        entries.sort_by(menu_order);
        entries.into_iter().map(|entry| entry.id).collect()
    }

    #[test]
    fn the_menu_is_sorted_by_key_then_newest_first_and_spent_entries_last() {
        let order = sorted(&[
            ("old.conf", "debian", "6.1.0-9"),
            ("nokey-1.conf", "", ""),
            ("nokey-2.conf", "", ""),
            ("new.conf", "debian", "6.1.0-28"),
            ("arch.conf", "arch", "1"),
            ("spent+0-3.conf", "arch", "9"),
        ]);
        assert_eq!(order, ["arch", "new", "old", "nokey-2", "nokey-1", "spent"]);
    }
}
