//! The facts of a guest as libguestfs's `virt-inspector` writes them, for scripts that read that.
//!
//! The shape is that of its `virt-inspector.rng`; devices have the names that libguestfs gives
//! them: `/dev/sda2` is the second partition of the first image.

mod distribution;

use std::io;

use detente_guest::facts::{DeviceId, Facts, Package, PackageState, VolumeFacts, VolumeId};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use distribution::Distribution;

type Xml = Writer<Vec<u8>>;

/// The document.
///
/// # Errors
/// None that memory allows; the type is that of the XML writer.
pub(super) fn document(facts: &Facts) -> io::Result<Vec<u8>> {
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    within(&mut xml, "operatingsystems", None, |xml| {
        within(xml, "operatingsystem", None, |xml| system(xml, facts))
    })?;
    let mut bytes = xml.into_inner();
    bytes.push(b'\n');
    Ok(bytes)
}

fn system(xml: &mut Xml, facts: &Facts) -> io::Result<()> {
    let own = Distribution::of(&facts.operating_system);
    let subvolume = facts.root_subvolume.as_deref().unwrap_or_default();
    text(xml, "root", &mountable(facts.root, subvolume))?;
    text(xml, "name", "linux")?;
    text(xml, "arch", &facts.architecture.replace('-', "_"))?;
    optional(xml, "distro", own.distro)?;
    text(xml, "product_name", &facts.operating_system.pretty_name)?;
    text(xml, "major_version", &own.major.to_string())?;
    text(xml, "minor_version", &own.minor.to_string())?;
    optional(xml, "package_format", own.package_format)?;
    optional(xml, "package_management", own.package_management)?;
    optional(xml, "hostname", facts.hostname.as_deref())?;
    optional(xml, "osinfo", own.osinfo().as_deref())?;
    within(xml, "mountpoints", None, |xml| mount_points(xml, facts))?;
    within(xml, "filesystems", None, |xml| file_systems(xml, facts))?;
    applications(xml, facts)
}

/// The root, then what fstab mounts below it.
fn mount_points(xml: &mut Xml, facts: &Facts) -> io::Result<()> {
    let subvolume = facts.root_subvolume.as_deref().unwrap_or_default();
    let point = |xml: &mut Xml, device: &str, path: &str| {
        let mut start = BytesStart::new("mountpoint");
        start.push_attribute(("dev", clean(device).as_str()));
        xml.write_event(Event::Start(start))?;
        xml.write_event(Event::Text(BytesText::new(&clean(path))))?;
        xml.write_event(Event::End(BytesEnd::new("mountpoint")))
    };
    point(xml, &mountable(facts.root, subvolume), "/")?;
    for own in &facts.fstab {
        let path = own.mount_point.as_str();
        if let Some(volume) = own
            .volume
            .filter(|_| path.len() > 1 && path.starts_with('/'))
        {
            let mut options = own.options.split(',');
            let subvolume = options.find_map(|option| option.strip_prefix("subvol="));
            let subvolume = subvolume.unwrap_or_default().trim_start_matches('/');
            point(xml, &mountable(volume, subvolume), path)?;
        }
    }
    Ok(())
}

fn file_systems(xml: &mut Xml, facts: &Facts) -> io::Result<()> {
    for (disk, own) in facts.disks.iter().enumerate() {
        for volume in &own.volumes {
            let id = VolumeId::new(disk, volume.number);
            file_system(xml, &device(id), volume)?;
        }
    }
    for own in &facts.assembled {
        for volume in &own.volumes {
            file_system(
                xml,
                &partition(&format!("/dev/{}", own.name), volume.number),
                volume,
            )?;
        }
    }
    Ok(())
}

fn file_system(xml: &mut Xml, device: &str, volume: &VolumeFacts) -> io::Result<()> {
    // blkid's names, where ours are others. What holds further volumes is no file system.
    let kind = match volume.content.as_str() {
        "lvm2" | "LVM2_member" | "mdraid" | "linux_raid_member" => return Ok(()),
        "fat" => "vfat",
        "luks" => "crypto_LUKS",
        "iso" => "iso9660",
        kind => kind,
    };
    within(xml, "filesystem", Some(("dev", device)), |xml| {
        text(xml, "type", kind)?;
        optional(xml, "label", volume.label.as_deref())?;
        optional(xml, "uuid", volume.uuid.as_deref())
    })
}

/// The installed packages, where they were listed.
fn applications(xml: &mut Xml, facts: &Facts) -> io::Result<()> {
    let lists: Vec<&Vec<Package>> = facts
        .packages
        .iter()
        .filter_map(|own| own.packages.as_ref())
        .collect();
    if lists.is_empty() {
        return Ok(());
    }
    within(xml, "applications", None, |xml| {
        let all = lists.into_iter().flatten();
        for own in all.filter(|own| own.state == PackageState::Installed) {
            within(xml, "application", None, |xml| application(xml, own))?;
        }
        Ok(())
    })
}

fn application(xml: &mut Xml, own: &Package) -> io::Result<()> {
    text(xml, "name", &own.name)?;
    let epoch = own.epoch.filter(|&epoch| epoch != 0);
    optional(xml, "epoch", epoch.map(|own| own.to_string()).as_deref())?;
    text(xml, "version", &own.version)?;
    optional(xml, "release", own.release.as_deref())?;
    optional(xml, "arch", own.architecture.as_deref())?;
    optional(xml, "publisher", own.vendor.as_deref())?;
    optional(xml, "source_package", own.source.as_deref())?;
    optional(xml, "summary", own.summary.as_deref())
}

/// `btrfsvol:/dev/sda2/root` for a subvolume, else the device.
fn mountable(volume: VolumeId, subvolume: &str) -> String {
    if subvolume.is_empty() {
        device(volume)
    } else {
        format!("btrfsvol:{}/{subvolume}", device(volume))
    }
}

fn device(volume: VolumeId) -> String {
    match volume.device {
        DeviceId::Disk(disk) => partition(&format!("/dev/sd{}", letters(disk)), volume.partition),
        DeviceId::LogicalVolume(name) | DeviceId::Array(name) => {
            partition(&format!("/dev/{}", name.as_str()), volume.partition)
        }
    }
}

fn partition(device: &str, number: u32) -> String {
    match number {
        0 => device.to_owned(),
        // The kernel's rule: a name that ends in a digit has a `p` before the number.
        _ if device.ends_with(|c: char| c.is_ascii_digit()) => format!("{device}p{number}"),
        _ => format!("{device}{number}"),
    }
}

/// `a` to `z`, `aa`, ….
fn letters(mut disk: usize) -> String {
    let mut name = String::new();
    loop {
        let letter = ('a'..='z').nth(disk % 26).unwrap_or('a');
        name.insert(0, letter);
        match (disk / 26).checked_sub(1) {
            Some(rest) => disk = rest,
            None => return name,
        }
    }
}

fn within(
    xml: &mut Xml,
    name: &str,
    attribute: Option<(&str, &str)>,
    inside: impl FnOnce(&mut Xml) -> io::Result<()>,
) -> io::Result<()> {
    let mut start = BytesStart::new(name);
    if let Some((key, value)) = attribute {
        start.push_attribute((key, clean(value).as_str()));
    }
    xml.write_event(Event::Start(start))?;
    inside(xml)?;
    xml.write_event(Event::End(BytesEnd::new(name)))
}

fn text(xml: &mut Xml, name: &str, value: &str) -> io::Result<()> {
    xml.write_event(Event::Start(BytesStart::new(name)))?;
    xml.write_event(Event::Text(BytesText::new(&clean(value))))?;
    xml.write_event(Event::End(BytesEnd::new(name)))
}

fn optional(xml: &mut Xml, name: &str, value: Option<&str>) -> io::Result<()> {
    match value.filter(|value| !value.is_empty()) {
        Some(value) => text(xml, name, value),
        None => Ok(()),
    }
}

/// [XML 1.0] 2.2 allows no other control characters: a guest may name itself with any.
fn clean(value: &str) -> String {
    let is_allowed = |c: char| {
        matches!(c, '\t' | '\n' | '\r') || (c >= ' ' && c != '\u{fffe}' && c != '\u{ffff}')
    };
    let safe = |c| if is_allowed(c) { c } else { '\u{fffd}' };
    value.chars().map(safe).collect()
}

#[cfg(test)]
mod tests;
