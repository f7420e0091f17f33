//! Carries out a plan: a machine is chosen, the guest booted and changed on an overlay, the result
//! looked at, copied and named.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Instant;

use detente_guest::check::{Finding, Readiness};
use detente_guest::prepare::{
    Change, ChangedFile, FileState, JOURNAL_SCHEMA, Journal, Plan, StepResult,
};
use detente_plan::protocol::GuestPath;

use super::attempt::Changed;
use super::background::Background;
use super::disks::{self, Sources};
use super::error::PrepareError;
use super::files::{state, with_seen};
use super::jobs::{JobMaker, guest_path};
use super::machines::{self, Order};
use super::observer::{PrepareEvent, PrepareObserver};
use super::outcome::{Action, PrepareOutcome, RESULT_SCHEMA, StillBroken, Took};
use super::outputs::Outputs;
use super::request::{Destination, PrepareRequest};
use super::result::Looked;
use crate::limits::ms;
use crate::payload::PayloadWriter;

/// Prepares a guest as the plan says: `Ok` when the disks have their names. Whatever else happens,
/// the images are what they were, and nothing that looks finished is left.
///
/// Where the plan is empty no machine is started; a new file gets a copy of the disk.
///
/// # Errors
/// [`PrepareError`].
pub fn carry_out(
    request: PrepareRequest<'_>,
    observer: &mut dyn PrepareObserver,
) -> Result<PrepareOutcome, PrepareError> {
    let begun = Instant::now();
    let outputs = Outputs::plan(&request.disks, &request.with.destination)?;
    if request.plan.is_empty() {
        return nothing_to_do(&request, &outputs, begun, observer);
    }
    let work = disks::work_folder(&outputs)?;
    let sources = Sources::digest(&request.disks);
    let places = places(&request.plan);
    let old: Vec<_> = places
        .iter()
        .map(|(path, state)| (path.clone(), state.clone()))
        .collect();
    let journal = disks::subfolder(&work, disks::JOURNAL)?;
    let background = Background::start(disks::readers(&request.disks), old, &journal);

    let run_id = disks::run_id()?;
    let path = work.path().join("payload.raw");
    let mut maker = JobMaker {
        guest: request.guest,
        packages: &request.packages,
        payload: PayloadWriter::create(&path, &run_id)?,
    };
    let jobs = maker.steps(&request.plan.steps)?;
    let order = Order {
        disks: &request.disks,
        guest: request.guest,
        jobs: &jobs,
        payload: maker.payload.finish()?,
        places: lengths(&places)?,
        run_id,
        plan_digest: disks::digest_of(&request.plan)?,
        with: &request.with,
        work: &work,
    };
    let (changed, used) = machines::change(&order, observer)?;

    let looking = Instant::now();
    observer.event(&PrepareEvent::Doing {
        text: "looking at the result",
    });
    let looked = Looked::at(&request.disks, &changed.overlays, request.guest)?;
    let readiness = looked.readiness(&request.plan.profiles);
    let files = changed_files(&request.plan, &places, &changed, &looked)?;
    let check_ms = ms(looking.elapsed());

    let writing = Instant::now();
    let tree_sha256 = background.finish()?;
    let made = disks::write(&looked, &outputs, &work, &request.with.interrupt, observer)?;
    let document = Journal {
        schema: JOURNAL_SCHEMA.to_owned(),
        tool: request.with.tool.clone(),
        source: sources.finish(&request.disks, &request.with.interrupt)?,
        output: made.images(&outputs),
        plan: request.plan.clone(),
        results: changed.results.clone(),
        files,
        tree_sha256,
    };
    disks::publish(&outputs, &work, Some(&document))?;
    drop(work);
    let took = Took {
        boot_ms: changed.boot_ms,
        steps_ms: changed.steps_ms,
        shutdown_ms: changed.shutdown_ms,
        check_ms,
        write_ms: ms(writing.elapsed()),
        total_ms: ms(begun.elapsed()),
    };
    Ok(PrepareOutcome {
        schema: RESULT_SCHEMA,
        action: Action::Prepared,
        machine: Some(used),
        steps: changed.results,
        disks: made.described(&request.disks, &outputs),
        journal: Some(outputs.journal().display().to_string()),
        still_broken: still_broken(&readiness, &request.plan),
        readiness: readiness.profiles,
        left: request.plan.left,
        differences: None,
        took,
    })
}

/// Nothing is to be changed: a new name gets a copy.
fn nothing_to_do(
    request: &PrepareRequest<'_>,
    outputs: &Outputs,
    begun: Instant,
    observer: &mut dyn PrepareObserver,
) -> Result<PrepareOutcome, PrepareError> {
    let readiness = detente_guest::check::check(request.guest.facts(), &request.plan.profiles);
    let mut took = Took::default();
    let mut made = Vec::new();
    if let Destination::New { .. } = request.with.destination {
        let work = disks::work_folder(outputs)?;
        let images = request.disks.iter().map(|disk| &disk.image).collect();
        let copied = disks::copy(images, outputs, &work, &request.with.interrupt, observer)?;
        disks::publish(outputs, &work, None)?;
        made = copied.described(&request.disks, outputs);
        took.write_ms = ms(begun.elapsed());
    }
    took.total_ms = ms(begun.elapsed());
    Ok(PrepareOutcome {
        schema: RESULT_SCHEMA,
        action: Action::NothingToDo,
        machine: None,
        steps: Vec::<StepResult>::new(),
        disks: made,
        journal: None,
        still_broken: Vec::new(),
        readiness: readiness.profiles,
        left: request.plan.left.clone(),
        differences: None,
        took,
    })
}

/// Every file that the plan is known to touch, and what is there before.
fn places(plan: &Plan) -> BTreeMap<String, FileState> {
    let mut places = BTreeMap::new();
    for step in &plan.steps {
        match &step.change {
            Change::Write { path, before, .. } | Change::Remove { path, before } => {
                places.entry(path.clone()).or_insert_with(|| before.clone());
            }
            Change::Run { touches, .. } => {
                for touched in touches {
                    let place = places.entry(touched.path.clone());
                    place.or_insert_with(|| touched.before.clone());
                }
            }
        }
    }
    places
}

fn lengths(places: &BTreeMap<String, FileState>) -> Result<Vec<(GuestPath, u64)>, PrepareError> {
    let length = |(path, state): (&String, &FileState)| {
        let len = match state {
            FileState::File(facts) => facts.len_bytes,
            FileState::Absent | FileState::Link { .. } | FileState::Other => 0,
        };
        Ok((guest_path(path)?, len))
    };
    places.iter().map(length).collect()
}

/// What became of each file: read from the changed disk, owner and attributes as the agent saw them.
fn changed_files(
    plan: &Plan,
    places: &BTreeMap<String, FileState>,
    changed: &Changed,
    looked: &Looked,
) -> Result<Vec<ChangedFile>, PrepareError> {
    let tree = looked.guest.tree();
    let mut files = Vec::new();
    for (path, old) in places {
        let now = state(&*tree, path).map_err(|source| PrepareError::GuestFile {
            path: path.clone(),
            source,
        })?;
        if now == *old {
            continue;
        }
        let steps = plan.steps.iter();
        let steps = steps.filter(|step| step.change.paths().any(|own| own == path));
        let blob = match old {
            FileState::File(facts) => Some(facts.sha256.clone()),
            FileState::Absent | FileState::Link { .. } | FileState::Other => None,
        };
        files.push(ChangedFile {
            path: path.clone(),
            steps: steps.map(|step| step.id.clone()).collect(),
            before: with_seen(old.clone(), changed.before.get(path)),
            after: with_seen(now, changed.after.get(path)),
            blob,
        });
    }
    Ok(files)
}

/// Rules that a step names and that are broken still.
fn still_broken(readiness: &Readiness, plan: &Plan) -> Vec<StillBroken> {
    let was_mended = |finding: &&Finding| {
        let steps = plan.steps.iter();
        steps
            .flat_map(|step| &step.rules)
            .any(|rule| rule == finding.rule)
            && !plan.left.iter().any(|left| left.rule == finding.rule)
    };
    let broken = readiness.findings.iter().filter(was_mended);
    broken
        .map(|finding| StillBroken {
            rule: finding.rule.to_owned(),
            profiles: finding.profiles.clone(),
            evidence: finding
                .evidence
                .iter()
                .map(|proof| proof.text.clone())
                .collect(),
        })
        .collect()
}

/// Whether the user has had enough.
pub(crate) fn go_on(interrupt: &std::sync::atomic::AtomicBool) -> Result<(), PrepareError> {
    match interrupt.load(Ordering::Relaxed) {
        true => Err(PrepareError::Interrupted),
        false => Ok(()),
    }
}
