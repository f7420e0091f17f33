//! The hostile exerciser: every parser of this crate over the same bytes.

use crate::{
    architecture, boot, command_line, device_spec::DeviceSpec, fstab, initramfs, kernels, modprobe,
    network, os_release, prepare, rescue, secure_boot, services, settings, storage_config, time,
};

/// Runs every text parser over `bytes`. Whatever they are: no panic, no hang, little memory.
pub fn exercise(bytes: &[u8]) {
    boot::exercise(bytes);
    let text = String::from_utf8_lossy(bytes);
    os_release::parse(&text);
    for mount in fstab::parse(&text) {
        DeviceSpec::parse(&mount.spec);
    }
    for (_, value) in command_line::parameters(&text) {
        DeviceSpec::parse(&value.unwrap_or_default());
    }
    settings::exercise(&text);
    network::exercise(&text);
    services::exercise(&text);
    time::exercise(&text);
    storage_config::exercise(&text);
    modprobe::exercise(&text);
    initramfs::exercise(bytes);
    rescue::exercise(bytes);
    prepare::exercise(bytes);
    exercise_program(bytes);
}

/// Parses `bytes` as each kind of program that this crate reads.
pub fn exercise_program(bytes: &[u8]) {
    kernels::exercise(bytes);
    secure_boot::exercise(bytes);
    architecture::of_elf(bytes);
}
