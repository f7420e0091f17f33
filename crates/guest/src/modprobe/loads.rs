//! Modules that are loaded by name at every start.

use detente_volume::FsError;

use super::normal;
use crate::facts::{Evidence, ModuleLoad};
use crate::files::Files;
use crate::settings::{drop_ins, lines, shell};

/// \[modules-load.d(5)\], the first hides files of the same name further down.
const FOLDERS: [&str; 5] = [
    "/etc/modules-load.d",
    "/run/modules-load.d",
    "/usr/local/lib/modules-load.d",
    "/usr/lib/modules-load.d",
    "/lib/modules-load.d",
];
/// More than any system loads by name.
const MAX_LOADS: usize = 1024;

pub(super) fn find(files: Files<'_>) -> Result<Vec<ModuleLoad>, FsError> {
    // Debian and Alpine; Debian's modules-load.d has a link to it.
    let debian = "/etc/modules";
    let mut loads = match files.text(debian)? {
        Some(text) => parse(debian, &text),
        None => Vec::new(),
    };
    for path in drop_ins::overridden(files, &FOLDERS, ".conf")? {
        let link = files.link(&path)?.unwrap_or_default();
        if matches!(link.as_str(), "../modules" | "/etc/modules") {
            continue;
        }
        if let Some(text) = files.text(&path)? {
            loads.extend(parse(&path, &text));
        }
    }
    loads.extend(of_suse(files)?);
    loads.truncate(MAX_LOADS);
    Ok(loads)
}

/// A module a line, with parameters in `/etc/modules`.
pub(super) fn parse(path: &str, text: &str) -> Vec<ModuleLoad> {
    let load = |(number, line): (u32, &str)| {
        let module = normal(line.split_whitespace().next()?);
        let at = Evidence::line(path, number);
        Some(ModuleLoad { module, at })
    };
    lines(text, &['#', ';'])
        .filter_map(load)
        .take(MAX_LOADS)
        .collect()
}

/// `MODULES_LOADED_ON_BOOT` of SLES up to 11.
fn of_suse(files: Files<'_>) -> Result<Vec<ModuleLoad>, FsError> {
    let path = "/etc/sysconfig/kernel";
    let text = files.text(path)?.unwrap_or_default();
    let settings = shell::parse(path, &text);
    let Some(setting) = shell::last(&settings, "MODULES_LOADED_ON_BOOT") else {
        return Ok(Vec::new());
    };
    let load = |word: &str| ModuleLoad {
        module: normal(word),
        at: setting.at.clone(),
    };
    Ok(setting.value.split_whitespace().map(load).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::memory::Memory;

    #[test]
    fn modules_of_every_place_once() {
        let fs = Memory::new()
            .file("/etc/modules", "# c\nloop max_loop=8\n\nhv-utils\n")
            .link("/etc/modules-load.d/modules.conf", "../modules")
            .file("/usr/lib/modules-load.d/x.conf", "; c\nvirtio_console\n")
            .file(
                "/etc/sysconfig/kernel",
                "INITRD_MODULES=\"x\"\nMODULES_LOADED_ON_BOOT=\"a-b c\"\n",
            );
        let loads = find(fs.files()).unwrap();
        let seen: Vec<String> = loads
            .iter()
            .map(|load| format!("{} {}", load.module, load.at))
            .collect();
        assert_eq!(
            seen,
            [
                "loop /etc/modules:2",
                "hv_utils /etc/modules:4",
                "virtio_console /usr/lib/modules-load.d/x.conf:2",
                "a_b /etc/sysconfig/kernel:2",
                "c /etc/sysconfig/kernel:2",
            ]
        );
    }
}
