//! UEFI's files on this machine, as its packages describe them.
//!
//! Each package puts a description beside QEMU's data (QEMU, docs/interop/firmware.json); the first
//! by name that fits is the one to take.

use std::fs;
use std::path::{Path, PathBuf};

use detente_machine::{Firmware, FirmwareFiles, SecureBoot};
use serde::Deserialize;

use crate::HostError;

/// Where descriptions are, best first: the administrator's before the distribution's.
const FOLDERS: [&str; 2] = ["/etc/qemu/firmware", "/usr/share/qemu/firmware"];

/// Variables whose only certificate is Debian's example, which vouches for no boot loader.
const STRANGERS: &str = "/usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd";

/// The machine's own copy of the variables, in its folder. It ends as what guests write does.
const VARIABLES: &str = "firmware-variables.overlay";

/// The longest description; those of distributions have less than 2 KiB.
const DESCRIPTION_BYTES: u64 = 64 * 1024;

/// The longest file of variables; those of distributions have 528 KiB.
const VARIABLES_BYTES: u64 = 16 << 20;

/// A description, as far as we read it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Description {
    #[serde(default)]
    interface_types: Vec<String>,
    mapping: Mapping,
    #[serde(default)]
    targets: Vec<Target>,
    #[serde(default)]
    features: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Mapping {
    device: String,
    executable: Option<File>,
    nvram_template: Option<File>,
}

#[derive(Debug, Deserialize)]
struct File {
    filename: PathBuf,
    format: String,
}

#[derive(Debug, Deserialize)]
struct Target {
    architecture: String,
    machines: Vec<String>,
}

/// The files of a machine's firmware, the variables copied to `work`; none where it needs none.
///
/// # Errors
/// [`HostError::Missing`] where no package brings such firmware.
pub(super) fn files(wanted: Firmware, work: &Path) -> Result<Option<FirmwareFiles>, HostError> {
    let Firmware::Uefi(secure_boot) = wanted else {
        return Ok(None);
    };
    let folders = FOLDERS.map(Path::new);
    let found = find(&folders, secure_boot).ok_or_else(|| HostError::Missing {
        what: format!("UEFI firmware ({})", words(secure_boot)),
        remedy: "install the package ovmf (Debian) or edk2-ovmf (RHEL)".to_owned(),
    })?;
    let template = match secure_boot {
        SecureBoot::Off | SecureBoot::Enforced => found.variables,
        SecureBoot::EnforcedByStranger => STRANGERS.into(),
    };
    let variables = work.join(VARIABLES);
    copy(&template, &variables)?;
    Ok(Some(FirmwareFiles { variables, ..found }))
}

fn words(secure_boot: SecureBoot) -> &'static str {
    match secure_boot {
        SecureBoot::Off => "without Secure Boot",
        SecureBoot::Enforced => "with Secure Boot and Microsoft's certificates",
        SecureBoot::EnforcedByStranger => "with Secure Boot and a stranger's certificate",
    }
}

/// The first firmware that fits; its variables are the package's template.
fn find(folders: &[&Path], wanted: SecureBoot) -> Option<FirmwareFiles> {
    let mut descriptions: Vec<PathBuf> = folders
        .iter()
        .filter_map(|folder| fs::read_dir(folder).ok())
        .flat_map(|listing| listing.flatten().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|is| is == "json"))
        .collect();
    // By name, whatever the folder: `40-…` comes before `50-…`.
    descriptions.sort_by(|one, other| one.file_name().cmp(&other.file_name()));
    descriptions
        .iter()
        .filter_map(|path| read(path))
        .find_map(|description| fitting(description, wanted))
}

fn read(path: &Path) -> Option<Description> {
    let small = fs::metadata(path).is_ok_and(|file| file.len() <= DESCRIPTION_BYTES);
    let text = small.then(|| fs::read(path).ok())??;
    serde_json::from_slice(&text).ok()
}

/// The files of a description, if it is what is wanted.
fn fitting(description: Description, wanted: SecureBoot) -> Option<FirmwareFiles> {
    let has = |feature: &str| description.features.iter().any(|has| has == feature);
    let fits = match wanted {
        SecureBoot::Off => !has("secure-boot"),
        // The strangers' variables replace the template.
        SecureBoot::Enforced | SecureBoot::EnforcedByStranger => {
            has("secure-boot") && has("enrolled-keys")
        }
    };
    // Firmware for one kind of memory encryption runs on nothing else.
    let special = has("amd-sev-es") && !has("acpi-s3") || has("intel-tdx");
    let target = |target: &Target| {
        let q35 = |machine: &String| machine.starts_with("pc-q35-") || machine == "q35";
        target.architecture == "x86_64" && target.machines.iter().any(q35)
    };
    let whole = description.interface_types.iter().any(|is| is == "uefi")
        && description.mapping.device == "flash"
        && description.targets.iter().any(target);
    let management_mode = has("requires-smm");
    let raw = |file: Option<File>| file.filter(|file| file.format == "raw");
    let code = raw(description.mapping.executable)?.filename;
    let variables = raw(description.mapping.nvram_template)?.filename;
    (fits && whole && !special).then_some(FirmwareFiles {
        code,
        variables,
        management_mode,
    })
}

fn copy(template: &Path, to: &Path) -> Result<(), HostError> {
    let io = |source| HostError::Io {
        action: "copying the firmware's variables",
        source,
    };
    let missing = || HostError::Missing {
        what: template.display().to_string(),
        remedy: "install the package ovmf; other distributions do not bring it".to_owned(),
    };
    let length = fs::metadata(template).map_err(|_| missing())?.len();
    if length > VARIABLES_BYTES {
        return Err(io(std::io::ErrorKind::FileTooLarge.into()));
    }
    let bytes = fs::read(template).map_err(io)?;
    fs::write(to, bytes).map_err(io)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Debian 12's package ovmf has it (2022.11-6+deb12u2), shortened.
    fn description(name: &str, features: &[&str]) -> (String, String) {
        let features = serde_json::to_string(features).unwrap();
        let text = format!(
            r#"{{ "description": "UEFI", "interface-types": ["uefi"],
                "mapping": {{ "device": "flash",
                    "executable": {{ "filename": "/{name}/code.fd", "format": "raw" }},
                    "nvram-template": {{ "filename": "/{name}/vars.fd", "format": "raw" }} }},
                "targets": [{{ "architecture": "x86_64", "machines": ["pc-q35-*"] }}],
                "features": {features}, "tags": [] }}"#
        );
        (format!("{name}.json"), text)
    }

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let secure = ["acpi-s3", "enrolled-keys", "requires-smm", "secure-boot"];
        for (name, text) in [
            description("60-plain", &["acpi-s3"]),
            description("40-enrolled", &secure),
            description("50-empty", &["requires-smm", "secure-boot"]),
            ("10-broken.json".to_owned(), "{".to_owned()),
            ("20-kernel.txt".to_owned(), "no description".to_owned()),
        ] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    #[track_caller]
    fn check(wanted: SecureBoot, code: &str, management_mode: bool) {
        let folder = folder();
        let found = find(&[folder.path()], wanted).unwrap();
        assert_eq!(found.code, Path::new(code));
        assert_eq!(found.management_mode, management_mode);
    }

    #[test]
    fn the_first_that_fits_is_taken() {
        check(SecureBoot::Off, "/60-plain/code.fd", false);
        check(SecureBoot::Enforced, "/40-enrolled/code.fd", true);
        check(SecureBoot::EnforcedByStranger, "/40-enrolled/code.fd", true);
    }

    #[test]
    fn firmware_for_encrypted_memory_alone_is_not_for_us() {
        let folder = tempfile::tempdir().unwrap();
        let (name, text) = description("30-tdx", &["intel-tdx"]);
        fs::write(folder.path().join(name), text).unwrap();
        assert_eq!(find(&[folder.path()], SecureBoot::Off), None);
    }

    #[test]
    fn without_packages_there_is_none() {
        assert_eq!(find(&[Path::new("/nowhere")], SecureBoot::Off), None);
    }

    #[test]
    fn a_bios_needs_no_files() {
        let work = tempfile::tempdir().unwrap();
        assert_eq!(files(Firmware::Bios, work.path()).unwrap(), None);
    }
}
