//! One open channel to the host: a descriptor, a decoder, and what waits to be sent.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use detente_plan::protocol::{AgentMessage, Channel, Decoder, HostMessage, encode};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::outbox::Outbox;

/// A channel that is open.
#[derive(Debug)]
pub(crate) struct Link {
    /// Which of the two.
    pub(crate) channel: Channel,
    /// Whether the host has answered our hello with the right names.
    pub(crate) welcomed: bool,
    /// Whether there is a host at the other end, as far as we can tell.
    awake: bool,
    fd: OwnedFd,
    decoder: Decoder,
    outbox: Outbox,
}

impl Link {
    /// A channel over a descriptor that does not block.
    pub(crate) fn new(channel: Channel, fd: OwnedFd) -> Self {
        Self {
            channel,
            welcomed: false,
            awake: true,
            fd,
            decoder: Decoder::new(),
            outbox: Outbox::default(),
        }
    }

    /// Puts a message in line; one that cannot be framed is dropped.
    pub(crate) fn send(&mut self, message: &AgentMessage) {
        let Ok(frame) = encode(message) else { return };
        if matches!(message, AgentMessage::Heartbeat { .. }) {
            self.outbox.push_heartbeat(frame);
        } else {
            self.outbox.push(frame);
        }
    }

    /// Puts a frame in line that another channel could not send.
    pub(crate) fn send_frame(&mut self, frame: Vec<u8>) {
        self.outbox.push(frame);
    }

    /// The frames that have not left.
    pub(crate) fn take_unsent(&mut self) -> Vec<Vec<u8>> {
        self.outbox.take()
    }

    /// Whether bytes wait to be sent.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Whether there is a host at the other end, as far as we can tell.
    pub(crate) fn is_awake(&self) -> bool {
        self.awake
    }

    /// Looks whether the host has hung up (a virtio port tells, a serial port does not). A host
    /// that comes back must welcome us again. Says whether it has just gone.
    pub(crate) fn notice_host(&mut self) -> bool {
        let mut fds = [PollFd::new(&self.fd, PollFlags::IN)];
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let there = match poll(&mut fds, Some(&now)) {
            Ok(_) => fds.iter().all(|fd| !fd.revents().contains(PollFlags::HUP)),
            Err(_) => self.awake,
        };
        let gone = self.awake && !there;
        self.awake = there;
        self.welcomed &= there;
        gone
    }

    /// Sends what the channel takes now.
    ///
    /// # Errors
    /// The channel is broken.
    pub(crate) fn write(&mut self) -> io::Result<()> {
        // Bounded by what waits: each turn takes bytes off the outbox or ends.
        while !self.outbox.is_empty() {
            match rustix::io::write(&self.fd, self.outbox.next()) {
                Ok(0) | Err(Errno::AGAIN) => return Ok(()),
                Ok(bytes) => self.outbox.advance(bytes),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Reads what is there now; payloads that are no messages are dropped.
    ///
    /// # Errors
    /// The channel is broken.
    pub(crate) fn read(&mut self) -> io::Result<Vec<HostMessage>> {
        let mut messages = Vec::new();
        let mut buffer = [0; 4096];
        // Bounded, so that a host that never stops cannot keep us from everything else.
        for _ in 0..64 {
            match rustix::io::read(&self.fd, &mut buffer) {
                Ok(0) | Err(Errno::AGAIN) => break,
                Ok(bytes) => {
                    let payloads = self.decoder.push(buffer.get(..bytes).unwrap_or_default());
                    messages.extend(
                        payloads
                            .iter()
                            .filter_map(|json| serde_json::from_slice(json).ok()),
                    );
                }
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(messages)
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    use detente_plan::protocol::{AgentMessage, Channel, Decoder, HostMessage, Phase, encode};

    use super::Link;

    /// A channel and the host's end of it.
    fn pair() -> (Link, UnixStream) {
        let (ours, hosts) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        (Link::new(Channel::Serial, OwnedFd::from(ours)), hosts)
    }

    fn beat(sequence: u64) -> AgentMessage {
        AgentMessage::Heartbeat {
            sequence,
            phase: Phase::Root,
            uptime_ms: 1,
        }
    }

    #[test]
    fn messages_are_heard_between_noise_and_unknown_ones() {
        let (mut link, mut host) = pair();
        host.write_all(b"noise").unwrap();
        host.write_all(&encode(&"no message").unwrap()).unwrap();
        host.write_all(&encode(&HostMessage::Leave).unwrap())
            .unwrap();
        assert_eq!(link.read().unwrap(), [HostMessage::Leave]);
        assert_eq!(link.read().unwrap(), []);
    }

    #[test]
    fn what_is_sent_arrives() {
        let (mut link, mut host) = pair();
        link.send(&beat(7));
        link.write().unwrap();
        assert!(!link.is_waiting());
        let mut bytes = [0; 4096];
        let len = host.read(&mut bytes).unwrap();
        let payloads = Decoder::new().push(&bytes[..len]);
        assert_eq!(
            serde_json::from_slice::<AgentMessage>(&payloads[0]).unwrap(),
            beat(7)
        );
    }

    #[test]
    fn a_host_that_does_not_read_costs_no_time() {
        let (mut link, _host) = pair();
        let reason = "x".repeat(500_000);
        for task_id in 0..20 {
            let reason = reason.clone();
            link.send(&AgentMessage::TaskFailed {
                task_id,
                reason,
                timed_out: false,
            });
            link.write().unwrap();
        }
        assert!(link.is_waiting());
        assert!(link.take_unsent().len() <= 4, "bounded by the outbox");
    }

    #[test]
    fn a_host_that_has_gone_is_noticed() {
        let (mut link, host) = pair();
        link.welcomed = true;
        assert!(!link.notice_host());
        drop(host);
        assert!(link.notice_host());
        assert!(!link.welcomed && !link.is_awake());
        assert!(!link.notice_host(), "it goes only once");
    }
}
