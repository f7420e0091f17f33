//! One exerciser for everything that reads the other side's bytes.

use super::{AgentMessage, Decoder, HostMessage, Order};

/// Decodes `bytes` in pieces of several sizes and reads every payload as every message.
pub fn exercise(bytes: &[u8]) {
    for piece in [1, 13, 4096] {
        let mut decoder = Decoder::new();
        let mut framed = 0_u64;
        for part in bytes.chunks(piece) {
            for payload in decoder.push(part) {
                framed = framed.saturating_add(payload.len() as u64);
                read(&payload);
            }
        }
        assert!(
            framed.saturating_add(decoder.garbage_bytes()) <= bytes.len() as u64,
            "more came out than went in",
        );
    }
    read(bytes);
}

/// Whatever can be read must survive being written and read again.
fn read(payload: &[u8]) {
    if let Ok(message) = serde_json::from_slice::<AgentMessage>(payload) {
        let text = serde_json::to_vec(&message).expect("what was read can be written");
        serde_json::from_slice::<AgentMessage>(&text).expect("what was written can be read");
    }
    if let Ok(message) = serde_json::from_slice::<HostMessage>(payload) {
        let text = serde_json::to_vec(&message).expect("what was read can be written");
        serde_json::from_slice::<HostMessage>(&text).expect("what was written can be read");
    }
    let _ = serde_json::from_slice::<Order>(payload);
}
