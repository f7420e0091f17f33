//! The adapter: takes packets off the channel, and puts frames and answers on it.

use std::collections::VecDeque;

use super::data::{self, BadFrame};
use super::filter::Filter;
use super::gather::gather;
use super::handle::{Handle, Link, Stage, count};
use super::lent::{ReceiveBuffer, SendBuffer};
use super::nvsp::{self, Content, Message, Section, Status};
use super::oid::{self, Adapter, Change};
use super::options::{NvspVersion, Options};
use super::outbox::Outbox;
use super::rndis::{self, Request};
use crate::device::{Channel, Device, DeviceError, Now, Offer, Sent};
use crate::guid::Guid;
use crate::packet::{Packet, PacketKind};

const CLASS: Guid = Guid::new(0xf861_5163_df3e_46c5_913f_f2d2_f965_ed0e);
/// The offer's flag "enumerate device interface", as Hyper-V's own.
const OFFER_FLAGS: u16 = 1;

/// How many packets are taken before others have their turn.
const PACKETS_IN_A_TURN: usize = 256;
/// How many frames one packet of ours carries at most.
const FRAMES_IN_A_PACKET: usize = 16;
/// More answers do not wait for a guest that does not read them.
const ANSWERS_LIMIT: usize = 64;

/// The adapter, on the bus.
#[derive(Debug)]
pub struct Netvsc {
    options: Options,
    handle: Handle,
    version: Option<NvspVersion>,
    receive: Option<ReceiveBuffer>,
    send: Option<SendBuffer>,
    rndis: Rndis,
    answers: VecDeque<Vec<u8>>,
    outbox: Outbox,
    transactions: u64,
}

/// How far RNDIS is.
#[derive(Debug, Clone, Copy)]
enum Rndis {
    Down,
    Up { filter: Filter, told: Link },
}

impl Rndis {
    fn filter(self) -> Filter {
        match self {
            Self::Down => Filter::default(),
            Self::Up { filter, .. } => filter,
        }
    }
}

impl Netvsc {
    pub(super) fn new(options: Options, handle: Handle) -> Self {
        Self {
            options,
            handle,
            version: None,
            receive: None,
            send: None,
            rndis: Rndis::Down,
            answers: VecDeque::new(),
            outbox: Outbox::default(),
            transactions: 0,
        }
    }

    /// Nothing of the guest that was there is left.
    fn forget(&mut self, stage: Stage) {
        self.version = None;
        self.receive = None;
        self.send = None;
        self.rndis = Rndis::Down;
        self.answers.clear();
        self.outbox.clear();
        let mut shared = self.handle.lock();
        shared.stage = stage;
        shared.drop_waiting();
    }

    fn serve(&mut self, channel: &mut dyn Channel) -> Result<(), DeviceError> {
        for _ in 0..PACKETS_IN_A_TURN {
            if self.send_all(channel)? == Sent::Full {
                return Ok(());
            }
            let Some(packet) = channel.receive()? else {
                return Ok(());
            };
            self.take(channel, &packet)?;
            self.handle.lock().stage = self.stage();
        }
        // What the last packet asked for; the bus comes back for the rest.
        self.send_all(channel).map(|_| ())
    }

    fn stage(&self) -> Stage {
        match (self.version, self.rndis) {
            (None, _) => Stage::Opened,
            (Some(version), Rndis::Down) => Stage::Negotiated(version),
            (Some(version), Rndis::Up { filter, .. }) if filter.is_open() => {
                Stage::Running(version)
            }
            (Some(version), Rndis::Up { .. }) => Stage::Initialized(version),
        }
    }

    /// Sends what there is room for: first what is left, then answers, then frames.
    fn send_all(&mut self, channel: &mut dyn Channel) -> Result<Sent, DeviceError> {
        self.notice_link();
        loop {
            if self.outbox.flush(channel)? == Sent::Full {
                return Ok(Sent::Full);
            }
            if !self.put_answer(channel)? && !self.put_frames(channel)? {
                return Ok(Sent::Done);
            }
        }
    }

    /// The guest is told when the cable is not as it was told.
    fn notice_link(&mut self) {
        let link = self.handle.lock().link;
        let Rndis::Up { told, .. } = &mut self.rndis else {
            return;
        };
        if *told != link && self.answers.len() < ANSWERS_LIMIT {
            *told = link;
            self.answers.push_back(rndis::link_changed(link));
        }
    }

    /// Puts an answer into the receive buffer, if one waits and there is room.
    fn put_answer(&mut self, channel: &dyn Channel) -> Result<bool, DeviceError> {
        let (Some(buffer), Some(answer)) = (&mut self.receive, self.answers.front()) else {
            return Ok(false);
        };
        let Some(piece) = buffer.sections.take_for_control() else {
            return Ok(false);
        };
        let range = buffer.fill(channel, piece, answer)?;
        self.answers.pop_front();
        self.deliver(Content::Control, vec![piece], vec![range]);
        Ok(true)
    }

    /// Puts frames into the receive buffer, if some wait and there is room.
    fn put_frames(&mut self, channel: &dyn Channel) -> Result<bool, DeviceError> {
        let filter = self.rndis.filter();
        let Some(buffer) = self.receive.as_mut().filter(|_| filter.is_open()) else {
            self.handle.lock().drop_waiting();
            return Ok(false);
        };
        let (mut pieces, mut ranges) = (Vec::new(), Vec::new());
        while pieces.len() < FRAMES_IN_A_PACKET {
            let mut shared = self.handle.lock();
            let Some(frame) = shared.to_guest.front() else {
                break;
            };
            if !filter.wants(frame, self.options.mac) {
                shared.to_guest.pop_front();
                count(&mut shared.counters.receive_dropped);
                continue;
            }
            let Some(piece) = buffer.sections.take_for_frame() else {
                break;
            };
            let message = data::message_of(frame);
            shared.to_guest.pop_front();
            count(&mut shared.counters.received);
            drop(shared);
            ranges.push(buffer.fill(channel, piece, &message)?);
            pieces.push(piece);
        }
        let some = !pieces.is_empty();
        if some {
            self.deliver(Content::Data, pieces, ranges);
        }
        Ok(some)
    }

    fn deliver(&mut self, content: Content, pieces: Vec<u32>, ranges: Vec<(u32, u32)>) {
        self.transactions = self.transactions.wrapping_add(1);
        if let Some(buffer) = &mut self.receive {
            buffer.sections.send(self.transactions, pieces);
            self.outbox
                .deliver(self.transactions, buffer.id, content, ranges);
        }
    }

    fn take(&mut self, channel: &dyn Channel, packet: &Packet) -> Result<(), DeviceError> {
        if packet.kind == PacketKind::Completion {
            if let Some(buffer) = &mut self.receive {
                buffer.sections.complete(packet.transaction);
            }
            return Ok(());
        }
        let message = Message::parse(&packet.payload)
            .ok_or_else(|| broken("an NVSP message is cut off".to_owned()))?;
        let answer = self.message(channel, packet, message)?;
        if packet.wants_completion {
            self.outbox.complete(packet.transaction, answer);
        }
        Ok(())
    }

    /// Does what a message asks: the answer, which is empty where none is defined.
    fn message(
        &mut self,
        channel: &dyn Channel,
        packet: &Packet,
        message: Message,
    ) -> Result<Vec<u8>, DeviceError> {
        if self.version.is_none() && !matches!(message, Message::Init { .. }) {
            return Err(broken(format!("{message:?} before a version")));
        }
        match message {
            Message::Init { newest, .. } => Ok(self.negotiate(newest)),
            Message::Introduction | Message::SwitchDataPath => Ok(Vec::new()),
            Message::ReceiveBuffer { gpadl, id } => Ok(self.lend_receive(channel, gpadl, id)),
            Message::SendBuffer { gpadl, id } => Ok(self.lend_send(channel, gpadl, id)),
            Message::RevokeReceiveBuffer { id } => {
                // Nothing waits in the outbox: it was emptied before this message was taken.
                if self.receive.as_ref().is_some_and(|buffer| buffer.id == id) {
                    self.receive = None;
                    self.answers.clear();
                }
                Ok(Vec::new())
            }
            Message::RevokeSendBuffer { id } => {
                self.send.take_if(|buffer| buffer.id == id);
                Ok(Vec::new())
            }
            Message::Rndis { content, section } => {
                let status = self.rndis(channel, &packet.kind, content, section)?;
                if status != Status::Success {
                    count(&mut self.handle.lock().counters.refused);
                }
                Ok(nvsp::rndis_complete(status))
            }
            Message::SubChannels => Ok(nvsp::sub_channels_refused()),
            Message::Other(_) => {
                count(&mut self.handle.lock().counters.refused);
                Ok(Vec::new())
            }
        }
    }

    /// Linux asks for one version at a time, the newest first.
    fn negotiate(&mut self, asked: u32) -> Vec<u8> {
        let status = match (self.version, nvsp::judge(asked, self.options.newest)) {
            (None, Ok(version)) => {
                self.version = Some(version);
                Status::Success
            }
            (None, Err(status)) => status,
            (Some(_), _) => Status::Failure,
        };
        nvsp::init_complete(asked, status)
    }

    fn lend_receive(&mut self, channel: &dyn Channel, gpadl: u32, id: u16) -> Vec<u8> {
        let lent = match self.receive {
            None => ReceiveBuffer::new(channel, gpadl, id),
            Some(_) => None,
        };
        let pieces = lent.map(|(buffer, pieces)| {
            self.receive = Some(buffer);
            pieces
        });
        nvsp::receive_buffer_complete(pieces)
    }

    fn lend_send(&mut self, channel: &dyn Channel, gpadl: u32, id: u16) -> Vec<u8> {
        let lent = match self.send {
            None => SendBuffer::new(channel, gpadl, id),
            Some(_) => None,
        };
        let status = match lent {
            Some(_) => Status::Success,
            None => Status::Failure,
        };
        self.send = self.send.or(lent);
        nvsp::send_buffer_complete(status)
    }

    /// RNDIS messages, one behind the other.
    fn rndis(
        &mut self,
        channel: &dyn Channel,
        kind: &PacketKind,
        content: Content,
        section: Option<Section>,
    ) -> Result<Status, DeviceError> {
        if self.receive.is_none() {
            return Ok(Status::Failure);
        }
        let Some(bytes) = gather(channel, kind, self.send, section)? else {
            return Ok(Status::InvalidRndisPacket);
        };
        let mut rest = bytes.as_slice();
        let mut status = Status::Success;
        while !rest.is_empty() {
            let Some((message, behind)) = rndis::split(rest) else {
                return Ok(Status::InvalidRndisPacket);
            };
            let taken = match content {
                Content::Data => self.frame(message).is_ok(),
                Content::Control => self.control(message)?,
            };
            if !taken {
                status = Status::InvalidRndisPacket;
            }
            rest = behind;
        }
        Ok(status)
    }

    /// A frame of the guest. Those beside a bad one are sent all the same.
    fn frame(&mut self, message: &[u8]) -> Result<(), BadFrame> {
        let is_packet = super::fields::u32_at(message, 0) == Some(data::PACKET);
        match self.rndis {
            Rndis::Up { .. } if is_packet => {}
            Rndis::Up { .. } | Rndis::Down => return Err(BadFrame::Malformed),
        }
        let frame = data::frame_of(message)?;
        self.handle.lock().sent(frame);
        Ok(())
    }

    /// A request of the guest. Whether it was one.
    fn control(&mut self, message: &[u8]) -> Result<bool, DeviceError> {
        let Some(request) = Request::parse(message) else {
            return Ok(false);
        };
        let Some(answer) = self.answer(request) else {
            return Ok(true);
        };
        if self.answers.len() >= ANSWERS_LIMIT {
            return Err(broken(format!(
                "{ANSWERS_LIMIT} answers wait for room in the receive buffer"
            )));
        }
        self.answers.push_back(answer);
        Ok(true)
    }

    fn answer(&mut self, request: Request<'_>) -> Option<Vec<u8>> {
        let link = self.handle.lock().link;
        Some(match request {
            Request::Initialize { id } => {
                self.rndis = Rndis::Up {
                    filter: Filter::default(),
                    told: link,
                };
                rndis::initialize_complete(id)
            }
            Request::Halt => {
                self.rndis = Rndis::Down;
                return None;
            }
            Request::Query { id, oid, input } => {
                let adapter = Adapter {
                    mac: self.options.mac,
                    link,
                    filter: self.rndis.filter(),
                };
                rndis::query_complete(id, adapter.query(oid, input))
            }
            Request::Set { id, oid, value } => rndis::set_complete(id, self.set(oid, value)),
            Request::Reset => rndis::reset_complete(),
            Request::KeepAlive { id } => rndis::keep_alive_complete(id),
        })
    }

    /// The status of a change.
    fn set(&mut self, oid: u32, value: &[u8]) -> u32 {
        match (oid::set(oid, value), &mut self.rndis) {
            (Err(status), _) => status,
            (Ok(Change::Nothing), _) => rndis::SUCCESS,
            (Ok(Change::Filter(new)), Rndis::Up { filter, .. }) => {
                *filter = new;
                rndis::SUCCESS
            }
            (Ok(Change::Filter(_)), Rndis::Down) => rndis::NOT_SUPPORTED,
        }
    }
}

fn broken(rule: String) -> DeviceError {
    DeviceError::Protocol { rule }
}

impl Device for Netvsc {
    fn offer(&self) -> Offer {
        Offer {
            class: CLASS,
            instance: self.options.instance,
            flags: OFFER_FLAGS,
            mmio_mib: 0,
            user_data: [0; 120],
        }
    }

    fn opened(&mut self, _: &mut dyn Channel, _: Now) -> Result<(), DeviceError> {
        self.forget(Stage::Opened);
        Ok(())
    }

    fn closed(&mut self) {
        self.forget(Stage::Closed);
    }

    fn service(&mut self, channel: &mut dyn Channel, _: Now) -> Result<(), DeviceError> {
        self.serve(channel)
    }
}
