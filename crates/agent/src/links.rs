//! The channels together: which are open, and which of them carries what we say.

use std::os::fd::AsFd as _;
use std::process::ChildStdout;
use std::time::Duration;

use detente_plan::protocol::{AgentMessage, Channel, HostMessage};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::channel::Link;
use crate::serial;
use crate::virtio_port;

/// Beats between two hellos on a channel that nobody has answered yet: the host may have come
/// after the first one.
const BEATS_BETWEEN_HELLOS: u32 = 5;

/// The serial port and the fast path, as far as they are open.
#[derive(Debug)]
pub(crate) struct Links {
    hello: AgentMessage,
    /// At most one of each kind.
    open: Vec<Link>,
    beats: u32,
}

impl Links {
    /// None open yet; `hello` is the first thing that goes out on each.
    pub(crate) fn new(hello: AgentMessage) -> Self {
        Self {
            hello,
            open: Vec::new(),
            beats: 0,
        }
    }

    /// Opens what can be opened now, and says hello where nobody has answered.
    pub(crate) fn open_missing(&mut self) {
        let again = self.beats.is_multiple_of(BEATS_BETWEEN_HELLOS);
        self.beats = self.beats.wrapping_add(1);
        for link in self
            .open
            .iter_mut()
            .filter(|link| again && !link.welcomed && !link.is_waiting())
        {
            link.send(&self.hello);
        }
        for channel in [Channel::Serial, Channel::VirtioPort] {
            if self.open.iter().any(|link| link.channel == channel) {
                continue;
            }
            let opened = match channel {
                Channel::Serial => serial::open(),
                Channel::VirtioPort => virtio_port::open(),
            };
            if let Ok(fd) = opened {
                let mut link = Link::new(channel, fd);
                link.send(&self.hello);
                self.open.push(link);
            }
        }
    }

    /// Says something on the best channel; with none open it is lost, and the host sees by the
    /// silence that something is wrong.
    pub(crate) fn send(&mut self, message: &AgentMessage) {
        if let Some(link) = self.best_mut() {
            link.send(message);
        }
    }

    /// Says several things.
    pub(crate) fn send_all(&mut self, messages: impl IntoIterator<Item = AgentMessage>) {
        for message in messages {
            self.send(&message);
        }
    }

    /// Notes whether the host on a channel is ours.
    pub(crate) fn welcome(&mut self, channel: Channel, ours: bool) {
        for link in self.open.iter_mut().filter(|link| link.channel == channel) {
            link.welcomed = ours;
        }
    }

    /// Whether the host on a channel is ours.
    pub(crate) fn is_welcomed(&self, channel: Channel) -> bool {
        self.open
            .iter()
            .any(|link| link.channel == channel && link.welcomed)
    }

    /// The fast path once it is welcomed, else the serial port.
    pub(crate) fn best(&self) -> Option<&Link> {
        self.open.get(self.best_at()?)
    }

    fn best_mut(&mut self) -> Option<&mut Link> {
        let at = self.best_at()?;
        self.open.get_mut(at)
    }

    fn best_at(&self) -> Option<usize> {
        let fast = |link: &Link| link.channel == Channel::VirtioPort && link.welcomed;
        let fast = self.open.iter().position(fast);
        fast.or_else(|| {
            self.open
                .iter()
                .position(|link| link.channel == Channel::Serial)
        })
    }

    /// Whether nothing waits to be sent.
    pub(crate) fn are_idle(&self) -> bool {
        self.best().is_none_or(|link| !link.is_waiting())
    }

    /// Sends and receives what is possible now. A channel that breaks is closed, and what
    /// waited on it goes to the best of the others.
    pub(crate) fn exchange(&mut self) -> Vec<(Channel, HostMessage)> {
        let mut heard = Vec::new();
        let mut unsent = Vec::new();
        self.open.retain_mut(|link| {
            let received = link.write().and_then(|()| link.read());
            match received {
                Ok(messages) => {
                    heard.extend(messages.into_iter().map(|message| (link.channel, message)));
                    true
                }
                Err(_) => {
                    unsent.append(&mut link.take_unsent());
                    false
                }
            }
        });
        self.send_frames(unsent);
        heard
    }

    fn send_frames(&mut self, frames: Vec<Vec<u8>>) {
        if let Some(link) = self.best_mut() {
            for frame in frames {
                link.send_frame(frame);
            }
        }
    }

    /// Sleeps until there is something to do, at most `limit`.
    pub(crate) fn wait<'a>(
        &mut self,
        pipes: impl Iterator<Item = &'a ChildStdout>,
        limit: Duration,
    ) {
        let mut deserted = false;
        let mut fds: Vec<PollFd<'_>> = self
            .open
            .iter()
            .filter(|link| link.is_awake())
            .map(wish)
            .collect();
        fds.extend(pipes.map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        let limit = Timespec {
            tv_sec: i64::try_from(limit.as_secs()).unwrap_or(1),
            tv_nsec: i64::from(limit.subsec_nanos()),
        };
        // An interrupted sleep is a short one.
        let _ = poll(&mut fds, Some(&limit));
        drop(fds);
        for link in &mut self.open {
            deserted |= link.notice_host();
        }
        if deserted {
            let unsent = self
                .open
                .iter_mut()
                .filter(|link| !link.is_awake())
                .flat_map(Link::take_unsent);
            let unsent = unsent.collect();
            self.send_frames(unsent);
        }
    }
}

fn wish(link: &Link) -> PollFd<'_> {
    let out = if link.is_waiting() {
        PollFlags::OUT
    } else {
        PollFlags::empty()
    };
    PollFd::from_borrowed_fd(link.as_fd(), PollFlags::IN | out)
}
