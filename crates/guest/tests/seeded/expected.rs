//! What plans write, byte by byte, as somebody wrote it down who knows the formats.

use detente_guest::check::{By, Profile};
use detente_guest::prepare::{
    Change, Content, KnownMac, Options, PackageFile, PackageManager, Plan, Tool,
};
use detente_samples::ROOT;

use crate::judge;
use crate::machine::Machine;
use crate::prepared::{options, prepared, with_tools};
use crate::program::{Signer, efi};
use crate::shapes::{BOTH, arch, debian, rebuild, rhel};

/// The text that a plan writes into a file.
fn text<'a>(plan: &'a Plan, path: &str) -> &'a str {
    let step = plan.step(&format!("write {path}"));
    match step.map(|step| &step.change) {
        Some(Change::Write {
            content: Content::Text { text },
            ..
        }) => text,
        other => panic!("{path}: {other:?} in {plan:#?}"),
    }
}

fn steps(plan: &Plan) -> Vec<&str> {
    plan.steps.iter().map(|step| step.id.as_str()).collect()
}

fn planned(mut machine: Machine, options: &Options) -> Plan {
    with_tools(&mut machine);
    prepared(&mut machine, options).unwrap().0
}

#[test]
fn a_dracut_guest_gets_its_drivers_for_every_kernel() {
    if !judge::can_make("a_dracut_guest_gets_its_drivers_for_every_kernel") {
        return;
    }
    let mut own = rhel();
    own.remove("etc/dracut.conf.d/both.conf");
    rebuild(&mut own, 0, "hv_storvsc");
    rebuild(&mut own, 1, "hv_storvsc");
    let kvm_and_hyperv = Options {
        profiles: vec![Profile::Kvm, Profile::HypervVmbus],
        ..options()
    };
    let plan = planned(own, &kvm_and_hyperv);
    assert_eq!(
        text(&plan, "/etc/dracut.conf.d/90-detente.conf"),
        "# Written by `detente prepare`: drivers of every machine that this guest is to run on.\n\
         add_drivers+=\" virtio_pci virtio_blk hv_vmbus hv_storvsc sd_mod \"\n"
    );
    assert_eq!(
        steps(&plan),
        [
            "write /etc/dracut.conf.d/90-detente.conf",
            "dracut /boot/initramfs-5.14.0-427.el9.x86_64.img",
            "dracut /boot/initramfs-5.14.0-362.el9.x86_64.img",
            "relabel",
        ]
    );
    let Change::Run { tool, touches } = &plan.steps[1].change else {
        panic!("{plan:#?}");
    };
    assert_eq!(
        tool.argv(),
        [
            "dracut",
            "--force",
            "/boot/initramfs-5.14.0-427.el9.x86_64.img",
            "5.14.0-427.el9.x86_64"
        ]
    );
    assert_eq!(touches[0].path, "/boot/initramfs-5.14.0-427.el9.x86_64.img");
}

#[test]
fn a_healthy_guest_is_left_alone() {
    if !judge::can_make("a_healthy_guest_is_left_alone") {
        return;
    }
    for (name, machine) in [("debian", debian()), ("arch", arch()), ("rhel", rhel())] {
        let plan = planned(machine, &options());
        let of_prepare = plan.left.iter().filter(|own| own.by == By::Prepare).count();
        assert_eq!((steps(&plan), of_prepare), (vec![], 0), "{name}: {plan:#?}");
    }
}

#[test]
fn the_root_is_named_by_its_uuid_wherever_it_is_named() {
    if !judge::can_make("the_root_is_named_by_its_uuid_wherever_it_is_named") {
        return;
    }
    let mut own = debian();
    let menu = own.root.text("boot/grub/grub.cfg");
    let named = menu.replace(&format!("root=UUID={ROOT}"), "root=/dev/vda2");
    own.put("boot/grub/grub.cfg", &named);
    own.put(
        "etc/default/grub",
        "# root=/dev/vda2\nGRUB_DISABLE_LINUX_UUID=true\nGRUB_CMDLINE_LINUX='root=/dev/vda2  quiet'\n",
    );
    own.put(
        "etc/fstab",
        "# /dev/vda2 is the root\n/dev/vda2    /   ext4 defaults 0 1\n\
         UUID=ABCD-1234 /boot/efi vfat umask=0077 0 1\n",
    );
    let plan = planned(own, &options());
    assert_eq!(text(&plan, "/boot/grub/grub.cfg"), menu);
    assert_eq!(
        text(&plan, "/etc/default/grub"),
        format!(
            "# root=/dev/vda2\nGRUB_DISABLE_LINUX_UUID=false\n\
             GRUB_CMDLINE_LINUX='root=UUID={ROOT}  quiet'\n"
        )
    );
    assert_eq!(
        text(&plan, "/etc/fstab"),
        format!(
            "# /dev/vda2 is the root\nUUID={ROOT} /   ext4 defaults 0 1\n\
             UUID=ABCD-1234 /boot/efi vfat umask=0077 0 1\n"
        )
    );
}

#[test]
fn a_card_keeps_its_name_by_its_address() {
    if !judge::can_make("a_card_keeps_its_name_by_its_address") {
        return;
    }
    let mut own = debian();
    own.put(
        "etc/network/interfaces",
        "auto lo\niface lo inet loopback\nauto enp1s0\niface enp1s0 inet static\n\
         \taddress 192.0.2.10/24\n",
    );
    let named = Options {
        macs: vec![KnownMac {
            name: Some("enp1s0".to_owned()),
            mac: "52:54:00:aa:bb:cc".parse().unwrap(),
        }],
        ..options()
    };
    let plan = planned(own.clone(), &named);
    assert_eq!(
        steps(&plan),
        ["write /etc/systemd/network/10-detente-enp1s0.link"]
    );
    assert_eq!(
        text(&plan, "/etc/systemd/network/10-detente-enp1s0.link"),
        "# Written by `detente prepare`: this card keeps its name on every hardware.\n\
         [Match]\nMACAddress=52:54:00:aa:bb:cc\n\
         Driver=virtio_net hv_netvsc e1000 e1000e igb 8139cp pcnet32 rtl8139 tulip vmxnet3 \
         xen_netfront\n\n[Link]\nName=enp1s0\n"
    );
    // systemd 232 takes one driver in a line: there udev names the card.
    own.replace(
        "usr/lib/os-release",
        "VERSION_ID=\"12\"",
        "VERSION_ID=\"9\"",
    );
    let plan = planned(own, &named);
    assert_eq!(
        text(&plan, "/etc/udev/rules.d/70-detente-enp1s0.rules"),
        "# Written by `detente prepare`: this card keeps its name on every hardware.\n\
         SUBSYSTEM==\"net\", ACTION==\"add\", DRIVERS==\"virtio_net|hv_netvsc|e1000|e1000e|igb|\
         8139cp|pcnet32|rtl8139|tulip|vmxnet3|xen_netfront\", ATTR{address}==\"52:54:00:aa:bb:cc\", \
         ATTR{type}==\"1\", NAME=\"enp1s0\"\n"
    );
}

#[test]
fn a_new_machine_finds_the_distributions_own_loader() {
    if !judge::can_make("a_new_machine_finds_the_distributions_own_loader") {
        return;
    }
    let mut own = debian();
    own.on_esp(|esp| {
        esp.without("EFI/BOOT/BOOTX64.EFI")
            .without("EFI/BOOT/grubx64.efi")
            .file("EFI/debian/shimx64.efi", &efi("shim", BOTH))
            .file("EFI/debian/grubx64.efi", &efi("grub", &[Signer::Debian]))
    });
    let plan = planned(own, &options());
    assert_eq!(
        steps(&plan),
        [
            "write /boot/efi/EFI/BOOT/BOOTX64.EFI",
            "write /boot/efi/EFI/BOOT/grub.cfg",
            "write /boot/efi/EFI/BOOT/grubx64.efi",
        ]
    );
    let Change::Write { content, .. } = &plan.steps[0].change else {
        panic!("{plan:#?}");
    };
    let from = |content: &Content| match content {
        Content::Copy { path, .. } => path.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(from(content), "/boot/efi/EFI/debian/shimx64.efi");
    assert_eq!(
        text(&plan, "/boot/efi/EFI/BOOT/grub.cfg"),
        "# Written by `detente prepare`: on to the distribution's own configuration.\n\
         search --no-floppy --fs-uuid --set=root ABCD-1234\n\
         set prefix=($root)/EFI/debian\nconfigfile ($root)/EFI/debian/grub.cfg\n"
    );
}

#[test]
fn given_packages_are_installed_and_strangers_are_not() {
    if !judge::can_make("given_packages_are_installed_and_strangers_are_not") {
        return;
    }
    let mut own = debian();
    own.remove("usr/lib/systemd/system/qemu-guest-agent.service");
    own.remove("etc/systemd/system/multi-user.target.wants/qemu-guest-agent.service");
    own.put("usr/bin/dpkg", "#!");
    own.put(
        "var/lib/dpkg/status",
        "Package: base-files\nStatus: install ok installed\nVersion: 12\n",
    );
    let file = |name: &str| PackageFile {
        name: name.to_owned(),
        sha256: "0".repeat(64),
        len_bytes: 1,
    };
    let given = |names: &[&str]| Options {
        packages: names.iter().map(|name| file(name)).collect(),
        ..options()
    };
    let plan = planned(
        own.clone(),
        &given(&[
            "qemu-guest-agent_7.2_amd64.deb",
            "liburing2_2.3_amd64.deb",
            "qemu-guest-agent-9.0.x86_64.rpm",
        ]),
    );
    let installs = plan.steps.iter().find_map(|step| match &step.change {
        Change::Run {
            tool: Tool::InstallPackages { manager, files },
            ..
        } => Some((manager, files)),
        _ => None,
    });
    let Some((PackageManager::Dpkg, files)) = installs else {
        panic!("{plan:#?}");
    };
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(
        names,
        ["liburing2_2.3_amd64.deb", "qemu-guest-agent_7.2_amd64.deb"]
    );
    let plan = planned(own, &given(&["qemu-guest-agent_7.2_arm64.deb"]));
    let left = plan
        .left
        .iter()
        .find(|own| own.rule == "linux.agents.qemu-missing")
        .unwrap();
    assert_eq!(left.packages, ["qemu-guest-agent"]);
}
