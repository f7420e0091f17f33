//! What a channel stands for: a SCSI controller, or one disk of an IDE controller.

use crate::device::Offer;
use crate::guid::Guid;

/// Class of a SCSI controller (hyperv.h: HV_SCSI_GUID).
const SCSI_CLASS: Guid = Guid::new(0xba61_63d9_04a1_4d29_b605_72e2_ffb1_dc7f);

/// Class of an accelerated IDE disk (hyperv.h: HV_IDE_GUID).
const IDE_CLASS: Guid = Guid::new(0x3241_2632_86cb_44a2_9b5c_50d1_4173_54f5);

/// Offer flag: enumerate the device interface.
const ENUMERATE_INTERFACE: u16 = 1;

/// In the third word of an IDE offer's user data (OpenVMM storvsp: OfferProperties).
const IDE_DEVICE: u8 = 2;

/// Where a disk of a generation 1 machine is: one of two controllers, one of two devices on each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdePlace {
    /// Controller 0, device 0: where the firmware boots from.
    PrimaryFirst,
    /// Controller 0, device 1.
    PrimarySecond,
    /// Controller 1, device 0.
    SecondaryFirst,
    /// Controller 1, device 1.
    SecondarySecond,
}

impl IdePlace {
    /// The number of the controller.
    pub(super) fn controller(self) -> u8 {
        match self {
            Self::PrimaryFirst | Self::PrimarySecond => 0,
            Self::SecondaryFirst | Self::SecondarySecond => 1,
        }
    }

    /// The number of the device on its controller.
    pub(super) fn device(self) -> u8 {
        match self {
            Self::PrimaryFirst | Self::SecondaryFirst => 0,
            Self::PrimarySecond | Self::SecondarySecond => 1,
        }
    }

    /// Drivers read controller and device from the first two fields of the instance.
    fn instance(self) -> Guid {
        let controller = u128::from(self.controller()) << 96;
        let device = u128::from(self.device()) << 80;
        Guid::new(controller | device | 0x8899 << 64)
    }
}

/// What a channel stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A SCSI controller.
    Scsi {
        /// Which one.
        instance: Guid,
    },
    /// A disk of an IDE controller.
    Ide {
        /// Where it is.
        place: IdePlace,
    },
}

/// What an SRB is addressed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Address {
    /// The bus, which Linux calls a channel.
    pub(super) path: u8,
    /// The target.
    pub(super) target: u8,
    /// The logical unit.
    pub(super) lun: u8,
}

impl Role {
    pub(super) fn offer(self) -> Offer {
        let (class, instance, user_data) = match self {
            Self::Scsi { instance } => (SCSI_CLASS, instance, [0; 120]),
            Self::Ide { place } => (IDE_CLASS, place.instance(), ide_user_data(place)),
        };
        Offer {
            class,
            instance,
            flags: ENUMERATE_INTERFACE,
            mmio_mib: 0,
            user_data,
        }
    }

    /// How many units there may be.
    pub(super) fn unit_limit(self) -> u8 {
        match self {
            Self::Scsi { .. } => super::UNIT_LIMIT,
            Self::Ide { .. } => 1,
        }
    }

    /// Whether there may be a unit at that path and target.
    ///
    /// Linux scans eight paths and two targets: a disk that answers on each would be found on each.
    /// For an IDE disk it always says path 0, whatever the controller (OpenVMM: guests do not set
    /// the path reliably).
    pub(super) fn reaches(self, address: Address) -> bool {
        match self {
            Self::Scsi { .. } => address.path == 0 && address.target == 0,
            Self::Ide { place } => address.target == place.device(),
        }
    }

    /// Whether REPORT LUNS lists units there. Here the path counts for IDE disks too.
    pub(super) fn lists(self, address: Address) -> bool {
        match self {
            Self::Scsi { .. } => self.reaches(address),
            Self::Ide { place } => self.reaches(address) && address.path == place.controller(),
        }
    }
}

/// Old Windows drivers look here for the place.
fn ide_user_data(place: IdePlace) -> [u8; 120] {
    let mut data = [0; 120];
    data[2] = place.controller();
    data[3] = place.device();
    data[8] = IDE_DEVICE;
    data
}

#[cfg(test)]
mod tests {
    use super::{IdePlace, Role};

    #[test]
    fn an_ide_disk_says_its_place_in_its_instance() {
        let place = IdePlace::SecondaryFirst;
        let offer = Role::Ide { place }.offer();
        // Linux, storvsc_get_ide_info of older kernels: path from bytes 0..4, target from 4..6.
        let bytes = offer.instance.to_bytes();
        assert_eq!(
            (&bytes[..4], &bytes[4..6]),
            (&[1, 0, 0, 0][..], &[0, 0][..])
        );
        let text = Role::Ide {
            place: IdePlace::PrimarySecond,
        }
        .offer()
        .instance
        .to_string();
        assert_eq!(text, "00000000-0001-8899-0000-000000000000");
        assert_eq!(
            offer.class.to_string(),
            "32412632-86cb-44a2-9b5c-50d1417354f5"
        );
        assert_eq!(offer.user_data[..12], [0, 0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0]);
    }
}
