//! Counts what comes in before the stack sees it: pings for us, and frames that are not sound.

use smoltcp::wire::{
    ArpPacket, ArpRepr, EthernetFrame, EthernetProtocol, Icmpv4Message, Icmpv4Packet, IpProtocol,
    Ipv4Address, Ipv4Packet,
};

use super::{DNS, GATEWAY};

/// What came in.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Census {
    /// Echo requests to our addresses, sound to the last checksum; the stack answers each.
    pub(super) pings: u32,
    /// Frames that were no sound Ethernet, ARP or IPv4.
    pub(super) malformed: u64,
}

enum Kind {
    Ping,
    Other,
}

/// The frame is not what it says it is.
struct Malformed;

impl From<smoltcp::wire::Error> for Malformed {
    fn from(_: smoltcp::wire::Error) -> Self {
        Self
    }
}

impl Census {
    pub(super) fn count(&mut self, frame: &[u8]) {
        match kind(frame) {
            Ok(Kind::Ping) => self.pings = self.pings.saturating_add(1),
            Ok(Kind::Other) => {}
            Err(Malformed) => self.malformed = self.malformed.saturating_add(1),
        }
    }
}

fn kind(frame: &[u8]) -> Result<Kind, Malformed> {
    let frame = EthernetFrame::new_checked(frame)?;
    match frame.ethertype() {
        EthernetProtocol::Arp => {
            ArpRepr::parse(&ArpPacket::new_checked(frame.payload())?)?;
            Ok(Kind::Other)
        }
        EthernetProtocol::Ipv4 => {
            let packet = Ipv4Packet::new_checked(frame.payload())?;
            if packet.version() != 4 || !packet.verify_checksum() {
                return Err(Malformed);
            }
            Ok(ipv4_kind(&packet))
        }
        EthernetProtocol::Ipv6 | EthernetProtocol::Unknown(_) => Ok(Kind::Other),
    }
}

fn ipv4_kind(packet: &Ipv4Packet<&[u8]>) -> Kind {
    let ours = [GATEWAY, DNS].map(Ipv4Address::from);
    let is_fragment = packet.more_frags() || packet.frag_offset() != 0;
    if packet.next_header() != IpProtocol::Icmp || is_fragment || !ours.contains(&packet.dst_addr())
    {
        return Kind::Other;
    }
    match Icmpv4Packet::new_checked(packet.payload()) {
        Ok(icmp) if icmp.msg_type() == Icmpv4Message::EchoRequest && icmp.verify_checksum() => {
            Kind::Ping
        }
        Ok(_) | Err(_) => Kind::Other,
    }
}
