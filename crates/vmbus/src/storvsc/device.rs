//! The device: takes requests off the channel, one by one, and answers them.

use std::time::Duration;

use super::buffer::Buffer;
use super::command::{self, Command};
use super::handle::Handle;
use super::inquiry;
use super::outcome::Outcome;
use super::place::{Address, Role};
use super::sense::Sense;
use super::session::{Session, Step};
use super::unit::{Job, answer};
use super::units::Shared;
use super::wire::{NtStatus, Operation, Reply, Request, Srb};
use crate::device::{Channel, Device, DeviceError, Now, Offer, Sent};
use crate::memory::GuestMemory;
use crate::packet::{Outgoing, OutgoingKind, Packet, PacketKind};

/// How many requests are answered before others have their turn.
const REQUESTS_IN_A_TURN: usize = 64;

/// REPORT LUNS: units that are addressed, and all of them. Well-known ones (1) there are not.
const SELECT_ADDRESSED: u8 = 0;
const SELECT_WELL_KNOWN: u8 = 1;
const SELECT_ALL: u8 = 2;

/// A SCSI controller, or a disk of an IDE controller, on the bus.
pub struct Storvsc {
    role: Role,
    units: Shared,
    session: Session,
    /// An answer that the ring had no room for.
    unsent: Option<Answer>,
    scratch: Vec<u8>,
    /// There was more to do when the turn was over.
    again: Option<Duration>,
}

/// An answer, and to what.
#[derive(Debug, Clone, Copy)]
struct Answer {
    transaction: u64,
    reply: Reply,
}

impl Storvsc {
    pub(super) fn new(role: Role) -> (Self, Handle) {
        let units = Shared::new(role.unit_limit());
        let device = Self {
            role,
            units: units.clone(),
            session: Session::Begin,
            unsent: None,
            scratch: Vec::new(),
            again: None,
        };
        (device, Handle::new(units))
    }

    /// Sends what is left from the last time, and tells the guest to look if it has to.
    fn catch_up(&mut self, channel: &mut dyn Channel) -> Result<Sent, DeviceError> {
        if let Some(answer) = self.unsent {
            match channel.send(&answer.outgoing())? {
                Sent::Done => self.unsent = None,
                Sent::Full => return Ok(Sent::Full),
            }
        }
        if self.session == Session::Ready && self.units.lock().take_change() {
            let look = Answer {
                transaction: 0,
                reply: Reply::enumerate_bus(),
            };
            let packet = Outgoing {
                kind: OutgoingKind::InBand,
                ..look.outgoing()
            };
            if channel.send(&packet)? == Sent::Full {
                self.units.lock().keep_change();
                return Ok(Sent::Full);
            }
        }
        Ok(Sent::Done)
    }

    /// Does what a packet asks; gives the answer, if one is wanted.
    fn take(&mut self, packet: &Packet, memory: &dyn GuestMemory) -> Option<Answer> {
        match packet.kind {
            PacketKind::InBand | PacketKind::GpaDirect(_) => {}
            // We ask for nothing.
            PacketKind::Completion => return None,
        }
        let request = Request::new(&packet.payload);
        let reply = match (self.session, request.operation()) {
            (Session::Ready, Operation::ExecuteSrb(srb)) => {
                let outcome = match Buffer::new(memory, &packet.kind, &srb) {
                    Ok(buffer) => self.execute(&srb, &buffer),
                    Err(_) => Outcome::Malformed,
                };
                Reply::to_srb(&request, outcome)
            }
            (_, operation) => self.step(&request, operation),
        };
        packet.wants_completion.then_some(Answer {
            transaction: packet.transaction,
            reply,
        })
    }

    fn step(&mut self, request: &Request, operation: Operation) -> Reply {
        let step = self.session.step(operation);
        if operation == Operation::EndInitialization && self.session == Session::Ready {
            // The guest looks for units now, of its own accord.
            self.units.lock().take_change();
        }
        match step {
            Step::Status(status) => Reply::new(request, status),
            Step::Version(status, version) => {
                Reply::new(request, status).with(version.to_le_bytes())
            }
            Step::Properties => {
                // No sub-channels, no flags; the length at 12 of the content.
                let mut content = [0; 24];
                content[12..16].copy_from_slice(&super::MAX_TRANSFER_BYTES.to_le_bytes());
                Reply::new(request, NtStatus::Success).with(content)
            }
        }
    }

    fn execute(&mut self, srb: &Srb, buffer: &Buffer<'_>) -> Outcome {
        let command = command::parse(&srb.cdb, srb.cdb_bytes);
        if let Ok(Command::ReportLuns { select, room }) = command {
            let reported = self.report_luns(srb.address, select);
            return done(reported.map(|data| answer(buffer, &data, room)));
        }
        let lun = srb.address.lun;
        let unit = if self.role.reaches(srb.address) {
            self.units.lock().get(lun)
        } else {
            None
        };
        match (unit, command) {
            (Some(_), Err(sense)) => Outcome::Check(sense),
            (Some(unit), Ok(command)) => {
                let mut job = Job {
                    unit: &unit,
                    buffer,
                    scratch: &mut self.scratch,
                    failure: None,
                };
                let outcome = job.run(command);
                if let Some(failure) = job.failure {
                    self.units.lock().note_failure(lun, failure);
                }
                outcome
            }
            (None, Ok(Command::Inquiry { page, room })) => {
                done(inquiry::absent(page).map(|data| answer(buffer, &data, room)))
            }
            (None, _) => Outcome::Absent,
        }
    }

    /// The units, each in eight bytes, behind the length of the list.
    fn report_luns(&self, address: Address, select: u8) -> Result<Vec<u8>, Sense> {
        let listed = match select {
            SELECT_ADDRESSED | SELECT_ALL => self.role.lists(address),
            SELECT_WELL_KNOWN => false,
            _ => return Err(Sense::InvalidField),
        };
        let mut list = Vec::new();
        if listed {
            for lun in self.units.lock().numbers() {
                list.extend([0, lun, 0, 0, 0, 0, 0, 0]);
            }
        }
        let len = u32::try_from(list.len()).unwrap_or(0);
        let mut data = len.to_be_bytes().to_vec();
        data.extend([0; 4]);
        data.extend(list);
        Ok(data)
    }
}

/// The outcome of an answer that was given, or not.
fn done(answered: Result<Result<u32, Outcome>, Sense>) -> Outcome {
    match answered {
        Ok(Ok(moved)) => Outcome::Good { moved },
        Ok(Err(outcome)) => outcome,
        Err(sense) => Outcome::Check(sense),
    }
}

impl Answer {
    fn outgoing(&self) -> Outgoing<'_> {
        Outgoing {
            kind: OutgoingKind::Completion,
            transaction: self.transaction,
            wants_completion: false,
            payload: self.reply.bytes(),
        }
    }
}

impl Device for Storvsc {
    fn offer(&self) -> Offer {
        self.role.offer()
    }

    fn opened(&mut self, channel: &mut dyn Channel, now: Now) -> Result<(), DeviceError> {
        self.closed();
        self.service(channel, now)
    }

    fn closed(&mut self) {
        self.session = Session::Begin;
        self.unsent = None;
        self.again = None;
    }

    fn service(&mut self, channel: &mut dyn Channel, now: Now) -> Result<(), DeviceError> {
        self.again = None;
        for _ in 0..REQUESTS_IN_A_TURN {
            if self.catch_up(channel)? == Sent::Full {
                return Ok(());
            }
            let Some(packet) = channel.receive()? else {
                return Ok(());
            };
            self.unsent = self.take(&packet, channel.memory());
        }
        // The next turn comes as soon as others had theirs, or when there is room.
        if self.catch_up(channel)? == Sent::Done {
            self.again = Some(now.elapsed);
        }
        Ok(())
    }

    fn deadline(&self) -> Option<Duration> {
        self.again
    }
}
