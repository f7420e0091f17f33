//! The DHCP server (RFC 2131) of a network with one guest: everybody is given the same address.

use smoltcp::wire::{
    DHCP_CLIENT_PORT, DHCP_SERVER_PORT, DhcpMessageType, DhcpOption, DhcpPacket, DhcpRepr,
    EthernetAddress, Ipv4Address,
};

use super::{DNS, GATEWAY, GUEST};

pub(super) const SERVER_PORT: u16 = DHCP_SERVER_PORT;
pub(super) const CLIENT_PORT: u16 = DHCP_CLIENT_PORT;

/// Longer than any run.
const LEASE_SECONDS: u32 = 86_400;

/// RFC 2131, section 2: what every client accepts; also BOOTP's own size.
const MIN_MESSAGE_BYTES: usize = 300;

/// \[RFC 2132\] option numbers.
const OPTION_REQUESTED_ADDRESS: u8 = 50;
const OPTION_MESSAGE_TYPE: u8 = 53;
const OPTION_SERVER: u8 = 54;

/// A message for the client.
pub(super) struct Reply {
    pub(super) bytes: Vec<u8>,
    pub(super) to: Ipv4Address,
    /// Whether it makes the address the client's.
    pub(super) is_lease: bool,
}

/// What a server needs to know of a request.
struct Request {
    kind: DhcpMessageType,
    transaction: u32,
    mac: EthernetAddress,
    client: Ipv4Address,
    wanted: Option<Ipv4Address>,
    server: Option<Ipv4Address>,
    broadcast: bool,
}

/// The answer to a message, if it deserves one.
pub(super) fn answer(message: &[u8]) -> Option<Reply> {
    let request = parse(message)?;
    let kind = answer_kind(&request)?;
    let reply = repr(&request, kind);
    let mut bytes = vec![0; reply.buffer_len().max(MIN_MESSAGE_BYTES)];
    reply
        .emit(&mut DhcpPacket::new_unchecked(&mut bytes[..]))
        .ok()?;
    // A client that has no address yet cannot answer ARP; one that renews is asked directly.
    let renews = request.client == Ipv4Address::from(GUEST) && kind == DhcpMessageType::Ack;
    Some(Reply {
        bytes,
        to: if renews {
            request.client
        } else {
            Ipv4Address::BROADCAST
        },
        is_lease: kind == DhcpMessageType::Ack && request.kind == DhcpMessageType::Request,
    })
}

fn parse(message: &[u8]) -> Option<Request> {
    let packet = DhcpPacket::new_checked(message).ok()?;
    // Hardware type 1 is Ethernet; the cookie is that of RFC 2131, section 3.
    if u16::from(packet.hardware_type()) != 1
        || packet.hardware_len() != 6
        || packet.magic_number() != 0x6382_5363
    {
        return None;
    }
    let mut kind = None;
    let mut wanted = None;
    let mut server = None;
    for option in packet.options() {
        match (option.kind, option.data) {
            (OPTION_MESSAGE_TYPE, &[value]) => kind = Some(DhcpMessageType::from(value)),
            (OPTION_REQUESTED_ADDRESS, &[a, b, c, d]) => {
                wanted = Some(Ipv4Address::new(a, b, c, d));
            }
            (OPTION_SERVER, &[a, b, c, d]) => server = Some(Ipv4Address::new(a, b, c, d)),
            (_, _) => {}
        }
    }
    Some(Request {
        kind: kind?,
        transaction: packet.transaction_id(),
        mac: packet.client_hardware_address(),
        client: packet.client_ip(),
        wanted,
        server,
        broadcast: packet.flags().contains(smoltcp::wire::DhcpFlags::BROADCAST),
    })
}

fn answer_kind(request: &Request) -> Option<DhcpMessageType> {
    let guest = Ipv4Address::from(GUEST);
    match request.kind {
        DhcpMessageType::Discover => Some(DhcpMessageType::Offer),
        DhcpMessageType::Request => {
            if request
                .server
                .is_some_and(|server| server != Ipv4Address::from(GATEWAY))
            {
                return None;
            }
            // RFC 2131, 4.3.2: the address stands in the option, or in ciaddr on renewal.
            let address = request.wanted.unwrap_or(request.client);
            Some(if address == guest {
                DhcpMessageType::Ack
            } else {
                DhcpMessageType::Nak
            })
        }
        DhcpMessageType::Inform => Some(DhcpMessageType::Ack),
        DhcpMessageType::Offer
        | DhcpMessageType::Decline
        | DhcpMessageType::Ack
        | DhcpMessageType::Nak
        | DhcpMessageType::Release
        | DhcpMessageType::Unknown(_) => None,
    }
}

/// Who tells the time: option 42 of RFC 2132.
const TIME_SERVERS: &[DhcpOption<'static>] = &[DhcpOption {
    kind: 42,
    data: &GATEWAY,
}];

fn repr(request: &Request, kind: DhcpMessageType) -> DhcpRepr<'static> {
    let gateway = Ipv4Address::from(GATEWAY);
    let refused = kind == DhcpMessageType::Nak;
    let informs = request.kind == DhcpMessageType::Inform;
    DhcpRepr {
        message_type: kind,
        transaction_id: request.transaction,
        secs: 0,
        client_hardware_address: request.mac,
        client_ip: if refused {
            Ipv4Address::UNSPECIFIED
        } else {
            request.client
        },
        // RFC 2131, table 3: no address in a refusal or in the answer to DHCPINFORM.
        your_ip: if refused || informs {
            Ipv4Address::UNSPECIFIED
        } else {
            GUEST.into()
        },
        server_ip: Ipv4Address::UNSPECIFIED,
        router: (!refused).then_some(gateway),
        subnet_mask: (!refused).then_some(Ipv4Address::new(255, 255, 255, 0)),
        relay_agent_ip: Ipv4Address::UNSPECIFIED,
        broadcast: request.broadcast,
        requested_ip: None,
        client_identifier: None,
        server_identifier: Some(gateway),
        parameter_request_list: None,
        dns_servers: (!refused).then(|| [DNS.into()].into_iter().collect()),
        max_size: None,
        lease_duration: (!refused && !informs).then_some(LEASE_SECONDS),
        renew_duration: None,
        rebind_duration: None,
        additional_options: if refused { &[] } else { TIME_SERVERS },
    }
}
