//! Looking for broken rules in a qcow2 file: the tables, and the refcounts that follow from them.
//!
//! References are counted over a window of the file at a time, so that memory stays below 24 MiB
//! whatever the file's size: a window has 2 Mi clusters (128 GiB with clusters of 64 KiB), and for
//! each window that holds something the tables are walked again.

mod lists;
mod rules;
mod stored;
mod tables;
mod window;

use std::collections::BTreeSet;

use detente_block::{BlockRead, ReadError};
use rules::{HEADER, HOST_CLUSTERS};
use window::{Use, WINDOW_CLUSTERS, Window};

use super::header::Header;
use crate::finding::{CheckReport, Finding, Severity};

/// How many windows are looked at: 512 TiB with clusters of 64 KiB.
const MAX_WINDOWS: u64 = 4096;

/// Looks for broken rules.
///
/// # Errors
/// [`ReadError`] when the storage failed, or the image is of a kind that we do not know.
pub(crate) fn check(file: &dyn BlockRead, report: &mut CheckReport) -> Result<(), ReadError> {
    let header = match Header::read(file) {
        Ok(header) => header,
        Err(ReadError::Corrupt { offset, rule }) => {
            report.complete = false;
            report.add(Finding {
                severity: Severity::Corrupt,
                rule: "qcow2.header",
                offset,
                what: rule,
                section: HEADER,
            });
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    let geometry = &header.geometry;
    report.units = header.size.div_ceil(geometry.cluster_bytes());
    let clusters = file.len_bytes().div_ceil(geometry.cluster_bytes());
    let windows = clusters.div_ceil(WINDOW_CLUSTERS);
    let mut checker = Checker {
        file,
        header: &header,
        clusters,
        report,
        window: Window::new(0, clusters),
        is_first: true,
        refcounts_known: true,
        touched: BTreeSet::from([0]),
        budget: 0,
        image_end: 0,
    };
    checker.header();
    let mut next = Some(0);
    while let Some(index) = next.filter(|&index| index < windows.min(MAX_WINDOWS)) {
        checker.pass(index)?;
        let after = index.saturating_add(1);
        next = checker.touched.range(after..).next().copied();
    }
    checker.report.image_end = checker.image_end;
    if windows > MAX_WINDOWS {
        checker.report.complete = false;
    }
    Ok(())
}

struct Checker<'a> {
    file: &'a dyn BlockRead,
    header: &'a Header,
    /// How many the file has; the last need not be whole.
    clusters: u64,
    report: &'a mut CheckReport,
    window: Window,
    /// What does not depend on the window is told once.
    is_first: bool,
    /// Whether there is a refcount table to compare with.
    refcounts_known: bool,
    /// The windows that something points into.
    touched: BTreeSet<u64>,
    /// How many tables may still be read in this pass: hostile ones share tables without end.
    budget: u64,
    image_end: u64,
}

impl Checker<'_> {
    /// Counts the references into one window, and compares them with the refcounts.
    fn pass(&mut self, index: u64) -> Result<(), ReadError> {
        self.window = Window::new(index, self.clusters);
        self.budget = self.clusters.saturating_mul(16).saturating_add(65_536);
        self.refcount_table()?;
        self.load_refcounts()?;
        let cluster = self.header.geometry.cluster_bytes();
        self.mark(0, cluster, Use::Only("the header"), 0);
        let l1_tables = self.lists()?;
        for table in &l1_tables {
            self.l2_tables(table)?;
        }
        for table in &l1_tables {
            self.entries(table)?;
        }
        if self.refcounts_known {
            self.compare();
        }
        self.is_first = false;
        Ok(())
    }

    /// Notes that `[start, start + len)` of the file is used, as the field at `at` says.
    fn mark(&mut self, start: u64, len: u64, kind: Use, at: u64) {
        let geometry = &self.header.geometry;
        let last = start.saturating_add(len.max(1)).saturating_sub(1);
        let (first, last) = (geometry.cluster_index(start), geometry.cluster_index(last));
        if last >= self.clusters {
            let what = format!(
                "{} at {start:#x} lies past the end of the file",
                kind.name()
            );
            self.broken("qcow2.past-end", at, kind.section(), what);
        }
        let end = last.saturating_add(1).min(self.clusters);
        if self.is_first && first < end {
            let window = |cluster: u64| cluster / WINDOW_CLUSTERS;
            let last = end.saturating_sub(1);
            self.touched
                .extend(window(first)..=window(last).min(MAX_WINDOWS));
        }
        for cluster in self.window.part_of(first, end) {
            if let Some(other) = self.window.count(cluster, kind) {
                let place = cluster.saturating_mul(geometry.cluster_bytes());
                let what = format!("{} overlaps {other} at {place:#x}", kind.name());
                self.add(Severity::Corrupt, "qcow2.overlap", at, HOST_CLUSTERS, what);
            }
        }
    }

    /// The refcounts that stand in the file beside those that the tables amount to.
    fn compare(&mut self) {
        let cluster_bytes = self.header.geometry.cluster_bytes();
        for cluster in self.window.range() {
            let (stored, counted) = self.window.counts(cluster);
            let offset = cluster.saturating_mul(cluster_bytes);
            if stored > 0 || counted > 0 {
                self.image_end = offset.saturating_add(cluster_bytes);
            }
            let (severity, rule) = match stored.cmp(&counted) {
                std::cmp::Ordering::Equal => continue,
                std::cmp::Ordering::Less => (Severity::Corrupt, "qcow2.refcount.too-low"),
                std::cmp::Ordering::Greater => (Severity::Leak, "qcow2.refcount.too-high"),
            };
            let what = format!("the cluster's refcount is {stored}, its references are {counted}");
            self.add(severity, rule, offset, HOST_CLUSTERS, what);
        }
    }

    fn add(
        &mut self,
        severity: Severity,
        rule: &'static str,
        offset: u64,
        section: &'static str,
        what: String,
    ) {
        self.report.add(Finding {
            severity,
            rule,
            offset,
            what,
            section,
        });
    }

    /// A broken rule that does not depend on the window.
    fn broken(&mut self, rule: &'static str, at: u64, section: &'static str, what: String) {
        if self.is_first {
            self.add(Severity::Corrupt, rule, at, section, what);
        }
    }
}
