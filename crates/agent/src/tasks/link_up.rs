//! Brings a network interface up, by netlink.

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

use crate::task_error::{Doing as _, TaskError};

/// `linux/rtnetlink.h`, `linux/netlink.h`, `linux/if.h`.
const RTM_NEWLINK: u16 = 16;
const NLM_F_REQUEST_ACK: u16 = 0x0005;
const NLMSG_ERROR: u16 = 2;
const IFF_UP: u32 = 1;
/// `struct nlmsghdr` and `struct ifinfomsg`.
const MESSAGE_BYTES: u32 = 16 + 16;

/// Brings interface number `index` up.
pub(super) fn bring_up(index: u32) -> Result<(), TaskError> {
    let kind = SocketType::RAW;
    let socket = rustix::net::socket_with(AddressFamily::NETLINK, kind, SocketFlags::CLOEXEC, None)
        .doing("open a netlink socket")?;
    rustix::net::send(&socket, &request(index), SendFlags::empty())
        .doing("bring an interface up")?;
    let mut datagram = vec![0_u8; 4096];
    let (len, _) = rustix::net::recv(&socket, datagram.as_mut_slice(), RecvFlags::empty())
        .doing("hear whether an interface came up")?;
    match refusal(datagram.get(..len).unwrap_or_default()) {
        0 => Ok(()),
        error => Err(std::io::Error::from_raw_os_error(error)).doing("bring an interface up"),
    }
}

fn request(index: u32) -> Vec<u8> {
    let mut bytes = MESSAGE_BYTES.to_ne_bytes().to_vec();
    bytes.extend(RTM_NEWLINK.to_ne_bytes());
    bytes.extend(NLM_F_REQUEST_ACK.to_ne_bytes());
    // Sequence and port; then family, padding and type.
    bytes.extend([0; 8]);
    bytes.extend([0; 4]);
    bytes.extend(index.to_ne_bytes());
    bytes.extend(IFF_UP.to_ne_bytes());
    // Of the flags only this one is meant.
    bytes.extend(IFF_UP.to_ne_bytes());
    bytes
}

/// The error number of an answer (`struct nlmsgerr`, negative), 0 for none.
fn refusal(datagram: &[u8]) -> i32 {
    let kind = datagram.get(4..6).and_then(|kind| kind.try_into().ok());
    if kind.map(u16::from_ne_bytes) != Some(NLMSG_ERROR) {
        return 0;
    }
    let error = datagram.get(16..20).and_then(|error| error.try_into().ok());
    error.map_or(0, i32::from_ne_bytes).saturating_neg()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_as_long_as_it_says() {
        let request = request(3);
        assert_eq!(request.len(), 32);
        assert_eq!(request[..4], 32_u32.to_ne_bytes());
        assert_eq!(request[20..24], 3_u32.to_ne_bytes());
    }

    #[test]
    fn a_refusal_is_the_negated_error() {
        let mut answer = vec![0; 36];
        answer[4..6].copy_from_slice(&NLMSG_ERROR.to_ne_bytes());
        assert_eq!(refusal(&answer), 0);
        answer[16..20].copy_from_slice(&(-1_i32).to_ne_bytes());
        assert_eq!(refusal(&answer), 1);
        assert_eq!(refusal(b"torn"), 0);
    }
}
