//! What the disks say of the machine: firmware, the guest's kind, and what only a TPM opens.

use detente_block::{BlockRead, Window};
use detente_disk::Image;
use detente_guest::facts::{Facts, Firmware as Starts};
use detente_guest::{Options, inspect};
use detente_machine::spec::{Clock, Firmware, GuestFamily, MachineSpec, Sealing, SecureBoot};
use detente_machine::{Gate, Losses};
use detente_volume::{Content, TableKind};
use serde_json::Value;

/// GPT's type of an EFI system partition, as our scan spells it.
const ESP: &str = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";
/// LUKS2: the text behind the binary header; more than any header has in use.
const LUKS_TEXT_BYTES: u64 = 512 << 10;
const LUKS_TEXT_OFFSET: u64 = 4096;

/// What was seen.
pub(super) struct Seen {
    /// What can start the first disk, if that is sure.
    pub(super) firmware: Option<Firmware>,
    pub(super) family: GuestFamily,
    pub(super) sealing: Sealing,
    /// Whether the hardware clock keeps local time.
    pub(super) local_time: Option<bool>,
}

/// Looks at the disks, the boot disk first. Whatever cannot be read is not known.
pub(super) fn look(images: &[&Image]) -> Seen {
    let readers: Vec<_> = images.iter().map(|image| image.reader.clone()).collect();
    let facts = inspect(&readers, Options::default()).ok();
    let facts = facts.as_ref().map(|guest| guest.facts());
    let mut seen = Seen {
        firmware: facts.and_then(|facts| started_by(facts.firmware)),
        family: facts.map_or(GuestFamily::Unknown, |_| GuestFamily::Linux),
        sealing: Sealing::None,
        local_time: facts.and_then(|facts| Some(facts.time.hardware_clock.as_ref()?.local)),
    };
    for (index, reader) in readers.iter().enumerate() {
        let Ok((table, volumes)) = detente_volume::scan(reader) else {
            seen.sealing = worse(seen.sealing, Sealing::Unknown);
            continue;
        };
        let has_esp = volumes
            .iter()
            .any(|volume| volume.type_id.eq_ignore_ascii_case(ESP));
        if index == 0 && seen.firmware.is_none() {
            seen.firmware = match (table, has_esp) {
                (TableKind::Gpt, true) => Some(uefi()),
                (TableKind::Mbr, false) => Some(Firmware::Bios),
                _ => None,
            };
        }
        for volume in &volumes {
            let own = match (&volume.content, facts) {
                (Content::Other { kind, .. }, None) if may_hold_others(kind) => Sealing::Unknown,
                (content, _) => sealing(content, &volume.window),
            };
            seen.sealing = worse(seen.sealing, own);
            if matches!(
                volume.content,
                Content::Other {
                    kind: "ntfs" | "BitLocker",
                    ..
                }
            ) && facts.is_none()
            {
                seen.family = GuestFamily::Windows;
            }
        }
    }
    if let Some(facts) = facts {
        seen.sealing = worse(seen.sealing, configured(facts));
    }
    seen
}

fn uefi() -> Firmware {
    Firmware::Uefi {
        secure_boot: SecureBoot::Off,
    }
}

fn started_by(firmware: Starts) -> Option<Firmware> {
    match firmware {
        Starts::Uefi => Some(uefi()),
        Starts::Bios => Some(Firmware::Bios),
        Starts::UefiAndBios | Starts::Unknown => None,
    }
}

fn worse(one: Sealing, other: Sealing) -> Sealing {
    match (one, other) {
        (Sealing::Tpm, _) | (_, Sealing::Tpm) => Sealing::Tpm,
        (Sealing::Unknown, _) | (_, Sealing::Unknown) => Sealing::Unknown,
        (Sealing::None, Sealing::None) => Sealing::None,
    }
}

/// Volume groups, arrays and the like, which may have something encrypted in them that was not seen.
fn may_hold_others(kind: &str) -> bool {
    !matches!(kind, "ntfs" | "exfat" | "swap" | "BitLocker")
}

/// BitLocker's protectors are not read: the usual one is the TPM.
fn sealing(content: &Content, window: &Window) -> Sealing {
    match content {
        Content::Other {
            kind: "BitLocker", ..
        } => Sealing::Tpm,
        Content::Luks { version: 2, .. } => luks(window).unwrap_or(Sealing::Unknown),
        // Version 1 has no place for tokens but the gap where luksmeta puts clevis's.
        Content::Luks { .. } => luksmeta(window).unwrap_or(Sealing::Unknown),
        _ => Sealing::None,
    }
}

/// The tokens of a LUKS2 header.
fn luks(window: &Window) -> Option<Sealing> {
    let len = window
        .len_bytes()
        .checked_sub(LUKS_TEXT_OFFSET)?
        .min(LUKS_TEXT_BYTES);
    let mut bytes = vec![0; usize::try_from(len).ok()?];
    window.read_exact_at(LUKS_TEXT_OFFSET, &mut bytes).ok()?;
    let text = bytes.split(|&byte| byte == 0).next()?;
    let header: Value = serde_json::from_slice(text).ok()?;
    let tokens = header.get("tokens")?.as_object()?;
    Some(
        tokens
            .values()
            .fold(Sealing::None, |so_far, token| worse(so_far, bound(token))),
    )
}

fn bound(token: &Value) -> Sealing {
    match token.get("type").and_then(Value::as_str) {
        Some("systemd-tpm2") => Sealing::Tpm,
        // The pin stands in the header of a JWE, in base64: what is not plainly Tang may be a TPM.
        Some("clevis") => {
            let header = token.pointer("/jwe/protected").and_then(Value::as_str);
            match header.and_then(base64url) {
                Some(header) if contains(&header, b"\"tpm2\"") => Sealing::Tpm,
                Some(header) if contains(&header, b"\"tang\"") => Sealing::None,
                Some(_) | None => Sealing::Unknown,
            }
        }
        _ => Sealing::None,
    }
}

fn luksmeta(window: &Window) -> Option<Sealing> {
    let len = window.len_bytes().min(2 << 20);
    let mut bytes = vec![0; usize::try_from(len).ok()?];
    window.read_exact_at(0, &mut bytes).ok()?;
    let bound = contains(&bytes, b"LUKSMETA");
    Some(if bound {
        Sealing::Unknown
    } else {
        Sealing::None
    })
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// RFC 4648, section 5, without padding.
fn base64url(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut bits, mut held) = (0_u32, 0_u32);
    for character in text.bytes() {
        let value = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xff).ok()?);
        }
    }
    Some(bytes)
}

/// What the guest's own configuration says; LUKS above other volumes is known by it alone.
fn configured(facts: &Facts) -> Sealing {
    let by_tpm = |options: &str| options.contains("tpm2-device");
    if facts
        .storage
        .crypttab
        .iter()
        .any(|own| by_tpm(&own.options))
    {
        return Sealing::Tpm;
    }
    let mut above = facts.assembled.iter().flat_map(|own| &own.volumes);
    let above = above.any(|volume| volume.luks.is_some());
    if above {
        Sealing::Unknown
    } else {
        Sealing::None
    }
}

impl Seen {
    /// Puts what was seen into the definition, and says where the definition said otherwise.
    pub(super) fn enter(&self, spec: &mut MachineSpec, defined: bool, losses: &mut Losses) {
        match (&self.firmware, defined) {
            (Some(seen), true) if seen.is_uefi() != spec.firmware.is_uefi() => {
                let why = "the disk is made to be started by the other kind of firmware";
                losses.approximated("firmware", why);
                spec.firmware = seen.clone();
            }
            (Some(seen), false) => spec.firmware = seen.clone(),
            (Some(_) | None, _) => {}
        }
        if spec.guest.family == GuestFamily::Unknown {
            spec.guest.family = self.family;
        }
        spec.guest.sealed_disks = worse(spec.guest.sealed_disks_known(), self.sealing);
        if let (Some(local), Clock::LocalTime, true) = (self.local_time, &spec.clock, defined)
            && !local
        {
            // Hyper-V shows local time, and the guest takes it for UTC: there it is set right later.
            spec.clock = Clock::Utc;
        }
    }

    /// Disks alone do not say whether the machine that they come from has a TPM.
    pub(super) fn doubt(&self, losses: &mut Losses) {
        if self.sealing == Sealing::Unknown {
            losses.refused(
                "guest.sealed_disks",
                Gate::TpmState,
                "nobody could see whether a disk opens with what a TPM holds, and that never moves: \
                 have the recovery key or a passphrase at hand",
            );
        }
    }
}

/// A definition says `unknown` where nobody looked; now somebody did.
trait Known {
    fn sealed_disks_known(&self) -> Sealing;
}

impl Known for detente_machine::spec::GuestHint {
    fn sealed_disks_known(&self) -> Sealing {
        match self.sealed_disks {
            Sealing::Unknown | Sealing::None => Sealing::None,
            Sealing::Tpm => Sealing::Tpm,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_say_what_opens_a_disk() {
        let clevis =
            |header: &str| serde_json::json!({"type": "clevis", "jwe": {"protected": header}});
        // base64url of {"clevis":{"pin":"tpm2"}} and {"clevis":{"pin":"tang"}}, by coreutils.
        let tpm2 = "eyJjbGV2aXMiOnsicGluIjoidHBtMiJ9fQ";
        let tang = "eyJjbGV2aXMiOnsicGluIjoidGFuZyJ9fQ";
        for (token, expect) in [
            (serde_json::json!({"type": "systemd-tpm2"}), Sealing::Tpm),
            (
                serde_json::json!({"type": "systemd-recovery"}),
                Sealing::None,
            ),
            (clevis(tpm2), Sealing::Tpm),
            (clevis(tang), Sealing::None),
            (clevis("!"), Sealing::Unknown),
            (serde_json::json!({"type": "clevis"}), Sealing::Unknown),
        ] {
            assert_eq!(bound(&token), expect, "{token}");
        }
    }
}
