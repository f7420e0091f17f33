//! Initramfs files of every generator, as their names and contents are known to be.

use detente_initramfs::CpioWriter;

use super::contents::Collector;
use super::names;
use crate::facts::{Generator, InitramfsContents, InitramfsRole, Scope};

/// What is in an archive of these files.
fn contents(files: &[(&str, &str)]) -> InitramfsContents {
    let mut archive = CpioWriter::new();
    for (name, text) in files {
        archive.file(name, 0o644, text.as_bytes());
    }
    let mut collector = Collector::new(false);
    let bytes = archive.finish();
    let segments = detente_initramfs::walk(
        bytes.as_slice(),
        &detente_initramfs::Limits::default(),
        &mut |entry, data| collector.visit(entry, data),
    );
    collector.finish(&segments.unwrap())
}

#[test]
fn dracut_in_host_only_mode() {
    let found = contents(&[
        (
            "usr/lib/dracut/build-parameter.txt",
            " -f '--kver' '5.14.0-362.el9.x86_64'\n",
        ),
        ("usr/lib/dracut/dracut-057-44.git20230822.el9", ""),
        ("usr/lib/dracut/modules.txt", "bash\nsystemd\nlvm\n"),
        ("usr/lib/dracut/hostonly-files", "/etc/fstab\n"),
        (
            "usr/lib/modules/5.14.0-362.el9.x86_64/kernel/fs/xfs/xfs.ko.xz",
            "",
        ),
        (
            "usr/lib/modules/5.14.0-362.el9.x86_64/kernel/drivers/md/dm-mod.ko.xz",
            "",
        ),
        ("usr/lib/modules/5.14.0-362.el9.x86_64/modules.dep", ""),
        ("etc/cmdline.d/90lvm.conf", "rd.lvm.lv=rhel/root\n"),
        (
            "etc/cmdline.d/20-force_driver.conf",
            "rd.driver.pre=hv-vmbus\n",
        ),
        (
            "etc/modprobe.d/x.conf",
            "# c\nblacklist hv_netvsc\nalias a b\n",
        ),
    ]);
    assert_eq!(found.generator, Generator::Dracut);
    assert_eq!(
        found.generator_version.as_deref(),
        Some("057-44.git20230822.el9")
    );
    assert_eq!(found.scope, Scope::HostOnly);
    assert_eq!(
        found.scope_evidence.as_deref(),
        Some("lib/dracut/hostonly-files: /etc/fstab")
    );
    assert_eq!(found.modules, ["dm_mod", "xfs"]);
    assert!(found.holds("dm-mod") && !found.holds("hv_storvsc"));
    assert_eq!(found.releases, ["5.14.0-362.el9.x86_64"]);
    assert_eq!(found.parts, ["bash", "systemd", "lvm"]);
    assert_eq!(found.loads, ["hv_vmbus"]);
    assert_eq!(found.command_lines.len(), 2);
    assert_eq!(found.module_rules.len(), 1);
    assert_eq!(
        found.module_rules[0].at.to_string(),
        "/etc/modprobe.d/x.conf:2"
    );
    assert_eq!(found.entries, 10);
}

#[test]
fn dracut_says_generic_by_its_arguments() {
    let hostonly = ("lib/dracut/hostonly-files", "/etc/fstab\n");
    let scope = |text| contents(&[("lib/dracut/build-parameter.txt", text), hostonly]).scope;
    assert_eq!(scope("--force '--no-hostonly' '-o' 'x'"), Scope::Generic);
    assert_eq!(scope("-N -H"), Scope::HostOnly);
    assert_eq!(scope(""), Scope::HostOnly);
    let silent = contents(&[("lib/dracut/build-parameter.txt", "")]);
    assert_eq!(silent.scope, Scope::Unknown);
}

#[test]
fn initramfs_tools_with_and_without_a_policy() {
    let conf = ("conf/initramfs.conf", "# c\nMODULES=most\nBUSYBOX=auto\n");
    let found = contents(&[
        conf,
        ("conf/modules", "# c\nhv_vmbus\nhv-storvsc x=1\n"),
        ("usr/lib/modules/6.1/kernel/a/virtio-rng.ko", ""),
    ]);
    assert_eq!(
        (found.generator, found.scope),
        (Generator::InitramfsTools, Scope::Generic)
    );
    assert_eq!(found.loads, ["hv_vmbus", "hv_storvsc"]);
    let found = contents(&[conf, ("conf/conf.d/driver-policy", "MODULES=dep\n")]);
    assert_eq!(found.scope, Scope::HostOnly);
    assert_eq!(
        found.scope_evidence.as_deref(),
        Some("conf/conf.d/driver-policy: MODULES=dep")
    );
}

#[test]
fn the_other_generators() {
    let arch = |hooks| {
        contents(&[
            ("init_functions", ""),
            ("buildconfig", hooks),
            ("VERSION", "mkinitcpio 39.2\n"),
        ])
    };
    let found = arch("# c\nMODULES=()\nHOOKS=(base udev autodetect)\n");
    assert_eq!(
        (found.generator, found.scope),
        (Generator::Mkinitcpio, Scope::HostOnly)
    );
    assert_eq!(found.generator_version.as_deref(), Some("39.2"));
    assert_eq!(found.parts, ["base", "udev", "autodetect"]);
    assert_eq!(arch("HOOKS=(base udev)").scope, Scope::Generic);
    let alpine = contents(&[
        ("init", "#!/bin/sh\nVERSION=3.10.1\n"),
        ("usr/sbin/nlplug-findfs", ""),
    ]);
    assert_eq!(alpine.generator, Generator::Mkinitfs);
    assert_eq!(alpine.generator_version.as_deref(), Some("3.10.1"));
    let suse = contents(&[
        ("run_all.sh", ""),
        ("lib/modules/3.0.101-63-default/x/ata_piix.ko", ""),
    ]);
    assert_eq!(suse.generator, Generator::SuseMkinitrd);
    assert!(suse.holds("ata_piix"));
    assert_eq!(contents(&[("bin/nash", "")]).generator, Generator::Mkinitrd);
    assert_eq!(contents(&[("x", "")]).generator, Generator::Unknown);
}

#[test]
fn a_file_system_inside_hides_modules() {
    let found = contents(&[
        ("lib/dracut/build-parameter.txt", ""),
        ("squashfs-root.img", "hsqs"),
    ]);
    assert_eq!(found.unread, ["squashfs-root.img"]);
}

#[test]
fn what_a_name_says() {
    for (path, expect) in [
        ("/boot/initrd.img-6.1.0-28-amd64", InitramfsRole::Boot),
        ("/boot/initramfs-0-rescue-12ab.img", InitramfsRole::Rescue),
        ("/boot/initramfs-linux-fallback.img", InitramfsRole::Rescue),
        (
            "/boot/initramfs-5.14.0-362.el9.x86_64kdump.img",
            InitramfsRole::Kdump,
        ),
        (
            "/var/lib/kdump/initrd.img-6.1.0-28-amd64",
            InitramfsRole::Kdump,
        ),
        ("/boot/intel-ucode.img", InitramfsRole::Microcode),
        ("/boot/initrd.img-6.1.0-28-amd64.old", InitramfsRole::Backup),
        (
            "/boot/initrd-5.14.21-default.pre-v2v",
            InitramfsRole::Backup,
        ),
    ] {
        assert_eq!(names::role(path), expect, "{path}");
    }
    assert!(!names::is_initramfs("vmlinuz-6.1") && names::is_initramfs("amd-ucode.img"));
}

#[test]
fn the_kernel_in_a_name() {
    let kernels = crate::kernels::tests::named(&[
        (
            "5.14.0-362.el9.x86_64",
            "/boot/vmlinuz-5.14.0-362.el9.x86_64",
        ),
        ("6.9.1-arch1-1", "/boot/vmlinuz-linux"),
        ("6.6.30-0-lts", "/boot/vmlinuz-lts"),
    ]);
    let check = |path: &str, expect: Option<&str>| {
        assert_eq!(
            names::kernel_of(path, &kernels).as_deref(),
            expect,
            "{path}"
        );
    };
    let rhel = Some("5.14.0-362.el9.x86_64");
    check("/boot/initramfs-5.14.0-362.el9.x86_64.img", rhel);
    check("/boot/initramfs-5.14.0-362.el9.x86_64kdump.img", rhel);
    check("/boot/initrd-5.14.0-362.el9.x86_64-kdump", rhel);
    check("/boot/initramfs-5.14.0-70.el9.x86_64.img", None);
    check("/boot/initramfs-linux-fallback.img", Some("6.9.1-arch1-1"));
    check("/boot/initramfs-lts", Some("6.6.30-0-lts"));
    check("/boot/initrd.img", None);
}
