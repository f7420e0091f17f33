//! Host name: what stands at known places of a root.

use detente_initramfs::kernel;
use detente_volume::FsError;

use crate::error::InspectError;
use crate::facts::Place;
use crate::files::Files;
use crate::volumes::Volumes;

/// A host name has at most 64 bytes; there may be comments.
const MAX_HOSTNAME_BYTES: u64 = 4096;

/// `/etc/hostname`: the first line that is no comment.
pub(crate) fn hostname(files: Files<'_>) -> Result<Option<String>, FsError> {
    let bytes = files.read("/etc/hostname", MAX_HOSTNAME_BYTES)?;
    let bytes = bytes.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let mut lines = text.lines().map(str::trim);
    Ok(lines
        .find(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned))
}

/// The release in a kernel image's header; `None` if it is no x86 kernel.
pub(crate) fn release(volumes: &Volumes, place: &Place) -> Result<Option<String>, InspectError> {
    let head = volumes.head(place.volume, &place.path, kernel::HEAD_BYTES)?;
    let parsed = head.and_then(|head| kernel::parse(&head).ok());
    let release = parsed.map(|kernel| kernel.release().to_owned());
    Ok(release.filter(|release| !release.is_empty()))
}
