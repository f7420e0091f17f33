//! The parent locator: where the parent is, and which one it is. \[MS-VHDX\] 2.6.2.6.

use super::fault::{Fault, Rule, unsupported};
use super::field::{guid_at, put, to_u64, to_utf16, u16_at, u32_at, utf16};
use super::spec::VhdxParent;
use crate::guid::Guid;

/// B04AEFB7-D19E-4A81-B789-25B8E9445913, \[MS-VHDX\] 2.6.2.6.3.
const VHDX_TYPE: Guid = Guid([
    0xb7, 0xef, 0x4a, 0xb0, 0x9e, 0xd1, 0x81, 0x4a, 0xb7, 0x89, 0x25, 0xb8, 0xe9, 0x44, 0x59, 0x13,
]);
const HEADER: usize = 20;
const ENTRY: usize = 12;
/// Known keys are five. Each costs up to 128 KiB.
const MAX_ENTRIES: u16 = 64;
/// The keys with paths, in the order in which they are to be tried.
const PATHS: [&str; 3] = ["relative_path", "volume_path", "absolute_win32_path"];
const LINKAGES: [&str; 2] = ["parent_linkage", "parent_linkage2"];

const LENGTH: Rule = Rule::new("vhdx.parent.length", "[MS-VHDX] 2.6.2.6.1");
const PLACE: Rule = Rule::new("vhdx.parent.place", "[MS-VHDX] 2.6.2.6.2");
const UNIQUE: Rule = Rule::new("vhdx.parent.unique", "[MS-VHDX] 2.6.2.6.2");
const LINKAGE: Rule = Rule::new("vhdx.parent.linkage", "[MS-VHDX] 2.6.2.6.3");
const NO_PATH: Rule = Rule::new("vhdx.parent.path", "[MS-VHDX] 2.6.2.6.3");

/// What a locator says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ParentLocator {
    /// Keys and values, as they stand.
    pub(super) entries: Vec<(String, String)>,
    /// What the parent's `DataWriteGuid` may be.
    pub(super) linkages: Vec<Guid>,
    /// Where it stands in the file.
    pub(super) at: u64,
}

impl ParentLocator {
    /// Parses the item, which stands at `at`.
    pub(super) fn parse(item: &[u8], at: u64) -> Result<Self, Fault> {
        if item.len() < HEADER {
            let what = format!("the parent locator has {} bytes, fewer than 20", item.len());
            return Err(LENGTH.broken(at, what));
        }
        let kind = guid_at(item, 0);
        if kind != VHDX_TYPE {
            return Err(unsupported(at, format!("a parent locator of type {kind}")));
        }
        let count = u16_at(item, 18);
        if count > MAX_ENTRIES {
            let what = format!("a parent locator of {count} entries, more than {MAX_ENTRIES}");
            return Err(unsupported(at.saturating_add(18), what));
        }
        let mut entries: Vec<(String, String)> = Vec::new();
        let (table, _) = item.get(HEADER..).unwrap_or_default().as_chunks::<ENTRY>();
        if table.len() < usize::from(count) {
            let what = format!("the parent locator ends inside its table of {count} entries");
            return Err(LENGTH.broken(at, what));
        }
        for (entry, _) in table.iter().zip(0..count) {
            let key = text(item, u32_at(entry, 0), u16_at(entry, 8), at)?;
            let value = text(item, u32_at(entry, 4), u16_at(entry, 10), at)?;
            if entries.iter().any(|(known, _)| *known == key) {
                let what = format!("the parent locator has the key {key} twice");
                return Err(UNIQUE.broken(at, what));
            }
            entries.push((key, value));
        }
        let linkages = linkages(&entries, at)?;
        Ok(Self {
            entries,
            linkages,
            at,
        })
    }

    /// The names of the parent, best first, with slashes.
    pub(super) fn names(&self) -> Result<Vec<String>, Fault> {
        let names: Vec<String> = PATHS
            .iter()
            .filter_map(|key| value(&self.entries, key))
            .map(|path| path.replace('\\', "/"))
            .collect();
        if names.is_empty() {
            let what = "the parent locator has no path";
            return Err(NO_PATH.broken(self.at, what));
        }
        Ok(names)
    }
}

fn value<'a>(entries: &'a [(String, String)], key: &str) -> Option<&'a str> {
    let entry = entries.iter().find(|(known, _)| known == key);
    entry.map(|(_, value)| value.as_str())
}

/// The string of `len` bytes at `offset`.
fn text(item: &[u8], offset: u32, len: u16, at: u64) -> Result<String, Fault> {
    let start = usize::try_from(offset).ok().filter(|start| *start > 0);
    let bytes = start
        .and_then(|start| item.get(start..))
        .and_then(|rest| rest.get(..usize::from(len)))
        .filter(|bytes| !bytes.is_empty() && bytes.len().is_multiple_of(2));
    let bytes = bytes.ok_or_else(|| {
        let what = format!(
            "a string of {len} bytes at {offset:#x} is not inside the parent locator of {:#x} \
             bytes, is empty, or is not UTF-16",
            to_u64(item.len())
        );
        PLACE.broken(at, what)
    })?;
    Ok(utf16(bytes))
}

fn linkages(entries: &[(String, String)], at: u64) -> Result<Vec<Guid>, Fault> {
    let mut found = Vec::new();
    for key in LINKAGES {
        let Some(text) = value(entries, key) else {
            continue;
        };
        let guid = Guid::parse(text).ok_or_else(|| {
            let what = format!("{key} of the parent locator is no GUID: {text:?}");
            LINKAGE.broken(at, what)
        })?;
        found.push(guid);
    }
    if found.is_empty() {
        return Err(LINKAGE.broken(at, "the parent locator has no parent_linkage"));
    }
    Ok(found)
}

/// The bytes of a new one.
pub(super) fn encode(parent: &VhdxParent) -> Vec<u8> {
    let [relative, _, absolute] = PATHS;
    let [linkage, _] = LINKAGES;
    let guid = format!("{{{}}}", Guid(parent.data_write_guid));
    let mut entries = vec![(linkage, guid), (relative, parent.relative_path.clone())];
    if let Some(path) = &parent.absolute_path {
        entries.push((absolute, path.clone()));
    }
    let table = entries.len().saturating_mul(ENTRY);
    let mut bytes = vec![0; HEADER.saturating_add(table)];
    put(&mut bytes, 0, &VHDX_TYPE.0);
    let count = u16::try_from(entries.len()).expect("there are three at most");
    put(&mut bytes, 18, &count.to_le_bytes());
    let mut at = HEADER;
    for (key, value) in entries {
        let (key_at, key_len) = append(&mut bytes, key);
        let (value_at, value_len) = append(&mut bytes, &value);
        put(&mut bytes, at, &key_at.to_le_bytes());
        put(&mut bytes, at.saturating_add(4), &value_at.to_le_bytes());
        put(&mut bytes, at.saturating_add(8), &key_len.to_le_bytes());
        put(&mut bytes, at.saturating_add(10), &value_len.to_le_bytes());
        at = at.saturating_add(ENTRY);
    }
    bytes
}

/// Appends a string; where it begins and how long it is.
fn append(bytes: &mut Vec<u8>, text: &str) -> (u32, u16) {
    let start = u32::try_from(bytes.len()).expect("the strings were bounded");
    let encoded = to_utf16(text);
    bytes.extend_from_slice(&encoded);
    let len = u16::try_from(encoded.len()).expect("the strings were bounded");
    (start, len)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parent() -> VhdxParent {
        VhdxParent {
            data_write_guid: [7; 16],
            virtual_disk_id: [8; 16],
            relative_path: r".\base.vhdx".to_owned(),
            absolute_path: Some(r"\\?\d:\disks\base.vhdx".to_owned()),
        }
    }

    fn rule(item: &[u8]) -> &'static str {
        match ParentLocator::parse(item, 0x1000) {
            Err(Fault::Broken(finding)) => finding.rule,
            Err(Fault::Read(_)) => "unsupported",
            Ok(_) => "sound",
        }
    }

    #[test]
    fn a_locator_is_read_back() {
        let locator = ParentLocator::parse(&encode(&parent()), 0).unwrap();
        assert_eq!(locator.linkages, [Guid([7; 16])]);
        assert_eq!(
            locator.names().unwrap(),
            ["./base.vhdx", "//?/d:/disks/base.vhdx"]
        );
        let linkage = "{07070707-0707-0707-0707-070707070707}";
        assert_eq!(
            locator.entries.first().unwrap(),
            &("parent_linkage".to_owned(), linkage.to_owned())
        );
    }

    #[test]
    fn each_rule_is_told() {
        let sound = encode(&parent());
        assert_eq!(rule(&sound), "sound");
        let spoilt = |at: usize, field: &[u8]| {
            let mut item = sound.clone();
            put(&mut item, at, field);
            rule(&item)
        };
        assert_eq!(rule(&sound[..19]), "vhdx.parent.length");
        assert_eq!(rule(&sound[..40]), "vhdx.parent.length");
        assert_eq!(spoilt(0, &[0]), "unsupported");
        assert_eq!(spoilt(18, &65_u16.to_le_bytes()), "unsupported");
        assert_eq!(spoilt(20, &0_u32.to_le_bytes()), "vhdx.parent.place");
        assert_eq!(spoilt(24, &u32::MAX.to_le_bytes()), "vhdx.parent.place");
        assert_eq!(spoilt(28, &3_u16.to_le_bytes()), "vhdx.parent.place");
        assert_eq!(spoilt(30, &0_u16.to_le_bytes()), "vhdx.parent.place");
        let mut twice = sound.clone();
        let key = twice[20..24].to_vec();
        put(&mut twice, 32, &key);
        put(&mut twice, 40, &28_u16.to_le_bytes());
        assert_eq!(rule(&twice), "vhdx.parent.unique");
        // The first key's first letter, then the linkage's brace.
        assert_eq!(spoilt(56, b"P"), "vhdx.parent.linkage");
        assert_eq!(spoilt(56 + 28, b"["), "vhdx.parent.linkage");
    }

    #[test]
    fn a_locator_without_a_path_names_nothing() {
        let mut item = encode(&parent());
        put(&mut item, 18, &1_u16.to_le_bytes());
        assert!(ParentLocator::parse(&item, 0).unwrap().names().is_err());
    }
}
