//! What stands on EFI system partitions: programs, and the entries that shim's fallback writes.

use detente_volume::FileKind;

use super::uki::FALLBACK;
use crate::error::InspectError;
use crate::facts::{CsvEntry, EfiProgram, Place, VolumeId};
use crate::files::absent;
use crate::volumes::{Held, Volumes};

/// More programs than any such partition has.
const MAX_PROGRAMS: usize = 128;
/// A longer CSV has more than a few lines.
const MAX_CSV_BYTES: u64 = 64 * 1024;
const MAX_CSV_LINES: usize = 64;

/// The programs in `/EFI` and its folders, by volume and path.
pub(crate) fn programs(volumes: &Volumes) -> Result<Vec<EfiProgram>, InspectError> {
    let mut all = Vec::new();
    for home in homes(volumes)? {
        for folder in folders(volumes, home)? {
            for name in volumes.list(home, &folder)? {
                if all.len() >= MAX_PROGRAMS || !name.to_ascii_lowercase().ends_with(".efi") {
                    continue;
                }
                let place = place(home, &folder, &name);
                if let Some(len_bytes) = len(volumes, &place)? {
                    let fallback = place.path.eq_ignore_ascii_case(FALLBACK);
                    all.push(EfiProgram {
                        place,
                        len_bytes,
                        fallback,
                    });
                }
            }
        }
    }
    Ok(all)
}

/// The lines of every `BOOTX64.CSV`.
pub(crate) fn csv(volumes: &Volumes) -> Result<Vec<CsvEntry>, InspectError> {
    let mut all = Vec::new();
    for home in homes(volumes)? {
        for folder in folders(volumes, home)? {
            for name in volumes.list(home, &folder)? {
                let upper = name.to_ascii_uppercase();
                if !upper.starts_with("BOOT") || !upper.ends_with(".CSV") {
                    continue;
                }
                let place = place(home, &folder, &name);
                let bytes = volumes.read(home, &place.path, MAX_CSV_BYTES)?;
                all.extend(lines(&place, &bytes.unwrap_or_default()));
            }
        }
    }
    all.truncate(MAX_CSV_LINES);
    Ok(all)
}

/// EFI system partitions; and FAT volumes with a folder `EFI`, which firmware takes for such.
fn homes(volumes: &Volumes) -> Result<Vec<VolumeId>, InspectError> {
    let mut homes = Vec::new();
    let can_be = |held: &&Held| held.is_esp() || held.kind() == "fat" || held.kind() == "vfat";
    for held in volumes.readable().filter(can_be) {
        if held.is_esp() || !volumes.list(held.id, "/EFI")?.is_empty() {
            homes.push(held.id);
        }
    }
    Ok(homes)
}

fn folders(volumes: &Volumes, home: VolumeId) -> Result<Vec<String>, InspectError> {
    let vendors = volumes.list(home, "/EFI")?;
    let mut all = vec!["/EFI".to_owned()];
    all.extend(vendors.iter().take(64).map(|name| format!("/EFI/{name}")));
    // Windows.
    let microsoft = all
        .iter()
        .find(|path| path.eq_ignore_ascii_case("/EFI/Microsoft"));
    let boot = microsoft.map(|path| format!("{path}/Boot"));
    all.extend(boot);
    Ok(all)
}

/// How long a regular file is.
fn len(volumes: &Volumes, place: &Place) -> Result<Option<u64>, InspectError> {
    let Some(fs) = volumes.fs(place.volume) else {
        return Ok(None);
    };
    let metadata = absent(fs.metadata(&place.path));
    let metadata = metadata.map_err(|error| InspectError::on(place.volume, error))?;
    Ok(metadata
        .filter(|metadata| metadata.kind == FileKind::File)
        .map(|metadata| metadata.len))
}

fn place(volume: VolumeId, folder: &str, name: &str) -> Place {
    Place {
        volume,
        path: format!("{folder}/{name}"),
    }
}

/// shim's README.fallback: UTF-16, `file,label,options,description`, one entry a line.
fn lines(place: &Place, bytes: &[u8]) -> Vec<CsvEntry> {
    let units = bytes
        .chunks_exact(2)
        .filter_map(|pair| Some(u16::from_le_bytes([*pair.first()?, *pair.last()?])));
    let text: String = char::decode_utf16(units)
        .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
        .filter(|c| !matches!(c, '\u{feff}' | '\0'))
        .collect();
    let entry = |line: &str| {
        let (program, rest) = line.split_once(',')?;
        let label = rest.split(',').next().unwrap_or_default();
        Some(CsvEntry {
            place: place.clone(),
            program: program.trim().to_owned(),
            label: label.trim().to_owned(),
        })
    };
    text.lines().filter_map(entry).take(MAX_CSV_LINES).collect()
}

/// For the exerciser.
pub(super) fn exercise(bytes: &[u8]) {
    lines(&place(VolumeId::new(0, 1), "", ""), bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::machine::{ESP, Machine};

    #[test]
    fn programs_and_entries_of_fallback() {
        let csv_text = "\u{feff}shimx64.efi,debian,,This is the boot entry for debian\n";
        let utf16: Vec<u8> = csv_text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let files: &[(&str, &[u8])] = &[
            ("/EFI/BOOT/BOOTX64.EFI", b"MZ"),
            ("/EFI/debian/shimx64.efi", b"MZ2"),
            ("/EFI/debian/BOOTX64.CSV", &utf16),
            ("/EFI/debian/grub.cfg", b""),
        ];
        let volumes = Machine::new().fat(ESP, files).volumes();
        let seen: Vec<_> = programs(&volumes)
            .unwrap()
            .into_iter()
            .map(|program| (program.place.path, program.len_bytes, program.fallback))
            .collect();
        assert_eq!(
            seen,
            [
                ("/EFI/BOOT/BOOTX64.EFI".to_owned(), 2, true),
                ("/EFI/debian/shimx64.efi".to_owned(), 3, false),
            ]
        );
        let entries = csv(&volumes).unwrap();
        assert_eq!(entries.len(), 1);
        assert_eq!(
            (entries[0].program.as_str(), entries[0].label.as_str()),
            ("shimx64.efi", "debian")
        );
    }
}
