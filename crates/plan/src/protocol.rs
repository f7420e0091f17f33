//! What host and agent say to each other: frames, messages, observations.

mod exercises;
mod frame;
mod hostile;
mod message;
mod observation;
mod plugged;
mod prepare;
mod root;
mod synthetic;

pub use exercises::{
    ClockTurned, DiskLoaded, DiskWorker, Exercise, Exercised, Firmware, KernelState, Leaf,
    LeafRegisters, MAX_LEAVES, MemoryStressed, MtuChanged, MtuPings, Offload, OffloadsToggled,
    Processor, ProcessorCycle, ProcessorsBurnt, ProcessorsCycled, SupportData, SupportPiece,
    TaintingModule,
};
pub use frame::{Decoder, FrameError, MAX_PAYLOAD_BYTES, encode};
#[doc(hidden)]
pub use hostile::exercise;
pub use message::{AgentMessage, Channel, HostMessage, Order, PROTOCOL, Phase, Task, TransferSide};
pub use observation::{
    BootState, Clock, ClockSwitch, ConsoleLine, Cpus, Entropy, InitramfsSurvey, KernelLog,
    KernelRecord, Memory, Network, Observation, OrphanDevice, RootDisk, Selinux, Transfer,
};
pub use plugged::{
    AwaitCard, Card, CardState, DiskStep, DiskUsed, GuestClock, MemoryGrown, ProcessorsGrown,
    RecordsRead, UseDisk, Watchdog,
};
pub use prepare::{
    Before, Bytes, ChangeEnd, Content, FileContent, FileSeen, FileState, GuestPath,
    INLINE_LIMIT_BYTES, MAX_DESCRIBED, Moment, MountSynced, NotAPath, NotHex, Owner, PAYLOAD_MAGIC,
    PAYLOAD_SECTOR_BYTES, PAYLOAD_SERIAL, PROGRESS_EVERY_MS, PROGRESS_LINE_BYTES, PROGRESS_LINES,
    PayloadSpan, RemoveFile, Removed, RunTool, Space, Spaces, Synced, ToolEnd, ToolRun, WriteFile,
    Written, Xattr,
};
pub use root::{RootMount, RootWait};
pub use synthetic::{Hypervisor, KeyValuePool, KeyValues, Keys, Vmbus, VmbusDevice, Write, Writes};
