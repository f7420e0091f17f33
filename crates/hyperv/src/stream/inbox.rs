//! What comes from the host.

use std::io::{ErrorKind, Read};

use detente_machine::hyperv::{FrameReader, Kind, Order};

/// A piece of what comes.
#[derive(Debug)]
pub(crate) enum Inbound {
    /// A command.
    Order(Order),
    /// Typed at the first serial port.
    Console(Vec<u8>),
    /// Sent to the second serial port.
    Agent(Vec<u8>),
    /// An Ethernet frame for the network card.
    Network(Vec<u8>),
    /// Nothing comes any more.
    Gone {
        /// Why; nothing if the host closed its end.
        why: Option<String>,
    },
}

/// How much is read at a time.
const PIECE_BYTES: usize = 64 * 1024;

/// Reads until the end, or until the stream makes no sense; the last piece is [`Inbound::Gone`].
/// Ends early when `take` says that nobody listens any more.
pub(crate) fn read_all(mut from: impl Read, mut take: impl FnMut(Inbound) -> bool) {
    let mut frames = FrameReader::default();
    let mut piece = vec![0; PIECE_BYTES];
    let why = loop {
        match from.read(&mut piece) {
            Ok(0) => break None,
            Ok(len) => frames.feed(piece.get(..len).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => break Some(error.to_string()),
        }
        match take_frames(&mut frames, &mut take) {
            Ok(true) => {}
            Ok(false) => return,
            Err(why) => break Some(why),
        }
    };
    take(Inbound::Gone { why });
}

fn take_frames(
    frames: &mut FrameReader,
    take: &mut impl FnMut(Inbound) -> bool,
) -> Result<bool, String> {
    while let Some(frame) = frames.next_frame().map_err(|error| error.to_string())? {
        let inbound = match frame.kind {
            Kind::Control => Inbound::Order(
                serde_json::from_slice(&frame.body)
                    .map_err(|error| format!("an order makes no sense: {error}"))?,
            ),
            Kind::ConsoleInput => Inbound::Console(frame.body),
            Kind::AgentInput => Inbound::Agent(frame.body),
            Kind::NetworkInput => Inbound::Network(frame.body),
            Kind::ConsoleOutput | Kind::AgentOutput | Kind::NetworkOutput => {
                return Err("the host sends what only the machine sends".to_owned());
            }
        };
        if !take(inbound) {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use detente_machine::hyperv::{Command, encode, encode_json};

    use super::*;

    fn came(bytes: &[u8]) -> Vec<String> {
        let mut all = Vec::new();
        read_all(bytes, |inbound| {
            all.push(format!("{inbound:?}"));
            true
        });
        all
    }

    #[test]
    fn frames_come_in_order_and_then_the_end() {
        let order = Order {
            id: 7,
            command: Command::Status,
        };
        let mut bytes = encode_json(Kind::Control, &order).unwrap();
        bytes.extend(encode(Kind::ConsoleInput, b"x").unwrap());
        let came = came(&bytes);
        assert_eq!(came.len(), 3);
        assert!(came[0].starts_with("Order(Order { id: 7"), "{}", came[0]);
        assert_eq!(came[1], "Console([120])");
        assert_eq!(came[2], "Gone { why: None }");
    }

    #[test]
    fn what_makes_no_sense_ends_the_stream_with_a_reason() {
        for (kind, body) in [(Kind::Control, "{}"), (Kind::ConsoleOutput, "x")] {
            let mut bytes = encode(kind, body.as_bytes()).unwrap();
            bytes.extend(encode(Kind::ConsoleInput, b"never read").unwrap());
            let came = came(&bytes);
            assert!(matches!(came.as_slice(), [gone] if gone.starts_with("Gone { why: Some")));
        }
        assert!(came(&[9; 8])[0].contains("no stream has number 9"));
    }

    #[test]
    fn who_does_not_listen_any_more_is_not_told_more() {
        let bytes = encode(Kind::ConsoleInput, b"x").unwrap().repeat(3);
        let mut count = 0;
        read_all(bytes.as_slice(), |_| {
            count += 1;
            false
        });
        assert_eq!(count, 1);
    }
}
