//! One question to one name server.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

const PORT: u16 = 53;
const TRIES: u16 = 3;
const PATIENCE: Duration = Duration::from_secs(2);
/// RFC 1035, 4.2.1: the longest datagram without extensions.
const MAX_REPLY: usize = 512;
/// RFC 1035, 3.2.2 and 3.2.4: type A, class IN.
const ADDRESS_IN: [u8; 4] = [0, 1, 0, 1];
/// RFC 1035, 2.3.4.
const MAX_NAME: usize = 255;

/// The IPv4 address of `name`, if the server tells.
pub(super) fn ask(server: Ipv4Addr, name: &str) -> Option<[u8; 4]> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect(SocketAddr::from((server, PORT))).ok()?;
    socket.set_read_timeout(Some(PATIENCE)).ok()?;
    // Worker numbers differ, so a late reply to another worker is not taken for ours.
    let first = u16::try_from(std::process::id() & 0x7fff).unwrap_or(0);
    for id in (first..).take(TRIES.into()) {
        socket.send(&question(id, name)?).ok()?;
        let mut reply = [0; MAX_REPLY];
        if let Ok(len) = socket.recv(&mut reply)
            && let Some(address) = answer(id, reply.get(..len)?)
        {
            return Some(address);
        }
    }
    None
}

/// The servers of a `resolv.conf` that are IPv4 addresses, at most 3 (`MAXNS`).
pub(super) fn servers(resolv_conf: &str) -> Vec<Ipv4Addr> {
    let words = resolv_conf.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        (words.next()? == "nameserver")
            .then(|| words.next())
            .flatten()
    });
    words.filter_map(|word| word.parse().ok()).take(3).collect()
}

/// RFC 1035, 4.1: header, then the question; recursion desired.
fn question(id: u16, name: &str) -> Option<Vec<u8>> {
    let mut bytes = id.to_be_bytes().to_vec();
    bytes.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.trim_end_matches('.').split('.') {
        let len = u8::try_from(label.len())
            .ok()
            .filter(|len| (1..64).contains(len))?;
        bytes.push(len);
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes.extend(ADDRESS_IN);
    (bytes.len() <= MAX_NAME).then_some(bytes)
}

/// The first address of a reply to question `id`.
fn answer(id: u16, reply: &[u8]) -> Option<[u8; 4]> {
    let word = |at: usize| -> Option<u16> {
        Some(u16::from_be_bytes(
            reply.get(at..at.checked_add(2)?)?.try_into().ok()?,
        ))
    };
    let is_reply = word(2)? & 0x8000 != 0;
    let code = word(2)? & 0x000f;
    if word(0)? != id || !is_reply || code != 0 {
        return None;
    }
    let mut at = 12;
    for _ in 0..word(4)? {
        at = skip_name(reply, at)?.checked_add(4)?;
    }
    for _ in 0..word(6)? {
        at = skip_name(reply, at)?;
        let kind = reply.get(at..at.checked_add(4)?)?;
        let len = usize::from(word(at.checked_add(8)?)?);
        let data = at.checked_add(10)?;
        let end = data.checked_add(len)?;
        if kind == ADDRESS_IN {
            return reply.get(data..end)?.try_into().ok();
        }
        at = end;
    }
    None
}

/// Where a name ends: at its empty label, or behind a pointer (4.1.4), which is not followed.
fn skip_name(reply: &[u8], mut at: usize) -> Option<usize> {
    // Each turn goes forward, so the loop ends with the reply.
    loop {
        let len = *reply.get(at)?;
        match len {
            0 => return at.checked_add(1),
            1..=63 => at = at.checked_add(usize::from(len))?.checked_add(1)?,
            0xc0..=0xff => return at.checked_add(2),
            64..=0xbf => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::{answer, question, servers};

    /// By hand after RFC 1035: a CNAME first, then the address, names as pointers.
    const REPLY: &[u8] = b"\x12\x34\x81\x80\0\x01\0\x02\0\0\0\0\x01a\x04test\0\0\x01\0\x01\
        \xc0\x0c\0\x05\0\x01\0\0\0\x05\0\x04\x01b\xc0\x0e\
        \xc0\x24\0\x01\0\x01\0\0\0\x05\0\x04\x0a\0\x02\x02";

    fn spoiled(at: usize, byte: u8) -> Vec<u8> {
        let mut reply = REPLY.to_vec();
        reply[at] = byte;
        reply
    }

    #[test]
    fn the_question_is_as_the_standard_says() {
        let expected = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x01a\x04test\0\0\x01\0\x01";
        assert_eq!(question(0x1234, "a.test.").unwrap(), expected);
        assert_eq!(question(1, "a..b"), None);
        assert_eq!(question(1, &"x".repeat(64)), None);
        assert_eq!(question(1, &"x.".repeat(130)), None);
    }

    #[test]
    fn the_address_behind_an_alias_is_found() {
        assert_eq!(answer(0x1234, REPLY), Some([10, 0, 2, 2]));
    }

    #[test]
    fn another_question_an_error_and_a_question_are_no_answer() {
        assert_eq!(answer(0x1235, REPLY), None);
        assert_eq!(answer(0x1234, &spoiled(3, 0x83)), None);
        assert_eq!(answer(0x1234, &spoiled(2, 0x01)), None);
    }

    #[test]
    fn a_reserved_label_is_no_answer() {
        assert_eq!(answer(0x1234, &spoiled(12, 0x40)), None);
    }

    #[test]
    fn a_reply_that_is_cut_is_no_answer() {
        for len in 0..REPLY.len() {
            assert_eq!(answer(0x1234, &REPLY[..len]), None, "{len} bytes");
        }
    }

    #[test]
    fn servers_are_read_from_resolv_conf() {
        let text = "# by hand\nsearch a.test\nnameserver 10.0.2.3\nnameserver fe80::1\n\
            options x\nnameserver\n nameserver 127.0.0.53\nnameserver 1.2.3\n";
        assert_eq!(
            servers(text),
            [Ipv4Addr::new(10, 0, 2, 3), Ipv4Addr::new(127, 0, 0, 53)]
        );
    }
}
