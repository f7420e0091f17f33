//! SMBIOS 3: what the machine says of itself to whoever reads DMI.
//!
//! Manufacturer and product are those that guests of Hyper-V see, because drivers, cloud-init and
//! systemd-detect-virt look for them. The firmware is named for what it is: détente.

#[cfg(test)]
mod tests;

use detente_vmbus::{GuestMemory, Guid, OutsideMemory};

use crate::memory_map::{MIB_1, SMBIOS_START};

/// What guests of Hyper-V read.
const MANUFACTURER: &str = "Microsoft Corporation";
const PRODUCT: &str = "Virtual Machine";
/// What the tables come from.
const FIRMWARE: &str = "detente";
const FIRMWARE_DATE: &str = "01/01/2026";
/// The entry point is this long, and the structures start behind it, aligned.
const ENTRY_BYTES: u8 = 24;
const STRUCTURES: u64 = SMBIOS_START + 32;
/// What the specification allows a string to be without trouble for old readers.
const SERIAL_BYTES: usize = 64;

/// Which machine it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The UUID of the machine.
    pub uuid: Guid,
    /// The serial number: printable ASCII, at most 64 characters.
    pub serial: String,
}

/// The entry point and its structures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Smbios {
    /// Where they lie: at the start of the area that kernels search.
    pub start: u64,
    /// Their bytes.
    pub bytes: Vec<u8>,
}

/// Why the tables cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SmbiosError {
    /// A serial number that readers could stumble over.
    #[error("the serial number {serial:?} is not 1 to 64 printable ASCII characters")]
    Serial {
        /// The number.
        serial: String,
    },
}

impl Smbios {
    /// Puts them into memory.
    ///
    /// # Errors
    /// [`OutsideMemory`] when their place is not memory.
    pub fn write(&self, memory: &dyn GuestMemory) -> Result<(), OutsideMemory> {
        memory.write(self.start, &self.bytes)
    }
}

/// Builds the tables.
///
/// # Errors
/// [`SmbiosError`].
pub fn build(identity: &Identity) -> Result<Smbios, SmbiosError> {
    let serial = identity.serial.as_str();
    let is_printable = serial.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if serial.is_empty() || serial.len() > SERIAL_BYTES || !is_printable {
        return Err(SmbiosError::Serial {
            serial: serial.to_owned(),
        });
    }
    let mut structures = Structures(Vec::new());
    structures.firmware();
    structures.system(identity);
    structures.board(serial);
    structures.chassis(serial);
    // Boot status: no errors.
    structures.add(32, &[0; 7], &[]);
    structures.add(127, &[], &[]);
    let mut bytes = entry_point(structures.0.len()).to_vec();
    bytes.resize(32, 0);
    bytes.extend(structures.0);
    debug_assert!(bytes.len() <= 4096 && SMBIOS_START + 4096 < MIB_1);
    Ok(Smbios {
        start: SMBIOS_START,
        bytes,
    })
}

/// The 64-bit entry point, `_SM3_`.
fn entry_point(structures_len: usize) -> [u8; ENTRY_BYTES as usize] {
    let mut entry = [0; ENTRY_BYTES as usize];
    entry[..5].copy_from_slice(b"_SM3_");
    // Length, version 3.3.0, revision of the entry point.
    entry[6..11].copy_from_slice(&[ENTRY_BYTES, 3, 3, 0, 1]);
    let len = u32::try_from(structures_len).expect("six structures with short strings");
    entry[12..16].copy_from_slice(&len.to_le_bytes());
    entry[16..24].copy_from_slice(&STRUCTURES.to_le_bytes());
    let sum = entry.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    entry[5] = sum.wrapping_neg();
    entry
}

/// Structures, one behind the other. A structure's handle is its type: there is one of each.
struct Structures(Vec<u8>);

impl Structures {
    /// Type 0.
    fn firmware(&mut self) {
        let mut body = vec![1, 2];
        // No address, built on that date, of no size; no characteristics that this field knows.
        body.extend([0, 0, 3, 0]);
        body.extend(8_u64.to_le_bytes());
        // In the extension: "the table describes a virtual machine".
        body.extend([0x00, 0x10]);
        // No release of firmware or controller.
        body.extend([0xff; 4]);
        body.extend(0_u16.to_le_bytes());
        let version = env!("CARGO_PKG_VERSION");
        self.add(0, &body, &[FIRMWARE, version, FIRMWARE_DATE]);
    }

    /// Type 1. The UUID is little-endian in its first three fields, as in memory.
    fn system(&mut self, identity: &Identity) {
        let mut body = vec![1, 2, 0, 3];
        body.extend(identity.uuid.to_bytes());
        // Woken by the power switch; no SKU, no family.
        body.extend([6, 0, 0]);
        self.add(1, &body, &[MANUFACTURER, PRODUCT, &identity.serial]);
    }

    /// Type 2: the motherboard in the chassis of type 3.
    fn board(&mut self, serial: &str) {
        let mut body = vec![1, 2, 0, 3, 0, 0x01, 0];
        body.extend(3_u16.to_le_bytes());
        body.extend([0x0a, 0]);
        self.add(2, &body, &[MANUFACTURER, PRODUCT, serial]);
    }

    /// Type 3: a desktop, of which nothing else is known. No asset tag: clouds are told by it.
    fn chassis(&mut self, serial: &str) {
        let mut body = vec![1, 3, 0, 2, 0, 2, 2, 2, 2];
        body.extend([0; 9]);
        self.add(3, &body, &[MANUFACTURER, serial]);
    }

    /// A structure with its strings, which count from 1.
    fn add(&mut self, kind: u8, body: &[u8], strings: &[&str]) {
        let len = u8::try_from(body.len() + 4).expect("bodies are short");
        self.0.extend([kind, len, kind, 0]);
        self.0.extend(body);
        for string in strings {
            self.0.extend(string.as_bytes());
            self.0.push(0);
        }
        if strings.is_empty() {
            self.0.push(0);
        }
        self.0.push(0);
    }
}
