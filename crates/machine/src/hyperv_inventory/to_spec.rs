//! The neutral definition of a machine of a Hyper-V host.

mod devices;

use super::model::{Processor, Service, VirtualMachine};
use super::values::{CheckpointType, OnOff, StartAction, StopAction};
use super::{services, values};
use crate::loss::{Gate, Losses};
use crate::spec::{
    CheckpointPolicy, Checkpoints, Clock, Display, DynamicMemory, Firmware, GenerationId, Identity,
    IntegrationService, Lifecycle, MachineSpec, Memory, MemoryRange, ProcessorLimits,
    ProcessorModel, ProcessorTopology, Processors, SecureBoot, SecureBootKeys, SpecError,
    StartPolicy, StopPolicy, Tpm, TpmInterface, TpmVersion, UuidByteOrder,
};

/// What is kept of Hyper-V goes under this name.
pub(crate) const SOURCE: &str = "hyperv";
/// What dynamic memory has unless told otherwise: 512 MiB.
const MINIMUM_BYTES: u64 = 512 << 20;
/// 1 TiB.
const MAXIMUM_BYTES: u64 = 1 << 40;

impl VirtualMachine {
    /// The neutral definition, and what it could not carry over.
    ///
    /// What a kit of ours noted on the machine is put back where nothing was changed since.
    ///
    /// # Errors
    /// The rule that the definition would break.
    pub fn to_spec(&self) -> Result<(MachineSpec, Losses), SpecError> {
        let (mut spec, losses) = self.plain();
        if let Some(extras) = self.notes.as_deref().and_then(crate::kit::extras_of) {
            spec = extras.restored(&spec);
        }
        spec.validate()?;
        Ok((spec, losses))
    }

    /// The same without what a kit noted.
    pub(crate) fn plain(&self) -> (MachineSpec, Losses) {
        let mut losses = Losses::new();
        let firmware = self.firmware(&mut losses);
        let name = name(&self.name, &mut losses);
        let memory_bytes = self.memory.startup_bytes;
        let mut spec = MachineSpec::new(&name, self.processor.count, memory_bytes, firmware);
        spec.identity = self.identity(&mut losses);
        spec.processors = processors(self.processor, &mut losses);
        spec.memory = self.memory();
        spec.tpm = self.security.tpm.then_some(Tpm {
            version: TpmVersion::V2_0,
            interface: TpmInterface::Crb,
        });
        devices::disks(self, &mut spec, &mut losses);
        devices::cards(self, &mut spec, &mut losses);
        devices::boot_order(self, &mut spec, &mut losses);
        devices::others(self, &mut spec);
        spec.display = Display::Present;
        spec.integration = integration(&self.integration_services);
        spec.clock = Clock::LocalTime;
        spec.lifecycle = self.lifecycle();
        spec.checkpoints = self.checkpoints();
        let notes = self.notes.as_deref().map(crate::kit::notes_of);
        spec.notes = notes.filter(|notes| !notes.is_empty());
        self.beyond(&mut spec, &mut losses);
        (spec, losses)
    }

    fn firmware(&self, losses: &mut Losses) -> Firmware {
        let Some(own) = self.firmware.as_ref().filter(|_| self.generation != 1) else {
            return Firmware::Bios;
        };
        let keys = match own.secure_boot_template.as_deref() {
            // The default, where the host does not say.
            None | Some("MicrosoftWindows") => SecureBootKeys::MicrosoftWindows,
            Some("MicrosoftUEFICertificateAuthority") => {
                SecureBootKeys::MicrosoftUefiCertificateAuthority
            }
            Some("OpenSourceShieldedVM") => SecureBootKeys::OpenSourceShieldedVm,
            Some(other) => {
                if own.secure_boot == OnOff::On {
                    let why = format!("the template {other:?} is the host's own");
                    losses.refused("firmware.secure_boot", Gate::SecureBootKeys, why);
                }
                SecureBootKeys::Custom
            }
        };
        Firmware::Uefi {
            secure_boot: match own.secure_boot {
                OnOff::On => SecureBoot::On { keys },
                OnOff::Off => SecureBoot::Off,
            },
        }
    }

    fn identity(&self, losses: &mut Losses) -> Identity {
        if self.generation == 1 && self.bios_guid.is_some() {
            losses.approximated(
                "identity.uuid",
                "generation 1 says SMBIOS 2.3, so Linux reads the first three fields of the UUID \
                 turned round there, and not elsewhere",
            );
        }
        Identity {
            uuid: self.bios_guid,
            byte_order: UuidByteOrder::LittleEndian,
            platform_id: self.id,
            generation_id: GenerationId::HostMade,
        }
    }

    fn memory(&self) -> Memory {
        let own = self.memory;
        let startup_bytes = own.startup_bytes;
        let range = if own.dynamic {
            MemoryRange::Dynamic(DynamicMemory {
                minimum_bytes: own
                    .minimum_bytes
                    .unwrap_or(MINIMUM_BYTES)
                    .min(startup_bytes),
                maximum_bytes: own
                    .maximum_bytes
                    .unwrap_or(MAXIMUM_BYTES)
                    .max(startup_bytes),
                buffer_percent: own.buffer_percent.unwrap_or(20),
                priority: own.priority.unwrap_or(50),
            })
        } else {
            MemoryRange::Fixed
        };
        Memory {
            startup_bytes,
            range,
        }
    }

    fn lifecycle(&self) -> Lifecycle {
        Lifecycle {
            start: match self.automatic_start_action {
                None => StartPolicy::Unspecified,
                Some(StartAction::Nothing) => StartPolicy::Never,
                Some(StartAction::StartIfRunning) => StartPolicy::IfItRan,
                Some(StartAction::Start) => StartPolicy::Always,
            },
            start_delay_s: Some(self.automatic_start_delay_s).filter(|&delay| delay > 0),
            stop: match self.automatic_stop_action {
                None => StopPolicy::Unspecified,
                Some(StopAction::Save) => StopPolicy::Save,
                Some(StopAction::TurnOff) => StopPolicy::TurnOff,
                Some(StopAction::ShutDown) => StopPolicy::ShutDown,
            },
            ..Lifecycle::default()
        }
    }

    fn checkpoints(&self) -> Checkpoints {
        Checkpoints {
            policy: match self.checkpoints.kind {
                None => CheckpointPolicy::Unspecified,
                Some(CheckpointType::Disabled) => CheckpointPolicy::Disabled,
                Some(CheckpointType::Production) => CheckpointPolicy::Production,
                Some(CheckpointType::ProductionOnly) => CheckpointPolicy::ProductionOnly,
                Some(CheckpointType::Standard) => CheckpointPolicy::Standard,
            },
            automatic: self.checkpoints.automatic,
            existing: self.checkpoints.existing,
        }
    }

    /// What the neutral definition has no word for.
    fn beyond(&self, spec: &mut MachineSpec, losses: &mut Losses) {
        if self.security.shielded {
            losses.refused(
                "hyperv.security.shielded",
                Gate::Shielded,
                "the machine is shielded: its disks are encrypted for hosts that are attested",
            );
        }
        if self.clustered {
            losses.dropped(
                "hyperv.clustered",
                "the cluster that looks after the machine does not come along",
            );
        }
        match &self.state {
            None | Some(values::State::Off) => {}
            Some(values::State::Saved) => losses.dropped(
                "hyperv.state",
                "the saved state does not move: start the machine there and shut the guest down, \
                 or the guest starts as after a power cut",
            ),
            Some(
                values::State::Running | values::State::Paused | values::State::Other(_),
            ) => losses.approximated(
                "hyperv.state",
                "the machine was not off when it was described: its disks may be older or newer",
            ),
        }
        if let Some(version) = &self.version {
            spec.extensions.insert(SOURCE, "version", version.as_str());
        }
        if self.processor.compatible_for_old_systems {
            spec.extensions
                .insert(SOURCE, "compatible_for_old_systems", true);
            losses.kept(
                "hyperv.processor.compatible_for_old_systems",
                "processors for systems of before 2000 are shown by Hyper-V only",
            );
        }
    }
}

/// Names may hold what paths are made of.
fn name(name: &str, losses: &mut Losses) -> String {
    let plain: String = name
        .chars()
        .map(|c| if c == '/' || c.is_control() { '_' } else { c })
        .collect();
    if plain != name {
        losses.approximated(
            "name",
            format!("{name:?} holds what other platforms do not take"),
        );
    }
    plain
}

fn processors(own: Processor, losses: &mut Losses) -> Processors {
    let mut processors = Processors::new(own.count);
    let threads = own.threads_per_core;
    processors.topology = match own.count.checked_rem(threads) {
        None => None,
        Some(0) => own
            .count
            .checked_div(threads)
            .map(|cores| ProcessorTopology {
                sockets: 1,
                dies: 1,
                cores,
                threads,
            }),
        Some(_) => {
            let why = format!(
                "{} processors are no multiple of {threads} threads",
                own.count
            );
            losses.dropped("processors.topology", why);
            None
        }
    };
    let said = |percent: u8, default: u8| Some(u32::from(percent)).filter(|_| percent != default);
    processors.limits = ProcessorLimits {
        reserve_percent: said(own.reserve_percent, 0),
        maximum_percent: said(own.maximum_percent, 100),
        weight: Some(own.relative_weight).filter(|&weight| weight != 100),
    };
    processors.nested = own.nested;
    if own.compatible_for_migration {
        processors.model = ProcessorModel::Migratable;
    }
    processors
}

fn integration(services: &[Service]) -> std::collections::BTreeSet<IntegrationService> {
    let enabled = services.iter().filter(|service| service.enabled);
    enabled
        .filter_map(|service| services::service_of(service.id))
        .collect()
}
