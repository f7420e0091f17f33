//! The rules of a definition, each with what breaks it.

use super::{Bus, MacAddress};

/// The rule that a definition breaks: one variant per rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// The name is empty, too long or holds what no platform takes.
    #[error(
        "the name {name:?} is empty, longer than 200 bytes, or holds a slash or a control character"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// A text holds what neither XML nor a command line can carry, or is too long.
    #[error("{field} holds a control character or is longer than {limit} bytes")]
    Text {
        /// Where it stands.
        field: String,
        /// How long it may be.
        limit: usize,
    },
    /// A text that must say something is empty.
    #[error("{field} is empty")]
    Empty {
        /// Where it stands.
        field: String,
    },
    /// There are too many of something.
    #[error("{count} {what}; no more than {limit} are taken")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
    /// A number is outside its bounds.
    #[error("{field} is {value}, and must be from {least} to {most}")]
    OutOfRange {
        /// Where it stands.
        field: String,
        /// The number.
        value: u64,
        /// The least that it may be.
        least: u64,
        /// The most that it may be.
        most: u64,
    },
    /// The arrangement of processors is for another count.
    #[error("sockets, dies, cores and threads make {product} processors, and there are {count}")]
    Topology {
        /// What they make.
        product: u64,
        /// How many there are.
        count: u32,
    },
    /// A size of memory is no whole number of KiB.
    #[error("{field} is {bytes} bytes, which is no whole number of KiB")]
    MemoryUnit {
        /// Where it stands.
        field: &'static str,
        /// How many bytes.
        bytes: u64,
    },
    /// Least, first and most memory are not in this order.
    #[error(
        "memory of {minimum_bytes} at least, {startup_bytes} at the start, {maximum_bytes} at most"
    )]
    MemoryOrder {
        /// The least.
        minimum_bytes: u64,
        /// At the start.
        startup_bytes: u64,
        /// The most.
        maximum_bytes: u64,
    },
    /// Processors of a NUMA node are no list of numbers.
    #[error("NUMA node {node} has the processors {text:?}, which is no list like 0-3,8")]
    NumaProcessors {
        /// Which.
        node: usize,
        /// The list.
        text: String,
    },
    /// Two cards have one address.
    #[error("two network cards have the address {mac}")]
    MacTwice {
        /// Which.
        mac: MacAddress,
    },
    /// A card has an address of many cards.
    #[error("no network card can have the multicast address {mac}")]
    MacMulticast {
        /// Which.
        mac: MacAddress,
    },
    /// Two disks are at one place.
    #[error("two disks are at {bus:?} controller {controller}, location {location}")]
    SlotTwice {
        /// The bus.
        bus: Bus,
        /// The controller.
        controller: u32,
        /// The place on it.
        location: u32,
    },
    /// Two controllers have one number.
    #[error("two {bus:?} controllers have the number {index}")]
    ControllerTwice {
        /// The bus.
        bus: Bus,
        /// The number.
        index: u32,
    },
    /// Two devices have one rank in the boot order.
    #[error("two devices have the rank {rank} in the boot order")]
    BootOrderTwice {
        /// The rank.
        rank: u32,
    },
    /// Two serial ports have one number.
    #[error("two serial ports have the number {port}")]
    PortTwice {
        /// The number.
        port: u32,
    },
    /// Sectors are no power of two from 512 to 64 KiB, or the physical one is the smaller.
    #[error("{field}: sectors of {logical_bytes} and {physical_bytes} bytes")]
    Sectors {
        /// Where they stand.
        field: String,
        /// The logical ones.
        logical_bytes: u32,
        /// The physical ones.
        physical_bytes: u32,
    },
    /// A World Wide Name is no 16 hexadecimal digits.
    #[error("{field}: {text:?} is no World Wide Name of 16 hexadecimal digits")]
    Wwn {
        /// Where it stands.
        field: String,
        /// The text.
        text: String,
    },
    /// A trunk passes a network twice, or not in order.
    #[error("{field}: the networks of a trunk are not in order, or one is named twice")]
    TrunkOrder {
        /// Where it stands.
        field: String,
    },
    /// A drive and its bus do not go together.
    #[error("{field}: {what}")]
    Drive {
        /// Where it stands.
        field: String,
        /// Why not.
        what: &'static str,
    },
}
