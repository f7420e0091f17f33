//! What goes to the host: queues with limits, and a thread that empties them.
//!
//! Nobody who fills a queue ever waits. Serial ports are told that there is no room, and tell the
//! guest so by their status register; Ethernet frames are lost, as on a full wire; events have a
//! limit that only a host who reads nothing reaches.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use detente_machine::hyperv::{Answer, Event, FrameError, Kind, encode, encode_json};

/// The serial ports' lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// The first serial port.
    Console,
    /// The second.
    Agent,
}

/// The most bytes of a serial port that wait.
pub(crate) const LANE_BYTES: usize = 64 * 1024;
/// The most Ethernet frames that wait.
const FRAMES: usize = 256;
/// The most events that wait.
const EVENTS: usize = 4096;

/// Serial ports bring one byte at a time; with so many, or after so long, they are sent together.
const TOGETHER_BYTES: usize = 4096;
const TOGETHER: Duration = Duration::from_millis(4);

/// The queues.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    console: VecDeque<u8>,
    agent: VecDeque<u8>,
    /// Whole frames as they go over the wire: events and Ethernet frames, in their order.
    frames: VecDeque<Vec<u8>>,
    lost_events: u64,
    closed: bool,
}

impl Waiting {
    fn lane(&mut self, lane: Lane) -> &mut VecDeque<u8> {
        match lane {
            Lane::Console => &mut self.console,
            Lane::Agent => &mut self.agent,
        }
    }

    fn serial_bytes(&self) -> usize {
        self.console.len().saturating_add(self.agent.len())
    }

    /// Whether the writer should go now, rather than wait for more bytes.
    fn is_urgent(&self) -> bool {
        self.closed || !self.frames.is_empty() || self.serial_bytes() >= TOGETHER_BYTES
    }

    /// Everything that waits, as it goes over the wire. What serial ports said comes first: an
    /// event may be the news that the machine has ended.
    fn take(&mut self) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        for (lane, kind) in [
            (Lane::Console, Kind::ConsoleOutput),
            (Lane::Agent, Kind::AgentOutput),
        ] {
            let bytes: Vec<u8> = self.lane(lane).drain(..).collect();
            // A lane is shorter than a frame may be.
            all.extend((!bytes.is_empty()).then(|| encode(kind, &bytes).unwrap_or_default()));
        }
        all.extend(self.frames.drain(..));
        all
    }
}

impl Outbox {
    /// How many bytes of a serial port still fit.
    pub(crate) fn room(&self, lane: Lane) -> usize {
        LANE_BYTES.saturating_sub(self.lock().lane(lane).len())
    }

    /// Sends bytes of a serial port; those beyond the limit are lost, so ask for the room first.
    pub(crate) fn serial(&self, lane: Lane, bytes: &[u8]) {
        let mut waiting = self.lock();
        let before = waiting.serial_bytes();
        let lane = waiting.lane(lane);
        let room = LANE_BYTES.saturating_sub(lane.len());
        lane.extend(bytes.iter().take(room));
        // The writer is woken for the first byte, and when it should not wait any longer.
        if before == 0 || waiting.serial_bytes() >= TOGETHER_BYTES {
            self.changed.notify_one();
        }
    }

    /// Sends an Ethernet frame, or loses it.
    pub(crate) fn ethernet(&self, frame: &[u8]) {
        let mut waiting = self.lock();
        if let (true, Ok(bytes)) = (
            waiting.frames.len() < FRAMES,
            encode(Kind::NetworkOutput, frame),
        ) {
            waiting.frames.push_back(bytes);
            self.changed.notify_one();
        }
    }

    /// Sends an event. One that cannot be sent is counted, and the count is told with the next. An
    /// answer that is too long for a frame becomes one that says so: somebody waits for it.
    pub(crate) fn event(&self, event: &Event) {
        let mut waiting = self.lock();
        match encoded(event) {
            Ok(bytes) if waiting.frames.len() < EVENTS => {
                if waiting.lost_events > 0 {
                    let text =
                        format!("{} events were lost: nobody took them", waiting.lost_events);
                    let lost = encode_json(Kind::Control, &Event::Log { text });
                    waiting.frames.extend(lost);
                    waiting.lost_events = 0;
                }
                waiting.frames.push_back(bytes);
            }
            Ok(_) | Err(_) => waiting.lost_events = waiting.lost_events.saturating_add(1),
        }
        self.changed.notify_one();
    }

    /// Says something for the log.
    pub(crate) fn log(&self, text: impl Into<String>) {
        self.event(&Event::Log { text: text.into() });
    }

    /// Nothing more is to come: the writer ends when it has sent what waits.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    /// Sends what comes until [`Outbox::close`]; after each time, `emptied` is called.
    ///
    /// # Errors
    /// When the stream is broken.
    pub(crate) fn write_all(&self, mut to: impl Write, emptied: impl Fn()) -> io::Result<()> {
        loop {
            let (frames, closed) = self.wait();
            for frame in frames {
                to.write_all(&frame)?;
            }
            to.flush()?;
            if closed {
                return Ok(());
            }
            emptied();
        }
    }

    /// Waits for something to send.
    fn wait(&self) -> (Vec<Vec<u8>>, bool) {
        let empty = |waiting: &mut Waiting| !waiting.is_urgent() && waiting.serial_bytes() == 0;
        let waiting = self.changed.wait_while(self.lock(), empty);
        let waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        let calm = |waiting: &mut Waiting| !waiting.is_urgent();
        let together = self.changed.wait_timeout_while(waiting, TOGETHER, calm);
        let mut waiting = together.unwrap_or_else(PoisonError::into_inner).0;
        (waiting.take(), waiting.closed)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An event as it goes over the wire.
fn encoded(event: &Event) -> Result<Vec<u8>, FrameError> {
    match (encode_json(Kind::Control, event), event) {
        (Err(error), Event::Answered { id, .. }) => {
            let answer = Answer::Failed {
                why: format!("the answer cannot be sent: {error}"),
            };
            encode_json(Kind::Control, &Event::Answered { id: *id, answer })
        }
        (encoded, _) => encoded,
    }
}

#[cfg(test)]
mod tests {
    use detente_machine::hyperv::{Ending, FRAME_LIMIT_BYTES, FrameReader, KvpRecord};

    use super::*;

    fn sent(outbox: &Outbox) -> Vec<(Kind, Vec<u8>)> {
        outbox.close();
        let mut bytes = Vec::new();
        outbox.write_all(&mut bytes, || ()).unwrap();
        let mut frames = FrameReader::default();
        frames.feed(&bytes);
        std::iter::from_fn(|| frames.next_frame().unwrap())
            .map(|frame| (frame.kind, frame.body))
            .collect()
    }

    #[test]
    fn bytes_go_together_and_before_the_news_of_the_end() {
        let outbox = Outbox::default();
        outbox.serial(Lane::Console, b"a");
        outbox.event(&Event::Ended {
            ending: Ending::PowerOff,
        });
        outbox.serial(Lane::Console, b"b");
        let sent = sent(&outbox);
        assert_eq!(sent[0], (Kind::ConsoleOutput, b"ab".to_vec()));
        assert_eq!(sent[1].0, Kind::Control);
        assert_eq!(sent.len(), 2);
    }

    #[test]
    fn an_answer_too_long_for_a_frame_is_still_an_answer() {
        let outbox = Outbox::default();
        let record = KvpRecord {
            key: "k".repeat(255),
            value: "v".repeat(1023),
        };
        let count = FRAME_LIMIT_BYTES / 1023;
        let records = vec![record; count];
        let more = false;
        let answer = Answer::Kvp { records, more };
        outbox.event(&Event::Answered { id: 7, answer });
        let sent = sent(&outbox);
        let [(Kind::Control, body)] = sent.as_slice() else {
            panic!("{} frames", sent.len());
        };
        match serde_json::from_slice(body).unwrap() {
            Event::Answered {
                id: 7,
                answer: Answer::Failed { why },
            } => assert!(why.contains("longer than the limit"), "{why}"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_lane_is_full_at_its_limit_and_the_other_is_not() {
        let outbox = Outbox::default();
        outbox.serial(Lane::Agent, &vec![1; LANE_BYTES + 7]);
        assert_eq!(outbox.room(Lane::Agent), 0);
        assert_eq!(outbox.room(Lane::Console), LANE_BYTES);
        assert_eq!(sent(&outbox)[0].1.len(), LANE_BYTES);
        assert_eq!(outbox.room(Lane::Agent), LANE_BYTES);
    }

    #[test]
    fn frames_beyond_the_limit_are_lost_and_events_are_counted() {
        let outbox = Outbox::default();
        for _ in 0..FRAMES + 9 {
            outbox.ethernet(b"frame");
        }
        for _ in 0..EVENTS {
            outbox.log("x");
        }
        let sent = sent(&outbox);
        assert_eq!(sent.len(), EVENTS);
        let ethernet = sent.iter().filter(|(kind, _)| *kind == Kind::NetworkOutput);
        assert_eq!(ethernet.count(), FRAMES);
        outbox.log("y");
        let waiting = outbox.lock().take();
        assert!(String::from_utf8_lossy(&waiting[0]).contains("256 events were lost"));
    }
}
