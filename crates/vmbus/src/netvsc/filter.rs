//! Which frames the guest wants (`NDIS_PACKET_TYPE_*`).

use super::options::Mac;

const DIRECTED: u32 = 0x01;
const MULTICAST: u32 = 0x02;
const ALL_MULTICAST: u32 = 0x04;
const BROADCAST: u32 = 0x08;
const PROMISCUOUS: u32 = 0x20;

/// The guest's filter; 0 is an interface that is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Filter(pub(super) u32);

impl Filter {
    /// Whether the guest wants anything.
    pub(super) fn is_open(self) -> bool {
        self.0 != 0
    }

    /// Whether it wants this frame. Multicast addresses are not told apart: Linux asks for all.
    pub(super) fn wants(self, frame: &[u8], mac: Mac) -> bool {
        let Some(destination) = frame.first_chunk::<6>() else {
            return false;
        };
        let kinds = if *destination == [0xff; 6] {
            BROADCAST
        } else if destination[0] & 1 != 0 {
            MULTICAST | ALL_MULTICAST
        } else if *destination == mac.bytes() {
            DIRECTED
        } else {
            0
        };
        self.0 & (kinds | PROMISCUOUS) != 0
    }
}
