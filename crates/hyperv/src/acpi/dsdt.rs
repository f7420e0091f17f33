//! The devices: the bus below a module with windows, two serial ports, the processors, and what
//! "off" is.

use acpi_tables::Aml;
use acpi_tables::aml::{
    AddressSpace, AddressSpaceCacheable, And, Device, EISAName, IO, Interrupt, Method, Name, Or,
    Package, Path, ResourceTemplate, Return, Scope,
};
use acpi_tables::sdt::Sdt;

use super::{OEM_ID, OEM_REVISION, OEM_TABLE_ID};
use crate::memory_map::MemoryMap;
use crate::power::S5_TYPE;
use crate::serial::{COM1_INTERRUPT, COM1_PORT, COM2_INTERRUPT, COM2_PORT, PORTS};

/// The table, for so many processors.
pub(super) fn build(processors: u32, map: &MemoryMap) -> Sdt {
    let mut aml = Vec::new();
    let mut devices = vec![module(map)];
    devices.push(serial_port("COM1", 1, COM1_PORT, COM1_INTERRUPT));
    devices.push(serial_port("COM2", 2, COM2_PORT, COM2_INTERRUPT));
    devices.extend((0..processors).map(processor));
    let children = devices.iter().map(|device| device as &dyn Aml).collect();
    Scope::new("_SB_".into(), children).to_aml_bytes(&mut aml);
    let off: [&dyn Aml; 4] = [&S5_TYPE, &S5_TYPE, &0_u8, &0_u8];
    Name::new("_S5_".into(), &Package::new(off.to_vec())).to_aml_bytes(&mut aml);
    // Revision 2: integers have 64 bits.
    let mut table = Sdt::new(*b"DSDT", 36, 2, OEM_ID, OEM_TABLE_ID, OEM_REVISION);
    table.append_slice(&aml);
    table
}

/// Finished AML.
struct Raw(Vec<u8>);

impl Raw {
    fn of(aml: &dyn Aml) -> Self {
        let mut bytes = Vec::new();
        aml.to_aml_bytes(&mut bytes);
        Self(bytes)
    }
}

impl Aml for Raw {
    fn to_aml_bytes(&self, sink: &mut dyn acpi_tables::AmlSink) {
        sink.vec(&self.0);
    }
}

/// The container whose windows the bus hands out: Linux walks up from the bus to the first device
/// that has any.
fn module(map: &MemoryMap) -> Raw {
    let (low, high) = (map.low_window(), map.high_window());
    let low = AddressSpace::new_memory(
        AddressSpaceCacheable::NotCacheable,
        true,
        u32::try_from(low.start).expect("the low window is below 4 GiB"),
        u32::try_from(low.end() - 1).expect("the low window is below 4 GiB"),
        None,
    );
    let high = AddressSpace::new_memory(
        AddressSpaceCacheable::NotCacheable,
        true,
        high.start,
        high.end() - 1,
        None,
    );
    Raw::of(&Device::new(
        "VMOD".into(),
        vec![
            &Name::new("_HID".into(), &"ACPI0004"),
            &Name::new("_UID".into(), &0_u8),
            &Name::new("_CRS".into(), &ResourceTemplate::new(vec![&low, &high])),
            &bus(),
        ],
    ))
}

/// The bus. Its resources are empty, but `_CRS` has to be there.
fn bus() -> Raw {
    let state = || Path::new("STA_");
    Raw::of(&Device::new(
        "VMBS".into(),
        vec![
            &Name::new(state(), &0x0f_u8),
            &Name::new("_HID".into(), &"VMBus"),
            &Name::new("_DDN".into(), &"VMBUS"),
            &Name::new("_UID".into(), &0_u8),
            &method("_DIS", &And::new(&state(), &state(), &0x0d_u8)),
            &method("_PS0", &Or::new(&state(), &state(), &0x0f_u8)),
            &method("_STA", &Return::new(&state())),
            &Method::new("_PS3".into(), 0, false, Vec::new()),
            &Name::new("_CRS".into(), &ResourceTemplate::new(Vec::new())),
        ],
    ))
}

fn method(name: &str, body: &dyn Aml) -> Raw {
    Raw::of(&Method::new(name.into(), 0, false, vec![body]))
}

/// A serial port; without this a hardware-reduced guest has no interrupt for it.
fn serial_port(name: &'static str, uid: u8, port: u16, interrupt: u32) -> Raw {
    let interrupt = Interrupt::new(true, true, false, false, interrupt);
    Raw::of(&Device::new(
        name.into(),
        vec![
            &Name::new("_HID".into(), &EISAName::new("PNP0501")),
            &Name::new("_DDN".into(), &name),
            &Name::new("_UID".into(), &uid),
            &Name::new(
                "_CRS".into(),
                &ResourceTemplate::new(vec![&IO::new(port, port, 1, PORTS), &interrupt]),
            ),
        ],
    ))
}

/// A processor; its `_UID` is the one in the MADT.
fn processor(index: u32) -> Raw {
    Raw::of(&Device::new(
        Path::new(&format!("C{index:03X}")),
        vec![
            &Name::new("_HID".into(), &"ACPI0007"),
            &Name::new("_UID".into(), &index),
        ],
    ))
}
