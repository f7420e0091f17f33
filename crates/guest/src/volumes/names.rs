//! The names by which Linux and GRUB know assembled devices.

use super::{AssembledSeen, Volumes};
use crate::facts::{DeviceId, VolumeId};

impl Volumes {
    /// The volume on the device that `/dev/…` names.
    pub(super) fn mapped(&self, path: &str) -> Option<VolumeId> {
        let name = path.strip_prefix("/dev/")?;
        if let Some((device, partition)) = self.numbered(name) {
            return self.on(device, partition);
        }
        self.on(self.device(name)?, 0)
    }

    /// The device that `/dev/…` names, if it is there and cannot be read.
    pub(crate) fn unread(&self, path: &str) -> Option<&AssembledSeen> {
        let device = self.device(path.strip_prefix("/dev/")?)?;
        let seen = self.assembled.iter().find(|seen| seen.id == device)?;
        seen.facts.unread.is_some().then_some(seen)
    }

    /// The first device of which a part was not given.
    pub(crate) fn incomplete(&self) -> Option<&AssembledSeen> {
        let lacks =
            |seen: &&AssembledSeen| seen.facts.unread.is_some() && !seen.facts.missing.is_empty();
        self.assembled.iter().find(lacks)
    }

    /// GRUB's `lvm/GROUP-VOLUME`, `lvmid/GROUP/VOLUME` and `md/NAME`.
    pub(crate) fn of_grub(&self, name: &str) -> Option<VolumeId> {
        let (kind, rest) = name.split_once('/')?;
        let device = match kind {
            "lvm" => self.logical(&unescape(rest)?),
            "lvmid" => {
                let (_, volume) = rest.split_once('/')?;
                self.find(|seen| seen.facts.uuid.as_deref() == Some(volume))
            }
            "md" => {
                let (device, partition) = rest.split_once(',').unwrap_or((rest, "0"));
                let digits = partition.trim_start_matches(|c: char| c.is_ascii_lowercase());
                let device = self.array(device)?;
                return self.on(device, digits.parse().ok()?);
            }
            _ => None,
        };
        self.on(device?, 0)
    }

    fn device(&self, name: &str) -> Option<DeviceId> {
        if let Some(mapped) = name.strip_prefix("mapper/") {
            return self.logical(&unescape(mapped)?);
        }
        if let Some(id) = name.strip_prefix("disk/by-id/") {
            return self.by_id(id);
        }
        if let Some(array) = name.strip_prefix("md/") {
            return self.array(array);
        }
        if name.starts_with("md") {
            return self.array(name);
        }
        self.logical(name)
    }

    /// \[lvm2\], \[mdadm\] The links that their udev rules make.
    fn by_id(&self, name: &str) -> Option<DeviceId> {
        if let Some(mapped) = name.strip_prefix("dm-name-") {
            return self.logical(&unescape(mapped)?);
        }
        // 32 letters of the group, then 32 of the volume, without hyphens.
        if let Some(uuids) = name.strip_prefix("dm-uuid-LVM-") {
            let plain = |uuid: &str| uuid.replace('-', "");
            let ends = |seen: &AssembledSeen| {
                let uuid = seen.facts.uuid.as_deref().map(plain);
                uuid.is_some_and(|uuid| uuid.len() == 32 && uuids.ends_with(&uuid))
            };
            return self.find(ends);
        }
        let uuid = name.strip_prefix("md-uuid-")?;
        self.find(|seen| seen.facts.uuid.as_deref() == Some(uuid))
    }

    fn logical(&self, name: &str) -> Option<DeviceId> {
        let is_it = |seen: &AssembledSeen| {
            matches!(seen.id, DeviceId::LogicalVolume(_)) && seen.facts.name == name
        };
        self.find(is_it)
    }

    /// `md0`, `0`, `boot`. An array without a number gets one when it is assembled, from 127
    /// down: with one such array, that number is its.
    fn array(&self, name: &str) -> Option<DeviceId> {
        let arrays: Vec<(&str, DeviceId)> = self
            .assembled
            .iter()
            .filter(|seen| matches!(seen.id, DeviceId::Array(_)))
            .map(|seen| (seen.facts.name.as_str(), seen.id))
            .collect();
        let is_it = |own: &str| own == name || own.strip_prefix("md") == Some(name);
        if let Some((_, found)) = arrays.iter().find(|(own, _)| is_it(own)) {
            return Some(*found);
        }
        let has_number = |own: &str| {
            let digits = own.strip_prefix("md").unwrap_or("-");
            digits.bytes().all(|digit| digit.is_ascii_digit())
        };
        let mut unnumbered = arrays.iter().filter(|(own, _)| !has_number(own));
        match (name, unnumbered.next(), unnumbered.next()) {
            ("md127", Some((_, only)), None) => Some(*only),
            _ => None,
        }
    }

    /// `md127p1`.
    fn numbered(&self, name: &str) -> Option<(DeviceId, u32)> {
        let (device, number) = name.strip_prefix("md")?.rsplit_once('p')?;
        Some((self.array(&format!("md{device}"))?, number.parse().ok()?))
    }

    fn find(&self, is_it: impl Fn(&AssembledSeen) -> bool) -> Option<DeviceId> {
        let found = self.assembled.iter().find(|seen| is_it(seen));
        found.map(|seen| seen.id)
    }

    fn on(&self, device: DeviceId, partition: u32) -> Option<VolumeId> {
        let id = VolumeId { device, partition };
        self.get(id).map(|held| held.id)
    }
}

/// `GROUP/VOLUME` of the device mapper's `GROUP-VOLUME`, where a hyphen of a name is doubled.
fn unescape(name: &str) -> Option<String> {
    let mut out = String::with_capacity(name.len());
    let mut letters = name.chars().peekable();
    let mut parted = false;
    while let Some(letter) = letters.next() {
        if letter != '-' {
            out.push(letter);
        } else if letters.next_if_eq(&'-').is_some() {
            out.push('-');
        } else if parted {
            return None;
        } else {
            out.push('/');
            parted = true;
        }
    }
    parted.then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_device_mapper_double_their_hyphens() {
        let check = |name: &str, expect: Option<&str>| {
            assert_eq!(unescape(name).as_deref(), expect, "{name}");
        };
        check("rhel-root", Some("rhel/root"));
        check("my--vg-home--dir", Some("my-vg/home-dir"));
        check("a---b", Some("a-/b"));
        check("cryptroot", None);
        check("a-b-c", None);
    }
}
