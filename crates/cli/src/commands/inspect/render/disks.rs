//! The disks, what lies on several of them, and the volumes on each.

use detente_guest::facts::{
    Assembled, AssembledKind, Facts, LuksFacts, SubvolumeFacts, Table, VolumeFacts,
};

use crate::page::{Page, size};

/// Subvolumes shown of one volume, those that are mounted first; the rest is counted.
const SUBVOLUME_LINES: usize = 12;

/// Every disk as it was given, then every logical volume and array.
pub(super) fn disks(page: &mut Page, facts: &Facts, names: &[String]) {
    for (index, disk) in facts.disks.iter().enumerate() {
        let name = names.get(index).map_or("", String::as_str);
        let (size, table) = (size(disk.size_bytes), table(disk.table));
        page.heading(&format!("Disk {index}  {name}  {size}, {table}"));
        volumes(page, &disk.volumes);
    }
    for own in &facts.assembled {
        assembled(page, own);
    }
}

fn table(table: Table) -> &'static str {
    match table {
        Table::Gpt => "GPT",
        Table::Mbr => "MBR",
        Table::None => "no partition table",
    }
}

fn assembled(page: &mut Page, own: &Assembled) {
    let kind = match own.kind {
        AssembledKind::LogicalVolume => "Volume",
        AssembledKind::Array => "Array",
    };
    let (name, size, layout) = (&own.name, size(own.size_bytes), &own.layout);
    let mut heading = format!("{kind} {name}  {size}, {layout}");
    let on: Vec<String> = own.on.iter().map(ToString::to_string).collect();
    if !on.is_empty() {
        heading.push_str(&format!(", on {}", on.join(", ")));
    }
    // Without one, which is the rule, its only volume is all of it.
    if own.table != Table::None {
        heading.push_str(&format!(", {}", table(own.table)));
    }
    page.heading(&heading);
    volumes(page, &own.volumes);
    for missing in &own.missing {
        page.line("lacks", missing);
    }
    if let Some(why) = &own.unread {
        page.line("not read", why);
    }
}

/// A row each, and what there is to say of some.
fn volumes(page: &mut Page, volumes: &[VolumeFacts]) {
    let rows: Vec<Vec<String>> = volumes.iter().map(row).collect();
    page.table(&rows);
    for volume in volumes {
        if let Some(own) = &volume.luks {
            page.line("encrypted", &format!("{}: {}", number(volume), luks(own)));
        }
        subvolumes(page, &volume.subvolumes);
        if volume.dirty == Some(true) {
            let text = format!("{}: it was not unmounted", number(volume));
            page.line("in use", &text);
        }
    }
}

fn row(volume: &VolumeFacts) -> Vec<String> {
    let purpose = volume
        .mount_point
        .clone()
        .or_else(|| purpose(&volume.type_id).map(str::to_owned));
    let label = volume.label.as_ref().or(volume.name.as_ref());
    vec![
        number(volume),
        size(volume.size_bytes),
        volume.content.clone(),
        purpose.unwrap_or_default(),
        volume.uuid.clone().unwrap_or_default(),
        label
            .map(|label| format!("\"{label}\""))
            .unwrap_or_default(),
    ]
}

fn number(volume: &VolumeFacts) -> String {
    match volume.number {
        0 => "whole".to_owned(),
        number => number.to_string(),
    }
}

fn luks(own: &LuksFacts) -> String {
    let mut text = format!("LUKS version {}", own.version);
    if let Some(cipher) = &own.cipher {
        text.push_str(&format!(", {cipher}"));
    }
    let slots: Vec<String> = own.slots.iter().map(ToString::to_string).collect();
    if !slots.is_empty() {
        text.push_str(&format!(", key slots {}", slots.join(", ")));
    }
    text
}

fn subvolumes(page: &mut Page, all: &[SubvolumeFacts]) {
    let mut shown: Vec<&SubvolumeFacts> = all.iter().collect();
    // Snapshots are many, and mounted nowhere. Sorting keeps the order of the others.
    shown.sort_by_key(|own| own.mount_point.is_none() && !own.default);
    for (index, own) in shown.iter().take(SUBVOLUME_LINES).enumerate() {
        let mut text = match own.path.as_str() {
            "" => "/".to_owned(),
            path => path.to_owned(),
        };
        if let Some(point) = &own.mount_point {
            text.push_str(&format!("  on {point}"));
        }
        if own.default {
            text.push_str("  (default)");
        }
        page.line(if index == 0 { "subvolumes" } else { "" }, &text);
    }
    if let Some(more @ 1..) = all.len().checked_sub(SUBVOLUME_LINES) {
        page.line("", &format!("and {more} more"));
    }
}

/// What a partition that is not mounted is for.
fn purpose(type_id: &str) -> Option<&'static str> {
    match type_id {
        "c12a7328-f81f-11d2-ba4b-00a0c93ec93b" | "0xef" => Some("EFI system"),
        "21686148-6449-6e6f-744e-656564454649" => Some("BIOS boot"),
        "bc13c2ff-59e6-4262-a352-b275fd6f7172" => Some("extended boot"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOLUME: &str = r#""offset_bytes": 0, "size_bytes": 1073741824, "type_id": "",
        "uuid": null, "label": null, "partuuid": null, "name": null"#;

    fn check(volume: &str, expect: &str) {
        let volume = volume.replacen('{', &format!("{{{VOLUME},"), 1);
        let mut page = Page::default();
        volumes(&mut page, &[serde_json::from_str(&volume).unwrap()]);
        assert_eq!(page.finish(), expect);
    }

    #[test]
    fn what_there_is_to_say_of_a_volume_stands_below_it() {
        check(
            r#"{"number": 3, "content": "luks", "mount_point": null, "luks":
                {"version": 2, "cipher": "aes-xts-plain64", "slots": [0, 2]}}"#,
            "  3  1.0 GiB  luks\n  \
             encrypted     3: LUKS version 2, aes-xts-plain64, key slots 0, 2\n",
        );
        check(
            r#"{"number": 0, "content": "btrfs", "mount_point": "/", "dirty": true, "subvolumes": [
                {"id": 5, "path": "", "default": true, "mount_point": null},
                {"id": 256, "path": "snap", "default": false, "mount_point": null},
                {"id": 257, "path": "home", "default": false, "mount_point": "/home"}]}"#,
            "  whole  1.0 GiB  btrfs  /\n  \
             subvolumes    /  (default)\n                \
             home  on /home\n                \
             snap\n  \
             in use        whole: it was not unmounted\n",
        );
    }

    #[test]
    fn an_assembled_device_says_what_it_lies_on_and_lacks() {
        let own = r#"{"name": "rhel/root", "kind": "logical-volume", "layout": "linear",
            "uuid": null, "size_bytes": 1073741824, "table": "none", "volumes": [],
            "on": [{"disk": 0, "partition": 2}], "missing": ["pv1 (last seen as /dev/sdb)"],
            "unread": "its physical volume pv1 is not here"}"#;
        let mut page = Page::default();
        assembled(&mut page, &serde_json::from_str(own).unwrap());
        let expect = "Volume rhel/root  1.0 GiB, linear, on disk 0 partition 2\n  \
                      lacks         pv1 (last seen as /dev/sdb)\n  \
                      not read      its physical volume pv1 is not here\n";
        assert_eq!(page.finish(), expect);
    }
}
