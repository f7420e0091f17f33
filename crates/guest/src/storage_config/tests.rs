//! Expected values from the manual pages.

use super::gather;
use crate::facts::{Evidence, StorageConfig};
use crate::settings::arguments::Arguments;
use crate::tests::memory::Memory;

fn config(memory: &Memory, line: &str) -> StorageConfig {
    let arguments = Arguments::parse(line, &Evidence::path("/boot/grub2/grub.cfg"));
    gather(memory.files(), &arguments).unwrap()
}

#[test]
fn the_devices_file_of_lvm() {
    let memory = Memory::new()
        .file(
            "/etc/lvm/devices/system.devices",
            "# LVM uses devices listed in this file.\nVERSION=1.1.2\nIDTYPE=sys_wwid IDNAME=naa.6001405 \
             DEVNAME=/dev/sda2 PVID=abc PART=2\nIDTYPE=devname IDNAME=/dev/vdb DEVNAME=/dev/vdb PVID=.\n",
        )
        .file(
            "/etc/lvm/lvm.conf",
            "devices {\n  # filter = [ \"no\" ]\n  filter = [ \"a|^/dev/sda2$|\", # c\n   \"r|.*|\" ]\n  \
             use_devicesfile = 1 # yes\n}\n",
        );
    let lvm = config(&memory, "").lvm;
    assert_eq!(lvm.devices.len(), 2);
    let first = &lvm.devices[0];
    assert_eq!(
        (first.id_type.as_str(), first.id_name.as_str()),
        ("sys_wwid", "naa.6001405")
    );
    assert_eq!(first.device_name.as_deref(), Some("/dev/sda2"));
    assert_eq!((first.partition, first.at.line), (Some(2), Some(3)));
    assert_eq!(lvm.devices[1].pvid, None);
    assert_eq!(lvm.use_devices_file.unwrap().value, "1");
    assert_eq!(lvm.filters.len(), 1);
    assert_eq!(lvm.filters[0].value, "[ \"a|^/dev/sda2$|\", \"r|.*|\" ]");
    assert_eq!(lvm.filters[0].at.line, Some(3));
}

#[test]
fn every_place_that_names_a_disk() {
    let memory = Memory::new()
        .file("/etc/fstab", "UUID=1 / ext4\n/dev/sdb1 /data xfs\n/dev/vda3 none swap sw\n")
        .file("/etc/crypttab", "# c\nhome /dev/sdc1 none luks,discard\nok UUID=2\n")
        .file("/etc/mdadm.conf", "DEVICE /dev/sd*1\nARRAY /dev/md0 UUID=1\n   devices=/dev/sdd1,/dev/sde1\nMAILADDR root\n")
        .file("/etc/default/grub", "GRUB_CMDLINE_LINUX=\"root=/dev/sda1 quiet\"\nGRUB_TERMINAL=serial\n")
        .file("/etc/initramfs-tools/conf.d/resume", "RESUME=/dev/sda5\n")
        .file("/boot/grub/device.map", "(hd0) /dev/sda\n")
        .file("/etc/kdump.conf", "path /var/crash\next4 /dev/sdf1\n");
    let found = config(&memory, "root=/dev/sda1 resume=/dev/sda6 crashkernel=256M");
    let names: Vec<String> = found
        .device_names
        .iter()
        .map(|own| format!("{} {} {}", own.name, own.value, own.at.line.unwrap_or(0)))
        .collect();
    assert_eq!(
        names,
        [
            "fstab /dev/sdb1 2",
            "fstab /dev/vda3 3",
            "crypttab /dev/sdc1 2",
            "mdadm /dev/sd 1",
            "mdadm /dev/sdd1 2",
            "mdadm /dev/sde1 2",
            "resume /dev/sda6 0",
            "resume /dev/sda5 1",
            "grub /dev/sda1 1",
            "kdump /dev/sdf1 2",
            "kernel-argument /dev/sda1 0",
            "device-map /dev/sda 1",
        ]
    );
    assert_eq!(found.crypttab[0].options, "luks,discard");
    assert_eq!(found.crypttab[1].key, "none");
    assert_eq!(found.swap[0].value, "/dev/vda3");
    let kdump = found.kdump.unwrap();
    assert_eq!(kdump.target.unwrap().value, "/dev/sdf1");
    assert_eq!(kdump.crashkernel.unwrap().value, "256M");
    assert_eq!(found.boot_defaults.len(), 2);
    assert_eq!(found.mdadm.len(), 2);
}

#[test]
fn multipath_iscsi_swap_and_the_kernel() {
    let memory = Memory::new()
        .file(
            "/etc/multipath.conf",
            "defaults {\n  user_friendly_names yes\n  polling_interval 5\n}\nblacklist {\n  devnode \"^sd[a-z]\"\n  \
             device {\n    vendor \"QEMU\"\n  }\n}\n",
        )
        .file("/etc/multipath/wwids", "# c\n/36001405/\n")
        .file("/etc/multipath/bindings", "mpatha 36001405\n")
        .file("/etc/iscsi/initiatorname.iscsi", "InitiatorName=iqn.1994-05.com.redhat:1\n")
        .file("/var/lib/iscsi/nodes/iqn.2026-01.x:t/a/default", "")
        .file("/etc/systemd/system/dev-sdb.swap", "[Swap]\nWhat=/dev/sdb\n")
        .file("/usr/lib/systemd/zram-generator.conf", "[zram0]\nzram-size=min(ram,8192)\n")
        .file("/etc/sysctl.conf", "vm.nr_hugepages = 512\n-kernel/panic=10\nnet.ipv4.ip_forward=1\n")
        .file("/etc/udev/rules.d/60-disk.rules", "KERNEL==\"sd*\", SYMLINK+=\"mine\"\nSUBSYSTEM==\"net\", NAME=\"x\"\n");
    let found = config(&memory, "hugepagesz=1G hugepages=4");
    let multipath = found.multipath.unwrap();
    let names: Vec<_> = multipath
        .settings
        .iter()
        .map(|own| own.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "user_friendly_names",
            "blacklist.devnode",
            "blacklist.device.vendor"
        ]
    );
    assert_eq!(multipath.wwids[0].value, "36001405");
    assert_eq!(multipath.bindings[0].name, "mpatha");
    assert_eq!(found.iscsi.len(), 2);
    assert_eq!(found.iscsi[1].value, "iqn.2026-01.x:t");
    let swap: Vec<_> = found.swap.iter().map(|own| own.value.as_str()).collect();
    assert_eq!(swap, ["/dev/sdb", "zram0"]);
    assert_eq!(found.hugepages.len(), 3);
    assert_eq!(found.sysctl.len(), 1);
    assert_eq!(
        (found.sysctl[0].name.as_str(), found.sysctl[0].at.line),
        ("kernel.panic", Some(2))
    );
    assert_eq!(found.udev.len(), 1);
    assert_eq!(config(&Memory::new(), ""), StorageConfig::default());
}
