//! Packets to and fro on an open channel.

use super::{FakeGuest, GuestChannel, GuestPacket, GuestRings, HostPacket, Wrote};

impl FakeGuest {
    /// Sends bytes in-band, and asks for a completion: the packet's number.
    ///
    /// # Panics
    /// When the ring is full.
    pub fn write(&mut self, channel: GuestChannel, payload: &[u8]) -> u64 {
        let transaction = self.transaction();
        self.write_packet(channel, &GuestPacket::in_band(transaction, payload));
        transaction
    }

    /// Sends bytes and ranges of memory, and asks for a completion: the packet's number.
    ///
    /// # Panics
    /// When the ring is full.
    pub fn write_data(
        &mut self,
        channel: GuestChannel,
        ranges: &[(u32, u32, Vec<u64>)],
        payload: &[u8],
    ) -> u64 {
        let transaction = self.transaction();
        let packet = GuestPacket::gpa_direct(transaction, ranges, payload);
        self.write_packet(channel, &packet);
        transaction
    }

    /// Completes a packet of the host.
    ///
    /// # Panics
    /// When the ring is full.
    pub fn complete(&mut self, channel: GuestChannel, transaction: u64, payload: &[u8]) {
        self.write_packet(channel, &GuestPacket::completion(transaction, payload));
    }

    /// Sends a packet, and handles what comes of it.
    ///
    /// # Panics
    /// When the ring is full.
    pub fn write_packet(&mut self, channel: GuestChannel, packet: &GuestPacket) {
        assert!(self.try_write(channel, packet), "the guest's ring is full");
        self.pump();
    }

    /// Sends a packet if there is room for it, and signals if that is needed.
    pub fn try_write(&mut self, channel: GuestChannel, packet: &GuestPacket) -> bool {
        match self.rings(channel).write(packet) {
            Wrote::Quietly => true,
            Wrote::Signal => {
                self.signal(channel.relid);
                true
            }
            Wrote::NoRoom => false,
        }
    }

    /// Sends bytes in-band: the payload of the completion.
    ///
    /// # Panics
    /// When there is no completion.
    pub fn request(&mut self, channel: GuestChannel, payload: &[u8]) -> Vec<u8> {
        let transaction = self.write(channel, payload);
        self.completion(channel, transaction)
    }

    /// The payload of the completion of a packet.
    ///
    /// # Panics
    /// When it has not come.
    pub fn completion(&mut self, channel: GuestChannel, transaction: u64) -> Vec<u8> {
        let completion = self.try_completion(channel, transaction);
        completion.unwrap_or_else(|| panic!("packet {transaction} was not completed"))
    }

    /// The payload of the completion of a packet, if it has come.
    pub fn try_completion(&mut self, channel: GuestChannel, transaction: u64) -> Option<Vec<u8>> {
        let inbox = self.inbox(channel);
        let index = inbox
            .iter()
            .position(|packet| packet.kind == 11 && packet.transaction == transaction)?;
        Some(inbox.remove(index).payload)
    }

    /// The packets that have come and are no completions.
    pub fn packets(&mut self, channel: GuestChannel) -> Vec<HostPacket> {
        let inbox = self.inbox(channel);
        let all = std::mem::take(inbox);
        let (completions, others) = all.into_iter().partition(|packet| packet.kind == 11);
        *inbox = completions;
        others
    }

    /// Signals the host, as the offer says. Linux does not look at the status.
    pub fn signal(&mut self, relid: u32) {
        if let Some(offer) = self.offers.get(&relid) {
            let _status = self.bus.signal_event(offer.connection, 0, self.now);
        }
    }

    /// The rings of an open channel, for tests of the rings themselves.
    ///
    /// # Panics
    /// When it is not open.
    pub fn rings(&mut self, channel: GuestChannel) -> &mut GuestRings {
        &mut self.driver(channel).rings
    }

    /// A number that no packet had before.
    pub fn transaction(&mut self) -> u64 {
        self.next_transaction += 1;
        self.next_transaction
    }

    fn inbox(&mut self, channel: GuestChannel) -> &mut Vec<HostPacket> {
        &mut self.driver(channel).inbox
    }

    fn driver(&mut self, channel: GuestChannel) -> &mut super::channel::Driver {
        let driver = self.channels.get_mut(&channel.relid);
        driver.expect("the guest has opened the channel")
    }
}
