//! What `check` has to say of an image.

use crate::Format;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; readers and writers go on.
    Note,
    /// Room of the file that nothing uses: wasteful, not wrong.
    Leak,
    /// A rule of the format is broken.
    Corrupt,
}

/// One broken rule, or one thing worth knowing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The rule's name, for programs: `vhdx.bat.overlap`.
    pub rule: &'static str,
    /// Where in the file.
    pub offset: u64,
    /// What is wrong, with the numbers that prove it.
    pub what: String,
    /// The section of the specification that states the rule.
    pub section: &'static str,
}

/// How many findings are kept one by one; all are counted.
pub const MAX_FINDINGS: usize = 1000;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckReport {
    /// The format that was checked.
    pub format: Format,
    /// The first [`MAX_FINDINGS`].
    pub findings: Vec<Finding>,
    /// How many broken rules there are in all.
    pub corruptions: u64,
    /// How many leaks there are in all.
    pub leaks: u64,
    /// Whether everything could be looked at; a broken header ends a check early.
    pub complete: bool,
    /// Where the last used byte of the file ends.
    pub image_end: u64,
    /// Units of allocation (clusters, blocks, grains): in the guest's view, and those that have room.
    pub units: u64,
    /// See [`CheckReport::units`].
    pub allocated_units: u64,
}

impl CheckReport {
    /// A report with nothing in it yet.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self {
            format,
            findings: Vec::new(),
            corruptions: 0,
            leaks: 0,
            complete: true,
            image_end: 0,
            units: 0,
            allocated_units: 0,
        }
    }

    /// Adds a finding, or only counts it when there are many.
    pub fn add(&mut self, finding: Finding) {
        match finding.severity {
            Severity::Note => {}
            Severity::Leak => self.leaks = self.leaks.saturating_add(1),
            Severity::Corrupt => self.corruptions = self.corruptions.saturating_add(1),
        }
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding);
        }
    }
}

/// A broken rule.
pub(crate) fn broken(
    rule: &'static str,
    offset: u64,
    what: String,
    section: &'static str,
) -> Finding {
    Finding {
        severity: Severity::Corrupt,
        rule,
        offset,
        what,
        section,
    }
}

/// What is worth knowing.
pub(crate) fn note(
    rule: &'static str,
    offset: u64,
    what: String,
    section: &'static str,
) -> Finding {
    Finding {
        severity: Severity::Note,
        ..broken(rule, offset, what, section)
    }
}
