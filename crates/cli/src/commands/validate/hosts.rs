//! The hosts of a run: for each side's hardware, the place that shows it.

use std::cell::OnceCell;

use detente_host::hyperv::{HypervHost, HypervOptions, Shown};
use detente_host::local::{AccelerationChoice, LocalHost, LocalOptions};
use detente_host::{Host, HostError};
use detente_machine::Profile;
use detente_validate::{Column, Control};

use crate::environment;
use crate::failure::Failure;

/// The hosts that a run's profiles need, and no others.
pub(in crate::commands) struct Hosts {
    qemu: OnceCell<LocalHost>,
    synthetic: OnceCell<HypervHost>,
    choice: AccelerationChoice,
}

impl Hosts {
    /// None yet.
    pub(in crate::commands) fn none(choice: AccelerationChoice) -> Self {
        Self {
            qemu: OnceCell::new(),
            synthetic: OnceCell::new(),
            choice,
        }
    }

    /// Finds those that the profiles need.
    pub(super) fn find(profiles: &[Profile], choice: AccelerationChoice) -> Result<Self, Failure> {
        let hosts = Self::none(choice);
        for profile in profiles {
            hosts.look_for(*profile)?;
        }
        Ok(hosts)
    }

    /// Every host that was found, in the order of the columns.
    pub(super) fn all(&self) -> impl Iterator<Item = &dyn Host> {
        let qemu = self.qemu.get().map(|host| host as &dyn Host);
        let synthetic = self.synthetic.get().map(|host| host as &dyn Host);
        qemu.into_iter().chain(synthetic)
    }

    /// Each profile with its host.
    pub(super) fn columns(&self, profiles: &[Profile]) -> Vec<Column<'_>> {
        let column = |&profile: &Profile| {
            let host = match profile {
                Profile::Kvm | Profile::KvmLegacy => self.qemu.get().map(|host| host as &dyn Host),
                Profile::HypervVmbus => self.synthetic.get().map(|host| host as &dyn Host),
            };
            Some(Column {
                profile,
                host: host?,
            })
        };
        profiles.iter().filter_map(column).collect()
    }

    /// Where a failure is reproduced if one side alone was asked for: the other side, looked for
    /// only now.
    pub(super) fn control(&self, profiles: &[Profile]) -> Option<Control<'_>> {
        let profile = control_profile(profiles)?;
        match self.look_for(profile) {
            Ok(()) => self.columns(&[profile]).pop().map(Control::On),
            Err(failure) => Some(Control::NotToBeHad {
                profile,
                reason: format!("{:#}", failure.error),
            }),
        }
    }

    /// The profile with its host, looked for if it was not yet.
    pub(in crate::commands) fn column(&self, profile: Profile) -> Result<Column<'_>, Failure> {
        self.look_for(profile)?;
        let column = self.columns(&[profile]).pop();
        Ok(column.expect("it was just found"))
    }

    fn look_for(&self, profile: Profile) -> Result<(), Failure> {
        match profile {
            Profile::Kvm | Profile::KvmLegacy if self.qemu.get().is_none() => {
                let _ = self.qemu.set(qemu(self.choice)?);
            }
            Profile::HypervVmbus if self.synthetic.get().is_none() => {
                let _ = self.synthetic.set(synthetic(self.choice)?);
            }
            Profile::Kvm | Profile::KvmLegacy | Profile::HypervVmbus => {}
        }
        Ok(())
    }
}

/// The profile of the other side, if one side alone was asked for.
fn control_profile(profiles: &[Profile]) -> Option<Profile> {
    let (first, rest) = profiles.split_first()?;
    let counterpart = first.counterpart();
    let one_sided = rest
        .iter()
        .all(|profile| profile.counterpart() == counterpart);
    one_sided.then_some(counterpart)
}

fn qemu(choice: AccelerationChoice) -> Result<LocalHost, Failure> {
    LocalHost::find(&LocalOptions {
        folders: environment::search_path(),
        choice,
    })
    .and_then(|host| host.refuse_old().map(|()| host))
    .map_err(|error| cannot(error, "`detente doctor` says how to get it"))
}

/// The machine of our own: on this host's KVM, else in the lab.
fn synthetic(choice: AccelerationChoice) -> Result<HypervHost, Failure> {
    let options = HypervOptions {
        folders: environment::search_path(),
        runtime: environment::runtime_folder()?,
        cache: environment::cache_folder()?,
        shown: Shown::default(),
        choice,
    };
    HypervHost::find(&options).map_err(|error| {
        cannot(
            error,
            "`detente doctor` says what is missing; `--profile kvm` tests the other side alone",
        )
    })
}

fn cannot(error: HostError, hint: &str) -> Failure {
    Failure::cannot_tell(error, Some(hint.to_owned()))
}
