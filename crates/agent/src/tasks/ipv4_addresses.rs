//! The IPv4 addresses of an interface, as the kernel tells over netlink.

use std::net::Ipv4Addr;

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

use crate::task_error::{Doing as _, TaskError};

/// `linux/rtnetlink.h`, `linux/netlink.h`, `linux/if_addr.h`.
const RTM_NEWADDR: u16 = 20;
const RTM_GETADDR: u16 = 22;
const NLM_F_REQUEST_DUMP: u16 = 0x0301;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const AF_INET: u8 = 2;
const HEADER: usize = 16;
/// `struct ifaddrmsg`.
const ADDRESS_HEADER: usize = 8;
const MAX_DATAGRAMS: u32 = 64;
const MAX_ADDRESSES: usize = 64;

/// The addresses of interface number `index`, `10.0.2.15/24`.
pub(super) fn of_interface(index: u32) -> Result<Vec<String>, TaskError> {
    let kind = SocketType::RAW;
    let socket = rustix::net::socket_with(AddressFamily::NETLINK, kind, SocketFlags::CLOEXEC, None)
        .doing("open a netlink socket")?;
    rustix::net::send(&socket, &request(), SendFlags::empty()).doing("ask for addresses")?;
    let mut addresses = Vec::new();
    let mut datagram = vec![0_u8; 64 * 1024];
    for _ in 0..MAX_DATAGRAMS {
        let (len, _) = rustix::net::recv(&socket, datagram.as_mut_slice(), RecvFlags::empty())
            .doing("hear about addresses")?;
        if read(
            datagram.get(..len).unwrap_or_default(),
            index,
            &mut addresses,
        ) || len == 0
        {
            break;
        }
    }
    Ok(addresses)
}

/// A dump of all IPv4 addresses.
fn request() -> Vec<u8> {
    let len = u32::try_from(HEADER + ADDRESS_HEADER).unwrap_or(0);
    let mut bytes = len.to_ne_bytes().to_vec();
    bytes.extend(RTM_GETADDR.to_ne_bytes());
    bytes.extend(NLM_F_REQUEST_DUMP.to_ne_bytes());
    bytes.extend([0; 8]);
    bytes.extend([AF_INET, 0, 0, 0, 0, 0, 0, 0]);
    bytes
}

/// Collects the addresses of a datagram; says whether it was the last.
fn read(datagram: &[u8], index: u32, addresses: &mut Vec<String>) -> bool {
    for (kind, body) in pieces(datagram, HEADER, |bytes| {
        let len = u32::from_ne_bytes(bytes.get(..4)?.try_into().ok()?);
        Some((
            usize::try_from(len).ok()?,
            u16::from_ne_bytes(bytes.get(4..6)?.try_into().ok()?),
        ))
    }) {
        match kind {
            NLMSG_DONE | NLMSG_ERROR => return true,
            RTM_NEWADDR if addresses.len() < MAX_ADDRESSES => {
                addresses.extend(address(body, index))
            }
            _ => {}
        }
    }
    false
}

/// The address in one message, if it belongs to the interface.
fn address(body: &[u8], index: u32) -> Option<String> {
    let header: [u8; ADDRESS_HEADER] = body.get(..ADDRESS_HEADER)?.try_into().ok()?;
    let [family, prefix, _, _, place @ ..] = header;
    if family != AF_INET || u32::from_ne_bytes(place) != index {
        return None;
    }
    let attributes: Vec<(u16, &[u8])> = pieces(body.get(ADDRESS_HEADER..)?, 4, |bytes| {
        let field = |at| {
            Some(u16::from_ne_bytes(
                <[u8]>::get(bytes, at..at + 2)?.try_into().ok()?,
            ))
        };
        Some((usize::from(field(0)?), field(2)?))
    })
    .collect();
    // On a point-to-point link IFA_ADDRESS is the other side's.
    let value = [IFA_LOCAL, IFA_ADDRESS]
        .iter()
        .find_map(|wanted| attributes.iter().find(|(kind, _)| kind == wanted))?;
    let bytes: [u8; 4] = value.1.try_into().ok()?;
    Some(format!("{}/{prefix}", Ipv4Addr::from(bytes)))
}

/// Cuts bytes into pieces: a header says the length (itself included, padded to four) and kind.
fn pieces(
    mut bytes: &[u8],
    header: usize,
    read: impl Fn(&[u8]) -> Option<(usize, u16)>,
) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let (len, kind) = read(bytes)?;
        let body = bytes.get(header..len)?;
        // At least the header is taken off, so the iteration ends.
        bytes = bytes.get(len.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, body))
    })
}

#[cfg(test)]
mod tests {
    use super::read;

    /// One address, as Linux on a little-endian machine sends it: 10.0.2.15/24 on interface 2.
    const DATAGRAM: &[u8] = &[
        40, 0, 0, 0, 20, 0, 2, 0, 0, 0, 0, 0, 1, 0, 0, 0, // header
        2, 24, 0, 0, 2, 0, 0, 0, // family, prefix, flags, scope, index
        8, 0, 1, 0, 10, 0, 2, 99, // IFA_ADDRESS
        8, 0, 2, 0, 10, 0, 2, 15, // IFA_LOCAL
    ];

    fn found(datagram: &[u8], index: u32) -> Vec<String> {
        let mut addresses = Vec::new();
        read(datagram, index, &mut addresses);
        addresses
    }

    #[test]
    fn the_local_address_is_found() {
        assert_eq!(found(DATAGRAM, 2), ["10.0.2.15/24"]);
    }

    #[test]
    fn other_interfaces_do_not_count() {
        assert_eq!(found(DATAGRAM, 3), [""; 0]);
    }

    #[test]
    fn lengths_that_lie_yield_nothing() {
        for (at, byte) in [
            (0, 0),
            (0, 15),
            (0, 41),
            (3, 0xff),
            (24, 0),
            (24, 3),
            (24, 200),
            (32, 7),
        ] {
            let mut datagram = DATAGRAM.to_vec();
            datagram[at] = byte;
            let expected: &[&str] = if at == 32 { &["10.0.2.99/24"] } else { &[] };
            let found = found(&datagram, 2);
            assert!(
                found.is_empty() || found == expected,
                "byte {at} = {byte}: {found:?}"
            );
        }
    }

    #[test]
    fn the_end_is_noticed() {
        let end = [20, 0, 0, 0, 3, 0, 2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0];
        assert!(read(&end, 2, &mut Vec::new()));
        assert!(!read(DATAGRAM, 2, &mut Vec::new()));
    }
}
