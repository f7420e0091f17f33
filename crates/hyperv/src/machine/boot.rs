//! The guest's memory as it is before the first instruction.

use std::sync::Arc;

use detente_block::{BlockRead, FileBackend, Window};
use detente_machine::hyperv::{FileSpan, MachineConfig};
use detente_vmbus::Guid;

use super::error::MachineError;
use crate::acpi;
use crate::kvm::Memory;
use crate::loader::{self, Boot, EntryState};
use crate::memory_map::MemoryMap;
use crate::smbios::{self, Identity};

const MIB: u64 = 1 << 20;

/// Memory with kernel, initramfs and tables in it, and how the first processor starts.
pub(super) fn prepare(config: &MachineConfig) -> Result<(Memory, EntryState), MachineError> {
    let map = MemoryMap::new(config.memory_mib.saturating_mul(MIB))?;
    let memory = Memory::new(&map.backed())?;
    let tables = acpi::build(config.processors, &map)?;
    tables.write(&memory)?;
    write_smbios(config, &memory)?;
    let kernel = open(&config.kernel)?;
    let initramfs = open(&config.initramfs)?;
    let boot = Boot {
        kernel: &kernel,
        initramfs: &[&initramfs],
        command_line: &config.cmdline,
        rsdp: tables.start,
    };
    let loaded = loader::load(&boot, &map, &memory)?;
    Ok((memory, loaded.state))
}

fn write_smbios(config: &MachineConfig, memory: &Memory) -> Result<(), MachineError> {
    let identity = Identity {
        uuid: uuid(&config.uuid)?,
        serial: config.uuid.clone(),
    };
    smbios::build(&identity)?.write(memory)?;
    Ok(())
}

fn uuid(text: &str) -> Result<Guid, MachineError> {
    let wrong = || MachineError::Uuid {
        text: text.to_owned(),
    };
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    if groups != [8, 4, 4, 4, 12] {
        return Err(wrong());
    }
    let digits: String = text.split('-').collect();
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    let number = u128::from_str_radix(&digits, 16).map_err(|_| wrong())?;
    Ok(Guid::new(number))
}

fn open(span: &FileSpan) -> Result<Window, MachineError> {
    let path = || span.path.clone();
    let file = FileBackend::open(&span.path).map_err(|source| MachineError::Open {
        path: path(),
        source,
    })?;
    let file: Arc<dyn BlockRead> = Arc::new(file);
    Window::new(file, span.offset_bytes, span.len_bytes).map_err(|source| MachineError::Read {
        path: path(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_has_32_digits_in_five_groups() {
        let sound = "01234567-89ab-cdef-0123-456789ABCDEF";
        let expected = "01234567-89ab-cdef-0123-456789abcdef";
        assert_eq!(uuid(sound).unwrap().to_string(), expected);
        for wrong in [
            "",
            "0123456789abcdef0123456789abcdef",
            "+1234567-89ab-cdef-0123-456789abcdef",
        ] {
            assert!(
                matches!(uuid(wrong), Err(MachineError::Uuid { .. })),
                "{wrong}"
            );
        }
    }
}
