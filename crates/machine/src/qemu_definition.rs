//! A machine as a script that starts QEMU: for people, to read, keep and change.
//!
//! It has nothing to do with the arguments that we start machines with, which are in
//! [`crate::qemu`].
//!
//! ```
//! use detente_machine::kvm::KvmOptions;
//! use detente_machine::qemu_definition::to_qemu_command;
//! use detente_machine::spec::{Firmware, MachineSpec};
//!
//! let spec = MachineSpec::new("web", 2, 2 << 30, Firmware::Bios);
//! let (script, _losses) = to_qemu_command(&spec, &KvmOptions::default())?;
//! assert!(script.starts_with("#!/bin/sh\n"));
//! # Ok::<(), detente_machine::spec::SpecError>(())
//! ```

mod cards;
mod devices;
mod disks;
mod processor;
mod script;

use crate::kvm::{KvmOptions, common, foreign_words, hardware_losses, no_checkpoint_policy};
use crate::loss::Losses;
use crate::spec::{
    Clock, CrashAction, GenerationId, MachineSpec, MemoryRange, SpecError, StartPolicy, StopPolicy,
    UuidByteOrder,
};

/// One word of the command line.
enum Word {
    /// A text as it is.
    Text(String),
    /// A text, with variables of the script's own in it. Nothing of the definition is in it.
    Script(&'static str),
}

/// A command line that is being written: an option and its value a line.
struct Writing<'a> {
    spec: &'a MachineSpec,
    options: &'a KvmOptions,
    lines: Vec<(&'static str, Option<Word>)>,
    losses: Losses,
}

/// Writes a script for a POSIX shell that starts the machine with `qemu-system-x86_64`. Further
/// arguments of the script go to QEMU.
///
/// # Errors
/// The rule that the definition breaks.
pub fn to_qemu_command(
    spec: &MachineSpec,
    options: &KvmOptions,
) -> Result<(String, Losses), SpecError> {
    spec.validate()?;
    let mut losses = Losses::new();
    common(spec, &mut losses);
    hardware_losses(spec, options.devices, &mut losses);
    foreign_words(spec, "QEMU's command line", &mut losses);
    let mut writing = Writing {
        spec,
        options,
        lines: Vec::new(),
        losses,
    };
    writing.basics();
    writing.processors();
    writing.firmware();
    writing.disks();
    writing.cards();
    writing.devices();
    writing.unsaid();
    Ok((script::script(&writing), writing.losses))
}

impl Writing<'_> {
    fn flag(&mut self, option: &'static str) {
        self.lines.push((option, None));
    }

    fn pair(&mut self, option: &'static str, value: impl Into<String>) {
        self.lines.push((option, Some(Word::Text(value.into()))));
    }

    fn script_pair(&mut self, option: &'static str, value: &'static str) {
        self.lines.push((option, Some(Word::Script(value))));
    }

    fn basics(&mut self) {
        let spec = self.spec;
        self.pair("-name", format!("guest={}", escaped(&spec.name)));
        self.flag("-nodefaults");
        self.flag("-no-user-config");
        let memory = &spec.memory;
        if memory.range != MemoryRange::Fixed {
            let why = "the guest has what it starts with; more is for a management to give";
            self.losses.approximated("memory.range", why);
        }
        self.pair("-m", format!("size={}k", memory.startup_bytes / 1024));
        let identity = spec.identity;
        if let Some(uuid) = identity.uuid {
            let uuid = match identity.byte_order {
                UuidByteOrder::LittleEndian => uuid,
                UuidByteOrder::AsWritten => uuid.swapped(),
            };
            self.pair("-uuid", uuid.to_string());
        }
        match identity.generation_id {
            GenerationId::Absent => {}
            GenerationId::HostMade => self.pair("-device", "vmgenid,guid=auto"),
            GenerationId::Fixed(id) => self.pair("-device", format!("vmgenid,guid={id}")),
        }
        let base = match &spec.clock {
            Clock::Utc => "utc",
            Clock::LocalTime => "localtime",
            Clock::Timezone { .. } => {
                let why = "QEMU knows the host's time zone and UTC";
                self.losses.approximated("clock", why);
                "localtime"
            }
        };
        self.pair("-rtc", format!("base={base},driftfix=slew"));
    }

    /// What a command line has no place for.
    fn unsaid(&mut self) {
        let spec = self.spec;
        let losses = &mut self.losses;
        let mut dropped = |is_there: bool, field: &str, why: &str| {
            if is_there {
                losses.dropped(field, why);
            }
        };
        let lifecycle = spec.lifecycle;
        dropped(
            lifecycle.start != StartPolicy::Unspecified || lifecycle.start_delay_s.is_some(),
            "lifecycle.start",
            "a script is started by somebody: write a unit of systemd's",
        );
        dropped(
            lifecycle.stop != StopPolicy::Unspecified,
            "lifecycle.stop",
            "when the host stops, so does QEMU",
        );
        dropped(
            lifecycle.on_crash != CrashAction::Stop,
            "lifecycle.on_crash",
            "QEMU stops when the guest crashes",
        );
        dropped(
            spec.identity.platform_id.is_some(),
            "identity.platform_id",
            "QEMU knows no other id than the UUID",
        );
        dropped(
            spec.processors.limits != crate::spec::ProcessorLimits::default(),
            "processors.limits",
            "what a process may have is a matter of control groups",
        );
        no_checkpoint_policy(spec, losses);
    }
}

/// A value within an option of QEMU's: commas are doubled.
fn escaped(text: &str) -> String {
    text.replace(',', ",,")
}

/// Whether a text can stand where QEMU has no way to escape anything.
fn is_word(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !text.is_empty() && text.chars().all(fits)
}
