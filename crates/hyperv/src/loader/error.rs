//! Why a kernel could not be loaded.

use std::fmt;

use detente_block::ReadError;
use detente_vmbus::OutsideMemory;

/// Why a kernel could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// A file could not be read.
    #[error("could not read {part}")]
    Read {
        /// Which file.
        part: Part,
        /// What the layer below met.
        source: ReadError,
    },
    /// The kernel's bytes are wrong.
    #[error("corrupt kernel")]
    Corrupt(#[from] Corruption),
    /// Sound, but not what we load.
    #[error("unsupported kernel")]
    Unsupported(#[from] Unsupported),
    /// It does not fit.
    #[error("{part} needs RAM up to {needed:#x}, and may use it up to {ram_end:#x}")]
    TooLittleMemory {
        /// What does not fit.
        part: Part,
        /// Where RAM would have to end.
        needed: u64,
        /// Where it ends.
        ram_end: u64,
    },
    /// The command line is longer than the kernel reads.
    #[error("the command line has {len} bytes; this kernel takes {limit}")]
    CommandLineTooLong {
        /// How long it is.
        len: u64,
        /// How long it may be.
        limit: u64,
    },
    /// The command line would end early.
    #[error("the command line has a NUL in it")]
    CommandLineNul,
    /// RAM is not where the map says: a mistake of ours.
    #[error("the machine's memory is not where its map says")]
    Memory(#[from] OutsideMemory),
}

/// A rule that a kernel breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Corruption {
    /// The file is shorter than its headers say.
    #[error("it ends at {len:#x}, inside {what}")]
    Truncated {
        /// Where it ends.
        len: u64,
        /// What it ends in.
        what: &'static str,
    },
    /// It wants to be where the tables are.
    #[error("it wants to be loaded at {address:#x}, below 1 MiB")]
    LoadAddress {
        /// Where.
        address: u64,
    },
    /// Addresses that wrap around.
    #[error("{len:#x} bytes at {address:#x} go past the end of the address space")]
    Wraps {
        /// Where they would start.
        address: u64,
        /// How many.
        len: u64,
    },
    /// A segment's bytes in the file are more than its bytes in memory.
    #[error("segment {index} has {in_file:#x} bytes in the file and {in_memory:#x} in memory")]
    SegmentSizes {
        /// Which segment.
        index: u16,
        /// Bytes in the file.
        in_file: u64,
        /// Bytes in memory.
        in_memory: u64,
    },
    /// An ELF file with nothing to load.
    #[error("no segment is to be loaded")]
    NoSegments,
    /// The processor would start outside the kernel.
    #[error("the entry point {entry:#x} is in no segment")]
    EntryOutside {
        /// Where.
        entry: u64,
    },
}

/// What we do not load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unsupported {
    /// Neither a bzImage nor an ELF file.
    #[error("neither a bzImage nor an ELF file")]
    KernelFormat,
    /// Before Linux 3.8.
    #[error("boot protocol {major}.{minor:02}; 2.12 (Linux 3.8) is the first with a 64-bit entry")]
    Protocol {
        /// Its major number.
        major: u8,
        /// Its minor number.
        minor: u8,
    },
    /// A kernel for 32-bit processors.
    #[error("a kernel without a 64-bit entry point")]
    No64BitEntry,
    /// An ELF file of another kind.
    #[error("an ELF file that is no x86-64 executable")]
    ElfKind,
    /// More program headers than any kernel has.
    #[error("{count} program headers of {size} bytes")]
    ProgramHeaders {
        /// How many.
        count: u16,
        /// How long each is.
        size: u16,
    },
}

/// The files of a boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The kernel.
    Kernel,
    /// The initramfs.
    Initramfs,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kernel => "the kernel",
            Self::Initramfs => "the initramfs",
        })
    }
}
