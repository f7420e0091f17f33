//! The interrupt controllers: a local APIC for each processor, and one I/O APIC.
//!
//! Written by hand on top of `acpi_tables`' header, because that crate's MADT knows no x2APIC.

use acpi_tables::sdt::Sdt;

use super::{OEM_ID, OEM_REVISION, OEM_TABLE_ID};

/// ACPI 6.x.
const REVISION: u8 = 5;
const LOCAL_APIC_ADDRESS: u32 = 0xfee0_0000;
const IO_APIC_ADDRESS: u32 = 0xfec0_0000;
/// The entry is for a processor that is there.
const ENABLED: u32 = 1;

/// The table, for so many processors.
pub(super) fn build(processors: u32) -> Sdt {
    let mut body = Vec::new();
    body.extend(LOCAL_APIC_ADDRESS.to_le_bytes());
    // No PC/AT-compatible pair of 8259s.
    body.extend(0_u32.to_le_bytes());
    for apic_id in 0..processors {
        match u8::try_from(apic_id) {
            // 255 is every processor at once in the older form.
            Ok(id @ 0..=254) => local_apic(&mut body, id),
            Ok(255) | Err(_) => local_x2apic(&mut body, apic_id),
        }
    }
    io_apic(&mut body);
    let mut table = Sdt::new(*b"APIC", 36, REVISION, OEM_ID, OEM_TABLE_ID, OEM_REVISION);
    table.append_slice(&body);
    table
}

/// Type 0, for ids up to 254. The processor's `_UID` is its APIC id.
fn local_apic(body: &mut Vec<u8>, id: u8) {
    body.extend([0, 8, id, id]);
    body.extend(ENABLED.to_le_bytes());
}

/// Type 9, for ids beyond.
fn local_x2apic(body: &mut Vec<u8>, id: u32) {
    body.extend([9, 16, 0, 0]);
    body.extend(id.to_le_bytes());
    body.extend(ENABLED.to_le_bytes());
    body.extend(id.to_le_bytes());
}

/// Type 1; its pins are the interrupts from 0.
fn io_apic(body: &mut Vec<u8>) {
    body.extend([1, 12, 0, 0]);
    body.extend(IO_APIC_ADDRESS.to_le_bytes());
    body.extend(0_u32.to_le_bytes());
}
