//! CON-02: a stretch of bytes to the guest and back, by the virtio serial port.

use detente_host::{HostError, Port};
use detente_plan::CaseId;
use detente_plan::judge::{self, Finding, PortSeen};
use detente_plan::protocol::{Bytes, Exercise, Exercised};
use sha2::{Digest as _, Sha256};

use super::exercise;
use crate::Fault;
use crate::cases::plugging::operating::{Step, found};
use crate::cases::{Context, Found};
use crate::limits::ms;
use crate::session::Session;

/// What goes each way, and in which pieces: a message carries them as hex.
const BYTES: usize = 1 << 20;
const PIECE_BYTES: usize = 64 * 1024;

/// Sends pieces and takes them back.
pub(crate) fn port(context: &Context<'_>, session: &mut Session) -> Result<Found, HostError> {
    let limit = context.limit(CaseId::Con02);
    let content = content(context.seed);
    let talk = |session: &mut Session| -> Step<Finding> {
        let begun = session.elapsed();
        let (mut sent, mut came) = (Sha256::new(), Sha256::new());
        let mut seen = PortSeen {
            by_virtio: true,
            ..PortSeen::default()
        };
        for piece in content.chunks(PIECE_BYTES) {
            sent.update(piece);
            seen.sent_bytes = seen.sent_bytes.saturating_add(piece.len() as u64);
            let mut piece = piece.to_vec();
            if context.has(Fault::PortContent)
                && let Some(byte) = piece.first_mut()
            {
                *byte ^= 1;
            }
            let asked = Exercise::Echo {
                content: Bytes(piece),
            };
            let back = exercise(session, asked, limit, |seen| match seen {
                Exercised::Echo { content } => Some(content),
                _ => None,
            })?;
            seen.by_virtio &= session.heard_on() == Some(Port::AgentVirtio);
            seen.received_bytes = seen.received_bytes.saturating_add(back.0.len() as u64);
            came.update(&back.0);
        }
        (seen.sent_sha256, seen.received_sha256) = (hex(sent), hex(came));
        seen.elapsed_ms = ms(session.elapsed().saturating_sub(begun));
        Ok(judge::con02(&seen, BYTES as u64))
    };
    found(talk(session))
}

/// Bytes of all kinds, that no two runs share (a linear congruential generator).
fn content(seed: u64) -> Vec<u8> {
    let mut state = seed;
    let next = std::iter::from_fn(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes().first().copied()
    });
    next.take(BYTES).collect()
}

fn hex(digest: Sha256) -> String {
    let digest = digest.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_has_its_length_and_all_bytes() {
        let bytes = content(42);
        let kinds: std::collections::BTreeSet<u8> = bytes.iter().copied().collect();
        assert_eq!((bytes.len(), kinds.len()), (BYTES, 256));
        assert_ne!(bytes, content(43));
    }
}
