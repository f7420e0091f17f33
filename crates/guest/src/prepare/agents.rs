//! Agents of both worlds: what is switched off is started again, what is missing is named, and
//! installed if its packages were given. None is removed: each is idle where its device is absent.

mod packages;

use detente_volume::FsError;

use super::Tool;
use super::draft::{Ask, Draft, Reason};
use super::guest_tree::has_program;
use crate::check::{By, Finding};
use crate::facts::{Init, Role, Service, ServiceState};
use crate::settings::ini::Ini;

/// More targets than any unit is wanted by.
const MAX_LINKS: usize = 16;

/// The rules that this planner mends.
pub(super) const RULES: &[&str] = &[
    "linux.agents.hyperv-missing",
    "linux.agents.qemu-missing",
    "linux.agents.hyperv-off",
    "linux.agents.qemu-off",
];

pub(super) fn plan(ask: Ask<'_>, draft: &mut Draft<'_>) -> Result<(), FsError> {
    for finding in ask.findings {
        match finding.rule {
            "linux.agents.hyperv-missing" | "linux.agents.qemu-missing" => {
                packages::install(ask, draft, finding)?;
            }
            "linux.agents.hyperv-off" => start(ask, draft, finding, Role::HypervAgent)?,
            _ => start(ask, draft, finding, Role::KvmAgent)?,
        }
    }
    Ok(())
}

/// Has the services of a role started again.
fn start(
    ask: Ask<'_>,
    draft: &mut Draft<'_>,
    finding: &Finding,
    role: Role,
) -> Result<(), FsError> {
    let services = ask.facts.services.services.iter();
    let own = services.filter(|own| own.role == role);
    for service in own {
        let why = Reason::new(finding.rule, format!("{} is started again.", service.id));
        let Some(unit) = service.unit.as_deref() else {
            draft.leave(
                finding.rule,
                By::Hand,
                format!("{} has no unit", service.id),
            );
            continue;
        };
        match ask.facts.services.init {
            Init::Systemd if has_program(ask.files, "systemctl")? => {
                by_systemd(ask, draft, service, unit, &why)?;
            }
            Init::OpenRc if has_program(ask.files, "rc-update")? => {
                let service = unit.to_owned();
                draft.run(Tool::OpenRcAdd { service }, &[], &why);
            }
            Init::Systemd | Init::OpenRc | Init::Upstart | Init::SysV | Init::Unknown => {
                let why = format!("what starts services here is not driven: start {unit} at boot");
                draft.leave(finding.rule, By::Hand, why);
            }
        }
    }
    Ok(())
}

fn by_systemd(
    ask: Ask<'_>,
    draft: &mut Draft<'_>,
    service: &Service,
    unit: &str,
    why: &Reason,
) -> Result<(), FsError> {
    let is_masked = match service.state {
        ServiceState::Masked => true,
        ServiceState::Disabled => false,
        ServiceState::Enabled | ServiceState::Static | ServiceState::Unknown => return Ok(()),
    };
    let links = links(ask, unit)?;
    let unit = unit.to_owned();
    if is_masked {
        let link = format!("/etc/systemd/system/{unit}");
        draft.run(Tool::UnmaskUnit { unit: unit.clone() }, &[link], why);
    }
    draft.run(Tool::EnableUnit { unit }, &links, why);
    Ok(())
}

/// The links that enable a unit, as its section `[Install]` says.
fn links(ask: Ask<'_>, unit: &str) -> Result<Vec<String>, FsError> {
    for folder in ["/usr/lib/systemd/system", "/lib/systemd/system"] {
        let path = format!("{folder}/{unit}");
        let Some(text) = ask.files.text(&path)? else {
            continue;
        };
        let file = Ini::systemd(&path, &text);
        let kinds = [("WantedBy", "wants"), ("RequiredBy", "requires")];
        let all = kinds.iter().flat_map(|(key, kind)| {
            file.all("Install", key).flat_map(move |own| {
                let targets = own.value.split_whitespace();
                targets.map(move |target| format!("/etc/systemd/system/{target}.{kind}/{unit}"))
            })
        });
        return Ok(all.take(MAX_LINKS).collect());
    }
    Ok(Vec::new())
}
