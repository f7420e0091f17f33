//! Host name and machine id: what stands at known places of a root.

use detente_initramfs::kernel;
use detente_volume::FsError;

use crate::error::InspectError;
use crate::facts::Place;
use crate::files::Files;
use crate::settings::shell;
use crate::volumes::Volumes;

/// A host name has at most 64 bytes; there may be comments.
const MAX_HOSTNAME_BYTES: u64 = 4096;

/// `/etc/hostname`: the first line that is no comment; else what RHEL 6 and SLES 11 have.
pub(crate) fn hostname(files: Files<'_>) -> Result<Option<String>, FsError> {
    for path in ["/etc/hostname", "/etc/HOSTNAME"] {
        if let Some(name) = first_line(files, path)? {
            return Ok(Some(name));
        }
    }
    let path = "/etc/sysconfig/network";
    let text = files.text(path)?.unwrap_or_default();
    let settings = shell::parse(path, &text);
    Ok(shell::value(&settings, "HOSTNAME").map(str::to_owned))
}

/// \[machine-id(5)\]: 32 hexadecimal digits; an image that is to be copied has none, or
/// `uninitialized`.
pub(crate) fn machine_id(files: Files<'_>) -> Result<Option<String>, FsError> {
    for path in ["/etc/machine-id", "/var/lib/dbus/machine-id"] {
        let id = first_line(files, path)?.unwrap_or_default();
        if id.len() == 32 && id.chars().all(|c| c.is_ascii_hexdigit()) {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

fn first_line(files: Files<'_>, path: &str) -> Result<Option<String>, FsError> {
    let bytes = files.read(path, MAX_HOSTNAME_BYTES)?.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let mut lines = text.lines().map(str::trim);
    Ok(lines
        .find(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned))
}

/// The release in a kernel image's header; `None` if it is no x86 kernel.
pub(crate) fn release(volumes: &Volumes, place: &Place) -> Result<Option<String>, InspectError> {
    let head = volumes.head(place.volume, &place.path, kernel::HEAD_BYTES)?;
    let parsed = head.and_then(|head| kernel::parse(&head).ok());
    let release = parsed.map(|kernel| kernel.release().to_owned());
    Ok(release.filter(|release| !release.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::memory::Memory;

    #[test]
    fn names_of_every_age() {
        let check = |path: &str, text: &str, expect: Option<&str>| {
            let tree = Memory::new().file(path, text);
            assert_eq!(hostname(tree.files()).unwrap().as_deref(), expect, "{path}");
        };
        check("/etc/hostname", "# c\n\npayroll\n", Some("payroll"));
        check(
            "/etc/HOSTNAME",
            "payroll.example\n",
            Some("payroll.example"),
        );
        check(
            "/etc/sysconfig/network",
            "NETWORKING=yes\nHOSTNAME=old\n",
            Some("old"),
        );
        check("/etc/hosts", "", None);
    }

    #[test]
    fn a_machine_id_has_32_digits() {
        let check = |text: &str, expect: Option<&str>| {
            let tree = Memory::new().file("/etc/machine-id", text);
            assert_eq!(
                machine_id(tree.files()).unwrap().as_deref(),
                expect,
                "{text}"
            );
        };
        let id = "0123456789abcdef0123456789abcdef";
        check(&format!("{id}\n"), Some(id));
        check("uninitialized\n", None);
        check("", None);
    }
}
