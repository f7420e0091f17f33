//! Sound guests and their spoiled twins.

use detente_samples::{kernel, program};
use detente_volume::Content;

use super::machine::{ESP, LINUX, Machine, XBOOTLDR};
use crate::boot_files::BootLimits;
use crate::error::InspectError;
use crate::facts::{Firmware, Loader};
use crate::guest::{Guest, Options, look};

const CONFIG: &str = "menuentry 'Debian' --id d {\n search --fs-uuid --set=root R\n \
                      linux /boot/vmlinuz-6.1 root=UUID=R ro quiet\n initrd /boot/ucode /boot/initrd.img-6.1\n}\n";

/// A guest of which one file may be spoiled: `(path, None)` takes it away.
fn root(spoil: Option<(&str, Option<&[u8]>)>) -> Machine {
    let (kernel, program) = (kernel("6.1"), program(62));
    let mut files: Vec<(&str, &[u8])> = vec![
        ("/boot/grub/grub.cfg", CONFIG.as_bytes()),
        ("/boot/vmlinuz-6.1", &kernel),
        ("/boot/ucode", b"12345"),
        ("/boot/initrd.img-6.1", b"initrd"),
        (
            "/etc/os-release",
            b"ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian 12\"\n",
        ),
        ("/etc/hostname", b"payroll\n"),
        (
            "/etc/fstab",
            b"UUID=R / ext4 errors=remount-ro 0 1\nUUID=ABCD-1234 /boot/efi vfat umask=0077 0 1\n",
        ),
        ("/sbin/init", &program),
        ("/lib/modules/6.1/modules.dep", b""),
        ("/usr/sbin/qemu-ga", b""),
    ];
    if let Some((path, bytes)) = spoil {
        files.retain(|(own, _)| *own != path);
        files.extend(bytes.map(|bytes| (path, bytes)));
    }
    Machine::new().ext4("R", &files)
}

fn sound() -> Machine {
    root(None).fat(
        ESP,
        &[(
            "/EFI/debian/grub.cfg",
            b"configfile (hd0,gpt1)/boot/grub/grub.cfg",
        )],
    )
}

fn guest(machine: Machine) -> Guest {
    look(machine.volumes(), Options::default()).unwrap()
}

fn error(machine: Machine) -> InspectError {
    look(machine.volumes(), Options::default()).err().unwrap()
}

/// The id of the only problem, and the error that `boot_files` gives with its hint.
fn problem(machine: Machine) -> (String, String) {
    let guest = guest(machine);
    let ids: Vec<&str> = guest
        .facts()
        .problems
        .iter()
        .map(|problem| problem.id.as_str())
        .collect();
    let error = guest.boot_files(BootLimits::default()).unwrap_err();
    assert!(error.hint().is_some());
    (ids.join(" "), error.to_string())
}

#[test]
fn a_sound_guest_has_all_its_facts() {
    let guest = guest(sound());
    let facts = guest.facts();
    assert_eq!(facts.problems, []);
    assert_eq!(facts.operating_system.version_id.as_deref(), Some("12"));
    assert_eq!(facts.hostname.as_deref(), Some("payroll"));
    assert_eq!(facts.firmware, Firmware::Uefi);
    assert_eq!(facts.boot.loader, Loader::Grub2);
    assert_eq!(facts.agents[0].name, "qemu-guest-agent");
    assert_eq!(facts.kernels.len(), 1);
    assert!(facts.kernels[0].modules);
    assert_eq!(facts.disks[0].volumes[0].mount_point.as_deref(), Some("/"));
    assert_eq!(
        facts.disks[0].volumes[1].mount_point.as_deref(),
        Some("/boot/efi")
    );
    let default = facts.boot.default.as_ref().unwrap();
    assert_eq!(default.kernel_release.as_deref(), Some("6.1"));
    assert_eq!(default.root.as_ref().unwrap().volume, Some(guest.root()));
    assert_eq!(guest.root_volume().unwrap().number, 1);
}

#[test]
fn boot_files_are_what_grub_would_load() {
    let files = guest(sound()).boot_files(BootLimits::default()).unwrap();
    assert_eq!(files.kernel, kernel("6.1"));
    // [GRUB] loader/linux.c puts each file at a multiple of 4.
    assert_eq!(files.initramfs, b"12345\0\0\0initrd");
    assert_eq!(
        files.cmdline,
        "BOOT_IMAGE=/boot/vmlinuz-6.1 root=UUID=R ro quiet"
    );
    assert_eq!(files.kernel_release, "6.1");
    assert_eq!(files.original_init, "/init");
}

#[test]
fn boot_files_beyond_their_limits_are_refused() {
    let limits = BootLimits {
        initramfs_bytes: 10,
        ..BootLimits::default()
    };
    let message = guest(sound()).boot_files(limits).unwrap_err().to_string();
    assert_eq!(
        message,
        "/boot/initrd.img-6.1 on disk 0 partition 1 has 6 bytes, more than the limit of 5"
    );
}

#[test]
fn facts_survive_json() {
    let guest = guest(sound());
    let json = serde_json::to_value(guest.facts()).unwrap();
    assert_eq!(json["schema"], "detente/guest-facts/1");
    let back: crate::Facts = serde_json::from_value(json).unwrap();
    assert_eq!(&back, guest.facts());
}

#[test]
fn spoiled_boot_chains_are_named() {
    let without = |path| root(Some((path, None)));
    let (id, message) = problem(without("/boot/vmlinuz-6.1"));
    assert_eq!(id, "boot.kernel-missing");
    assert_eq!(
        message,
        "the kernel of the default entry \"Debian\" is missing: /boot/vmlinuz-6.1 on disk 0 partition 1"
    );
    assert_eq!(
        problem(without("/boot/initrd.img-6.1")).0,
        "boot.initramfs-missing"
    );
    assert_eq!(problem(without("/boot/grub/grub.cfg")).0, "boot.no-loader");

    let with = |config: &str| problem(root(Some(("/boot/grub/grub.cfg", Some(config.as_bytes())))));
    assert_eq!(
        with(&CONFIG.replace("root=UUID=R", "root=UUID=WRONG")).0,
        "boot.root-not-found"
    );
    assert_eq!(
        with("menuentry x { linux (lvm/vg-x)/k root=UUID=R }").0,
        "boot.no-such-device"
    );
    assert_eq!(with("menuentry x { chainloader +1 }").0, "boot.not-linux");
    assert_eq!(with("").0, "boot.no-entries");
}

#[test]
fn a_root_without_a_system_is_named() {
    let config = CONFIG.replace("root=UUID=R", "root=UUID=E");
    let machine = root(Some(("/boot/grub/grub.cfg", Some(config.as_bytes())))).ext4("E", &[]);
    assert_eq!(problem(machine).0, "boot.root-empty");
}

#[test]
fn boot_loaders_that_are_not_read_are_named() {
    let machine =
        root(Some(("/boot/grub/grub.cfg", None))).ext4("B", &[("/limine.conf", b"timeout: 3\n")]);
    let (id, message) = problem(machine);
    assert_eq!(id, "boot.unknown-loader");
    assert!(
        message.contains("Limine") && message.contains("partition 2"),
        "{message}"
    );
}

#[test]
fn another_processor_is_refused_by_name() {
    let machine = root(Some(("/sbin/init", Some(&program(183)))));
    assert_eq!(
        error(machine).to_string(),
        "this guest is made for aarch64, not for x86-64 (/sbin/init on disk 0 partition 1 says so)"
    );
}

/// A separate /boot with this root= and a volume of this content.
fn with_root_on(spec: &str, content: Content) -> Machine {
    let config = CONFIG.replace("root=UUID=R", &format!("root={spec}"));
    Machine::new()
        .ext4("B", &[("/grub/grub.cfg", config.as_bytes())])
        .volume(LINUX, content, None)
}

#[test]
fn an_encrypted_root_is_refused() {
    let luks = || Content::Luks {
        version: 2,
        uuid: "L".to_owned(),
    };
    for spec in ["/dev/mapper/root", "UUID=INSIDE", "UUID=L"] {
        let error = error(with_root_on(spec, luks()));
        assert!(
            matches!(error, InspectError::EncryptedRoot { version: 2, .. }),
            "{spec}: {error}"
        );
    }
}

#[test]
fn roots_that_are_not_read_are_refused_by_name() {
    for kind in ["xfs", "btrfs", "LVM2_member"] {
        let content = Content::Other {
            kind,
            uuid: Some("X".to_owned()),
        };
        let error = error(with_root_on("UUID=X", content));
        assert!(
            matches!(&error, InspectError::UnsupportedRoot { kind: own, .. } if own == kind),
            "{kind}: {error}"
        );
        assert!(error.hint().unwrap().contains(kind));
    }
}

#[test]
fn without_a_system_the_volumes_are_listed() {
    let machine = Machine::new()
        .fat(ESP, &[])
        .volume(LINUX, Content::Unknown, None);
    assert_eq!(
        error(machine).to_string(),
        "no operating system found; seen: disk 0 partition 1: fat, disk 0 partition 2: unknown"
    );
    let windows = Machine::new().fat(ESP, &[("/EFI/Microsoft/Boot/bootmgfw.efi", b"MZ")]);
    assert!(matches!(error(windows), InspectError::Windows { .. }));
}

#[test]
fn systemd_boot_takes_entries_from_esp_and_xbootldr() {
    let machine = root(Some(("/boot/grub/grub.cfg", None)))
        .fat(
            ESP,
            &[
                ("/loader/loader.conf", b"timeout 3\ndefault new*\n"),
                ("/EFI/systemd/systemd-bootx64.efi", b"MZ"),
                (
                    "/loader/entries/old.conf",
                    b"title Old\nlinux /k\noptions root=UUID=R\n",
                ),
            ],
        )
        .fat(
            XBOOTLDR,
            &[
                (
                    "/loader/entries/new-6.2.conf",
                    b"title New\nlinux /k\ninitrd /i\noptions root=UUID=R a=\"b c\"\n",
                ),
                ("/k", &kernel("6.2")),
                ("/i", b"init"),
            ],
        );
    let guest = guest(machine);
    assert_eq!(guest.facts().boot.loader, Loader::SystemdBoot);
    assert_eq!(guest.facts().problems, []);
    let files = guest.boot_files(BootLimits::default()).unwrap();
    assert_eq!(files.cmdline, "root=UUID=R a=\"b c\"");
    assert_eq!(files.kernel_release, "6.2");
}

/// A PE file with these sections. [PE/COFF] sections 3 and 4.
fn pe(sections: &[(&[u8; 8], &[u8])]) -> Vec<u8> {
    let mut bytes = b"MZ".to_vec();
    bytes.resize(0x3c, 0);
    bytes.extend(0x40_u32.to_le_bytes());
    bytes.extend(b"PE\0\0");
    bytes.extend(0x8664_u16.to_le_bytes());
    bytes.extend(u16::try_from(sections.len()).unwrap().to_le_bytes());
    bytes.resize(0x40 + 24, 0);
    bytes[0x40 + 20] = 112;
    // The optional header: PE32+, no data directories.
    bytes.extend(0x20b_u16.to_le_bytes());
    bytes.resize(0x40 + 24 + 112, 0);
    let mut at = u32::try_from(bytes.len() + 40 * sections.len()).unwrap();
    for (name, data) in sections {
        let len = u32::try_from(data.len()).unwrap();
        bytes.extend(*name);
        for field in [len, 0x1000 + at, len, at, 0, 0, 0, 0] {
            bytes.extend(field.to_le_bytes());
        }
        at += len;
    }
    for (_, data) in sections {
        bytes.extend(*data);
    }
    bytes
}

#[test]
fn a_unified_kernel_image_boots_by_itself() {
    let image = pe(&[
        (
            b".osrel\0\0",
            b"ID=debian\nPRETTY_NAME=\"Debian 12\"\nVERSION_ID=12\n",
        ),
        (b".cmdline", b"root=UUID=R rdinit=/start\n"),
        (b".uname\0\0", b"6.3"),
        (b".initrd\0", b"initrd"),
        (b".linux\0\0", &kernel("6.3")),
    ]);
    let machine =
        root(Some(("/boot/grub/grub.cfg", None))).fat(ESP, &[("/EFI/BOOT/BOOTX64.EFI", &image)]);
    let guest = guest(machine);
    assert_eq!(guest.facts().boot.loader, Loader::Uki);
    assert_eq!(guest.facts().boot.entries[0].title, "Debian 12");
    let files = guest.boot_files(BootLimits::default()).unwrap();
    assert_eq!(files.cmdline, "root=UUID=R rdinit=/start");
    assert_eq!(files.original_init, "/start");
    assert_eq!(files.initramfs, b"initrd");
    assert_eq!(files.kernel_release, "6.3");
}
