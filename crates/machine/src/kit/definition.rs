//! A neutral definition in Hyper-V's words.

mod boot;
mod cards;
mod drives;

use super::extras::Extras;
use super::{KitError, Switches};
use crate::hyperv_inventory::{
    CheckpointType, Checkpoints, ComPort, Firmware as HostFirmware, Memory, OnOff, Processor,
    Security, Service, StartAction, State, StopAction, VirtualMachine, service_id,
};
use crate::loss::{Gate, Losses};
use crate::spec::{
    CheckpointPolicy, Chipset, Clock, Display, Firmware, GenerationId, GuestFamily,
    IntegrationService, MachineSpec, MemoryRange, ProcessorModel, SecureBoot, SecureBootKeys,
    SerialBackend, StartPolicy, StopPolicy, TpmInterface, TpmVersion, Uuid, UuidByteOrder,
};
use crate::tpm_state::tpm_state;

/// Hyper-V gives memory in pieces of 2 MiB.
const MEMORY_UNIT_BYTES: u64 = 2 << 20;
/// What a machine may be called there.
const NAME_CHARACTERS: usize = 100;

/// The machine that the kit's script makes, and what it cannot do as the definition says.
///
/// The generation follows from the firmware. Disks are at the names that [`super::disk_file`] gives.
///
/// # Errors
/// [`KitError`].
pub fn definition(
    spec: &MachineSpec,
    switches: &Switches,
) -> Result<(VirtualMachine, Losses), KitError> {
    spec.validate()?;
    let mut losses = Losses::new();
    let machine = Writer {
        spec,
        switches,
        generation: if spec.firmware.is_uefi() { 2 } else { 1 },
    };
    let mut machine = machine.write(&mut losses)?;
    note(spec, &mut machine, &mut losses);
    Ok((machine, losses))
}

/// Notes on the machine what Hyper-V has no word for, and reports what nobody reported yet.
fn note(spec: &MachineSpec, machine: &mut VirtualMachine, losses: &mut Losses) {
    let (made, _) = machine.plain();
    let extras = Extras::between(spec, &made);
    for field in extras.fields() {
        // Where the disks are is no loss: that they are elsewhere is what was asked for.
        let moves = field.contains(".source.") || field.starts_with("notes");
        if !moves && !losses.covers(&field) {
            losses.kept(
                field,
                "Hyper-V says it in another way; it is noted on the machine",
            );
        }
    }
    match extras.noted(spec.notes.as_deref()) {
        Ok(notes) => machine.notes = Some(notes).filter(|notes| !notes.is_empty()),
        Err(bytes) => {
            machine.notes.clone_from(&spec.notes);
            let why =
                format!("{bytes} bytes are too many for a machine's notes; machine.json has them");
            losses.dropped("extensions", why);
        }
    }
}

pub(super) struct Writer<'a> {
    spec: &'a MachineSpec,
    switches: &'a Switches,
    generation: u8,
}

impl Writer<'_> {
    fn write(&self, losses: &mut Losses) -> Result<VirtualMachine, KitError> {
        let drives = self.drives(losses)?;
        let network_adapters = self.cards(losses)?;
        self.unsaid(losses);
        Ok(VirtualMachine {
            name: self.name(losses),
            id: None,
            generation: self.generation,
            version: None,
            state: Some(State::Off),
            notes: None,
            bios_guid: self.bios_guid(losses),
            processor: self.processor(losses),
            memory: self.memory(losses),
            firmware: self.firmware(&drives, losses),
            startup_order: self.startup_order(&drives),
            security: self.security(losses),
            hard_disk_drives: drives.hard_disk_drives,
            dvd_drives: drives.dvd_drives,
            floppy_path: None,
            network_adapters,
            com_ports: self.com_ports(losses),
            integration_services: self.integration_services(losses),
            checkpoints: self.checkpoints(losses),
            automatic_start_action: match self.spec.lifecycle.start {
                StartPolicy::Unspecified => None,
                StartPolicy::Never => Some(StartAction::Nothing),
                StartPolicy::IfItRan => Some(StartAction::StartIfRunning),
                StartPolicy::Always => Some(StartAction::Start),
            },
            automatic_start_delay_s: self.spec.lifecycle.start_delay_s.unwrap_or_default(),
            automatic_stop_action: match self.spec.lifecycle.stop {
                StopPolicy::Unspecified => None,
                StopPolicy::Save => Some(StopAction::Save),
                StopPolicy::TurnOff => Some(StopAction::TurnOff),
                StopPolicy::ShutDown => Some(StopAction::ShutDown),
            },
            assigned_devices: Vec::new(),
            clustered: false,
        })
    }

    /// Folders of Windows are named after machines.
    fn name(&self, losses: &mut Losses) -> String {
        let plain = |c: char| if r#"\/:*?"<>|"#.contains(c) { '_' } else { c };
        let name: String = self
            .spec
            .name
            .chars()
            .map(plain)
            .take(NAME_CHARACTERS)
            .collect();
        let name = name.trim_end_matches([' ', '.']).trim_start().to_owned();
        let name = if name.is_empty() {
            "machine".to_owned()
        } else {
            name
        };
        if name != self.spec.name {
            losses.approximated(
                "name",
                format!("folders of Windows are named after it: {name:?}"),
            );
        }
        name
    }

    fn bios_guid(&self, losses: &mut Losses) -> Option<Uuid> {
        let identity = self.spec.identity;
        if identity.uuid.is_some() {
            losses.approximated(
                "identity.uuid",
                "Hyper-V makes up another UUID, so activation, licences and cloud-init see a new \
                 machine; the script's -KeepSmbiosUuid sets this one",
            );
        }
        match identity.generation_id {
            GenerationId::HostMade => {}
            GenerationId::Absent => losses.approximated(
                "identity.generation_id",
                "Hyper-V shows every guest a generation id",
            ),
            GenerationId::Fixed(_) => losses.approximated(
                "identity.generation_id",
                "Hyper-V makes up another, which tells domain controllers that they were copied",
            ),
        }
        match identity.byte_order {
            UuidByteOrder::LittleEndian => identity.uuid,
            UuidByteOrder::AsWritten => identity.uuid.map(Uuid::swapped),
        }
    }

    fn processor(&self, losses: &mut Losses) -> Processor {
        let own = &self.spec.processors;
        if own.online.is_some() {
            let why = "processors are not added to a running machine: it starts with these";
            losses.approximated("processors.online", why);
        }
        if let Some(topology) = own.topology
            && (topology.sockets > 1 || topology.dies > 1)
        {
            let why = "Hyper-V decides about sockets: mind licences that are counted by socket";
            losses.approximated("processors.topology", why);
        }
        match &own.model {
            ProcessorModel::Named(name) => losses.approximated(
                "processors.model",
                format!("the guest sees the host's processor in place of {name}"),
            ),
            ProcessorModel::HostPassthrough
            | ProcessorModel::HostModel
            | ProcessorModel::Maximum => {
                losses.kept(
                    "processors.model",
                    "the guest sees the host's processor anyhow",
                );
            }
            ProcessorModel::PlatformDefault | ProcessorModel::Migratable => {}
        }
        if !own.features.is_empty() {
            let why = "Hyper-V shows the host's features and has no switches for single ones";
            losses.approximated("processors.features", why);
        }
        let percent = |percent: Option<u32>, default: u8| {
            percent
                .and_then(|percent| u8::try_from(percent).ok())
                .unwrap_or(default)
        };
        Processor {
            count: own.online.unwrap_or(own.count),
            threads_per_core: own.topology.map_or(0, |topology| topology.threads),
            reserve_percent: percent(own.limits.reserve_percent, 0),
            maximum_percent: percent(own.limits.maximum_percent, 100),
            relative_weight: own.limits.weight.unwrap_or(100),
            nested: own.nested,
            compatible_for_migration: own.model == ProcessorModel::Migratable,
            compatible_for_old_systems: self.kept_flag("compatible_for_old_systems"),
        }
    }

    /// What a definition kept of Hyper-V.
    fn kept_flag(&self, name: &str) -> bool {
        let kept = self.spec.extensions.get("hyperv", name);
        kept.and_then(serde_json::Value::as_bool)
            .unwrap_or_default()
    }

    fn memory(&self, losses: &mut Losses) -> Memory {
        let own = &self.spec.memory;
        let up = |bytes: u64| bytes.next_multiple_of(MEMORY_UNIT_BYTES);
        let startup_bytes = up(own.startup_bytes);
        if startup_bytes != own.startup_bytes {
            losses.approximated(
                "memory.startup_bytes",
                "Hyper-V gives memory in pieces of 2 MiB",
            );
        }
        let mut memory = Memory {
            startup_bytes,
            dynamic: false,
            minimum_bytes: None,
            maximum_bytes: None,
            buffer_percent: None,
            priority: None,
        };
        match own.range {
            MemoryRange::Fixed => {}
            MemoryRange::Balloon { maximum_bytes } => {
                if maximum_bytes != own.startup_bytes {
                    let why = "the guest keeps the memory that it starts with: a balloon is no \
                               dynamic memory";
                    losses.approximated("memory.range", why);
                }
            }
            MemoryRange::Dynamic(_) if self.spec.processors.nested => {
                let why = "memory stays as it is where the guest may run machines";
                losses.approximated("memory.range", why);
            }
            MemoryRange::Dynamic(dynamic) => {
                memory.dynamic = true;
                memory.minimum_bytes = Some(up(dynamic.minimum_bytes).min(startup_bytes));
                memory.maximum_bytes = Some(up(dynamic.maximum_bytes));
                memory.buffer_percent = Some(dynamic.buffer_percent.max(5));
                memory.priority = Some(dynamic.priority);
            }
        }
        if !self.spec.numa.is_empty() {
            let why = "Hyper-V divides processors and memory among nodes by itself";
            losses.approximated("numa", why);
        }
        memory
    }

    fn firmware(&self, drives: &drives::Drives, losses: &mut Losses) -> Option<HostFirmware> {
        let secure_boot = match self.spec.firmware {
            Firmware::Bios => return None,
            Firmware::Uefi { secure_boot } => secure_boot,
        };
        let boot_order = self.boot_sources(drives);
        let SecureBoot::On { keys } = secure_boot else {
            return Some(HostFirmware {
                secure_boot: OnOff::Off,
                secure_boot_template: None,
                boot_order,
            });
        };
        let template = keys.template().unwrap_or(match self.spec.guest.family {
            GuestFamily::Windows => "MicrosoftWindows",
            GuestFamily::Linux | GuestFamily::Unknown | GuestFamily::Other => {
                "MicrosoftUEFICertificateAuthority"
            }
        });
        match keys {
            SecureBootKeys::Custom => losses.refused(
                "firmware.secure_boot",
                Gate::SecureBootKeys,
                format!("keys of one's own do not move; the template would be {template}"),
            ),
            SecureBootKeys::MicrosoftBoth => losses.approximated(
                "firmware.secure_boot",
                format!("Hyper-V has one set of keys at a time: {template}, by the guest's kind"),
            ),
            SecureBootKeys::MicrosoftWindows
            | SecureBootKeys::MicrosoftUefiCertificateAuthority
            | SecureBootKeys::OpenSourceShieldedVm => {}
        }
        Some(HostFirmware {
            secure_boot: OnOff::On,
            secure_boot_template: Some(template.to_owned()),
            boot_order,
        })
    }

    fn security(&self, losses: &mut Losses) -> Security {
        tpm_state(self.spec, losses);
        let Some(tpm) = &self.spec.tpm else {
            return Security::default();
        };
        if self.generation == 1 {
            losses.dropped("tpm", "generation 1 has no TPM");
            return Security::default();
        }
        if tpm.version != TpmVersion::V2_0 || tpm.interface != TpmInterface::Crb {
            losses.approximated("tpm", "Hyper-V has a TPM 2.0 with the CRB interface");
        }
        Security {
            tpm: true,
            shielded: false,
        }
    }

    fn com_ports(&self, losses: &mut Losses) -> Vec<ComPort> {
        let mut ports = Vec::new();
        for (index, own) in self.spec.serial_ports.iter().enumerate() {
            let field = format!("serial_ports[{index}]");
            let number = own.port.saturating_add(1);
            if number > 2 {
                losses.dropped(field, "Hyper-V has COM1 and COM2");
                continue;
            }
            let path = match &own.backend {
                SerialBackend::NamedPipe { path } => path.clone(),
                SerialBackend::Pty
                | SerialBackend::UnixSocket { .. }
                | SerialBackend::File { .. }
                | SerialBackend::Null
                | SerialBackend::Other { .. } => {
                    let pipe = pipe(&self.spec.name, number);
                    let why = format!("the other end is the named pipe {pipe}");
                    losses.approximated(format!("{field}.backend"), why);
                    pipe
                }
            };
            let path = Some(path);
            ports.push(ComPort { number, path });
        }
        ports.sort_by_key(|port| port.number);
        ports
    }

    fn integration_services(&self, losses: &mut Losses) -> Vec<Service> {
        let own = &self.spec.integration;
        let from_hyper_v = own.iter().any(|service| service.is_hypervs());
        let enabled = |service: IntegrationService| match from_hyper_v {
            true => own.contains(&service),
            // What a new machine has: copying files into the guest is to be asked for.
            false => service != IntegrationService::GuestServiceInterface,
        };
        if !from_hyper_v || own.iter().any(|service| !service.is_hypervs()) {
            let why = "Hyper-V's integration services take the place of KVM's channels; the agents \
                       in the guest stay installed";
            losses.approximated("integration", why);
        }
        let services = IntegrationService::HYPERV.into_iter();
        let services = services.filter_map(|service| {
            let id = service_id(service)?;
            let enabled = enabled(service);
            Some(Service { id, enabled })
        });
        services.collect()
    }

    fn checkpoints(&self, losses: &mut Losses) -> Checkpoints {
        let own = self.spec.checkpoints;
        if own.existing > 0 {
            let why = format!(
                "{} checkpoints do not move: only what the disks hold now does",
                own.existing
            );
            losses.refused("checkpoints.existing", Gate::Checkpoints, why);
        }
        if own.automatic {
            let why = "a kit's machine makes no checkpoints by itself";
            losses.approximated("checkpoints.automatic", why);
        }
        Checkpoints {
            kind: match own.policy {
                CheckpointPolicy::Unspecified => None,
                CheckpointPolicy::Disabled => Some(CheckpointType::Disabled),
                CheckpointPolicy::Production => Some(CheckpointType::Production),
                CheckpointPolicy::ProductionOnly => Some(CheckpointType::ProductionOnly),
                CheckpointPolicy::Standard => Some(CheckpointType::Standard),
            },
            automatic: false,
            existing: 0,
        }
    }

    /// What Hyper-V has no setting for.
    fn unsaid(&self, losses: &mut Losses) {
        for (index, device) in self.spec.passthrough.iter().enumerate() {
            let field = format!("passthrough[{index}]");
            let why = format!("the host's device {:?} is on no other host", device.name);
            losses.refused(field, Gate::Passthrough, why);
        }
        match self.spec.display {
            Display::Present => {}
            Display::Absent => losses.approximated("display", "Hyper-V shows every guest a screen"),
        }
        match self.spec.clock {
            Clock::LocalTime => {}
            Clock::Utc | Clock::Timezone { .. } => losses.approximated(
                "clock",
                "Hyper-V's clock shows the host's local time; the guest sets its own by time \
                 synchronization",
            ),
        }
        match self.spec.chipset {
            None => {}
            Some(Chipset::Q35 | Chipset::I440fx) => {
                losses.kept(
                    "chipset",
                    "the generation follows from the firmware, not from the board",
                );
            }
        }
    }
}

/// A named pipe of a machine: letters and digits of its name.
fn pipe(name: &str, number: u32) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let name: String = name.chars().map(plain).take(64).collect();
    format!(r"\\.\pipe\{name}-com{number}")
}
