//! Logins on ports that are not everywhere.

use detente_volume::FsError;

use super::disk_names::commented;
use super::draft::{Ask, Draft, Reason};
use super::edit::lines::{self, Line};

/// The rules that this planner mends.
pub(super) const RULES: &[&str] = &["linux.console.login-on-serial"];

pub(super) fn plan(ask: Ask<'_>, draft: &mut Draft<'_>) -> Result<(), FsError> {
    for finding in ask.findings {
        for proof in &finding.evidence {
            let (Some(path), Some(number), Some(port)) = (&proof.file, proof.line, &proof.key)
            else {
                continue;
            };
            let why = Reason::new(
                finding.rule,
                format!("init starts no login on {port}, which generation 2 does not have."),
            );
            draft.edit(path, &why, |bytes| {
                lines::one(bytes, number, |text| Line::Text(commented(text)))
            })?;
        }
    }
    Ok(())
}
