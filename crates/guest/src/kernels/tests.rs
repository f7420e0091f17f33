//! Kernels of several families, from lists as depmod and Kbuild write them.

use detente_samples::kernel as image;

use super::{Machine as From, find, kind};
use crate::boot;
use crate::facts::{DriverState, Evidence, Kernel, KernelKind};
use crate::fstab;
use crate::joined::Joined;
use crate::tests::machine::Machine;

fn kernels(files: &[(&str, &[u8])]) -> Vec<Kernel> {
    let volumes = Machine::new().ext4("R", files).volumes();
    let found = boot::find(&volumes).unwrap();
    let root = volumes.held[0].id;
    let root = volumes.mounted(root, "");
    let fstab = fstab::read(&volumes, &root, None).unwrap();
    let joined = Joined::new(&volumes, root, &fstab);
    let from = From {
        volumes: &volumes,
        joined: &joined,
        entries: &found.entries,
    };
    find(from).unwrap()
}

/// Kernels of these releases and images, of which nothing else is known.
pub(crate) fn named(all: &[(&str, &str)]) -> Vec<Kernel> {
    let one = |(release, path): &(&str, &str)| Kernel {
        image: Some(crate::facts::Place {
            volume: crate::facts::VolumeId::new(0, 1),
            path: (*path).to_owned(),
        }),
        ..super::kernel(release)
    };
    all.iter().map(one).collect()
}

const GRUB: &[u8] = b"menuentry a { linux /boot/vmlinuz-6.1 root=UUID=R\n }\n\
                      menuentry b { linux /boot/vmlinuz-0-rescue-99 root=UUID=R\n }\n\
                      menuentry c { linux /boot/vmlinuz-6.1 root=UUID=R single\n }\n";

#[test]
fn drivers_by_every_list() {
    let (new, old) = (image("6.1"), image("5.9+debug"));
    let kernels = kernels(&[
        ("/boot/grub/grub.cfg", GRUB),
        ("/boot/vmlinuz-6.1", &new),
        ("/boot/vmlinuz-5.9+debug", &old),
        ("/boot/vmlinuz-0-rescue-99", &new),
        (
            "/boot/config-6.1",
            b"# CONFIG_EFI is not set\nCONFIG_SCSI_VIRTIO=m\nCONFIG_SERIO_I8042=y\n",
        ),
        (
            "/lib/modules/6.1/modules.dep",
            b"kernel/drivers/scsi/hv_storvsc.ko.xz: kernel/drivers/hv/hv_vmbus.ko.xz\n\
              kernel/drivers/hv/hv_vmbus.ko.xz:\nkernel/drivers/hid/hid-hyperv.ko.xz: x\n",
        ),
        (
            "/lib/modules/6.1/modules.builtin",
            b"kernel/fs/ext4/ext4.ko\n",
        ),
        ("/lib/modules/4.19/weak-updates/x", b""),
    ]);
    let seen: Vec<_> = kernels
        .iter()
        .map(|kernel| {
            (
                kernel.release.as_str(),
                kernel.kind,
                kernel.entries.as_slice(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("6.1", KernelKind::Ordinary, [0, 2].as_slice()),
            ("5.9+debug", KernelKind::Debug, &[]),
            ("0-rescue-99", KernelKind::Rescue, &[1]),
        ]
    );
    let newest = &kernels[0];
    let folder = "/lib/modules/6.1";
    assert_eq!(
        newest.driver("hv-storvsc"),
        DriverState::Module {
            path: "kernel/drivers/scsi/hv_storvsc.ko.xz".to_owned(),
            at: Evidence::line(format!("{folder}/modules.dep"), 1),
        }
    );
    assert!(newest.driver("hid_hyperv").is_there());
    let builtin = |path: String, line| DriverState::Builtin {
        at: Evidence::line(path, line),
    };
    assert_eq!(
        newest.driver("ext4"),
        builtin(format!("{folder}/modules.builtin"), 1)
    );
    assert_eq!(
        newest.driver("i8042"),
        builtin("/boot/config-6.1".to_owned(), 3)
    );
    // The configuration builds it, and nobody installed it.
    let DriverState::Missing { searched } = newest.driver("virtio_scsi") else {
        panic!("{:?}", newest.driver("virtio_scsi"));
    };
    assert_eq!(searched.len(), 3);
    assert_eq!(kernels[1].driver("ext4"), DriverState::Unknown);
    assert_eq!(kernels[2].image_release.as_deref(), Some("6.1"));
    assert!(kernels[2].driver("hv_vmbus").is_there());
}

#[test]
fn a_list_that_depmod_has_not_written_yet() {
    let kernels = kernels(&[
        ("/usr/lib/modules/6.9.1-arch1-1/vmlinuz", b"x"),
        ("/usr/lib/modules/6.9.1-arch1-1/kernel/x", b""),
        (
            "/usr/lib/modules/6.9.1-arch1-1/modules.order",
            b"kernel/drivers/nvme/host/nvme.ko\n",
        ),
    ]);
    assert_eq!(kernels.len(), 1);
    assert!(kernels[0].driver("nvme").is_there());
    assert!(kernels[0].image.is_some() && kernels[0].modules);
}

#[test]
fn what_a_name_says() {
    for (release, expect) in [
        ("6.1.0-28-amd64", KernelKind::Ordinary),
        ("6.1.0-28-rt-amd64", KernelKind::RealTime),
        ("4.18.0-305.rt7.72.el8.x86_64", KernelKind::RealTime),
        ("5.14.0-70.el9.x86_64+debug", KernelKind::Debug),
        ("2.6.32-754.el6.x86_64.debug", KernelKind::Debug),
        ("3.0.101-63-xen", KernelKind::Xen),
        ("3.0.101-63-kdump", KernelKind::Kdump),
        ("5.14.21-150500.53-default", KernelKind::Ordinary),
    ] {
        assert_eq!(kind(release), expect, "{release}");
    }
}
