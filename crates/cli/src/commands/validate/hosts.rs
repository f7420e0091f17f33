//! The hosts of a run: for each side's hardware, the place that shows it.

use detente_host::hyperv::{HypervHost, HypervOptions, Shown};
use detente_host::local::{AccelerationChoice, LocalHost, LocalOptions};
use detente_host::{Host, HostError};
use detente_machine::Profile;
use detente_validate::Column;

use crate::environment;
use crate::failure::Failure;

/// The hosts that a run's profiles need, and no others.
pub(super) struct Hosts {
    qemu: Option<LocalHost>,
    synthetic: Option<HypervHost>,
}

impl Hosts {
    /// Finds them.
    pub(super) fn find(profiles: &[Profile], choice: AccelerationChoice) -> Result<Self, Failure> {
        let wants_qemu = profiles
            .iter()
            .any(|profile| Profile::QEMU.contains(profile));
        let wants_synthetic = profiles.contains(&Profile::HypervVmbus);
        Ok(Self {
            qemu: wants_qemu.then(|| qemu(choice)).transpose()?,
            synthetic: wants_synthetic.then(|| synthetic(choice)).transpose()?,
        })
    }

    /// Every host, in the order of the columns.
    pub(super) fn all(&self) -> impl Iterator<Item = &dyn Host> {
        let qemu = self.qemu.as_ref().map(|host| host as &dyn Host);
        let synthetic = self.synthetic.as_ref().map(|host| host as &dyn Host);
        qemu.into_iter().chain(synthetic)
    }

    /// Each profile with its host.
    pub(super) fn columns(&self, profiles: &[Profile]) -> Vec<Column<'_>> {
        let column = |&profile: &Profile| {
            let host = match profile {
                Profile::Kvm | Profile::KvmLegacy => {
                    self.qemu.as_ref().map(|host| host as &dyn Host)
                }
                Profile::HypervVmbus => self.synthetic.as_ref().map(|host| host as &dyn Host),
            };
            Some(Column {
                profile,
                host: host?,
            })
        };
        profiles.iter().filter_map(column).collect()
    }
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
