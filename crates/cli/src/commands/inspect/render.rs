//! The facts of a guest as a page for people.

mod boot;
mod disks;
mod network;
mod packages;
mod settings;

use detente_guest::facts::{Facts, Firmware, Verdict};

use crate::page::Page;

/// Columns that a list of module names may fill.
const WRAP_COLUMNS: usize = 76;

/// The whole page; `names` are the images as given.
pub(super) fn text(facts: &Facts, names: &[String]) -> String {
    let mut page = Page::default();
    system(&mut page, facts);
    disks::disks(&mut page, facts, names);
    boot::boot(&mut page, facts);
    initramfs(&mut page, facts);
    network::network(&mut page, facts);
    settings::settings(&mut page, facts);
    packages::packages(&mut page, facts);
    findings(&mut page, facts);
    page.finish()
}

fn system(page: &mut Page, facts: &Facts) {
    page.heading(&facts.operating_system.pretty_name);
    let version = facts.operating_system.version_id.as_deref().unwrap_or("");
    let release = format!("{} {version}", facts.operating_system.id);
    page.line(
        "system",
        &format!("{}, {}", release.trim(), facts.architecture),
    );
    page.line("host name", facts.hostname.as_deref().unwrap_or("not set"));
    let firmware = match facts.firmware {
        Firmware::Uefi => "UEFI",
        Firmware::Bios => "BIOS",
        Firmware::UefiAndBios => "UEFI and BIOS",
        Firmware::Unknown => "unknown: neither an EFI system partition nor boot code",
    };
    page.line("firmware", firmware);
    let agents: Vec<&str> = facts
        .agents
        .iter()
        .map(|agent| agent.name.as_str())
        .collect();
    let agents = if agents.is_empty() {
        "none".to_owned()
    } else {
        agents.join(", ")
    };
    page.line("agents", &agents);
}

fn initramfs(page: &mut Page, facts: &Facts) {
    let Some(initramfs) = &facts.initramfs else {
        return;
    };
    let (modules, entries) = (initramfs.modules.len(), initramfs.entries);
    page.heading(&format!(
        "Initramfs: {modules} modules in {entries} entries"
    ));
    let mut line = String::new();
    for name in &initramfs.modules {
        if !line.is_empty() && line.len() + name.len() + 1 > WRAP_COLUMNS {
            page.item("", &std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(name);
    }
    if !line.is_empty() {
        page.item("", &line);
    }
}

fn findings(page: &mut Page, facts: &Facts) {
    if !facts.problems.is_empty() {
        page.heading("Problems");
    }
    for problem in &facts.problems {
        let mark = match problem.verdict {
            Verdict::Bad => "would not boot",
            Verdict::CouldNotTell => "unknown",
        };
        let mut rows = vec![vec![mark.to_owned(), problem.message.clone()]];
        rows.extend(
            problem
                .hint
                .iter()
                .map(|hint| vec!["way out".to_owned(), hint.clone()]),
        );
        page.table(&rows);
    }
    if !facts.notes.is_empty() {
        page.heading("Notes");
    }
    for note in &facts.notes {
        page.item("", note);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTS: &str = r#"{
        "schema": "detente/guest-facts/1",
        "disks": [{"size_bytes": 4294967296, "table": "gpt", "volumes": [
            {"number": 1, "offset_bytes": 1048576, "size_bytes": 1048576,
             "type_id": "21686148-6449-6e6f-744e-656564454649", "content": "unknown", "uuid": null,
             "label": null, "partuuid": null, "name": null, "mount_point": null},
            {"number": 2, "offset_bytes": 2097152, "size_bytes": 4292870144, "type_id": "",
             "content": "ext4", "uuid": "12-34", "label": "root", "partuuid": null, "name": null,
             "mount_point": "/"}]}],
        "operating_system": {"id": "debian", "version_id": "12", "pretty_name": "Debian 12",
                             "source": "/etc/os-release"},
        "architecture": "x86-64", "hostname": null, "firmware": "bios",
        "root": {"disk": 0, "partition": 2},
        "boot": {"loader": "grub2", "config": {"disk": 0, "partition": 2, "path": "/boot/grub/grub.cfg"},
            "entries": [
                {"id": "d", "title": "Debian", "kind": "linux", "kernel": "/boot/k",
                 "initramfs": ["/boot/i"], "command_line": "root=UUID=12-34"},
                {"id": "f", "title": "Firmware", "kind": "other", "what": "fwsetup"}],
            "default": {"index": 0, "why": {"reason": "saved-entry", "value": "d"}, "kernel": null,
                "kernel_release": null, "initramfs": [], "command_line": "root=UUID=12-34",
                "root": {"spec": "UUID=12-34", "volume": {"disk": 0, "partition": 2}}}},
        "kernels": [{"release": "6.1", "image": null, "modules": true}],
        "agents": [], "fstab": [],
        "problems": [{"id": "boot.kernel-missing", "verdict": "bad",
                      "message": "the kernel is missing", "hint": "install it"}],
        "notes": []
    }"#;

    /// The guest above with package databases.
    pub(super) fn facts_with(packages: &str) -> String {
        FACTS.replacen('{', &format!("{{\"packages\": {packages},"), 1)
    }

    const PAGE: &str = "\
Debian 12
  system        debian 12, x86-64
  host name     not set
  firmware      BIOS
  agents        none

Disk 0  a.qcow2  4.0 GiB, GPT
  1  1.0 MiB  unknown  BIOS boot
  2  4.0 GiB  ext4     /          12-34  \"root\"

Boot
  loader        GRUB 2, /boot/grub/grub.cfg on disk 0 partition 2
  starts        Debian
  why           grubenv has saved_entry=d
  command line  root=UUID=12-34
  root          UUID=12-34, disk 0 partition 2

Menu
  > Debian
    Firmware  (fwsetup)

Kernels
  6.1  no image  with modules

Problems
  would not boot  the kernel is missing
  way out         install it
";

    #[test]
    fn a_guest_that_would_not_boot() {
        let facts: Facts = serde_json::from_str(FACTS).unwrap();
        assert_eq!(text(&facts, &["a.qcow2".to_owned()]), PAGE);
    }
}
