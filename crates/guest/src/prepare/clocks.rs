//! Reference clocks: what no line of configuration can have both ways is said, not done.

use detente_volume::FsError;

use super::draft::{Ask, Draft};
use crate::check::By;

/// The rules that this planner answers.
pub(super) const RULES: &[&str] = &[
    "linux.time.ptp-of-kvm",
    "linux.time.ptp-of-hyperv",
    "linux.time.ptp-by-number",
];

/// \[chrony\] `refclock_phc.c`: a clock device that cannot be opened ends the program.
const WHY: &str = "chronyd ends where a reference clock's device is not there, so that a line for each \
                   world would stop it in both: give it servers of the network, and the reference \
                   clock back where the machine has it";

#[expect(
    clippy::unnecessary_wraps,
    reason = "every planner has the same signature"
)]
pub(super) fn plan(ask: Ask<'_>, draft: &mut Draft<'_>) -> Result<(), FsError> {
    for finding in ask.findings {
        draft.leave(finding.rule, By::Hand, WHY);
    }
    Ok(())
}
