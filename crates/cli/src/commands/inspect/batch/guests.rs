//! The guests of a batch: a folder of images, or a list.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// How images of disks are called.
const EXTENSIONS: [&str; 6] = ["qcow2", "raw", "img", "vhd", "vhdx", "vmdk"];
/// A longer list is not one of guests.
const MAX_LIST_BYTES: u64 = 64 << 20;

/// One machine: its disks, the boot disk first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Machine {
    pub(super) disks: Vec<PathBuf>,
}

/// Reads a folder or a list.
pub(super) fn read(from: &Path) -> Result<Vec<Machine>, Failure> {
    let machines = if from.is_dir() {
        folder(from)
    } else {
        list(from)
    };
    let machines = machines.map_err(|error| {
        let said = anyhow::Error::new(error).context(from.display().to_string());
        let hint = "give a folder of images, or a text file with an image a line";
        Failure::cannot_tell(said, Some(hint.to_owned()))
    })?;
    if machines.is_empty() {
        return Err(Failure::usage(
            format!("{}: no image", from.display()),
            &format!("images in a folder end in: {}", EXTENSIONS.join(", ")),
        ));
    }
    Ok(machines)
}

/// Every image in a folder is a machine, in the order of the names.
fn folder(folder: &Path) -> std::io::Result<Vec<Machine>> {
    let mut disks = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        if EXTENSIONS.iter().any(|known| extension == *known) && path.is_file() {
            disks.push(path);
        }
    }
    disks.sort();
    let machine = |disk| Machine { disks: vec![disk] };
    Ok(disks.into_iter().map(machine).collect())
}

/// A line is a machine; its disks are parted by tabs.
fn list(file: &Path) -> std::io::Result<Vec<Machine>> {
    if fs::metadata(file)?.len() > MAX_LIST_BYTES {
        let kind = std::io::ErrorKind::InvalidData;
        return Err(std::io::Error::new(kind, "too long for a list of images"));
    }
    Ok(parse(&fs::read_to_string(file)?))
}

fn parse(text: &str) -> Vec<Machine> {
    let lines = text.lines().map(|line| line.trim_matches([' ', '\r']));
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let machine = |line: &str| Machine {
        disks: line
            .split('\t')
            .filter(|disk| !disk.is_empty())
            .map(PathBuf::from)
            .collect(),
    };
    lines.map(machine).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(disks: &[&str]) -> Machine {
        Machine {
            disks: disks.iter().map(PathBuf::from).collect(),
        }
    }

    #[test]
    fn a_line_is_a_machine() {
        let text = "# servers\na.qcow2\n\n  b c.vhdx \r\nd.raw\te.raw\n";
        let expected = [
            machine(&["a.qcow2"]),
            machine(&["b c.vhdx"]),
            machine(&["d.raw", "e.raw"]),
        ];
        assert_eq!(parse(text), expected);
    }

    #[test]
    fn an_image_in_a_folder_is_a_machine() {
        let place = tempfile::tempdir().unwrap();
        for name in ["b.QCOW2", "a.raw", "notes.txt", "qcow2"] {
            fs::write(place.path().join(name), b"").unwrap();
        }
        fs::create_dir(place.path().join("folder.raw")).unwrap();
        let names: Vec<_> = folder(place.path())
            .unwrap()
            .into_iter()
            .flat_map(|machine| machine.disks)
            .map(|disk| disk.file_name().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["a.raw", "b.QCOW2"]);
    }
}
