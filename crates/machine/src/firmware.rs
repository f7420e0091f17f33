//! Firmware that starts a disk's own boot loader, as a server's would.

use std::path::PathBuf;

use crate::{Pretended, PretendedSet};

/// What starts the guest's kernel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Firmware {
    /// None: kernel, initramfs and command line are given to the machine, without a boot loader.
    #[default]
    DirectBoot,
    /// A PC's BIOS, which QEMU brings (`SeaBIOS`); it starts the first disk.
    Bios,
    /// UEFI, which starts the first disk.
    Uefi(SecureBoot),
}

impl Firmware {
    /// What the machine really has, where it only pretends some of it.
    #[must_use]
    pub fn as_it_is(self, pretended: PretendedSet) -> Self {
        let Self::Uefi(secure_boot) = self else {
            return self;
        };
        let pretends = |what| pretended.contains(what);
        Self::Uefi(match secure_boot {
            SecureBoot::Off if pretends(Pretended::AnyBootLoader) => SecureBoot::EnforcedByStranger,
            SecureBoot::Enforced if pretends(Pretended::SecureBoot) => SecureBoot::Off,
            SecureBoot::EnforcedByStranger if pretends(Pretended::StrangerAlone) => {
                SecureBoot::Enforced
            }
            SecureBoot::Off | SecureBoot::Enforced | SecureBoot::EnforcedByStranger => secure_boot,
        })
    }
}

/// Which boot loaders UEFI starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecureBoot {
    /// Any: Secure Boot is off.
    Off,
    /// Those that Microsoft's certificates vouch for, shim among them: what Hyper-V calls the
    /// template of the UEFI certificate authority.
    Enforced,
    /// Those that somebody else's certificate vouches for: nobody's boot loader is signed so.
    EnforcedByStranger,
}

/// The files of UEFI for one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirmwareFiles {
    /// The program; it is only read.
    pub code: PathBuf,
    /// The machine's own copy of the variables, which is written.
    pub variables: PathBuf,
    /// Whether it guards its variables by system management mode.
    pub management_mode: bool,
}
