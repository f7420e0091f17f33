//! SUP-04: what SMBIOS and ACPI say of the machine.

use super::finding::{Finding, check, listed, measured, number};
use crate::protocol::Firmware;

/// What the machine states of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stated {
    /// Makers that its kind of machine has.
    pub vendors: &'static [&'static str],
    /// Its UUID, in small letters.
    pub uuid: String,
}

/// Tables without which a machine has no ACPI: the fixed description, and the processors'.
const TABLES: [&str; 2] = ["FACP", "APIC"];

/// Judges it.
#[must_use]
pub fn sup04(seen: &Firmware, stated: &Stated) -> Finding {
    let vendors: Vec<String> = stated
        .vendors
        .iter()
        .map(|name| (*name).to_owned())
        .collect();
    let missing: Vec<String> = TABLES
        .iter()
        .filter(|name| seen.acpi_tables.iter().all(|table| table != *name))
        .map(|name| (*name).to_owned())
        .collect();
    let checks = vec![
        check(
            "vendor",
            stated.vendors.contains(&seen.vendor.as_str()),
            format!(
                "the maker is {:?} (wanted: {})",
                seen.vendor,
                vendors.join(" or ")
            ),
        ),
        check(
            "product",
            !seen.product.is_empty(),
            format!("the product is {:?}", seen.product),
        ),
        check(
            "uuid",
            seen.uuid.to_ascii_lowercase() == stated.uuid && !stated.uuid.is_empty(),
            format!(
                "the UUID is {:?} (the machine has {:?})",
                seen.uuid, stated.uuid
            ),
        ),
        check(
            "smbios",
            seen.smbios_bytes > 0,
            format!(
                "SMBIOS has {} bytes, by {:?}",
                seen.smbios_bytes, seen.firmware_vendor
            ),
        ),
        check(
            "acpi",
            missing.is_empty(),
            if missing.is_empty() {
                format!("ACPI has {} tables", seen.acpi_tables.len())
            } else {
                format!("ACPI lacks {}", listed(&missing))
            },
        ),
    ];
    let tables = number(seen.acpi_tables.len() as u64);
    Finding::of_checks(checks, vec![measured("ACPI tables", tables, "count", None)])
}

#[cfg(test)]
mod tests {
    use detente_evidence::Outcome;

    use super::*;

    const UUID: &str = "a1b2c3d4-0000-8000-8000-0123456789ab";

    fn sound() -> Firmware {
        Firmware {
            vendor: "QEMU".to_owned(),
            product: "Standard PC (Q35 + ICH9, 2009)".to_owned(),
            uuid: UUID.to_ascii_uppercase(),
            firmware_vendor: "SeaBIOS".to_owned(),
            smbios_bytes: 400,
            acpi_tables: ["APIC", "DSDT", "FACP"].map(str::to_owned).to_vec(),
        }
    }

    #[track_caller]
    fn verdict(spoil: fn(&mut Firmware), outcome: Outcome, part: &str) {
        let mut seen = sound();
        spoil(&mut seen);
        let stated = Stated {
            vendors: &["QEMU", "Red Hat"],
            uuid: UUID.to_owned(),
        };
        let finding = sup04(&seen, &stated);
        assert_eq!(finding.outcome, outcome, "{}", finding.message);
        assert!(finding.message.contains(part), "{}", finding.message);
    }

    #[test]
    fn a_machine_that_is_what_it_states_passes() {
        verdict(|_| (), Outcome::Passed, "ACPI has 3 tables");
    }

    #[test]
    fn each_spoiled_sign_fails() {
        verdict(
            |seen| seen.vendor = "Xen".to_owned(),
            Outcome::Failed,
            "the maker is \"Xen\" (wanted: QEMU or Red Hat)",
        );
        verdict(
            |seen| seen.product.clear(),
            Outcome::Failed,
            "the product is \"\"",
        );
        verdict(
            |seen| seen.uuid = "00000000-0000-0000-0000-000000000000".to_owned(),
            Outcome::Failed,
            "the UUID is \"00000000",
        );
        verdict(
            |seen| seen.smbios_bytes = 0,
            Outcome::Failed,
            "SMBIOS has 0 bytes",
        );
        verdict(
            |seen| drop(seen.acpi_tables.remove(0)),
            Outcome::Failed,
            "ACPI lacks APIC",
        );
    }
}
