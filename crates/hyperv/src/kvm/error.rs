//! What can go wrong between the machine and KVM.

use std::io;

use vmm_sys_util::errno::Error as Errno;

/// Why KVM did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KvmError {
    /// `/dev/kvm` cannot be opened.
    #[error("cannot open /dev/kvm")]
    Open(#[source] io::Error),
    /// The kernel's KVM lacks something without which there is no machine.
    #[error("this kernel's KVM has no {what}")]
    Missing {
        /// What, by the name in the kernel's documentation.
        what: &'static str,
    },
    /// The kernel refused.
    #[error("KVM refused to {what}")]
    Refused {
        /// What it was asked, as a verb.
        what: &'static str,
        /// Its answer.
        source: io::Error,
    },
    /// The guest's memory cannot be had.
    #[error("cannot get {bytes} bytes of memory for the guest")]
    Memory {
        /// How many.
        bytes: u64,
        /// Why, in the allocator's words.
        why: String,
    },
    /// A table would be longer than KVM takes it.
    #[error("{what} has {entries} entries, more than fit")]
    TooMany {
        /// Which table.
        what: &'static str,
        /// How many entries.
        entries: usize,
    },
    /// The machine is asked to have no processor, or more than KVM knows.
    #[error("{asked} processors are not possible: KVM has 1 to {limit}")]
    Processors {
        /// How many were asked for.
        asked: u32,
        /// How many there may be.
        limit: usize,
    },
}

/// An ioctl's error as ours.
pub(super) fn refused(what: &'static str) -> impl Fn(Errno) -> KvmError {
    move |errno| KvmError::Refused {
        what,
        source: errno.into(),
    }
}
