//! What no platform of KVM's takes over, whatever the document.

use crate::loss::{Gate, Losses};
use crate::spec::{
    CheckpointPolicy, DiskAccess, DiskSource, Firmware, IntegrationService, MachineSpec,
    MemoryRange, Permission, SecureBoot, SecureBootKeys,
};
use crate::tpm_state::tpm_state;

/// What KVM cannot do as the definition has it, and the gates.
pub(crate) fn common(spec: &MachineSpec, losses: &mut Losses) {
    gates(spec, losses);
    secure_boot(spec, losses);
    if let MemoryRange::Dynamic(_) = spec.memory.range {
        let why = "KVM has a balloon and nobody who moves it by need: the guest starts with the \
                   startup memory and can be given more by hand, up to the maximum or eight times as \
                   much as at the start";
        losses.approximated("memory.range", why);
    }
    if spec.integration.iter().any(|own| own.is_hypervs()) {
        let why = "Hyper-V's integration services are not on KVM: QEMU's guest agent takes their \
                   place, if the guest has it; its channel, entropy and a balloon are added";
        losses.approximated("integration", why);
    }
    for (index, nic) in spec.nics.iter().enumerate() {
        let guards = nic.guards;
        let all = [guards.mac_spoofing, guards.dhcp_server, guards.router];
        let filter = nic.extensions.get("libvirt", "interface");
        let is_filtered = filter.is_some_and(|own| own.to_string().contains("filterref"));
        if all.contains(&Permission::Refused) && !is_filtered {
            let why = "the host's network must see to it: add a filter (libvirt: `<filterref \
                       filter='clean-traffic'/>`), which not every host has";
            losses.approximated(format!("nics[{index}].guards"), why);
        }
    }
}

fn gates(spec: &MachineSpec, losses: &mut Losses) {
    tpm_state(spec, losses);
    if spec.checkpoints.existing > 0 {
        let why =
            "checkpoints never move: only the present state would; delete or apply them first";
        losses.refused("checkpoints.existing", Gate::Checkpoints, why);
    }
    for (index, device) in spec.passthrough.iter().enumerate() {
        let why = format!(
            "{:?} {:?} belongs to its host: no other host has it",
            device.kind, device.name
        );
        losses.refused(format!("passthrough[{index}]"), Gate::Passthrough, why);
    }
    for (index, disk) in spec.disks.iter().enumerate() {
        let field = format!("disks[{index}]");
        if disk.access == DiskAccess::Shared {
            let why = "other machines write to this disk: a copy would part from them";
            losses.refused(format!("{field}.access"), Gate::SharedDisk, why);
        }
        if let Some(DiskSource::HostDisk { name }) = &disk.source {
            let why = format!("{name:?} is a disk of its host: copy it into a file first");
            losses.refused(format!("{field}.source"), Gate::Passthrough, why);
        }
    }
}

/// A platform that has snapshots, and no policy for them.
pub(crate) fn no_checkpoint_policy(spec: &MachineSpec, losses: &mut Losses) {
    let checkpoints = spec.checkpoints;
    if checkpoints.policy != CheckpointPolicy::Unspecified || checkpoints.automatic {
        losses.dropped(
            "checkpoints",
            "snapshots are made when somebody asks for one",
        );
    }
}

fn secure_boot(spec: &MachineSpec, losses: &mut Losses) {
    let Firmware::Uefi { secure_boot } = spec.firmware else {
        return;
    };
    match secure_boot {
        SecureBoot::Off
        | SecureBoot::On {
            keys: SecureBootKeys::MicrosoftBoth,
        } => {}
        SecureBoot::On {
            keys: SecureBootKeys::Custom,
        } => losses.refused(
            "firmware.secure_boot.keys",
            Gate::SecureBootKeys,
            "keys of the owner's own are in variables that no definition holds: enrol them again, \
             else the guest does not start",
        ),
        SecureBoot::On { .. } => losses.approximated(
            "firmware.secure_boot.keys",
            "OVMF's variables have both of Microsoft's keys, not one of them",
        ),
    }
}

/// What the guest is offered on KVM in the place of Hyper-V's services.
pub(crate) fn integration(spec: &MachineSpec) -> Vec<IntegrationService> {
    let own = spec.integration.iter().copied();
    let mut all: Vec<IntegrationService> = own.filter(|own| !own.is_hypervs()).collect();
    if spec.integration.iter().any(|own| own.is_hypervs()) {
        all.push(IntegrationService::QemuGuestAgent);
        all.push(IntegrationService::Entropy);
        all.push(IntegrationService::Balloon);
    }
    if spec.guest.family == crate::spec::GuestFamily::Windows {
        all.push(IntegrationService::HypervEnlightenments);
    }
    all.sort_unstable();
    all.dedup();
    all
}
