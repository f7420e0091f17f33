//! What a card's driver does by itself, by the kernel's old and lasting questions (ethtool ioctls).
#![expect(unsafe_code, reason = "no safe call asks a card's driver")]

use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::ioctl::{Opcode, Updater, ioctl};
use rustix::net::{AddressFamily, SocketFlags, SocketType};

use crate::task_error::{Doing as _, TaskError};

/// `linux/sockios.h`.
const SIOCETHTOOL: Opcode = 0x8946;

/// `IFNAMSIZ`, `linux/if.h`.
const NAME_BYTES: usize = 16;

/// An offload: its name and its commands (`linux/ethtool.h`).
#[derive(Debug)]
pub(super) struct Feature {
    pub(super) name: &'static str,
    get: u32,
    set: u32,
}

/// Those that every driver may have and the kernel has always asked for.
pub(super) const FEATURES: &[Feature] = &[
    Feature {
        name: "tso",
        get: 0x1e,
        set: 0x1f,
    },
    Feature {
        name: "gso",
        get: 0x23,
        set: 0x24,
    },
    Feature {
        name: "gro",
        get: 0x2b,
        set: 0x2c,
    },
    Feature {
        name: "tx-checksum",
        get: 0x16,
        set: 0x17,
    },
    Feature {
        name: "rx-checksum",
        get: 0x14,
        set: 0x15,
    },
];

/// `struct ethtool_value`.
#[repr(C)]
struct Value {
    command: u32,
    data: u32,
}

/// `struct ifreq` of a 64-bit kernel, with a pointer as its content.
#[repr(C)]
struct Request {
    name: [u8; NAME_BYTES],
    value: *mut Value,
    rest: [u8; 16],
}

/// A card, by the name of its interface.
pub(super) struct Card {
    socket: OwnedFd,
    name: [u8; NAME_BYTES],
}

impl Card {
    /// Any socket will do; the name says which card.
    pub(super) fn open(interface: &str) -> Result<Self, TaskError> {
        let mut name = [0; NAME_BYTES];
        // The last byte stays zero, as the kernel wants it.
        for (to, from) in name.iter_mut().take(NAME_BYTES - 1).zip(interface.bytes()) {
            *to = from;
        }
        let (family, kind) = (AddressFamily::INET, SocketType::DGRAM);
        let socket = rustix::net::socket_with(family, kind, SocketFlags::CLOEXEC, None)
            .doing("open a socket")?;
        Ok(Self { socket, name })
    }

    /// Whether it is on.
    pub(super) fn get(&self, feature: &Feature) -> Result<bool, Errno> {
        let mut value = Value {
            command: feature.get,
            data: 0,
        };
        self.ask(&mut value)?;
        Ok(value.data != 0)
    }

    /// Turns it on or off.
    pub(super) fn set(&self, feature: &Feature, on: bool) -> Result<(), Errno> {
        let mut value = Value {
            command: feature.set,
            data: on.into(),
        };
        self.ask(&mut value)
    }

    fn ask(&self, value: &mut Value) -> Result<(), Errno> {
        let mut request = Request {
            name: self.name,
            value,
            rest: [0; 16],
        };
        // SAFETY: SIOCETHTOOL takes a `struct ifreq`, which `Request` is, byte by byte.
        let question = unsafe { Updater::<SIOCETHTOOL, Request>::new(&mut request) };
        // SAFETY: the request's pointer leads to a `struct ethtool_value`, which lives until the call
        // is over, and which is all that the commands of `FEATURES` read and write.
        unsafe { ioctl(&self.socket, question) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_is_handed_is_as_long_as_it_expects() {
        // sizeof(struct ifreq) and sizeof(struct ethtool_value) on x86-64.
        assert_eq!(size_of::<Request>(), 40);
        assert_eq!(size_of::<Value>(), 8);
    }

    #[test]
    fn the_loopback_can_be_asked_and_what_is_not_there_cannot() {
        let Some(gso) = FEATURES.iter().find(|feature| feature.name == "gso") else {
            panic!("gso is among them");
        };
        // Every kernel has a loopback, with segmentation left to software.
        assert!(Card::open("lo").unwrap().get(gso).is_ok());
        let none = Card::open("no-such-card-at-all").unwrap();
        assert_eq!(none.get(gso), Err(Errno::NODEV));
    }
}
