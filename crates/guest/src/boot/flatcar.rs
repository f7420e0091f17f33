//! Flatcar (and Container Linux before it): two read-only `/usr` partitions, each with a kernel on
//! the EFI system partition. Its GRUB has the configuration in its own image; what it does is
//! known: it starts the slot that `gptprio.next` chooses. Sources: flatcar/scripts, `grub.cfg`;
//! the ChromiumOS disk format, whose partition attributes it uses.

use detente_block::{BlockRead, ReadError};

use super::model::{Candidate, FileRef, Found, LinuxStart, Start};
use crate::error::InspectError;
use crate::facts::{DefaultReason, Loader, Place};
use crate::volumes::{Held, Volumes};

/// `coreos-usr`, the type of both partitions.
pub(crate) const USR: &str = "5dfbf5f4-2848-4bac-aa5e-0d9a20b745a6";
/// \[UEFI\] 5.3: 128 entries of 128 bytes is what every tool makes.
const MAX_ENTRIES_BYTES: u64 = 64 * 1024;

/// Finds the kernels of the slots.
pub(super) fn find(volumes: &Volumes) -> Result<Option<Found>, InspectError> {
    for esp in volumes.readable().filter(|held| held.is_esp()) {
        for folder in ["/flatcar", "/coreos"] {
            let mut slots = Vec::new();
            for (letter, name) in [("a", "USR-A"), ("b", "USR-B")] {
                let kernel = Place {
                    volume: esp.id,
                    path: format!("{folder}/vmlinuz-{letter}"),
                };
                let named = |held: &&Held| held.volume.name.as_deref() == Some(name);
                if let Some(usr) = volumes.held.iter().find(named)
                    && volumes.is_file(&kernel)?
                {
                    slots.push((name, kernel, usr));
                }
            }
            if !slots.is_empty() {
                return Ok(Some(found(volumes, esp, folder, &slots)));
            }
        }
    }
    Ok(None)
}

fn found(
    volumes: &Volumes,
    esp: &Held,
    folder: &str,
    slots: &[(&'static str, Place, &Held)],
) -> Found {
    let order = |held: &Held| {
        let disk = held.id.disk().and_then(|disk| volumes.disks.get(disk));
        let number = held.volume.number;
        let all = disk.map_or(&[][..], |disk| &disk.priorities);
        all.iter()
            .find(|(own, _)| *own == number)
            .map_or(0, |(_, priority)| *priority)
    };
    // Of two with the same priority the first counts.
    let best = (0..slots.len())
        .rev()
        .max_by_key(|&index| slots.get(index).map(|(_, _, usr)| order(usr)));
    let default = best.and_then(|index| {
        let value = slots.get(index)?.0.to_owned();
        Some((index, DefaultReason::PartitionPriority { value }))
    });
    Found {
        loader: Loader::Grub2,
        config: None,
        entries: slots.iter().map(candidate).collect(),
        default,
        problem: None,
        notes: vec![format!(
            "the menu of {folder} on {} is in GRUB's own image: its arguments are those that \
             Flatcar sets, without what the OEM partition adds",
            esp.id
        )],
    }
}

fn candidate((name, kernel, usr): &(&'static str, Place, &Held)) -> Candidate {
    let uuid = usr.volume.partuuid.clone().unwrap_or_default();
    let device = kernel.volume.to_string();
    Candidate {
        id: format!("flatcar-{}", name.to_ascii_lowercase()),
        title: format!("Flatcar {name}"),
        start: Start::Linux(LinuxStart {
            kernel: FileRef {
                spelled: kernel.path.clone(),
                device,
                place: Some(kernel.clone()),
            },
            // It is part of the kernel's image.
            initramfs: Vec::new(),
            command_line: format!(
                "mount.usr=/dev/mapper/usr verity.usr=PARTUUID={uuid} rootflags=rw \
                 mount.usrflags=ro consoleblank=0 root=LABEL=ROOT"
            ),
            boot_image: Some(kernel.path.clone()),
        }),
    }
}

/// What `gptprio.next` goes by: the numbers of the partitions of this type, and their priorities; 0
/// where it has neither been started well nor has tries left.
pub(crate) fn priorities(disk: &dyn BlockRead) -> Result<Vec<(u32, u8)>, ReadError> {
    for sector in [512, 4096] {
        let mut header = [0; 92];
        if disk.len_bytes() < 3 * 4096 {
            return Ok(Vec::new());
        }
        disk.read_exact_at(sector, &mut header)?;
        if header.starts_with(b"EFI PART") {
            return entries(disk, &header, sector);
        }
    }
    Ok(Vec::new())
}

/// \[UEFI\] 5.3.2 and 5.3.3.
fn entries(disk: &dyn BlockRead, header: &[u8], sector: u64) -> Result<Vec<(u32, u8)>, ReadError> {
    let le64 = |bytes: &[u8], at: usize| {
        let bytes = bytes.get(at..).and_then(|rest| rest.first_chunk());
        bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
    };
    let start = le64(header, 72).saturating_mul(sector);
    let (count, size) = (le64(header, 80) & 0xffff_ffff, le64(header, 80) >> 32);
    let all = count.saturating_mul(size).min(MAX_ENTRIES_BYTES);
    let inside = start
        .checked_add(all)
        .is_some_and(|end| end <= disk.len_bytes());
    let (Ok(all), Ok(size)) = (usize::try_from(all), usize::try_from(size)) else {
        return Ok(Vec::new());
    };
    if !inside || size < 128 {
        return Ok(Vec::new());
    }
    let mut bytes = vec![0; all];
    disk.read_exact_at(start, &mut bytes)?;
    // USR as a GUID lies on the disk.
    let kind = [
        0xf4, 0xf5, 0xfb, 0x5d, 0x48, 0x28, 0xac, 0x4b, 0xaa, 0x5e, 0x0d, 0x9a, 0x20, 0xb7, 0x45,
        0xa6,
    ];
    let priority = |(number, entry): (u32, &[u8])| {
        let attributes = le64(entry, 48);
        // Bits 48 to 51: priority; 52 to 55: tries left; 56: started well.
        let [.., flags, success] = attributes.to_le_bytes();
        let can_start = success & 1 != 0 || flags >> 4 != 0;
        let priority = if can_start { flags & 0x0f } else { 0 };
        entry.starts_with(&kind).then_some((number, priority))
    };
    Ok((1..)
        .zip(bytes.chunks_exact(size))
        .filter_map(priority)
        .collect())
}

/// For the exerciser.
pub(super) fn exercise(bytes: &[u8]) {
    let disk = detente_block::MemoryBackend::new(bytes.to_vec());
    // A read outside the bytes is refused.
    let _ = priorities(&disk);
}

#[cfg(test)]
mod tests {
    use super::*;
    use detente_block::MemoryBackend;

    /// A disk with these partitions: whether it is a `/usr`, and its attributes.
    fn disk(partitions: &[(bool, u64)]) -> MemoryBackend {
        let mut bytes = vec![0; 64 * 1024];
        bytes[512..520].copy_from_slice(b"EFI PART");
        bytes[512 + 72..512 + 80].copy_from_slice(&2_u64.to_le_bytes());
        bytes[512 + 80..512 + 84].copy_from_slice(&128_u32.to_le_bytes());
        bytes[512 + 84..512 + 88].copy_from_slice(&128_u32.to_le_bytes());
        for (index, (is_usr, attributes)) in partitions.iter().enumerate() {
            let at = 1024 + 128 * index;
            // The first fields of a GUID are little-endian: 5dfbf5f4-2848-4bac-….
            let usr = [0xf4, 0xf5, 0xfb, 0x5d, 0x48, 0x28, 0xac, 0x4b];
            let rest = [0xaa, 0x5e, 0x0d, 0x9a, 0x20, 0xb7, 0x45, 0xa6];
            if *is_usr {
                bytes[at..at + 8].copy_from_slice(&usr);
                bytes[at + 8..at + 16].copy_from_slice(&rest);
            }
            bytes[at + 48..at + 56].copy_from_slice(&attributes.to_le_bytes());
        }
        MemoryBackend::new(bytes)
    }

    #[test]
    fn priorities_of_slots_that_can_start() {
        let (priority, tries, success) = (1_u64 << 48, 1_u64 << 52, 1_u64 << 56);
        let disk = disk(&[
            (false, 15 * priority + success),
            (true, priority + success),
            (true, 2 * priority),
            (true, 3 * priority + tries),
        ]);
        assert_eq!(priorities(&disk).unwrap(), [(2, 1), (3, 0), (4, 3)]);
        let nothing = MemoryBackend::new(vec![0; 64 * 1024]);
        assert_eq!(priorities(&nothing).unwrap(), []);
    }
}
