//! What a host and the first process of the lab's Linux say to each other.
//!
//! The lab is a small Linux in QEMU that runs the Hyper-V-compatible machine where this host has
//! no usable KVM. Messages are JSON in frames of [`Kind::Control`](crate::hyperv::Kind), over the
//! virtio-serial port [`LAB_PORT`]. The host asks, and each request but
//! [`Request::Pulse`] gets one reply; [`Said::Ended`] comes by itself. A host that goes away ends its machine.
//!
//! ```
//! use detente_machine::lab::{Asked, PROTOCOL, Request};
//!
//! let hello = Asked { id: 1, request: Request::Hello { protocol: PROTOCOL } };
//! let json = serde_json::to_string(&hello)?;
//! assert_eq!(json, r#"{"id":1,"request":"hello","protocol":2}"#);
//! # Ok::<(), serde_json::Error>(())
//! ```

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The version of the protocol; both sides refuse another.
pub const PROTOCOL: u32 = 2;

/// The name of the port that the lab is steered through.
pub const LAB_PORT: &str = "detente.lab";

/// How the names of the ports start through which a machine is steered; a number follows, so that
/// nothing that was meant for an earlier machine reaches a later one.
pub const MACHINE_PORT_PREFIX: &str = "detente.machine.";

/// How often the host sends [`Request::Pulse`].
pub const PULSE_INTERVAL: Duration = Duration::from_millis(200);

/// The folder of the lab's Linux where each disk that was asked for has its serial number's name.
pub const DISK_FOLDER: &str = "/disks";

/// A request with the number that its reply repeats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Chosen by the host.
    pub id: u64,
    /// What is asked.
    #[serde(flatten)]
    pub request: Request,
}

/// What the host asks of the lab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// Who are you?
    Hello {
        /// [`PROTOCOL`].
        protocol: u32,
    },
    /// Start a machine, once its port and every disk are there. Only one runs at a time.
    Start {
        /// The name of its port.
        port: String,
        /// The serial numbers of the disks to wait for.
        disks: Vec<String>,
        /// Kill it so long after its start, as anything else in the lab might (a fault).
        #[serde(default)]
        kill_after_ms: Option<u64>,
    },
    /// End the machine however it is, and reply when it is gone. Without one this is done at once.
    Stop,
    /// Wake every processor; no reply. QEMU's translator may lose an interrupt that comes while a
    /// processor leaves or enters its guest (`interrupt_request` is changed without a lock there),
    /// and a lost timer never comes again: the next interrupt from elsewhere brings it back. So the
    /// host sends one of these again and again.
    Pulse,
    /// Switch the lab off; the reply may not arrive.
    PowerOff,
}

/// What the lab tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "said", rename_all = "snake_case")]
pub enum Said {
    /// The reply to [`Request::Hello`].
    Hello {
        /// The request's number.
        id: u64,
        /// [`PROTOCOL`].
        protocol: u32,
        /// The version of the lab's own program.
        version: String,
        /// The release of the lab's Linux.
        kernel: String,
        /// Why KVM cannot be used in the lab, if it cannot.
        kvm_refused: Option<String>,
    },
    /// The request was carried out.
    Done {
        /// The request's number.
        id: u64,
    },
    /// The request was not carried out.
    Failed {
        /// The request's number.
        id: u64,
        /// Why.
        why: String,
    },
    /// The machine's process is gone.
    Ended {
        /// The number of the request that started it.
        id: u64,
        /// In words: `exit code 1`, `killed by signal 9`.
        status: String,
        /// The end of what it wrote to its standard error.
        stderr: String,
    },
}
