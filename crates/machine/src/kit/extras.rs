//! What Hyper-V has no word for, noted on the machine: each value beside what Hyper-V made of it.
//!
//! On the way back a value is restored where Hyper-V still says what it said when the machine was
//! made, and left alone where somebody changed it since.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::spec::MachineSpec;

/// Begins the line in a machine's notes.
const MARK: &str = "detente-kit/1 ";
/// Notes are for people; this much of ours is enough for any machine.
const MAX_BYTES: usize = 32 << 10;

/// A way into a document.
type Path = Vec<Key>;

/// A step of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
enum Key {
    Index(usize),
    Name(String),
}

/// A value, what Hyper-V made of it, and what it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Extra(Path, Option<Value>, Option<Value>);

/// All of a machine's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Extras(Vec<Extra>);

impl Extras {
    /// What differs between a definition and what Hyper-V makes of it.
    pub(super) fn between(spec: &MachineSpec, made: &MachineSpec) -> Self {
        let (mut was, then) = (leaves(spec), leaves(made));
        let mut extras = Vec::new();
        for (path, made) in then {
            let own = was.remove(&path);
            if own.as_ref() != Some(&made) {
                extras.push(Extra(path, Some(made), own));
            }
        }
        extras.extend(
            was.into_iter()
                .map(|(path, own)| Extra(path, None, Some(own))),
        );
        Self(extras)
    }

    /// The places of the values, as losses name them; not of those that only Hyper-V has.
    pub(super) fn fields(&self) -> impl Iterator<Item = String> {
        let lost = self.0.iter().filter(|Extra(_, _, was)| was.is_some());
        lost.map(|Extra(path, ..)| field(path))
    }

    /// The definition with its values where they were, unless Hyper-V's are others by now.
    pub(crate) fn restored(&self, now: &MachineSpec) -> MachineSpec {
        let mut leaves = leaves(now);
        for Extra(path, then, was) in &self.0 {
            if leaves.get(path) == then.as_ref() {
                match was {
                    Some(was) => leaves.insert(path.clone(), was.clone()),
                    None => leaves.remove(path),
                };
            }
        }
        let restored = serde_json::from_value(document(leaves));
        // Notes can be edited: what makes no sense any more is none of ours.
        let restored = restored
            .ok()
            .filter(|spec: &MachineSpec| spec.validate().is_ok());
        restored.unwrap_or_else(|| now.clone())
    }

    /// Notes with all that goes with them; without ours if they would be too long.
    pub(super) fn noted(&self, notes: Option<&str>) -> Result<String, usize> {
        let json = serde_json::to_string(self).expect("values that were JSON are JSON");
        let notes = notes.unwrap_or_default();
        if self.0.is_empty() {
            return Ok(notes.to_owned());
        }
        if json.len() > MAX_BYTES {
            return Err(json.len());
        }
        let gap = if notes.is_empty() { "" } else { "\n\n" };
        Ok(format!("{notes}{gap}{MARK}{json}"))
    }
}

/// What is noted on a machine.
pub(crate) fn extras_of(notes: &str) -> Option<Extras> {
    let line = notes.lines().rfind(|line| line.starts_with(MARK))?;
    let json = line.strip_prefix(MARK)?;
    serde_json::from_str(json.trim()).ok()
}

/// What its owner wrote.
pub(crate) fn notes_of(notes: &str) -> String {
    let lines = notes.lines().filter(|line| !line.starts_with(MARK));
    lines.collect::<Vec<_>>().join("\n").trim_end().to_owned()
}

fn leaves(spec: &MachineSpec) -> BTreeMap<Path, Value> {
    let value = serde_json::to_value(spec).expect("definitions are JSON");
    let mut found = BTreeMap::new();
    flatten(value, &mut Vec::new(), &mut found);
    found
}

/// Everything that is no list and no object, and those that are empty.
fn flatten(value: Value, path: &mut Path, found: &mut BTreeMap<Path, Value>) {
    match value {
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.into_iter().enumerate() {
                path.push(Key::Index(index));
                flatten(item, path, found);
                path.pop();
            }
        }
        Value::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                path.push(Key::Name(name));
                flatten(member, path, found);
                path.pop();
            }
        }
        Value::Null => {}
        leaf => {
            found.insert(path.clone(), leaf);
        }
    }
}

/// The document of which these are the leaves.
fn document(leaves: BTreeMap<Path, Value>) -> Value {
    let mut root = Value::Object(Map::new());
    for (path, leaf) in leaves {
        put(&mut root, &path, leaf);
    }
    root
}

fn put(place: &mut Value, path: &[Key], leaf: Value) {
    let Some((key, rest)) = path.split_first() else {
        // An object or a list that was empty and has something by now stays as it is.
        let is_empty = leaf.as_array().is_some_and(Vec::is_empty)
            || leaf.as_object().is_some_and(Map::is_empty);
        if place.is_null() || !is_empty {
            *place = leaf;
        }
        return;
    };
    match key {
        Key::Name(name) => {
            if !place.is_object() {
                *place = Value::Object(Map::new());
            }
            if let Some(members) = place.as_object_mut() {
                put(
                    members.entry(name.as_str()).or_insert(Value::Null),
                    rest,
                    leaf,
                );
            }
        }
        Key::Index(index) => {
            if !place.is_array() {
                *place = Value::Array(Vec::new());
            }
            if let Some(items) = place.as_array_mut() {
                // Paths come in order, so an item that is not there yet is the next one.
                if *index >= items.len() {
                    items.push(Value::Null);
                }
                let last = items.len().saturating_sub(1);
                if let Some(item) = items.get_mut((*index).min(last)) {
                    put(item, rest, leaf);
                }
            }
        }
    }
}

/// `disks[0].serial`.
fn field(path: &[Key]) -> String {
    let mut field = String::new();
    for key in path {
        match key {
            Key::Index(index) => field.push_str(&format!("[{index}]")),
            Key::Name(name) => {
                if !field.is_empty() {
                    field.push('.');
                }
                field.push_str(name);
            }
        }
    }
    field
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Bus, Disk, DiskFormat, Firmware};

    fn spec(serial: Option<&str>) -> MachineSpec {
        let mut spec = MachineSpec::new("web", 2, 1 << 30, Firmware::Bios);
        let mut disk = Disk::file(Bus::Ide, "a.vhdx", DiskFormat::Vhdx);
        disk.serial = serial.map(str::to_owned);
        spec.disks.push(disk);
        spec
    }

    #[test]
    fn what_was_lost_is_found_in_the_notes() {
        let (own, made) = (spec(Some("S1")), spec(None));
        let extras = Extras::between(&own, &made);
        assert_eq!(extras.fields().collect::<Vec<_>>(), ["disks[0].serial"]);
        let notes = extras.noted(Some("of the shop")).unwrap();
        assert_eq!(notes_of(&notes), "of the shop");
        let extras = extras_of(&notes).unwrap();
        assert_eq!(extras.restored(&made), own);
    }

    #[test]
    fn what_was_changed_since_stays() {
        let (own, made) = (spec(Some("S1")), spec(Some("HV")));
        let extras = Extras::between(&own, &made);
        let now = spec(Some("S2"));
        assert_eq!(extras.restored(&now), now);
        assert_eq!(extras.restored(&made), own);
    }

    #[test]
    fn notes_that_were_spoiled_are_left_alone() {
        let made = spec(None);
        for notes in [
            "detente-kit/1 nonsense",
            "detente-kit/1 [[[\"name\"],\"web\",7]]",
            "detente-kit/1 [[[\"name\"],\"web\",\"\"]]",
            "detente-kit/1 [[[\"disks\",0],null,\"a\"]]",
            "detente-kit/1 [[[],null,\"a\"]]",
        ] {
            let restored = extras_of(notes).map(|extras| extras.restored(&made));
            assert!(restored.is_none_or(|spec| spec == made), "{notes}");
        }
    }
}
