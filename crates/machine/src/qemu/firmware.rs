//! UEFI in QEMU: two flash chips, one with the program and one with the variables.

use std::ffi::OsString;

use super::{Arguments, key_value};
use crate::FirmwareFiles;

/// The names of the chips' nodes.
const CODE: &str = "firmware-code";
const VARIABLES: &str = "firmware-variables";

/// `-machine`.
pub(super) fn machine(firmware: Option<&FirmwareFiles>) -> String {
    // Nothing of a certified guest needs VMware's back door; system management mode is for firmware
    // that guards its variables by it, and for nothing else.
    let managed = firmware.is_some_and(|files| files.management_mode);
    let smm = if managed { "on" } else { "off" };
    let chips = if firmware.is_some() {
        format!(",pflash0={CODE},pflash1={VARIABLES}")
    } else {
        String::new()
    };
    format!("q35,smm={smm},vmport=off{chips}")
}

/// The chips.
pub(super) fn add(arguments: &mut Arguments, firmware: Option<&FirmwareFiles>) {
    let Some(files) = firmware else {
        return;
    };
    let mut chip = |name: &str, read_only: &str, path: &std::path::Path| {
        let start = format!("driver=file,node-name={name},read-only={read_only},");
        let mut value = OsString::from(start);
        value.push(key_value("filename", path.as_os_str()));
        arguments.pair("-blockdev", value);
    };
    chip(CODE, "on", &files.code);
    chip(VARIABLES, "off", &files.variables);
    if files.management_mode {
        // Else the guest could write to the chip past the firmware.
        arguments.pair("-global", "driver=cfi.pflash01,property=secure,value=on");
    }
}
