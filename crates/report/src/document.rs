//! `detente/report/1`: what the page says, for programs.

use detente_evidence::{Run, statement};
use serde::Serialize;

use crate::{Coverage, Differences, coverage};

/// A run with what a report adds to it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReportDocument {
    /// [`ReportDocument::SCHEMA`].
    pub schema: &'static str,
    /// How much of the required set was really run.
    pub coverage: Vec<Coverage>,
    /// What each profile's part is and is not, word for word.
    pub statements: Vec<StatementRecord>,
    /// What changed since an earlier run, if one was given.
    pub differences: Option<Differences>,
    /// The run, `detente/run/1`.
    pub run: Run,
}

/// The statement over one profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatementRecord {
    /// The hardware profile.
    pub profile: String,
    /// Word for word.
    pub statement: String,
}

impl ReportDocument {
    /// The schema that this version writes.
    pub const SCHEMA: &'static str = "detente/report/1";

    /// The document of a run.
    #[must_use]
    pub fn new(run: Run, differences: Option<Differences>) -> Self {
        let statements = run.profiles.iter().map(|part| StatementRecord {
            profile: part.profile.clone(),
            statement: statement(part),
        });
        Self {
            schema: Self::SCHEMA,
            coverage: coverage(&run),
            statements: statements.collect(),
            differences,
            run,
        }
    }
}
