//! What the firmware says of the machine: SMBIOS and ACPI, as the kernel hands them on.

use std::path::Path;

use detente_plan::protocol::Firmware;

use crate::sysfs;

const MAX_TABLES: usize = 64;

/// Reads it below `root`, which has `sys`.
pub(super) fn run(root: &Path) -> Firmware {
    let identity = root.join("sys/class/dmi/id");
    let said = |name: &str| sysfs::text(identity.join(name));
    let tables = root.join("sys/firmware/acpi/tables");
    let structures = std::fs::metadata(root.join("sys/firmware/dmi/tables/DMI"));
    Firmware {
        vendor: said("sys_vendor"),
        product: said("product_name"),
        uuid: said("product_uuid"),
        firmware_vendor: said("bios_vendor"),
        smbios_bytes: structures.map_or(0, |file| file.len()),
        acpi_tables: sysfs::names(&tables, MAX_TABLES)
            .into_iter()
            .filter(|name| tables.join(name).is_file())
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn tables_are_files_and_folders_are_none() {
        let place = tempfile::tempdir().unwrap();
        let (tables, identity) = (
            place.path().join("sys/firmware/acpi/tables"),
            place.path().join("sys/class/dmi/id"),
        );
        fs::create_dir_all(tables.join("dynamic")).unwrap();
        fs::create_dir_all(&identity).unwrap();
        fs::write(tables.join("APIC"), "x").unwrap();
        fs::write(identity.join("sys_vendor"), "QEMU\n").unwrap();
        let seen = run(place.path());
        assert_eq!((seen.vendor.as_str(), seen.uuid.as_str()), ("QEMU", ""));
        assert_eq!(
            (seen.acpi_tables, seen.smbios_bytes),
            (vec!["APIC".to_owned()], 0)
        );
    }
}
