//! Directories that fit into their inode.

use super::{Name, kind_of};
use crate::FsError;
use crate::fields::{be32, be64};
use crate::xfs::corrupt;
use crate::xfs::inode::Inode;

/// \[xfs\] short form directories: a count of names, a count of those with 8-byte inode numbers
/// (if there is one, all have 8 bytes), the parent, then the names.
pub(super) fn each_name(
    directory: &Inode,
    has_kinds: bool,
    each: &mut impl FnMut(Name<'_>) -> Result<bool, FsError>,
) -> Result<(), FsError> {
    let bad = || {
        let number = directory.number;
        corrupt(format!("directory inode {number} claims too many names"))
    };
    let fork = &directory.fork;
    let (&[count, wide], _) = fork.split_first_chunk::<2>().ok_or_else(bad)?;
    let width = if wide > 0 { 8 } else { 4 };
    // With 8-byte numbers the first byte counts names still.
    let count = if count == 0 { wide } else { count };
    let mut rest = fork.get(2_usize.saturating_add(width)..).ok_or_else(bad)?;
    for _ in 0..count {
        let len = usize::from(*rest.first().ok_or_else(bad)?);
        let after = len.saturating_add(3);
        let bytes = rest.get(3..after).ok_or_else(bad)?;
        let kind = rest.get(after).filter(|_| has_kinds);
        let number_at = after.saturating_add(usize::from(has_kinds));
        let inode = if width == 8 {
            be64(rest, number_at)
        } else {
            be32(rest, number_at).map(u64::from)
        };
        let name = Name {
            bytes,
            inode: inode.ok_or_else(bad)?,
            kind: kind.copied().and_then(kind_of),
        };
        if !each(name)? {
            return Ok(());
        }
        rest = rest
            .get(number_at.saturating_add(width)..)
            .ok_or_else(bad)?;
    }
    Ok(())
}
