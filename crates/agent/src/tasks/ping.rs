//! Echo requests.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, ipproto};

use crate::task_error::{Doing as _, TaskError};

const PATIENCE: Duration = Duration::from_secs(1);
/// RFC 792.
const ECHO_REQUEST: u8 = 8;
const ECHO_REPLY: u8 = 0;
const CONTENT: &[u8] = b"detente: does anybody hear this?";

/// Sends `count` requests, one after the other, and counts the replies.
pub(super) fn run(to: [u8; 4], count: u16) -> Result<u32, TaskError> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(
        AddressFamily::INET,
        SocketType::RAW,
        flags,
        Some(ipproto::ICMP),
    )
    .doing("open a raw socket")?;
    let id = u16::try_from(std::process::id() & 0xffff).unwrap_or(0);
    let address = SocketAddrV4::new(Ipv4Addr::from(to), 0);
    let mut received = 0_u32;
    for sequence in 0..count {
        let request = request(id, sequence);
        // No route yet, or no neighbour: one request that goes unanswered.
        if rustix::net::sendto(&socket, &request, SendFlags::empty(), &address).is_err() {
            std::thread::sleep(PATIENCE);
            continue;
        }
        let end = Instant::now() + PATIENCE;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            let limit = Timespec {
                tv_sec: 0,
                tv_nsec: i64::from(left.subsec_nanos()),
            };
            let mut fds = [PollFd::new(&socket, PollFlags::IN)];
            let _ = poll(&mut fds, Some(&limit));
            let mut packet = [0_u8; 1500];
            let read = rustix::net::recv(&socket, &mut packet, RecvFlags::empty());
            if let Ok((len, _)) = read
                && is_reply(packet.get(..len).unwrap_or_default(), to, id, sequence)
            {
                received = received.saturating_add(1);
                break;
            }
        }
    }
    Ok(received)
}

fn request(id: u16, sequence: u16) -> Vec<u8> {
    let mut message = vec![ECHO_REQUEST, 0, 0, 0];
    message.extend(id.to_be_bytes());
    message.extend(sequence.to_be_bytes());
    message.extend(CONTENT);
    let sum = checksum(&message).to_be_bytes();
    for (to, from) in message.iter_mut().skip(2).zip(sum) {
        *to = from;
    }
    message
}

/// Whether an IP packet answers our request.
fn is_reply(packet: &[u8], from: [u8; 4], id: u16, sequence: u16) -> bool {
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
        && message.get(8..) == Some(CONTENT)
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
    use super::{checksum, is_reply, request};

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
        let mut message = request(7, 1);
        message[0] = 0;
        message[2..4].fill(0);
        let sum = checksum(&message).to_be_bytes();
        message[2..4].copy_from_slice(&sum);
        packet.extend(message);
        packet
    }

    #[test]
    fn a_sound_reply_is_taken() {
        assert!(is_reply(&reply(), FROM, 7, 1));
    }

    #[test]
    fn replies_to_others_are_not_ours() {
        assert!(!is_reply(&reply(), FROM, 8, 1));
        assert!(!is_reply(&reply(), FROM, 7, 2));
        assert!(!is_reply(&reply(), [10, 0, 2, 3], 7, 1));
    }

    #[test]
    fn every_spoiled_byte_of_the_message_is_noticed() {
        for at in 20..reply().len() {
            let mut packet = reply();
            packet[at] ^= 0x10;
            assert!(!is_reply(&packet, FROM, 7, 1), "byte {at}");
        }
    }

    #[test]
    fn a_cut_packet_is_no_reply() {
        for len in 0..reply().len() {
            assert!(!is_reply(&reply()[..len], FROM, 7, 1), "{len} bytes");
        }
    }
}
