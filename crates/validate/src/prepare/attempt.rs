//! One machine from its start to its end: booted, changed, turned off.

use std::path::{Path, PathBuf};

use detente_guest::prepare::StepResult;
use detente_guest::{BootFiles, Rescue};
use detente_host::Host;
use detente_machine::Profile;
use detente_plan::Plan as CasePlan;
use detente_plan::protocol::{GuestPath, Order};

use super::boot::{await_ready, room};
use super::error::PrepareError;
use super::hardware::{MEMORY_MIB, topology};
use super::jobs::Job;
use super::observer::{PrepareEvent, PrepareObserver};
use super::quick_boot::quick;
use super::request::Surroundings;
use super::shutdown::shut_down;
use super::steps::{self, Seen};
use super::talk::Talk;
use crate::limits::{ms, scaled};
use crate::machine::{Boot, Prepared, machine_spec};
use crate::payload::Payload;
use crate::rescue::bring;
use crate::session::Session;
use crate::{DiskInput, agent};

/// How long an agent that speaks every second may be silent, with hardware acceleration.
const SILENCE_S: u64 = 15;

/// How much of the console's end is told when a boot fails.
const CONSOLE_LINES: usize = 15;

/// What is done in the guest, on whichever machine.
pub(crate) struct Work<'a> {
    pub(crate) disks: &'a [DiskInput],
    pub(crate) jobs: &'a [Job],
    pub(crate) payload: &'a Payload,
    /// Every place that is looked at before and after, with the length of what is there.
    pub(crate) places: &'a [(GuestPath, u64)],
    pub(crate) run_id: &'a str,
    pub(crate) plan_digest: &'a str,
    pub(crate) with: &'a Surroundings<'a>,
}

/// The machine to be tried.
pub(crate) struct Machine<'a> {
    pub(crate) profile: Profile,
    pub(crate) host: &'a dyn Host,
    /// Why this one.
    pub(crate) why: &'a str,
    /// What it boots.
    pub(crate) files: BootFiles,
    /// Drivers that its initramfs lacks, for this boot alone.
    pub(crate) rescue: Option<&'a Rescue>,
    /// A new folder of its own.
    pub(crate) folder: PathBuf,
}

/// A guest that was changed and turned off.
pub(crate) struct Changed {
    pub(crate) results: Vec<StepResult>,
    pub(crate) before: Seen,
    pub(crate) after: Seen,
    /// The overlay of each disk.
    pub(crate) overlays: Vec<PathBuf>,
    pub(crate) boot_ms: u64,
    pub(crate) steps_ms: u64,
    pub(crate) shutdown_ms: u64,
}

/// How an attempt ended that the user did not end and no step broke.
pub(crate) enum Ended {
    /// It is done.
    Changed(Changed),
    /// The guest did not come so far that it could be changed.
    NotReady { why: String, console: String },
}

impl Work<'_> {
    /// Boots the guest on one machine, and changes it.
    pub(crate) fn attempt(
        &self,
        machine: Machine<'_>,
        observer: &mut dyn PrepareObserver,
    ) -> Result<Ended, PrepareError> {
        let Machine {
            profile,
            host,
            why,
            mut files,
            rescue,
            folder,
        } = machine;
        observer.event(&PrepareEvent::Starting { profile, why });
        let mut order = agent::order(self.run_id, self.plan_digest, &files);
        if let Some(rescue) = rescue {
            bring(rescue, &mut files, &mut order);
        }
        let acceleration = host.facts().acceleration;
        let mut prepared = self.prepared(profile, files, &order, &folder)?;
        prepared.spec.topology = topology(acceleration);
        let overlays = prepared.spec.disks.iter().take(self.disks.len());
        let overlays = overlays.map(|disk| disk.overlay.clone()).collect();
        let machine = host.start(&prepared.spec, &folder)?;
        let interrupt = self.with.interrupt.clone();
        let silence = scaled(SILENCE_S, acceleration);
        let mut talk = Talk {
            session: Session::new(machine, order, interrupt, silence),
            observer,
            acceleration,
        };
        let ended = self.in_guest(&mut talk, overlays)?;
        let was_lost = talk.session.exited.is_some();
        match talk.session.into_machine().stop() {
            Ok(_) => {}
            // It powered itself off; that its process cannot say how it ended is no loss.
            Err(_) if was_lost => {}
            Err(error) => return Err(error.into()),
        }
        Ok(ended)
    }

    fn prepared(
        &self,
        profile: Profile,
        files: BootFiles,
        order: &Order,
        folder: &Path,
    ) -> Result<Prepared, PrepareError> {
        let mut boot = Boot::write(folder, files, order)?;
        boot.cmdline = quick(&boot.cmdline);
        let plan = CasePlan::named("smoke").expect("it is built in");
        let mut prepared = machine_spec(profile, &plan, &boot, self.disks, folder)?;
        let spec = &mut prepared.spec;
        spec.name = format!("detente-prepare-{profile}");
        spec.memory_mib = MEMORY_MIB;
        spec.disks.push(self.payload.disk(profile, folder)?);
        Ok(prepared)
    }

    fn in_guest(&self, talk: &mut Talk<'_>, overlays: Vec<PathBuf>) -> Result<Ended, PrepareError> {
        if let Err(why) = await_ready(talk)? {
            let console = console(&talk.session);
            return Ok(Ended::NotReady { why, console });
        }
        if let Err(why) = room(talk, self.places)? {
            let step = "making room".to_owned();
            let output = Vec::new();
            return Err(PrepareError::Step { step, why, output });
        }
        talk.came("it can be changed");
        let ready = talk.session.elapsed();
        let places: Vec<GuestPath> = self.places.iter().map(|(path, _)| path.clone()).collect();
        let before = steps::describe(talk, &places)?;
        let results = steps::carry_out(talk, self.jobs)?;
        let after = steps::describe(talk, &places)?;
        let done = talk.session.elapsed();
        talk.came("it is asked to power off");
        shut_down(talk)?;
        talk.came("the power is off");
        Ok(Ended::Changed(Changed {
            results,
            before,
            after,
            overlays,
            boot_ms: ms(ready),
            steps_ms: ms(done.saturating_sub(ready)),
            shutdown_ms: ms(talk.session.elapsed().saturating_sub(done)),
        }))
    }
}

/// The end of what the console showed.
fn console(session: &Session) -> String {
    let tail = session.console.tail();
    let lines: Vec<&str> = tail
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let from = lines.len().saturating_sub(CONSOLE_LINES);
    lines.get(from..).unwrap_or_default().join("\n")
}
