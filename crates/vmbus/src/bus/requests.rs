//! What a guest on the bus asks for: memory lent and taken back, channels opened and closed.

use super::channel::{OfferedChannel, Slot};
use super::gpadl::{BadGpadl, Progress};
use super::link::Link;
use super::{Bus, BusEvent};
use crate::device::Now;
use crate::protocol::{
    ConnectedRequest, GpadlBody, GpadlHeader, OpenRequest, Response, STATUS_SUCCESS,
    STATUS_UNSUCCESSFUL, Version,
};
use crate::ring::RingPair;
use crate::synic::{HvStatus, Synic};

impl Bus {
    /// A message that only a guest on the bus may post.
    pub(super) fn request(
        &mut self,
        connection: u32,
        request: ConnectedRequest<'_>,
        now: Now,
    ) -> HvStatus {
        let Some(version) = self.connection.version() else {
            return HvStatus::InvalidParameter;
        };
        if connection != version.connection() {
            return HvStatus::InvalidConnectionId;
        }
        if self.outbox.is_full() {
            return HvStatus::InsufficientBuffers;
        }
        match request {
            ConnectedRequest::RequestOffers => self.request_offers(),
            ConnectedRequest::GpadlHeader(header) => self.gpadl_header(&header),
            ConnectedRequest::GpadlBody(body) => self.gpadl_body(&body),
            ConnectedRequest::GpadlTeardown { relid, gpadl } => self.gpadl_teardown(relid, gpadl),
            ConnectedRequest::Open(open) => self.open_channel(open, now),
            ConnectedRequest::Close { relid } => self.close(relid),
            ConnectedRequest::RelidReleased { relid } => self.release(relid),
            ConnectedRequest::ModifyChannel { relid, target_vp } => {
                self.modify(version, relid, target_vp)
            }
            // Nobody listens; Linux gives up when no channel is offered in time.
            ConnectedRequest::SocketConnect => HvStatus::Success,
        }
    }

    fn gpadl_header(&mut self, header: &GpadlHeader<'_>) -> HvStatus {
        let known = self.told(header.relid);
        let free = known.is_some_and(|channel| !channel.lent.has(header.gpadl));
        let progress = match free {
            true => self.unfinished.begin(header),
            false => Err(BadGpadl),
        };
        self.gpadl_progress(header.relid, header.gpadl, progress);
        HvStatus::Success
    }

    fn gpadl_body(&mut self, body: &GpadlBody<'_>) -> HvStatus {
        let Some((relid, progress)) = self.unfinished.go_on(body) else {
            return HvStatus::InvalidParameter;
        };
        self.gpadl_progress(relid, body.gpadl, progress);
        HvStatus::Success
    }

    fn gpadl_progress(&mut self, relid: u32, gpadl: u32, progress: Result<Progress, BadGpadl>) {
        let created = match progress {
            Ok(Progress::Unfinished) => return,
            Ok(Progress::Whole { relid, ranges }) => {
                let memory = self.synic.shared_memory();
                let channel = self.channel_mut(relid).ok_or(BadGpadl);
                channel.and_then(|channel| channel.lent.add(&*memory, gpadl, ranges))
            }
            Err(bad) => Err(bad),
        };
        let status = status_of(created.is_ok());
        self.send(Response::GpadlCreated {
            relid,
            gpadl,
            status,
        });
    }

    /// The guest takes memory back. It is always answered, since Linux waits for ever; if the
    /// channel's rings were in it, the channel is closed.
    fn gpadl_teardown(&mut self, relid: u32, gpadl: u32) -> HvStatus {
        self.unfinished.forget(relid, gpadl);
        if let Some(channel) = self.channel_mut(relid) {
            channel.lent.remove(gpadl);
            if channel.link().is_some_and(|link| link.ring_gpadl == gpadl) {
                self.close_channel(relid);
            }
        }
        self.send(Response::GpadlTornDown { gpadl });
        HvStatus::Success
    }

    fn open_channel(&mut self, request: OpenRequest, now: Now) -> HvStatus {
        let link = self.make_link(&request);
        self.send(Response::OpenResult {
            relid: request.relid,
            open_id: request.open_id,
            status: status_of(link.is_some()),
        });
        if let Some(link) = link {
            self.start_channel(request.relid, link, now);
        }
        HvStatus::Success
    }

    /// What the channel needs to be open, if the guest asks for something that can be had.
    fn make_link(&self, request: &OpenRequest) -> Option<Link> {
        let channel = self.told(request.relid)?;
        if !channel.is_closed() || !self.synic.has(request.target_vp) {
            return None;
        }
        let [range] = channel.lent.get(request.ring_gpadl)? else {
            return None;
        };
        let memory = self.synic.shared_memory();
        let rings = RingPair::open(memory, range, request.host_to_guest_page).ok()?;
        Some(Link::new(rings, request.ring_gpadl, request.target_vp))
    }

    fn start_channel(&mut self, relid: u32, link: Link, now: Now) {
        let vp = link.vp;
        self.work(relid, |channel, synic, events| {
            let id = channel.id;
            events.push(BusEvent::Opened { channel: id, vp });
            channel.open(synic, link, now)
        });
    }

    /// Lets a channel's device work; one that gives up rests.
    pub(super) fn work(
        &mut self,
        relid: u32,
        work: impl FnOnce(&mut OfferedChannel, &Synic, &mut super::events::Events) -> Result<(), String>,
    ) {
        let Some(channel) = self.slots.get_mut(&relid).and_then(Slot::taken_mut) else {
            return;
        };
        if let Err(why) = work(channel, &self.synic, &mut self.events) {
            let channel = channel.id;
            self.events.push(BusEvent::Rested { channel, why });
        }
    }

    fn close(&mut self, relid: u32) -> HvStatus {
        match self.slots.get(&relid) {
            Some(Slot::Rescinded) => HvStatus::Success,
            Some(Slot::Taken(channel)) if channel.told => {
                self.close_channel(relid);
                HvStatus::Success
            }
            Some(Slot::Taken(_)) | None => HvStatus::InvalidParameter,
        }
    }

    fn close_channel(&mut self, relid: u32) {
        if let Some(channel) = self.channel_mut(relid)
            && channel.close()
        {
            let channel = channel.id;
            self.events.push(BusEvent::Closed { channel });
        }
    }

    fn release(&mut self, relid: u32) -> HvStatus {
        match self.slots.get(&relid) {
            Some(Slot::Rescinded) => {
                self.slots.remove(&relid);
                HvStatus::Success
            }
            Some(Slot::Taken(_)) | None => HvStatus::InvalidParameter,
        }
    }

    /// The guest moves a channel's interrupt. Guests of 4.1 to 5.2 get no answer.
    fn modify(&mut self, version: Version, relid: u32, vp: u32) -> HvStatus {
        if version < Version::V4_1 {
            return HvStatus::InvalidParameter;
        }
        let slot = self.slots.get_mut(&relid).and_then(Slot::taken_mut);
        let link = slot.and_then(OfferedChannel::link_mut);
        let moved = match link {
            Some(link) if self.synic.has(vp) => {
                link.vp = vp;
                // What the old processor could not hear, the new one may.
                link.hear(&self.synic, relid);
                true
            }
            Some(_) | None => false,
        };
        if version < Version::V5_3 {
            return match moved {
                true => HvStatus::Success,
                false => HvStatus::InvalidParameter,
            };
        }
        self.send(Response::ModifyResult {
            relid,
            status: status_of(moved),
        });
        HvStatus::Success
    }
}

fn status_of(worked: bool) -> u32 {
    match worked {
        true => STATUS_SUCCESS,
        false => STATUS_UNSUCCESSFUL,
    }
}
