//! The fixed description: hardware-reduced, so no PIC, no timers, and sleep and reset by
//! registers of their own.

use acpi_tables::fadt::{FADT, FADTBuilder, Flags, PmProfile};
use acpi_tables::gas::{AccessSize, AddressSpace, GAS};

use super::{OEM_ID, OEM_REVISION, OEM_TABLE_ID};
use crate::power::{RESET_PORT, RESET_VALUE, SLEEP_CONTROL_PORT, SLEEP_STATUS_PORT};

/// "VGA Not Present" of the boot architecture flags. The flags for legacy devices and for a
/// keyboard controller are not set, so Linux looks for neither.
const NO_VGA: u16 = 1 << 2;

/// The table, for a DSDT at this address.
pub(super) fn build(dsdt: u64) -> FADT {
    let mut table = FADTBuilder::new(OEM_ID, OEM_TABLE_ID, OEM_REVISION)
        .dsdt_64(dsdt)
        .preferred_pm_profile(PmProfile::EnterpriseServer)
        .flag(Flags::Wbinvd)
        // There are no fixed buttons: these flags say so.
        .flag(Flags::PwrButton)
        .flag(Flags::SlpButton)
        .flag(Flags::ResetRegSup)
        .flag(Flags::HwReducedAcpi);
    table.iapc_boot_arch = NO_VGA.into();
    table.reset_reg = byte_port(RESET_PORT);
    table.reset_value = RESET_VALUE;
    table.sleep_control_reg = byte_port(SLEEP_CONTROL_PORT);
    table.sleep_status_reg = byte_port(SLEEP_STATUS_PORT);
    table.finalize()
}

fn byte_port(port: u16) -> GAS {
    GAS::new(
        AddressSpace::SystemIo,
        8,
        0,
        AccessSize::ByteAccess,
        u64::from(port),
    )
}
