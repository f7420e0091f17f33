//! Chains of clusters.

use super::boot::{Boot, Width};
use super::corrupt;
use crate::FsError;
use crate::fields::{le16, le32};
use crate::pages::Pages;

/// A file in more pieces than this is not read: 12 bytes each.
const MAX_RUNS: usize = 1 << 20;

/// Clusters that stand one after another on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    /// The index of the first one in the file.
    pub(super) index: u32,
    /// Its number on the disk.
    pub(super) cluster: u32,
    /// How many.
    pub(super) count: u32,
}

/// What the table says of a cluster.
enum Next {
    Cluster(u32),
    End,
}

/// The first `wanted` clusters of the chain that starts at `first`, fewer if it ends before.
/// The walk ends, since it goes at most `wanted` steps and no chain is longer than the volume.
pub(super) fn walk(
    pages: &Pages,
    boot: &Boot,
    first: u32,
    wanted: u32,
) -> Result<Vec<Run>, FsError> {
    let mut runs: Vec<Run> = Vec::new();
    // [FAT] 6: the upper half of the number has a meaning on FAT32 only.
    let mut cluster = if boot.width == Width::Fat32 {
        first
    } else {
        first & 0xffff
    };
    for index in 0..wanted {
        if index >= boot.clusters {
            return Err(corrupt("a chain of clusters leads in a circle"));
        }
        if boot.cluster_offset(cluster).is_none() {
            return Err(corrupt(format!(
                "a chain leads to cluster {cluster}, which does not exist"
            )));
        }
        let is_full = runs.len() >= MAX_RUNS;
        match runs.last_mut() {
            Some(run) if run.cluster.checked_add(run.count) == Some(cluster) => {
                run.count = run.count.saturating_add(1);
            }
            _ if is_full => return Err(corrupt("a file in more than 2^20 pieces")),
            _ => runs.push(Run {
                index,
                cluster,
                count: 1,
            }),
        }
        match next(pages, boot, cluster)? {
            Next::Cluster(following) => cluster = following,
            Next::End => return Ok(runs),
        }
    }
    Ok(runs)
}

/// \[FAT\] 4: the entry of `cluster`. Free, bad and reserved entries end up as clusters that do not
/// exist.
fn next(pages: &Pages, boot: &Boot, cluster: u32) -> Result<Next, FsError> {
    let bits = u64::from(cluster).saturating_mul(boot.width.bits());
    let mut bytes = [0; 4];
    let len = if boot.width == Width::Fat32 { 4 } else { 2 };
    let place = boot.table_offset.saturating_add(bits >> 3);
    pages.read(place, bytes.get_mut(..len).unwrap_or_default())?;
    let short = || corrupt("a table entry is cut off");
    let narrow = u32::from(le16(&bytes, 0).ok_or_else(short)?);
    let (entry, end) = match boot.width {
        // Two entries share three bytes.
        Width::Fat12 if bits & 4 == 0 => (narrow & 0xfff, 0xff8),
        Width::Fat12 => (narrow >> 4, 0xff8),
        Width::Fat16 => (narrow, 0xfff8),
        // The upper four bits are reserved.
        Width::Fat32 => (
            le32(&bytes, 0).ok_or_else(short)? & 0x0fff_ffff,
            0x0fff_fff8,
        ),
    };
    Ok(if entry >= end {
        Next::End
    } else {
        Next::Cluster(entry)
    })
}
