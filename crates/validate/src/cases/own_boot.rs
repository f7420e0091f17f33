//! Boots beside the shared one: for cases that end the guest, disturb it, or want another machine.

use std::path::{Path, PathBuf};

use detente_block::with_causes;
use detente_evidence::Outcome;
use detente_guest::Guest;
use detente_host::HostError;
use detente_machine::LaunchSpec;
use detente_plan::CaseId;
use detente_plan::judge::Finding;

use super::{Context, Judged};
use crate::ValidateError;
use crate::limits::{ms, scaled};
use crate::machine::Prepared;
use crate::profile::{OverallLimits, ProfileTask, end, keep_picture, remove_overlays};
use crate::session::Session;

/// How long an agent that speaks every second may be silent, with hardware acceleration.
pub(crate) const SILENCE_S: u64 = 15;

/// A boot, or several with one disk, that some cases have to themselves.
pub(crate) struct OwnBoot {
    /// The ending of its folder.
    pub(crate) name: &'static str,
    /// The cases that it answers.
    pub(crate) cases: &'static [CaseId],
    /// What it wants of the machine beside the profile's own hardware.
    pub(crate) furnish: fn(&mut LaunchSpec),
    /// Runs them.
    pub(crate) run: fn(&mut Stage<'_, '_>) -> Result<Vec<Judged>, ValidateError>,
}

/// Where an [`OwnBoot`] is run: machines are started on it, one after the other, all with the same
/// disks, whose overlays were empty at first.
pub(crate) struct Stage<'a, 'r> {
    /// The limits of boots and shutdowns.
    pub(crate) limits: OverallLimits,
    /// What the cases have in common.
    pub(crate) context: &'a Context<'a>,
    task: &'a ProfileTask<'a, 'r>,
    name: &'static str,
    folder: PathBuf,
    prepared: Prepared,
    boots: u32,
    elapsed_ms: u64,
}

impl<'a, 'r> Stage<'a, 'r> {
    /// An empty one, with fresh overlays in a folder of its own.
    pub(crate) fn new(
        task: &'a ProfileTask<'a, 'r>,
        context: &'a Context<'a>,
        own: &OwnBoot,
    ) -> Result<Self, ValidateError> {
        let folder = format!("{}-{}", context.label, own.name);
        let folder = task.folder.subfolder(&folder)?;
        let prepared = task.machine(&folder, own.furnish)?;
        Ok(Self {
            limits: OverallLimits::new(task.request, context),
            context,
            task,
            name: own.name,
            folder,
            prepared,
            boots: 0,
            elapsed_ms: 0,
        })
    }

    /// Starts the machine; one that was started before finds on its disks what that has written. A
    /// machine that does not start is a finding.
    pub(crate) fn start(&mut self) -> Result<Result<Session, Finding>, ValidateError> {
        // Each start has a console of its own.
        let work = match self.boots {
            0 => self.folder.clone(),
            earlier => {
                let name = format!("{}-{}-{}", self.context.label, self.name, earlier + 1);
                self.task.folder.subfolder(&name)?
            }
        };
        let machine = match self.task.column.host.start(&self.prepared.spec, &work) {
            Ok(machine) => machine,
            Err(error @ HostError::Missing { .. }) => return Ok(Err(not_to_be_had(&error))),
            Err(error) => return Ok(Err(not_started(&error))),
        };
        self.boots += 1;
        let silence = scaled(SILENCE_S, self.context.acceleration);
        Ok(Ok(Session::new(
            machine,
            self.task.order.clone(),
            self.task.request.interrupt.clone(),
            silence,
        )))
    }

    /// The machine that is started next.
    pub(crate) fn spec_mut(&mut self) -> &mut LaunchSpec {
        &mut self.prepared.spec
    }

    /// What the disks hold.
    pub(crate) fn guest(&self) -> &Guest {
        self.task.request.guest
    }

    /// Keeps a picture of the screen, where the host has one.
    pub(crate) fn keep_picture(&self, session: &mut Session) {
        keep_picture(&self.folder, session);
    }

    /// The machine.
    pub(crate) fn spec(&self) -> &LaunchSpec {
        &self.prepared.spec
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Ends the machine.
    pub(crate) fn end(&mut self, session: Session) -> Result<(), ValidateError> {
        self.elapsed_ms = self.elapsed_ms.saturating_add(ms(session.elapsed()));
        end(session)
    }

    /// A finding with the time that was spent so far.
    pub(crate) fn judged(&self, case: CaseId, finding: Finding) -> Judged {
        Judged {
            case,
            finding,
            duration_ms: self.elapsed_ms,
            started_ms: 0,
        }
    }

    /// Removes what its guests wrote, unless it is to be kept.
    pub(crate) fn clear(self) -> Result<u32, ValidateError> {
        if !self.task.request.keep {
            remove_overlays(&self.folder)?;
        }
        Ok(self.boots)
    }
}

/// A machine for which this host lacks something says nothing about the guest.
fn not_to_be_had(error: &HostError) -> Finding {
    Finding::plain(Outcome::NotRun, "not_to_be_had", with_causes(error))
}

/// A machine that does not start, behind others that did, is nobody's failure.
pub(crate) fn not_started(error: &HostError) -> Finding {
    Finding::plain(Outcome::Error, "not_started", with_causes(error))
}
