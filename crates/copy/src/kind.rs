//! A new image of the kind of one that there is.

use detente_disk::{
    Details, Qcow2Details, Qcow2Spec, Target, VhdDiskType, VhdKind, VhdSpec, VhdxAllocation,
    VhdxKind, VhdxSpec,
};

/// Why there is no such target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoKind {
    /// It holds more than a disk: internal snapshots, bitmaps, or its bytes are in another file.
    MoreThanADisk,
    /// Its format is not written.
    Format,
}

/// A target that makes what the image is; one that rests on nothing.
pub(crate) fn same_kind(details: &Details) -> Result<Target, NoKind> {
    match details {
        Details::Qcow2(details) if !is_plain(details) => Err(NoKind::MoreThanADisk),
        details => target_like(details).ok_or(NoKind::Format),
    }
}

fn is_plain(details: &Qcow2Details) -> bool {
    details.snapshots.is_empty()
        && details.bitmaps.is_empty()
        && details.broken.is_empty()
        && details.data_file.is_none()
}

/// A target for the disk alone that an image holds, of the image's own kind: one that rests on
/// nothing, without internal snapshots and bitmaps. None where the format is not written.
#[must_use]
pub fn target_like(details: &Details) -> Option<Target> {
    match details {
        Details::Raw => Some(Target::Raw),
        Details::Qcow2(details) => Some(Target::Qcow2(Qcow2Spec {
            version: details.version,
            cluster_bits: details.cluster_bytes.trailing_zeros(),
            compression: None,
            extended_l2: details.extended_l2,
            backing: None,
        })),
        Details::Vhdx(details) => Some(Target::Vhdx(VhdxSpec {
            kind: match details.allocation {
                VhdxAllocation::Fixed => VhdxKind::Fixed,
                VhdxAllocation::Dynamic | VhdxAllocation::Differencing => VhdxKind::Dynamic,
            },
            block_bytes: details.block_bytes,
            logical_sector_bytes: details.logical_sector_bytes,
            physical_sector_bytes: details.physical_sector_bytes,
        })),
        Details::Vhd(details) => Some(Target::Vhd(VhdSpec {
            kind: match details.disk_type {
                VhdDiskType::Fixed => VhdKind::Fixed,
                VhdDiskType::Dynamic | VhdDiskType::Differencing => VhdKind::Dynamic,
            },
        })),
        _ => None,
    }
}
