//! Kernel modules, in the order of a list that the host made.

use std::ffi::{CStr, CString};
use std::fs::{self, File};
use std::path::Path;

use rustix::io::Errno;

/// A module to load.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    path: String,
    parameters: CString,
}

/// Loads every module of the list; gives a sentence for each that cannot be had.
pub(super) fn load(list: &Path) -> Vec<String> {
    let text = match fs::read_to_string(list) {
        Ok(text) => text,
        Err(error) => return vec![format!("{}: {error}", list.display())],
    };
    text.lines()
        .filter_map(parse)
        .filter_map(|wanted| {
            let error = load_one(&wanted).err()?;
            Some(format!("module {}: {error}", wanted.path))
        })
        .collect()
}

/// `PATH`, or `PATH PARAMETERS`.
fn parse(line: &str) -> Option<Wanted> {
    let line = line.trim();
    let (path, parameters) = line.split_once(' ').unwrap_or((line, ""));
    (!path.is_empty()).then_some(())?;
    Some(Wanted {
        path: path.to_owned(),
        parameters: CString::new(parameters).ok()?,
    })
}

fn load_one(wanted: &Wanted) -> std::io::Result<()> {
    let file = File::open(&wanted.path)?;
    let parameters: &CStr = &wanted.parameters;
    match rustix::system::finit_module(&file, parameters, 0) {
        // Built in, or loaded already.
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::{load, parse};

    #[test]
    fn a_line_has_a_path_and_perhaps_parameters() {
        let wanted = parse("/modules/kvm-amd.ko npt=1 avic=0").unwrap();
        assert_eq!(wanted.path, "/modules/kvm-amd.ko");
        assert_eq!(wanted.parameters.as_c_str(), c"npt=1 avic=0");
        assert_eq!(parse("  "), None);
    }

    #[test]
    fn a_module_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("list");
        std::fs::write(&list, "/nowhere/kvm.ko\n").unwrap();
        let said = load(&list);
        assert_eq!(said.len(), 1);
        assert!(said[0].contains("/nowhere/kvm.ko"), "{said:?}");
        assert_eq!(load(&folder.path().join("other")).len(), 1);
    }
}
