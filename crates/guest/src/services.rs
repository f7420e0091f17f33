//! Services of a documented list: installed, started or not; logins; cloud-init.

mod cloud_init;
mod known;
mod logins;
pub(crate) mod units;

use detente_volume::FsError;

use crate::facts::{Agent, Evidence, Role, Service, Services, Setting};
use crate::files::Files;
use crate::settings::arguments::Arguments;
use known::{KNOWN, Known};
use units::Units;

/// The services.
pub(crate) fn gather(
    files: Files<'_>,
    units: &Units,
    arguments: &Arguments,
    notes: &mut Vec<String>,
) -> Result<Services, FsError> {
    let mut services = Vec::new();
    for known in &KNOWN {
        services.extend(service(files, units, known)?);
    }
    let profile = "/etc/tuned/active_profile";
    let tuned = files.text(profile)?.unwrap_or_default();
    let tuned = tuned.lines().next().map(str::trim).unwrap_or_default();
    Ok(Services {
        init: units.init(),
        services,
        logins: logins::gather(files, units, arguments)?,
        securetty: logins::securetty(files)?,
        cloud_init: cloud_init::gather(files, arguments, notes)?,
        tuned_profile: (!tuned.is_empty())
            .then(|| Setting::new("profile", tuned, Evidence::line(profile, 1))),
    })
}

fn service(files: Files<'_>, units: &Units, known: &Known) -> Result<Option<Service>, FsError> {
    let found = units.find(files, known.units)?;
    let mut installed = found.installed;
    for program in known.programs {
        if files.is_file(program)? {
            installed.push(Evidence::path(*program));
        }
    }
    Ok((!installed.is_empty()).then(|| Service {
        id: known.id.to_owned(),
        role: known.role,
        unit: found.unit,
        installed,
        state: found.state,
        state_at: found.state_at,
    }))
}

/// The programs among the services that talk to a hypervisor or a cloud.
pub(crate) fn agents(services: &Services) -> Vec<Agent> {
    let mut agents: Vec<Agent> = Vec::new();
    for service in &services.services {
        let name = match service.role {
            Role::HypervAgent => "hyperv-daemons",
            Role::KvmAgent
            | Role::AzureAgent
            | Role::VmwareAgent
            | Role::VirtualboxAgent
            | Role::XenAgent
            | Role::CloudInit => &service.id,
            Role::Firewall
            | Role::RemoteAccess
            | Role::Storage
            | Role::CrashDump
            | Role::Tuning
            | Role::Network => continue,
        };
        let files = service.installed.iter().map(|at| at.path.clone());
        match agents.iter_mut().find(|own| own.name == name) {
            Some(agent) => agent.files.extend(files),
            None => agents.push(Agent {
                name: name.to_owned(),
                files: files.collect(),
            }),
        }
    }
    agents
}

pub(crate) fn exercise(text: &str) {
    logins::exercise(text);
    cloud_init::exercise(text);
}

#[cfg(test)]
mod tests;
