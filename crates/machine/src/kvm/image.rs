//! Where a disk's image is on a host with KVM.

use crate::loss::Losses;
use crate::spec::{Disk, DiskFormat, DiskSource};

/// Where libvirt keeps images.
const IMAGES: &str = "/var/lib/libvirt/images";

/// Where a disk's bytes are on the other side, and the name of their format; `None` for an empty
/// drive.
///
/// A path that is none on Linux is looked for where libvirt keeps images, and what QEMU does not
/// write into under the name that it has once it is converted.
pub(crate) fn image(disk: &Disk, field: &str, losses: &mut Losses) -> Option<(DiskSource, String)> {
    let source = disk.source.clone()?;
    let (path, format) = match source {
        DiskSource::File { path, format } => (path, format),
        DiskSource::Claim { name } => {
            let why = format!("{name:?} is a claim in Kubernetes: copy its disk here first");
            losses.approximated(field, why);
            (name, DiskFormat::Raw)
        }
        DiskSource::Block { ref format, .. }
        | DiskSource::Volume { ref format, .. }
        | DiskSource::Network { ref format, .. } => {
            let name = format.qemu_name().to_owned();
            return Some((source, name));
        }
        DiskSource::HostDisk { .. } => return Some((source, "raw".to_owned())),
    };
    let (path, format) = local(path, format, field, losses);
    let name = format.qemu_name().to_owned();
    Some((DiskSource::File { path, format }, name))
}

fn local(
    path: String,
    format: DiskFormat,
    field: &str,
    losses: &mut Losses,
) -> (String, DiskFormat) {
    let mut new_path = path.clone();
    if !path.starts_with('/') {
        let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
        let name = name.trim_start_matches(['.', ':']);
        new_path = format!("{IMAGES}/{}", if name.is_empty() { "disk" } else { name });
    }
    // libvirt has no VHDX; it reads VHD, but what writes there is worth little.
    let is_foreign = matches!(
        format,
        DiskFormat::Vhdx | DiskFormat::Vhd | DiskFormat::Vmdk
    );
    let new_format = if is_foreign {
        let (folder, name) = new_path.rsplit_once('/').unwrap_or((IMAGES, &new_path));
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let stem = if stem.is_empty() { "disk" } else { stem };
        new_path = format!("{folder}/{stem}.qcow2");
        DiskFormat::Qcow2
    } else {
        format
    };
    if new_path != path {
        let why = format!(
            "the machine looks for {new_path:?}: put {path:?} there{}",
            how(is_foreign)
        );
        losses.approximated(field, why);
    }
    (new_path, new_format)
}

fn how(is_foreign: bool) -> &'static str {
    if is_foreign {
        " with `detente image convert`"
    } else {
        ""
    }
}
