//! The demo guests, as data: what each is called and how it differs.

/// One demo guest.
#[derive(Debug)]
pub(crate) struct Guest {
    /// Its name on the command line and, with `.qcow2`, its file.
    pub(crate) name: &'static str,
    /// What it is for, in a few words.
    pub(crate) about: &'static str,
    /// What its disk is made of.
    pub(crate) kind: Kind,
    /// Two hexadecimal digits that make its identifiers its own.
    pub(crate) id: &'static str,
}

/// What a guest's disk is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// A Debian 12 server with an EFI system partition and grub.
    Server {
        /// How it differs from the others.
        variant: Variant,
    },
    /// A kernel and an initramfs that misbehaves: for tests.
    Hostile,
    /// A tree with the shape of another distribution's, to be looked into; nothing in it starts.
    Shaped {
        /// What its recipe needs beyond what the others do.
        needs: Needs,
    },
    /// A real server with a recipe of its own, for `detente prepare` to be tried on: made when asked
    /// for only.
    Prepare {
        /// What its recipe needs beyond what a server's does.
        needs: Needs,
    },
}

/// What such a recipe needs of the machine that builds it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Needs {
    /// Programs.
    pub(crate) tools: &'static [&'static str],
    /// Loop devices and root: for a file system or a volume group that only the kernel fills.
    pub(crate) device: Option<Device>,
}

/// What is made with a loop device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Device {
    /// A volume group; LVM's tools write to devices only.
    Lvm,
    /// A btrfs with subvolumes, which the kernel makes.
    Btrfs,
    /// A volume group with an XFS in it, which the kernel fills.
    Xfs,
}

/// How one server differs from the others.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Variant {
    /// Debian as it comes: initramfs-tools with most modules, systemd.
    Plain,
    /// The initramfs by dracut, not for one host only.
    Dracut,
    /// The initramfs by dracut, with drivers of KVM's hardware only: as on a KVM host.
    KvmOnly,
    /// The initramfs by dracut, with drivers of Hyper-V's hardware only.
    HypervOnly,
    /// The initramfs without any virtio driver.
    Spoiled,
    /// sysvinit in the place of systemd.
    Sysvinit,
    /// SELinux, enforcing from the first boot on.
    Selinux,
    /// No initramfs: Debian's cloud kernel, which has NVMe and ext4 built in and virtio not.
    NoInitramfs,
}

impl Variant {
    /// What `guest.sh` calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "initramfs-tools",
            Self::Dracut => "dracut",
            Self::KvmOnly => "kvm-only",
            Self::HypervOnly => "hyperv-only",
            Self::Spoiled => "spoiled",
            Self::Sysvinit => "sysvinit",
            Self::Selinux => "selinux",
            Self::NoInitramfs => "no-initramfs",
        }
    }
}

/// Every demo guest, in the order in which they are built.
pub(crate) const GUESTS: &[Guest] = &[
    Guest {
        name: "debian12",
        about: "Debian 12 server, initramfs-tools",
        kind: Kind::Server {
            variant: Variant::Plain,
        },
        id: "01",
    },
    Guest {
        name: "debian12-dracut",
        about: "Debian 12 server, dracut",
        kind: Kind::Server {
            variant: Variant::Dracut,
        },
        id: "02",
    },
    Guest {
        name: "debian12-spoiled",
        about: "Debian 12 server whose initramfs has no virtio driver",
        kind: Kind::Server {
            variant: Variant::Spoiled,
        },
        id: "03",
    },
    Guest {
        name: "debian12-sysvinit",
        about: "Debian 12 server without systemd",
        kind: Kind::Server {
            variant: Variant::Sysvinit,
        },
        id: "04",
    },
    Guest {
        name: "debian12-selinux",
        about: "Debian 12 server with SELinux enforcing",
        kind: Kind::Server {
            variant: Variant::Selinux,
        },
        id: "05",
    },
    Guest {
        name: "debian12-no-initramfs",
        about: "Debian 12 server whose kernel mounts the root, from NVMe only",
        kind: Kind::Server {
            variant: Variant::NoInitramfs,
        },
        id: "06",
    },
    Guest {
        name: "debian12-kvm-only",
        about: "Debian 12 server, dracut, drivers for KVM's hardware only",
        kind: Kind::Server {
            variant: Variant::KvmOnly,
        },
        id: "07",
    },
    Guest {
        name: "debian12-hyperv-only",
        about: "Debian 12 server, dracut, drivers for Hyper-V's hardware only",
        kind: Kind::Server {
            variant: Variant::HypervOnly,
        },
        id: "08",
    },
    Guest {
        name: "hostile-panic",
        about: "its first process ends",
        kind: Kind::Hostile,
        id: "11",
    },
    Guest {
        name: "hostile-hang",
        about: "never looks for its root",
        kind: Kind::Hostile,
        id: "12",
    },
    Guest {
        name: "hostile-flood",
        about: "floods its console",
        kind: Kind::Hostile,
        id: "13",
    },
    Guest {
        name: "hostile-garbage",
        about: "floods the agent's port",
        kind: Kind::Hostile,
        id: "14",
    },
    Guest {
        name: "rhel9",
        about: "shaped as RHEL 9: XFS in LVM, BLS, rpm; does not boot",
        kind: Kind::Shaped {
            needs: Needs {
                tools: &[
                    "depmod", "zstd", "xz", "rpmbuild", "mkfs.xfs", "lvm", "losetup",
                ],
                device: Some(Device::Lvm),
            },
        },
        id: "21",
    },
    Guest {
        name: "fedora",
        about: "shaped as Fedora: btrfs with subvolumes, BLS, rpm; does not boot",
        kind: Kind::Shaped {
            needs: Needs {
                tools: &["depmod", "zstd", "xz", "rpmbuild", "mkfs.btrfs"],
                device: Some(Device::Btrfs),
            },
        },
        id: "22",
    },
    Guest {
        name: "ubuntu2404",
        about: "shaped as Ubuntu 24.04: netplan, initramfs of four archives; does not boot",
        kind: Kind::Shaped {
            needs: Needs {
                tools: &["depmod", "zstd", "dpkg-query"],
                device: None,
            },
        },
        id: "23",
    },
    Guest {
        name: "sles15",
        about: "shaped as SLES 15: btrfs with snapshots, wicked, rpm (ndb); does not boot",
        kind: Kind::Shaped {
            needs: Needs {
                tools: &[
                    "depmod",
                    "zstd",
                    "rpmbuild",
                    "sqlite3",
                    "perl",
                    "mkfs.btrfs",
                ],
                device: Some(Device::Btrfs),
            },
        },
        id: "24",
    },
    Guest {
        name: "alpine",
        about: "shaped as Alpine: BIOS, extlinux, OpenRC, apk; does not boot",
        kind: Kind::Shaped {
            needs: Needs {
                tools: &["depmod", "gzip"],
                device: None,
            },
        },
        id: "25",
    },
    Guest {
        name: "arch",
        about: "shaped as Arch: systemd-boot, mkinitcpio, pacman; does not boot",
        kind: Kind::Shaped {
            needs: Needs {
                tools: &["depmod", "zstd"],
                device: None,
            },
        },
        id: "26",
    },
];

/// The guest of this name.
pub(crate) fn named(name: &str) -> Option<&'static Guest> {
    let mut all = GUESTS.iter().chain(super::prepare::GUESTS);
    all.find(|guest| guest.name == name)
}

impl Guest {
    /// The name of its image in `target/images`.
    pub(crate) fn file(&self) -> String {
        format!("{}.qcow2", self.name)
    }

    /// Whether its kernel comes as far as its root file system.
    pub(crate) fn boots(&self) -> bool {
        match self.kind {
            Kind::Server { .. } => true,
            Kind::Prepare { .. } => self.name != super::prepare::NOTHING,
            Kind::Hostile | Kind::Shaped { .. } => false,
        }
    }

    /// The GPT's identifier.
    pub(crate) fn disk_uuid(&self) -> String {
        self.uuid("00")
    }

    /// The identifier of the EFI system partition in the GPT.
    pub(crate) fn esp_partuuid(&self) -> String {
        self.uuid("10")
    }

    /// The identifier of the root partition in the GPT.
    pub(crate) fn root_partuuid(&self) -> String {
        self.uuid("20")
    }

    /// The identifier of the root file system.
    pub(crate) fn root_uuid(&self) -> String {
        self.uuid("30")
    }

    /// The serial number of the EFI system partition's file system.
    pub(crate) fn esp_uuid(&self) -> String {
        format!("DE7E-00{}", self.id)
    }

    /// Identifiers are fixed, so that a guest built again is the same guest.
    fn uuid(&self, what: &str) -> String {
        format!("6d2b7a1e-3f54-4c0e-9d0a-0d5f1a6e{what}{}", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::GUESTS;
    use crate::images::prepare;
    use std::collections::BTreeSet;

    #[test]
    fn names_and_identifiers_are_each_guests_own() {
        let guests = || GUESTS.iter().chain(prepare::GUESTS);
        let names: BTreeSet<_> = guests().map(|guest| guest.name).collect();
        let ids: BTreeSet<_> = guests().map(|guest| guest.id).collect();
        let count = guests().count();
        assert_eq!((names.len(), ids.len()), (count, count));
    }

    #[test]
    fn a_uuid_has_its_form() {
        for guest in GUESTS {
            let lengths: Vec<_> = guest.root_uuid().split('-').map(str::len).collect();
            assert_eq!(lengths, [8, 4, 4, 4, 12], "{}", guest.name);
        }
    }
}
