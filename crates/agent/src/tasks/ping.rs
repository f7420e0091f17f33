//! Echo requests.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::sockopt::Ipv4PathMtuDiscovery;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, ipproto};

use crate::task_error::{Doing as _, TaskError};

const PATIENCE: Duration = Duration::from_secs(1);
/// RFC 792.
const ECHO_REQUEST: u8 = 8;
const ECHO_REPLY: u8 = 0;
const CONTENT: &[u8] = b"detente: does anybody hear this?";
/// RFC 791: no packet is longer.
const MAX_PACKET_BYTES: usize = 65_535;

/// Sends `count` requests, one after the other, and counts the replies.
pub(super) fn run(to: [u8; 4], count: u16) -> Result<u32, TaskError> {
    let socket = open()?;
    let mut received = 0_u32;
    for sequence in 0..count {
        if ping(&socket, to, sequence, CONTENT) == Sent::Answered {
            received = received.saturating_add(1);
        }
    }
    Ok(received)
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// It was answered.
    Answered,
    /// It was not, or could not be sent.
    Unanswered,
    /// The kernel would have had to cut it into pieces.
    TooLong,
}

/// Sends one request that carries so many bytes and that nobody may cut into pieces.
pub(super) fn unfragmented(to: [u8; 4], payload: usize) -> Result<Sent, TaskError> {
    let socket = open()?;
    rustix::net::sockopt::set_ip_mtu_discover(&socket, Ipv4PathMtuDiscovery::DO)
        .doing("forbid fragments")?;
    let content: Vec<u8> = CONTENT.iter().copied().cycle().take(payload).collect();
    Ok(ping(&socket, to, 0, &content))
}

fn open() -> Result<OwnedFd, TaskError> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    rustix::net::socket_with(
        AddressFamily::INET,
        SocketType::RAW,
        flags,
        Some(ipproto::ICMP),
    )
    .doing("open a raw socket")
}

/// Sends one request and waits for its reply.
fn ping(socket: &OwnedFd, to: [u8; 4], sequence: u16, content: &[u8]) -> Sent {
    let id = u16::try_from(std::process::id() & 0xffff).unwrap_or(0);
    let address = SocketAddrV4::new(Ipv4Addr::from(to), 0);
    let request = request(id, sequence, content);
    match rustix::net::sendto(socket, &request, SendFlags::empty(), &address) {
        Ok(_) => {}
        Err(Errno::MSGSIZE) => return Sent::TooLong,
        // No route yet, or no neighbour: one request that goes unanswered.
        Err(_) => {
            std::thread::sleep(PATIENCE);
            return Sent::Unanswered;
        }
    }
    let end = Instant::now() + PATIENCE;
    let mut packet = vec![0_u8; MAX_PACKET_BYTES];
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        let limit = Timespec {
            tv_sec: 0,
            tv_nsec: i64::from(left.subsec_nanos()),
        };
        let mut fds = [PollFd::new(socket, PollFlags::IN)];
        let _ = poll(&mut fds, Some(&limit));
        let read = rustix::net::recv(socket, packet.as_mut_slice(), RecvFlags::empty());
        if let Ok((len, _)) = read
            && is_reply(
                packet.get(..len).unwrap_or_default(),
                to,
                (id, sequence),
                content,
            )
        {
            return Sent::Answered;
        }
    }
    Sent::Unanswered
}

fn request(id: u16, sequence: u16, content: &[u8]) -> Vec<u8> {
    let mut message = vec![ECHO_REQUEST, 0, 0, 0];
    message.extend(id.to_be_bytes());
    message.extend(sequence.to_be_bytes());
    message.extend(content);
    let sum = checksum(&message).to_be_bytes();
    for (to, from) in message.iter_mut().skip(2).zip(sum) {
        *to = from;
    }
    message
}

/// Whether an IP packet answers our request.
fn is_reply(packet: &[u8], from: [u8; 4], (id, sequence): (u16, u16), content: &[u8]) -> bool {
    let header = packet
        .first()
        .map_or(0, |byte| usize::from(byte & 0x0f).saturating_mul(4));
    let message = packet.get(header..).unwrap_or_default();
    packet.get(12..16) == Some(&from[..])
        && header >= 20
        && message.first() == Some(&ECHO_REPLY)
        && checksum(message) == 0
        && message.get(4..6) == Some(&id.to_be_bytes())
        && message.get(6..8) == Some(&sequence.to_be_bytes())
        && message.get(8..) == Some(content)
}

/// RFC 1071.
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| match *pair {
        [high, low] => u16::from_be_bytes([high, low]),
        [high] => u16::from_be_bytes([high, 0]),
        _ => 0,
    });
    let sum = words.fold(0_u32, |sum, word| {
        let sum = sum.wrapping_add(word.into());
        (sum & 0xffff).wrapping_add(sum >> 16)
    });
    !u16::try_from(sum).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{CONTENT, checksum, is_reply, request};

    const FROM: [u8; 4] = [10, 0, 2, 2];

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        // RFC 1071, section 3: these words add up to ddf2.
        assert_eq!(
            checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]),
            !0xddf2
        );
        assert_eq!(checksum(&[0xff]), !0xff00);
    }

    /// A packet whose header has no options, with a sound echo reply.
    fn reply() -> Vec<u8> {
        let mut packet = vec![0; 20];
        packet[0] = 0x45;
        packet[12..16].copy_from_slice(&FROM);
        let mut message = request(7, 1, CONTENT);
        message[0] = 0;
        message[2..4].fill(0);
        let sum = checksum(&message).to_be_bytes();
        message[2..4].copy_from_slice(&sum);
        packet.extend(message);
        packet
    }

    #[test]
    fn a_sound_reply_is_taken() {
        assert!(is_reply(&reply(), FROM, (7, 1), CONTENT));
    }

    #[test]
    fn replies_to_others_are_not_ours() {
        assert!(!is_reply(&reply(), FROM, (8, 1), CONTENT));
        assert!(!is_reply(&reply(), FROM, (7, 2), CONTENT));
        assert!(!is_reply(&reply(), [10, 0, 2, 3], (7, 1), CONTENT));
    }

    #[test]
    fn every_spoiled_byte_of_the_message_is_noticed() {
        for at in 20..reply().len() {
            let mut packet = reply();
            packet[at] ^= 0x10;
            assert!(!is_reply(&packet, FROM, (7, 1), CONTENT), "byte {at}");
        }
    }

    #[test]
    fn a_reply_with_other_content_is_none() {
        assert!(!is_reply(&reply(), FROM, (7, 1), b"something else"));
    }

    #[test]
    fn a_cut_packet_is_no_reply() {
        for len in 0..reply().len() {
            assert!(
                !is_reply(&reply()[..len], FROM, (7, 1), CONTENT),
                "{len} bytes"
            );
        }
    }
}
