//! The ACPI tables of a generation-2-like machine: no legacy devices, and the VMBus as an ACPI
//! device, because Linux's bus driver binds to that.
//!
//! ```
//! use detente_hyperv::{acpi, memory_map::MemoryMap};
//!
//! let map = MemoryMap::new(512 << 20)?;
//! let tables = acpi::build(2, &map)?;
//! assert_eq!(&tables.bytes[..8], b"RSD PTR ");
//! assert_eq!(tables.start, 0xe_0000);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod dsdt;
mod fadt;
mod madt;
#[cfg(test)]
mod tests;

use acpi_tables::Aml;
use acpi_tables::rsdp::Rsdp;
use acpi_tables::xsdt::XSDT;
use detente_vmbus::{GuestMemory, OutsideMemory};

use crate::memory_map::{ACPI_END, ACPI_START, MemoryMap};

/// Whose tables these are. It is ours and nobody else's.
const OEM_ID: [u8; 6] = *b"DETENT";
const OEM_TABLE_ID: [u8; 8] = *b"DETENTE ";
const OEM_REVISION: u32 = 1;
/// Each table starts at a multiple of this; the RSDP has to start at a multiple of 16.
const ALIGNMENT: u64 = 16;

/// The tables, ready to be put into memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tables {
    /// Where they lie. The root pointer (RSDP) is the first of them.
    pub start: u64,
    /// Their bytes, one table behind the other.
    pub bytes: Vec<u8>,
}

/// Why the tables cannot be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AcpiError {
    /// A machine without a processor, or with more than tables can describe.
    #[error("the ACPI tables have no room for {processors} processors")]
    Processors {
        /// How many were asked for.
        processors: u32,
    },
}

impl Tables {
    /// Puts them into memory.
    ///
    /// # Errors
    /// [`OutsideMemory`] when their place is not memory.
    pub fn write(&self, memory: &dyn GuestMemory) -> Result<(), OutsideMemory> {
        memory.write(self.start, &self.bytes)
    }
}

/// Builds the tables for so many processors, whose APIC ids count from 0.
///
/// # Errors
/// [`AcpiError`].
pub fn build(processors: u32, map: &MemoryMap) -> Result<Tables, AcpiError> {
    // Names of processors have three hexadecimal digits.
    if processors == 0 || processors > 0x1000 {
        return Err(AcpiError::Processors { processors });
    }
    let mut room = Room::behind_rsdp();
    let dsdt = room.add(&dsdt::build(processors, map));
    let fadt = room.add(&fadt::build(dsdt));
    let madt = room.add(&madt::build(processors));
    let mut xsdt = XSDT::new(OEM_ID, OEM_TABLE_ID, OEM_REVISION);
    xsdt.add_entry(fadt);
    xsdt.add_entry(madt);
    let xsdt = room.add(&xsdt);
    let mut bytes = Vec::new();
    Rsdp::new(OEM_ID, xsdt).to_aml_bytes(&mut bytes);
    room.bytes[..bytes.len()].copy_from_slice(&bytes);
    if room.end() > ACPI_END {
        return Err(AcpiError::Processors { processors });
    }
    Ok(Tables {
        start: ACPI_START,
        bytes: room.bytes,
    })
}

/// The tables that have their place already.
struct Room {
    bytes: Vec<u8>,
}

impl Room {
    fn behind_rsdp() -> Self {
        Self {
            bytes: vec![0; Rsdp::len()],
        }
    }

    fn end(&self) -> u64 {
        ACPI_START.saturating_add(u64::try_from(self.bytes.len()).unwrap_or(u64::MAX))
    }

    /// Where a table lies.
    fn add(&mut self, table: &dyn Aml) -> u64 {
        while !self.end().is_multiple_of(ALIGNMENT) {
            self.bytes.push(0);
        }
        let at = self.end();
        table.to_aml_bytes(&mut self.bytes);
        at
    }
}
