//! Tries machines until the guest was changed on one.

use detente_block::with_causes;
use detente_guest::check::Profile as Hardware;
use detente_guest::{BootFiles, BootLimits, Guest, Rescue};
use detente_host::Host;
use detente_machine::Profile;
use detente_plan::protocol::GuestPath;

use super::attempt::{Changed, Ended, Machine, Work};
use super::carry_out::go_on;
use super::disks::subfolder;
use super::error::{PrepareError, Tried};
use super::hardware::candidates;
use super::jobs::Job;
use super::observer::{PrepareEvent, PrepareObserver};
use super::outcome::MachineUsed;
use super::request::{OnBootFailure, Surroundings};
use super::work::WorkFolder;
use crate::payload::Payload;
use crate::{DiskInput, ValidateError};

/// On what a guest is booted with drivers from its own disk, if it boots on nothing by itself.
const RESCUED: [(Profile, Hardware); 2] = [
    (Profile::Kvm, Hardware::Kvm),
    (Profile::KvmLegacy, Hardware::KvmLegacy),
];

/// What is to be done, on whichever machine.
pub(crate) struct Order<'a> {
    pub(crate) disks: &'a [DiskInput],
    pub(crate) guest: &'a Guest,
    pub(crate) jobs: &'a [Job],
    pub(crate) payload: Payload,
    pub(crate) places: Vec<(GuestPath, u64)>,
    pub(crate) run_id: String,
    pub(crate) plan_digest: String,
    pub(crate) with: &'a Surroundings<'a>,
    pub(crate) work: &'a WorkFolder,
}

/// Changes the guest on the first machine on which it boots.
pub(crate) fn change(
    order: &Order<'_>,
    observer: &mut dyn PrepareObserver,
) -> Result<(Changed, MachineUsed), PrepareError> {
    let candidates = candidates(order.guest.facts());
    let mut tried = candidates.of_no_use;
    let mut last = None;
    for (profile, why) in candidates.machines {
        go_on(&order.with.interrupt)?;
        match order.on(profile, &why, None, &mut tried, observer)? {
            Came::Changed(changed, used) => return Ok((changed, used)),
            Came::NotReady(error) if order.with.on_boot_failure == OnBootFailure::Stop => {
                return Err(error);
            }
            Came::NotReady(error) => last = Some(error),
            Came::NoHost => {}
        }
    }
    for (profile, hardware) in RESCUED {
        go_on(&order.with.interrupt)?;
        let rescue = match order.guest.rescue(hardware) {
            Ok(rescue) => rescue,
            Err(error) => {
                let why = with_causes(&error);
                tried.push(Tried { profile, why });
                continue;
            }
        };
        let why = "drivers from the guest's own disk are given to it for this boot alone";
        match order.on(profile, why, Some(&rescue), &mut tried, observer)? {
            Came::Changed(changed, used) => return Ok((changed, used)),
            Came::NotReady(error) => last = Some(error),
            Came::NoHost => {}
        }
    }
    // What one machine showed says more than a list of those that were not to be had.
    Err(last.unwrap_or(PrepareError::NoMachine { tried }))
}

/// What came of one machine.
enum Came {
    Changed(Changed, MachineUsed),
    NotReady(PrepareError),
    NoHost,
}

/// A machine, and why.
struct On<'a> {
    profile: Profile,
    host: &'a dyn Host,
    why: &'a str,
    rescue: Option<&'a Rescue>,
}

impl Order<'_> {
    fn on(
        &self,
        profile: Profile,
        why: &str,
        rescue: Option<&Rescue>,
        tried: &mut Vec<Tried>,
        observer: &mut dyn PrepareObserver,
    ) -> Result<Came, PrepareError> {
        let of_no_use = match self.with.hosts.find(profile) {
            Ok(host) if host.fills_overlays() => {
                let on = On {
                    profile,
                    host,
                    why,
                    rescue,
                };
                return self.attempt(&on, tried, observer);
            }
            Ok(_) => "what a guest writes on this machine is gone with it".to_owned(),
            Err(why) => why,
        };
        tried.push(Tried {
            profile,
            why: of_no_use,
        });
        Ok(Came::NoHost)
    }

    fn boot_files(&self) -> Result<BootFiles, PrepareError> {
        let files = self.guest.boot_files(BootLimits::default());
        files.map_err(|error| ValidateError::from(error).into())
    }

    fn attempt(
        &self,
        on: &On<'_>,
        tried: &mut Vec<Tried>,
        observer: &mut dyn PrepareObserver,
    ) -> Result<Came, PrepareError> {
        let On {
            profile,
            host,
            why,
            rescue,
        } = *on;
        let work = Work {
            disks: self.disks,
            jobs: self.jobs,
            payload: &self.payload,
            places: &self.places,
            run_id: &self.run_id,
            plan_digest: &self.plan_digest,
            with: self.with,
        };
        let folder = subfolder(self.work, &format!("machine{}", tried.len()))?;
        let machine = Machine {
            profile,
            host,
            why,
            files: self.boot_files()?,
            rescue,
            folder,
        };
        match work.attempt(machine, observer)? {
            Ended::Changed(changed) => Ok(Came::Changed(changed, used(profile, why, host))),
            Ended::NotReady { why, console } => {
                observer.event(&PrepareEvent::GaveUp { profile, why: &why });
                tried.push(Tried {
                    profile,
                    why: why.clone(),
                });
                Ok(Came::NotReady(PrepareError::NotReady {
                    profile,
                    why,
                    console,
                }))
            }
        }
    }
}

fn used(profile: Profile, why: &str, host: &dyn Host) -> MachineUsed {
    let facts = host.facts();
    MachineUsed {
        profile: profile.name().to_owned(),
        why: why.to_owned(),
        host: format!("{} {}", facts.product, facts.version),
        acceleration: facts.acceleration,
    }
}
