//! What is started at boot: systemd's links, rc links, OpenRC's run levels, Upstart's jobs.

use std::collections::BTreeMap;

use detente_volume::{FileKind, FsError};

use crate::facts::{Evidence, Init, ServiceState};
use crate::files::Files;
use crate::settings::drop_ins;
use crate::settings::ini::Ini;

/// The earlier hides a unit of the same name in the later.
const FOLDERS: [&str; 4] = [
    "/etc/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];
const SCRIPTS: [&str; 2] = ["/etc/init.d", "/etc/rc.d/init.d"];
/// Where rc links are; a server's run levels.
const RC: [&str; 3] = ["/etc", "/etc/rc.d", "/etc/init.d"];
const LEVELS: [&str; 4] = ["2", "3", "5", "S"];
const RUN_LEVELS: [&str; 4] = ["sysinit", "boot", "default", "nonetwork"];
/// More links than any guest has.
const MAX_LINKS: usize = 8192;

/// Everything that starts services, by name.
#[derive(Debug, Default)]
pub(crate) struct Units {
    init: Init,
    /// Unit files: the first path of each name.
    units: BTreeMap<String, String>,
    /// Links that start a unit, or a script.
    links: BTreeMap<String, String>,
    scripts: BTreeMap<String, String>,
    jobs: BTreeMap<String, String>,
}

/// What is known of one service.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) unit: Option<String>,
    pub(crate) installed: Vec<Evidence>,
    pub(crate) state: ServiceState,
    pub(crate) state_at: Option<Evidence>,
}

impl Units {
    /// Reads the folders, each once.
    pub(crate) fn read(files: Files<'_>) -> Result<Self, FsError> {
        let mut units = Self {
            init: init(files)?,
            ..Self::default()
        };
        for folder in FOLDERS {
            for entry in files.entries(folder)? {
                let path = format!("{folder}/{}", entry.name);
                if entry.name.ends_with(".wants") || entry.name.ends_with(".requires") {
                    units.starts(files, &path, |name| Some(name.to_owned()))?;
                } else if entry.kind != FileKind::Directory {
                    add(&mut units.units, entry.name, path);
                }
            }
        }
        for folder in SCRIPTS {
            for entry in files.entries(folder)? {
                if entry.kind != FileKind::Directory {
                    let path = format!("{folder}/{}", entry.name);
                    add(&mut units.scripts, entry.name, path);
                }
            }
        }
        for name in files.list("/etc/init")? {
            if let Some(job) = name.strip_suffix(".conf") {
                add(&mut units.jobs, job.to_owned(), format!("/etc/init/{name}"));
            }
        }
        for folder in RC {
            for level in LEVELS {
                units.starts(files, &format!("{folder}/rc{level}.d"), script_of_link)?;
            }
        }
        for level in RUN_LEVELS {
            units.starts(files, &format!("/etc/runlevels/{level}"), |name| {
                Some(name.to_owned())
            })?;
        }
        Ok(units)
    }

    pub(crate) fn init(&self) -> Init {
        self.init
    }

    /// The links that start something, with what they start.
    pub(crate) fn links(&self) -> impl Iterator<Item = (&str, &str)> {
        self.links
            .iter()
            .map(|(name, path)| (name.as_str(), path.as_str()))
    }

    /// Upstart's jobs, with their files.
    pub(crate) fn jobs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.jobs
            .iter()
            .map(|(name, path)| (name.as_str(), path.as_str()))
    }

    /// The best of what is found under these names: started before masked before idle.
    pub(crate) fn find(&self, files: Files<'_>, names: &[&str]) -> Result<Found, FsError> {
        let mut best = Found::default();
        for name in names {
            for suffix in [".service", ".socket"] {
                let unit = format!("{name}{suffix}");
                if let Some(path) = self.units.get(&unit) {
                    let path = path.clone();
                    self.systemd(files, &unit, &path)?.merge_into(&mut best);
                }
            }
            if let Some(path) = self.scripts.get(*name) {
                self.script(name, path).merge_into(&mut best);
            }
            if let Some(path) = self.jobs.get(*name) {
                job(files, name, path)?.merge_into(&mut best);
            }
        }
        Ok(best)
    }

    fn systemd(&self, files: Files<'_>, unit: &str, path: &str) -> Result<Found, FsError> {
        let is_masked = drop_ins::is_masked(files, path)?;
        let original = FOLDERS
            .iter()
            .skip(1)
            .map(|folder| format!("{folder}/{unit}"));
        let mut installed = Vec::new();
        for place in std::iter::once(path.to_owned()).chain(original) {
            if files.is_file(&place)? && !drop_ins::is_masked(files, &place)? {
                installed.push(Evidence::path(place));
                break;
            }
        }
        let started = self.started(unit);
        let (state, state_at) = if is_masked {
            (ServiceState::Masked, Some(path.to_owned()))
        } else if let Some(link) = started {
            (ServiceState::Enabled, Some(link.to_owned()))
        } else if has_install(files, &installed)? {
            (ServiceState::Disabled, None)
        } else {
            (ServiceState::Static, None)
        };
        Ok(Found {
            unit: Some(unit.to_owned()),
            installed,
            state,
            state_at: state_at.map(Evidence::path),
        })
    }

    /// The link that starts a unit, or any instance of a template.
    fn started(&self, unit: &str) -> Option<&str> {
        let exact = self.links.get(unit);
        let template = unit
            .split_once('@')
            .filter(|(_, rest)| rest.starts_with('.'));
        let instance = || {
            let (name, _) = template?;
            let prefix = format!("{name}@");
            let (_, link) = self.links.range(prefix.clone()..).next()?;
            drop_ins::name(link).starts_with(&prefix).then_some(link)
        };
        exact.or_else(instance).map(String::as_str)
    }

    fn script(&self, name: &str, path: &str) -> Found {
        let link = self.links.get(name);
        Found {
            unit: Some(name.to_owned()),
            installed: vec![Evidence::path(path)],
            state: match link {
                Some(_) => ServiceState::Enabled,
                None => ServiceState::Disabled,
            },
            state_at: link.map(Evidence::path),
        }
    }

    fn starts(
        &mut self,
        files: Files<'_>,
        folder: &str,
        name: impl Fn(&str) -> Option<String>,
    ) -> Result<(), FsError> {
        for link in files.list(folder)? {
            if let Some(started) = name(&link) {
                add(&mut self.links, started, format!("{folder}/{link}"));
            }
        }
        Ok(())
    }
}

impl Found {
    /// Whether anything was found.
    pub(crate) fn is_some(&self) -> bool {
        self.unit.is_some()
    }

    fn merge_into(self, best: &mut Self) {
        let rank = |state: ServiceState| match state {
            ServiceState::Unknown => 0_u8,
            ServiceState::Static => 1,
            ServiceState::Disabled => 2,
            ServiceState::Masked => 3,
            ServiceState::Enabled => 4,
        };
        best.installed.extend(self.installed);
        if rank(self.state) > rank(best.state) {
            best.unit = self.unit;
            best.state = self.state;
            best.state_at = self.state_at;
        }
    }
}

fn add(map: &mut BTreeMap<String, String>, name: String, path: String) {
    if map.len() < MAX_LINKS {
        map.entry(name).or_insert(path);
    }
}

/// `S20multipathd`.
fn script_of_link(link: &str) -> Option<String> {
    let rest = link.strip_prefix('S')?;
    let name = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    (name.len() < rest.len() && !name.is_empty()).then(|| name.to_owned())
}

/// Whether a unit says what would start it, so that it can be enabled.
fn has_install(files: Files<'_>, installed: &[Evidence]) -> Result<bool, FsError> {
    let Some(at) = installed.last() else {
        return Ok(false);
    };
    let text = files.text(&at.path)?.unwrap_or_default();
    let unit = Ini::systemd(&at.path, &text);
    Ok(unit.entries("Install").next().is_some())
}

/// Upstart starts what has a `start on`, unless an override says `manual`.
fn job(files: Files<'_>, name: &str, path: &str) -> Result<Found, FsError> {
    let overriding = format!("/etc/init/{name}.override");
    let text = files.text(&overriding)?.unwrap_or_default();
    let is_manual = text.lines().any(|line| line.trim() == "manual");
    Ok(Found {
        unit: Some(name.to_owned()),
        installed: vec![Evidence::path(path)],
        state: if is_manual {
            ServiceState::Disabled
        } else {
            ServiceState::Enabled
        },
        state_at: Some(Evidence::path(if is_manual { &overriding } else { path })),
    })
}

fn init(files: Files<'_>) -> Result<Init, FsError> {
    let target = files.link("/sbin/init")?.unwrap_or_default();
    if target.ends_with("/systemd") {
        return Ok(Init::Systemd);
    }
    if !files.list("/etc/runlevels")?.is_empty() {
        return Ok(Init::OpenRc);
    }
    let marks = [
        ("/etc/init/rc-sysinit.conf", Init::Upstart),
        ("/etc/init/rcS.conf", Init::Upstart),
        ("/usr/lib/systemd/systemd", Init::Systemd),
        ("/lib/systemd/systemd", Init::Systemd),
        ("/etc/inittab", Init::SysV),
    ];
    for (path, init) in marks {
        if files.is_file(path)? {
            return Ok(init);
        }
    }
    Ok(Init::Unknown)
}
