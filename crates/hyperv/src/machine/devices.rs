//! The devices of a machine, and what reaches each of them.

use std::collections::BTreeMap;

use detente_machine::hyperv::{Controller, DiskConfig, MachineConfig, NetworkConfig};
use detente_vmbus::heartbeat::{self, HeartbeatHandle};
use detente_vmbus::keyboard::{self, KeyboardHandle};
use detente_vmbus::kvp::{self, KvpHandle};
use detente_vmbus::netvsc;
use detente_vmbus::shutdown::{self, ShutdownHandle};
use detente_vmbus::storvsc;
use detente_vmbus::time_sync::{self, TimeSyncHandle};
use detente_vmbus::vss::{self, VssHandle};
use detente_vmbus::{Bus, BusEvent, ChannelId, Device, Guid, Offer};

use super::bus::SharedBus;
use super::error::MachineError;
use super::storage;

/// The SCSI controller. Linux names devices by it, so it is the same at each boot.
const SCSI: Guid = Guid::new(0x2d54_1d5f_6a2e_4c6b_9f0e_de7e_27e0_0001);
/// The network card, likewise.
const NETWORK: Guid = Guid::new(0x7a11_c0de_3c5b_4f6e_8a10_de7e_27e0_0002);

/// A device's handle, and by which channel its device is poked.
#[derive(Clone)]
pub(super) struct At<T> {
    pub(super) channel: ChannelId,
    pub(super) handle: T,
}

/// The devices.
pub(super) struct Devices {
    channels: BTreeMap<ChannelId, Known>,
    pub(super) scsi: At<storvsc::Handle>,
    ide: BTreeMap<u8, At<storvsc::Handle>>,
    pub(super) heartbeat: Option<At<HeartbeatHandle>>,
    pub(super) shutdown: Option<At<ShutdownHandle>>,
    pub(super) time_sync: Option<At<TimeSyncHandle>>,
    pub(super) kvp: Option<At<KvpHandle>>,
    pub(super) vss: Option<At<VssHandle>>,
    pub(super) keyboard: Option<At<KeyboardHandle>>,
    pub(super) network: Option<At<netvsc::Handle>>,
}

struct Known {
    offer: Offer,
    open: bool,
}

impl Devices {
    /// Makes the devices of a description and offers them.
    pub(super) fn new(config: &MachineConfig, bus: &SharedBus) -> Result<Self, MachineError> {
        let mut bus = bus.lock();
        let mut channels = BTreeMap::new();
        let mut offers = Offers {
            bus: &mut bus,
            channels: &mut channels,
        };
        let on = |controller| move |disk: &&DiskConfig| disk.controller == controller;
        let media: Result<Vec<_>, _> = config
            .disks
            .iter()
            .filter(on(Controller::Scsi))
            .map(storage::open)
            .collect();
        let scsi = offers.offer(storvsc::scsi(SCSI, media?)?)?;
        let mut ide = BTreeMap::new();
        for disk in config.disks.iter().filter(on(Controller::Ide)) {
            let mut medium = storage::open(disk)?;
            medium.lun = 0;
            let place = storage::ide_place(disk.lun)?;
            ide.insert(disk.lun, offers.offer(storvsc::ide(place, medium)?)?);
        }
        let services = config.integration;
        Ok(Self {
            scsi,
            ide,
            heartbeat: offers.offer_if(services.heartbeat, heartbeat::new)?,
            shutdown: offers.offer_if(services.shutdown, shutdown::new)?,
            time_sync: offers.offer_if(services.time_sync, time_sync::new)?,
            kvp: offers.offer_if(services.kvp, kvp::new)?,
            vss: offers.offer_if(services.vss, vss::new)?,
            keyboard: offers.offer_if(config.keyboard, keyboard::new)?,
            network: offers.offer_network(config.network.as_ref())?,
            channels,
        })
    }

    /// Every channel.
    pub(super) fn channels(&self) -> impl Iterator<Item = ChannelId> {
        self.channels.keys().copied()
    }

    /// What was offered on a channel.
    pub(super) fn offer(&self, channel: ChannelId) -> Option<&Offer> {
        Some(&self.channels.get(&channel)?.offer)
    }

    /// Classes of the channels that the guest has open.
    pub(super) fn open_classes(&self) -> Vec<String> {
        let open = self.channels.values().filter(|known| known.open);
        open.map(|known| known.offer.class.to_string()).collect()
    }

    /// The disk's controller, and the disk's number as that counts.
    pub(super) fn disk(
        &self,
        controller: Controller,
        lun: u8,
    ) -> Option<(&At<storvsc::Handle>, u8)> {
        match controller {
            Controller::Scsi => Some((&self.scsi, lun)),
            Controller::Ide => Some((self.ide.get(&lun)?, 0)),
        }
    }

    /// Every disk controller.
    pub(super) fn controllers(&self) -> impl Iterator<Item = &storvsc::Handle> {
        std::iter::once(&self.scsi)
            .chain(self.ide.values())
            .map(|at| &at.handle)
    }

    /// Notes what happened on the bus.
    pub(super) fn note(&mut self, event: &BusEvent) {
        match event {
            BusEvent::Opened { channel, .. } => self.set_open(*channel, true),
            BusEvent::Closed { channel } => self.set_open(*channel, false),
            BusEvent::Connected { .. } | BusEvent::Unloaded => {
                for known in self.channels.values_mut() {
                    known.open = false;
                }
            }
            BusEvent::Refused { .. } | BusEvent::Rested { .. } | BusEvent::Lost { .. } => {}
        }
    }

    fn set_open(&mut self, channel: ChannelId, open: bool) {
        if let Some(known) = self.channels.get_mut(&channel) {
            known.open = open;
        }
    }
}

/// Where devices are put.
struct Offers<'a> {
    bus: &'a mut Bus,
    channels: &'a mut BTreeMap<ChannelId, Known>,
}

impl Offers<'_> {
    fn offer<D: Device + 'static, H>(
        &mut self,
        (device, handle): (D, H),
    ) -> Result<At<H>, MachineError> {
        let offer = device.offer();
        let channel = self.bus.offer(Box::new(device))?;
        self.channels.insert(channel, Known { offer, open: false });
        Ok(At { channel, handle })
    }

    fn offer_if<D: Device + 'static, H>(
        &mut self,
        wanted: bool,
        new: impl FnOnce() -> (D, H),
    ) -> Result<Option<At<H>>, MachineError> {
        wanted.then(|| self.offer(new())).transpose()
    }
    fn offer_network(
        &mut self,
        network: Option<&NetworkConfig>,
    ) -> Result<Option<At<netvsc::Handle>>, MachineError> {
        let Some(NetworkConfig { mac }) = network else {
            return Ok(None);
        };
        let mac = netvsc::Mac::new(*mac).ok_or(MachineError::Mac { mac: *mac })?;
        let options = netvsc::Options::new(NETWORK, mac);
        self.offer(netvsc::new(options)).map(Some)
    }
}
