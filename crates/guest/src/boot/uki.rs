//! Unified kernel images on an ESP: a PE program with kernel, initramfs and command line in it.
//!
//! Only the small sections are read here: an image has a hundred megabytes easily.

use std::sync::Arc;

use detente_block::{BlockRead, Window};

use super::model::{Candidate, Found, Start, UkiStart};
use super::version_order::compare;
use crate::error::InspectError;
use crate::facts::{DefaultReason, Loader, Place, VolumeId};
use crate::os_release;
use crate::volumes::Volumes;

/// Where the firmware looks when it knows of nothing better. \[UEFI\] 3.5.1.1.
pub(super) const FALLBACK: &str = "/EFI/BOOT/BOOTX64.EFI";
/// Headers and section table lie in the first pages of what ukify and dracut make.
const HEAD_BYTES: usize = 64 * 1024;
/// Text sections are a few hundred bytes.
const MAX_TEXT_BYTES: usize = 64 * 1024;
/// More images than any ESP holds.
const MAX_IMAGES: usize = 64;

/// What an image says of itself.
pub(super) struct Uki {
    pub(super) start: UkiStart,
    pub(super) title: String,
    pub(super) version: String,
    pub(super) sort_key: String,
}

/// The images in `/EFI/Linux`, by file name.
pub(super) fn list(volumes: &Volumes, home: VolumeId) -> Result<Vec<(String, Uki)>, InspectError> {
    let mut images = Vec::new();
    for name in volumes
        .list(home, "/EFI/Linux")?
        .into_iter()
        .take(MAX_IMAGES)
    {
        let place = Place {
            volume: home,
            path: format!("/EFI/Linux/{name}"),
        };
        if name.to_ascii_lowercase().ends_with(".efi")
            && let Some(uki) = read(volumes, &place)?
        {
            images.push((name, uki));
        }
    }
    Ok(images)
}

/// Reads an image; `None` for a program that is none.
pub(super) fn read(volumes: &Volumes, place: &Place) -> Result<Option<Uki>, InspectError> {
    let Some(head) = volumes.head(place.volume, &place.path, HEAD_BYTES)? else {
        return Ok(None);
    };
    let sections = sections(&head).unwrap_or_default();
    if !sections
        .iter()
        .any(|section| section.name == *b".linux\0\0")
    {
        return Ok(None);
    }
    let on = |source| InspectError::on(place.volume, source);
    let Some(fs) = volumes.fs(place.volume) else {
        return Ok(None);
    };
    let file = fs.open(&place.path).map_err(on)?;
    let text = |name: &[u8; 8]| -> Result<String, InspectError> {
        // The last one wins: a profile's section replaces that of the base.
        match sections.iter().rev().find(|section| section.name == *name) {
            Some(section) => section
                .text(file.as_ref())
                .map_err(|error| on(error.into())),
            None => Ok(String::new()),
        }
    };
    let command_line = text(b".cmdline")?.trim().to_owned();
    let release = Some(text(b".uname\0\0")?.trim().to_owned()).filter(|text| !text.is_empty());
    let os = os_release::parse(&text(b".osrel\0\0")?);
    let field = |name: &str| os.get(name).cloned().filter(|value| !value.is_empty());
    // The Boot Loader Specification, type 2: title, version and sort key come from os-release.
    let title = field("PRETTY_NAME")
        .or_else(|| field("ID"))
        .unwrap_or_default();
    let version = field("IMAGE_VERSION")
        .or_else(|| field("VERSION_ID"))
        .unwrap_or_default();
    let sort_key = field("IMAGE_ID")
        .or_else(|| field("ID"))
        .unwrap_or_default();
    let start = UkiStart {
        place: place.clone(),
        command_line,
        release,
    };
    Ok(Some(Uki {
        start,
        title,
        version,
        sort_key,
    }))
}

/// The initramfs in an image; `None` if it has none, or is no such image.
pub(crate) fn initrd(
    file: &Arc<dyn BlockRead>,
) -> Result<Option<Arc<dyn BlockRead>>, detente_block::ReadError> {
    let len = usize::try_from(file.len_bytes()).map_or(HEAD_BYTES, |all| all.min(HEAD_BYTES));
    let mut head = vec![0; len];
    file.read_exact_at(0, &mut head)?;
    let sections = sections(&head).unwrap_or_default();
    let named = |name: &[u8; 8]| sections.iter().rev().find(|own| own.name == *name);
    let (Some(_), Some(section)) = (named(b".linux\0\0"), named(b".initrd\0")) else {
        return Ok(None);
    };
    let len = u64::try_from(section.size).unwrap_or(u64::MAX);
    let window = Window::new(Arc::clone(file), section.offset, len)?;
    Ok(Some(Arc::new(window)))
}

/// Images that the firmware itself starts, where there is no boot loader.
pub(super) fn find(volumes: &Volumes) -> Result<Option<Found>, InspectError> {
    let mut images: Vec<(Uki, DefaultReason)> = Vec::new();
    for esp in volumes.readable().filter(|held| held.is_esp()) {
        let fallback = Place {
            volume: esp.id,
            path: FALLBACK.to_owned(),
        };
        if let Some(uki) = read(volumes, &fallback)? {
            images.push((uki, DefaultReason::FallbackPath));
        }
        let mut listed = list(volumes, esp.id)?;
        listed.sort_by(|(left, _), (right, _)| compare(right, left));
        images.extend(
            listed
                .into_iter()
                .map(|(_, uki)| (uki, DefaultReason::SortsFirst)),
        );
    }
    let Some((_, why)) = images.first() else {
        return Ok(None);
    };
    let default = Some((0, why.clone()));
    let entries = images.into_iter().map(|(uki, _)| candidate(uki)).collect();
    let (loader, notes) = (Loader::Uki, Vec::new());
    Ok(Some(Found {
        loader,
        config: None,
        entries,
        default,
        problem: None,
        notes,
    }))
}

fn candidate(uki: Uki) -> Candidate {
    let id = uki.start.place.path.clone();
    let title = if uki.title.is_empty() {
        id.clone()
    } else {
        uki.title
    };
    Candidate {
        id,
        title,
        start: Start::Uki(uki.start),
    }
}

/// A section as the table has it.
struct Section {
    name: [u8; 8],
    size: usize,
    offset: u64,
}

impl Section {
    /// Its text up to a NUL.
    fn text(&self, file: &dyn BlockRead) -> Result<String, detente_block::ReadError> {
        let mut bytes = vec![0; self.size.min(MAX_TEXT_BYTES)];
        file.read_exact_at(self.offset, &mut bytes)?;
        let end = bytes
            .iter()
            .position(|&byte| byte == 0)
            .unwrap_or(bytes.len());
        Ok(String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned())
    }
}

/// The sections of the base and of profile 0. `None` if this is no PE file.
fn sections(head: &[u8]) -> Option<Vec<Section>> {
    let pe = usize::try_from(le32(head, 0x3c)?).ok()?;
    if head.get(..2)? != b"MZ" || head.get(pe..pe.checked_add(4)?)? != b"PE\0\0" {
        return None;
    }
    // [PE/COFF]: 4 bytes of signature, 20 of COFF header, the optional header, the table.
    let count = le16(head, pe.checked_add(6)?)?;
    let optional = usize::from(le16(head, pe.checked_add(20)?)?);
    let mut at = pe.checked_add(24)?.checked_add(optional)?;
    let (mut sections, mut profiles) = (Vec::new(), 0_u32);
    for _ in 0..count {
        let name: [u8; 8] = head.get(at..at.checked_add(8)?)?.try_into().ok()?;
        profiles = profiles.saturating_add(u32::from(name == *b".profile"));
        if profiles > 1 {
            break;
        }
        let virtual_size = le32(head, at.checked_add(8)?)?;
        let raw_size = le32(head, at.checked_add(16)?)?;
        let offset = u64::from(le32(head, at.checked_add(20)?)?);
        let size = usize::try_from(virtual_size.min(raw_size)).ok()?;
        sections.push(Section { name, size, offset });
        at = at.checked_add(40)?;
    }
    Some(sections)
}

fn le16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(
        bytes.get(at..at.checked_add(2)?)?.try_into().ok()?,
    ))
}

fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(
        bytes.get(at..at.checked_add(4)?)?.try_into().ok()?,
    ))
}

/// For the exerciser.
pub(super) fn exercise(bytes: &[u8]) {
    let file = detente_block::MemoryBackend::new(bytes.to_vec());
    for section in sections(bytes).unwrap_or_default().iter().take(64) {
        // A section outside the file is refused by the read.
        let _ = section.text(&file);
    }
}
