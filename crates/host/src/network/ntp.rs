//! The time: a server of NTP (RFC 5905) that knows this host's clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The port of time servers.
pub(super) const PORT: u16 = 123;

/// RFC 5905, figure 8, without extensions.
const PACKET_BYTES: usize = 48;

/// From 1900, where NTP's time begins, to 1970.
const EPOCH_SECONDS: u64 = 2_208_988_800;

/// Modes: RFC 5905, figure 10.
const CLIENT: u8 = 3;
const SERVER: u8 = 4;

/// A clock that needs no other, with a precision of a millisecond or so (a power of two).
const STRATUM: u8 = 1;
const PRECISION: i8 = -10;
/// Root dispersion: 1/64 s, in 16.16 bits.
const DISPERSION: [u8; 4] = [0, 0, 0x04, 0];
const REFERENCE: &[u8; 4] = b"LOCL";

/// Where fields of a packet are.
const ORIGIN: usize = 24;
const TRANSMIT: usize = 40;

/// The answer to a client at a time of this host's.
pub(super) fn answer(request: &[u8], now: SystemTime) -> Option<[u8; PACKET_BYTES]> {
    let first = *request.first()?;
    let asked_at: &[u8; 8] = request.get(TRANSMIT..TRANSMIT + 8)?.try_into().ok()?;
    let version = first >> 3 & 7;
    if first & 7 != CLIENT || !(3..=4).contains(&version) {
        return None;
    }
    let time = timestamp(now);
    let mut reply = [0; PACKET_BYTES];
    let fields: [(usize, &[u8]); 8] = [
        (0, &[version << 3 | SERVER]),
        (1, &[STRATUM, *request.get(2)?]),
        (3, &PRECISION.to_be_bytes()),
        (8, &DISPERSION),
        (12, REFERENCE),
        (16, &time),
        (ORIGIN, asked_at),
        (32, &time),
    ];
    for (at, bytes) in fields.into_iter().chain([(TRANSMIT, &time[..])]) {
        reply.get_mut(at..at + bytes.len())?.copy_from_slice(bytes);
    }
    Some(reply)
}

/// Seconds since 1900 and their parts, 32 bits each.
fn timestamp(now: SystemTime) -> [u8; 8] {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let parts = (u64::from(since.subsec_nanos()) << 32) / 1_000_000_000;
    let seconds = since.as_secs().wrapping_add(EPOCH_SECONDS);
    // The era is left out, as NTP does.
    (seconds << 32 | parts).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What systemd-timesyncd sends: version 4, client, and the time of sending.
    fn request() -> [u8; PACKET_BYTES] {
        let mut request = [0; PACKET_BYTES];
        request[0] = 4 << 3 | CLIENT;
        request[40..48].copy_from_slice(&[1, 2, 3, 4, 5, 6, 7, 8]);
        request
    }

    #[test]
    fn a_client_is_told_the_time_and_hears_its_own_again() {
        // RFC 5905, figure 4: 1970-01-01 is second 2208988800 of NTP; half a second is 0x80000000.
        let now = UNIX_EPOCH + Duration::from_millis(500);
        let reply = answer(&request(), now).unwrap();
        assert_eq!((reply[0], reply[1]), (0x24, 1));
        assert_eq!(reply[24..32], [1, 2, 3, 4, 5, 6, 7, 8]);
        for at in [16, 32, 40] {
            assert_eq!(
                reply[at..at + 8],
                [0x83, 0xaa, 0x7e, 0x80, 0x80, 0, 0, 0],
                "{at}"
            );
        }
    }

    #[test]
    fn nobody_else_is_answered() {
        let now = UNIX_EPOCH;
        assert_eq!(answer(&[], now), None);
        assert_eq!(answer(&request()[..47], now), None);
        for first in [4 << 3 | SERVER, 4 << 3 | 6, 1 << 3 | CLIENT] {
            let mut other = request();
            other[0] = first;
            assert_eq!(answer(&other, now), None, "{first:#x}");
        }
    }
}
