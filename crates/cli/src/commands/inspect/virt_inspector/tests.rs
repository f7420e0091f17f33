//! The shape is libguestfs's own: its schema judges, where it is installed.

use std::process::Command;

use super::*;

const FACTS: &str = r#"{
    "schema": "detente/guest-facts/1",
    "disks": [{"size_bytes": 4294967296, "table": "gpt", "volumes": [
        {"number": 1, "offset_bytes": 1048576, "size_bytes": 1048576, "type_id": "", "content": "fat",
         "uuid": "AB-CD", "label": null, "partuuid": null, "name": null, "mount_point": "/boot/efi"},
        {"number": 2, "offset_bytes": 2097152, "size_bytes": 1048576, "type_id": "", "content": "lvm2",
         "uuid": null, "label": null, "partuuid": null, "name": null, "mount_point": null}]}],
    "assembled": [{"name": "rhel/root", "kind": "logical-volume", "layout": "linear", "uuid": null,
        "size_bytes": 1048576, "on": [], "missing": [], "unread": null, "table": "none", "volumes": [
        {"number": 0, "offset_bytes": 0, "size_bytes": 1048576, "type_id": "", "content": "xfs",
         "uuid": "12-34", "label": "a<b&\u0007", "partuuid": null, "name": null, "mount_point": "/"}]}],
    "operating_system": {"id": "rhel", "version_id": "9.4",
        "pretty_name": "Red Hat Enterprise Linux 9.4 (Plow)", "source": "/etc/os-release"},
    "architecture": "x86-64", "hostname": "payroll", "firmware": "uefi",
    "root": {"logical_volume": "rhel/root", "partition": 0},
    "boot": {"loader": "grub2", "config": null, "entries": [], "default": null},
    "kernels": [], "agents": [],
    "fstab": [
        {"spec": "/dev/mapper/rhel-root", "mount_point": "/", "kind": "xfs", "options": "defaults",
         "volume": {"logical_volume": "rhel/root", "partition": 0}},
        {"spec": "UUID=AB-CD", "mount_point": "/boot/efi", "kind": "vfat", "options": "umask=0077",
         "volume": {"disk": 0, "partition": 1}},
        {"spec": "/dev/x", "mount_point": "none", "kind": "swap", "options": "sw", "volume": null}],
    "packages": [{"kind": "rpm-sqlite", "path": "/var/lib/rpm", "count": 1, "damaged": 0, "packages": [
        {"name": "bash", "epoch": 0, "version": "5.1.8", "release": "9.el9", "architecture": "x86_64",
         "summary": "The GNU shell", "state": "installed"}]}],
    "problems": [], "notes": []
}"#;

const XML: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<operatingsystems>
  <operatingsystem>
    <root>/dev/rhel/root</root>
    <name>linux</name>
    <arch>x86_64</arch>
    <distro>rhel</distro>
    <product_name>Red Hat Enterprise Linux 9.4 (Plow)</product_name>
    <major_version>9</major_version>
    <minor_version>4</minor_version>
    <package_format>rpm</package_format>
    <package_management>dnf</package_management>
    <hostname>payroll</hostname>
    <osinfo>rhel9.4</osinfo>
    <mountpoints>
      <mountpoint dev="/dev/rhel/root">/</mountpoint>
      <mountpoint dev="/dev/sda1">/boot/efi</mountpoint>
    </mountpoints>
    <filesystems>
      <filesystem dev="/dev/sda1">
        <type>vfat</type>
        <uuid>AB-CD</uuid>
      </filesystem>
      <filesystem dev="/dev/rhel/root">
        <type>xfs</type>
        <label>a&lt;b&amp;�</label>
        <uuid>12-34</uuid>
      </filesystem>
    </filesystems>
    <applications>
      <application>
        <name>bash</name>
        <version>5.1.8</version>
        <release>9.el9</release>
        <arch>x86_64</arch>
        <summary>The GNU shell</summary>
      </application>
    </applications>
  </operatingsystem>
</operatingsystems>
"#;

fn written() -> String {
    let facts: Facts = serde_json::from_str(FACTS).unwrap();
    String::from_utf8(document(&facts).unwrap()).unwrap()
}

#[test]
fn a_guest_on_lvm() {
    assert_eq!(written(), XML);
}

#[test]
fn devices_as_libguestfs_names_them() {
    assert_eq!(device(VolumeId::new(0, 2)), "/dev/sda2");
    assert_eq!(device(VolumeId::new(26, 0)), "/dev/sdaa");
    assert_eq!(letters(701), "zz");
    assert_eq!(
        mountable(VolumeId::new(1, 3), "root"),
        "btrfsvol:/dev/sdb3/root"
    );
    assert_eq!(partition("/dev/md127", 1), "/dev/md127p1");
}

#[test]
#[expect(clippy::print_stderr, reason = "a test says aloud what it skips")]
fn libguestfs_accepts_the_document() {
    let packed = "/usr/share/doc/guestfs-tools/virt-inspector.rng.gz";
    let schema = Command::new("gzip").args(["-dc", packed]).output();
    let schema = schema.ok().filter(|out| out.status.success());
    let has_xmllint = Command::new("xmllint").arg("--version").output().is_ok();
    let (Some(schema), true) = (schema, has_xmllint) else {
        eprintln!("skipped: libguestfs_accepts_the_document: needs xmllint and guestfs-tools");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let [rng, xml] = ["schema.rng", "guest.xml"].map(|name| folder.path().join(name));
    std::fs::write(&rng, schema.stdout).unwrap();
    let judge = |document: &str| {
        std::fs::write(&xml, document).unwrap();
        let mut command = Command::new("xmllint");
        command.arg("--noout").arg("--relaxng").arg(&rng).arg(&xml);
        command.output().unwrap().status.success()
    };
    assert!(judge(&written()));
    let spoiled = written().replace("major_version", "version");
    assert!(!judge(&spoiled), "the schema refuses nothing");
}
