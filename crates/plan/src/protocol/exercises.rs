//! What the plan `base` has the agent do inside a guest beyond `smoke`: everything that is changed
//! is put back before the agent answers.

use serde::{Deserialize, Serialize};

use super::observation::{Selinux, Transfer};
use super::prepare::Bytes;

/// Something to do inside the guest, beside what other cases ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "exercise", rename_all = "kebab-case")]
pub enum Exercise {
    /// Take each processor but the first offline, and bring it back ([`Exercised::Processors`]).
    CycleProcessors,
    /// Ask the processor what it can, and the kernel what it makes of it
    /// ([`Exercised::Processor`]).
    ReadProcessor {
        /// The leaves to ask for, at most [`MAX_LEAVES`].
        leaves: Vec<Leaf>,
    },
    /// Fill memory with a pattern, read it, and once more inverted ([`Exercised::Memory`]).
    StressMemory {
        /// How much of what is available, in hundredths.
        percent: u8,
        /// And no more than this.
        most_bytes: u64,
        /// Seeds the pattern.
        seed: u64,
        /// Flip one bit between writing and reading (a fault).
        spoil: bool,
    },
    /// Write, sync and read back several files at once ([`Exercised::Disk`]).
    LoadDisk {
        /// How many at once, at most 8.
        workers: u8,
        /// The length of each file.
        bytes: u64,
        /// How often each writes and reads.
        rounds: u8,
        /// Seeds the content.
        seed: u64,
        /// Overwrite a part between writing and reading (a fault).
        spoil: bool,
    },
    /// Turn each offload of a card the other way round, transfer, and turn it back
    /// ([`Exercised::Offloads`]).
    ToggleOffloads {
        /// The card, `52:54:00:…`.
        mac: String,
        /// The address of a service that sends back every byte.
        address: [u8; 4],
        /// Its port.
        port: u16,
        /// How much, each time.
        bytes: u64,
        /// Seeds the content.
        seed: u64,
    },
    /// Give a card another MTU, ping with packets as long as it and longer, and give the old one
    /// back ([`Exercised::Mtu`]).
    ChangeMtu {
        /// The card, `52:54:00:…`.
        mac: String,
        /// The MTU.
        mtu: u32,
        /// Whom to ping.
        ping: [u8; 4],
    },
    /// Keep every processor busy ([`Exercised::Burnt`]).
    BurnProcessors {
        /// For how long.
        for_ms: u64,
    },
    /// Turn the clock back and wait until somebody puts it right; whatever happens, it is right
    /// afterwards ([`Exercised::ClockTurned`]).
    TurnBackClock {
        /// How far.
        by_s: u32,
        /// How far from right it may be to count as right.
        within_ms: u32,
        /// How long is waited.
        for_ms: u64,
    },
    /// Send back what was sent ([`Exercised::Echo`]).
    Echo {
        /// What.
        content: Bytes,
    },
    /// What bears on whether the guest can be supported ([`Exercised::Kernel`]).
    ReadKernelState,
    /// What the firmware says of the machine ([`Exercised::Firmware`]).
    ReadFirmware,
    /// Collect what a supporter wants to see ([`Exercised::SupportData`]).
    CollectSupportData {
        /// The longest that one piece may be.
        piece_bytes: u32,
    },
}

/// The most leaves of one question.
pub const MAX_LEAVES: usize = 64;

/// What came of an [`Exercise`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "exercised", rename_all = "kebab-case")]
pub enum Exercised {
    /// Processors went and came.
    Processors(ProcessorsCycled),
    /// The processor.
    Processor(Processor),
    /// Memory was filled and read.
    Memory(MemoryStressed),
    /// Files were written and read.
    Disk(DiskLoaded),
    /// Offloads were turned.
    Offloads(OffloadsToggled),
    /// The MTU was changed.
    Mtu(MtuChanged),
    /// Processors were busy.
    Burnt(ProcessorsBurnt),
    /// The clock was turned back.
    ClockTurned(ClockTurned),
    /// What was sent.
    Echo {
        /// What came.
        content: Bytes,
    },
    /// The kernel.
    Kernel(KernelState),
    /// The firmware's word.
    Firmware(Firmware),
    /// What a supporter wants to see.
    SupportData(SupportData),
}

/// Processors that were taken offline and brought back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessorsCycled {
    /// The numbers of those that were online before.
    pub before: Vec<u32>,
    /// Each that the kernel lets go, at most 256.
    pub cycles: Vec<ProcessorCycle>,
    /// The numbers of those that are online afterwards.
    pub after: Vec<u32>,
}

/// What became of one processor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each step worked or did not")]
pub struct ProcessorCycle {
    /// Its number.
    pub number: u32,
    /// Whether it was online before.
    pub was_online: bool,
    /// Whether it went.
    pub went: bool,
    /// Whether it came back.
    pub came_back: bool,
    /// Whether the agent has itself run on it afterwards.
    pub ran: bool,
    /// Channels of the synthetic bus that were served on it and moved away meanwhile.
    pub channels: u32,
    /// What the kernel said when it refused something.
    pub refused: Option<String>,
}

/// A leaf of CPUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Leaf {
    /// EAX.
    pub leaf: u32,
    /// ECX.
    pub subleaf: u32,
}

/// A processor, as it and the kernel describe it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Processor {
    /// `model name` of the first processor.
    pub model: String,
    /// The name that the processor gives by CPUID, trimmed.
    pub brand: String,
    /// `flags` of the first processor, at most 1024.
    pub flags: Vec<String>,
    /// How many processors have other flags than the first.
    pub differing: u32,
    /// What the processor answered, in the order of the question.
    pub registers: Vec<LeafRegisters>,
}

/// What a processor answers for one leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeafRegisters {
    /// Which.
    #[serde(flatten)]
    pub leaf: Leaf,
    /// EAX, EBX, ECX, EDX.
    pub registers: [u32; 4],
}

/// Memory that was filled and read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryStressed {
    /// `MemAvailable` before, in bytes.
    pub available_bytes: u64,
    /// How much was filled, each time.
    pub bytes: u64,
    /// How often it was filled and read.
    pub passes: u32,
    /// Words of 64 bits that came back otherwise.
    pub wrong_words: u64,
    /// How many programs the kernel ended for want of memory meanwhile.
    pub oom_kills: u64,
    /// How long it took.
    pub elapsed_ms: u64,
}

/// Files that were written and read back at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskLoaded {
    /// Each worker.
    pub workers: Vec<DiskWorker>,
    /// Whether the reading went past the page cache.
    pub past_cache: bool,
    /// How long all took.
    pub elapsed_ms: u64,
}

/// One of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskWorker {
    /// Rounds that were written and read whole.
    pub rounds: u8,
    /// How much was written and read in all of them.
    pub bytes: u64,
    /// Rounds in which something else came back than was written.
    pub wrong: u8,
    /// Why it ended early, if it did.
    pub error: Option<String>,
}

/// Offloads of a card.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OffloadsToggled {
    /// The interface with the card's address, empty if there is none.
    pub interface: String,
    /// A transfer before anything was turned.
    pub transfer: Option<Transfer>,
    /// Each offload.
    pub offloads: Vec<Offload>,
}

/// One offload.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offload {
    /// `tso`, `gso`, `gro`, `tx-checksum`, `rx-checksum`.
    pub name: String,
    /// Whether it was on; `None` where the driver does not know it.
    pub before: Option<bool>,
    /// Whether it was turned the other way round.
    pub turned: bool,
    /// The transfer meanwhile.
    pub transfer: Option<Transfer>,
    /// How it is in the end.
    pub after: Option<bool>,
    /// What the kernel or the transfer said, if something was refused.
    pub refused: Option<String>,
}

/// An MTU that was changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MtuChanged {
    /// The interface with the card's address, empty if there is none.
    pub interface: String,
    /// The MTU before.
    pub before: u32,
    /// Pings with the MTU before.
    pub pings_before: MtuPings,
    /// The MTU that the kernel says after it was changed.
    pub changed: u32,
    /// What the kernel said when it refused it.
    pub refused: Option<String>,
    /// Pings with that MTU.
    pub pings_changed: MtuPings,
    /// The MTU in the end.
    pub after: u32,
}

/// Pings without fragmenting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MtuPings {
    /// Whether one as long as the MTU was answered.
    pub fits: bool,
    /// Whether the kernel refused to send one that is a byte longer.
    pub longer_refused: bool,
}

/// Processors that were busy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessorsBurnt {
    /// How many at once.
    pub workers: u32,
    /// For how long.
    pub elapsed_ms: u64,
    /// Rounds of computing of all of them.
    pub rounds: u64,
    /// Rounds that came to another result than they must.
    pub wrong: u64,
}

/// A clock that was turned back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockTurned {
    /// Whether it was turned.
    pub turned: bool,
    /// When it was right again, after that; `None` if nobody put it right.
    pub corrected_ms: Option<u64>,
    /// How far from right it was then, or is after the agent has put it right itself.
    pub offset_ms: i64,
    /// Programs that keep the clock right and run.
    pub keepers: Vec<String>,
}

/// What bears on whether the guest can be supported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelState {
    /// `uname -r`.
    pub release: String,
    /// `/proc/sys/kernel/tainted`; `None` where it cannot be read.
    pub tainted: Option<u64>,
    /// How many modules are loaded or built in and named.
    pub modules: u32,
    /// Modules that taint the kernel, at most 64.
    pub tainting: Vec<TaintingModule>,
    /// What SELinux does.
    pub selinux: Selinux,
    /// `ID` of os-release.
    pub distribution: String,
    /// The file of the kernel, as packages name it: `/boot/vmlinuz-…`.
    pub kernel_file: Option<String>,
}

/// A module that taints the kernel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaintingModule {
    /// Its name.
    pub name: String,
    /// Letters of the kernel (Documentation/admin-guide/tainted-kernels.rst).
    pub letters: String,
}

/// What the firmware says of the machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Firmware {
    /// SMBIOS: who made the machine.
    pub vendor: String,
    /// SMBIOS: what it is called.
    pub product: String,
    /// SMBIOS: its UUID, as Linux spells it.
    pub uuid: String,
    /// SMBIOS: who made the firmware.
    pub firmware_vendor: String,
    /// How long the structures of SMBIOS are.
    pub smbios_bytes: u64,
    /// Names of the ACPI tables, at most 64.
    pub acpi_tables: Vec<String>,
}

/// What a supporter wants to see.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupportData {
    /// What the guest has to collect more: `sos`, `supportconfig`, if it has.
    pub collectors: Vec<String>,
    /// The pieces, at most 16.
    pub pieces: Vec<SupportPiece>,
}

/// One piece.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupportPiece {
    /// A name for a file, `journal.txt`.
    pub name: String,
    /// Where it comes from: a file, or a program with its arguments.
    pub source: String,
    /// Its end, as text.
    pub text: String,
    /// SHA-256 of that, hex.
    pub sha256: String,
    /// How long the whole was.
    pub whole_bytes: u64,
    /// Why it could not be had, if it could not.
    pub error: Option<String>,
}
