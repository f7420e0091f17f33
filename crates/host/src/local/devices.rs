//! Asks QEMU for its devices: builds of distributions leave some out.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::bounded;
use crate::HostError;

const LIMIT: Duration = Duration::from_secs(30);
const ACTION: &str = "asking QEMU for its devices";

/// The names and aliases of all devices.
pub(super) fn names(program: &Path) -> Result<BTreeSet<String>, HostError> {
    let mut command = Command::new(program);
    command.args(["-machine", "q35", "-device", "help"]);
    let ended = bounded::run(command, LIMIT).map_err(|source| HostError::Io {
        action: ACTION,
        source,
    })?;
    let names = parse(&ended.stdout);
    if names.is_empty() {
        let detail = format!("it said {:?}", ended.stderr);
        return Err(HostError::Failed {
            action: ACTION,
            detail,
        });
    }
    Ok(names)
}

/// Reads lines such as `name "ich9-ahci", bus PCI, alias "ahci"`.
fn parse(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter(|line| line.starts_with("name \""))
        .flat_map(|line| [quoted(line, "name "), quoted(line, ", alias ")])
        .flatten()
        .map(str::to_owned)
        .collect()
}

/// What stands in quotes after `key`.
fn quoted<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(key)?;
    let (value, _) = rest.strip_prefix('"')?.split_once('"')?;
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::parse;

    /// Lines of QEMU 7.2.
    #[test]
    fn names_and_aliases_are_found() {
        let text = "Storage devices:\nname \"ich9-ahci\", bus PCI, alias \"ahci\"\n\
            name \"ide-hd\", bus IDE, desc \"virtual IDE disk\"\n\nnonsense\nname \"\nname VGA\n";
        let names: Vec<_> = parse(text).into_iter().collect();
        assert_eq!(names, ["ahci", "ich9-ahci", "ide-hd"]);
    }
}
