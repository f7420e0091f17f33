//! What else is configured: time, services, security, what names storage.

use detente_guest::facts::{
    Facts, Role, Security, SelinuxMode, ServiceState, Services, Setting, StorageConfig, Time,
    TimeProgram, TimeSync,
};

use crate::page::Page;

/// Lines of one kind; the rest is counted. `--format json` has all.
const LINES: usize = 8;

pub(super) fn settings(page: &mut Page, facts: &Facts) {
    let mut lines = time(&facts.time);
    lines.extend(services(&facts.services));
    lines.extend(security(&facts.security));
    lines.extend(storage(&facts.storage));
    if lines.is_empty() {
        return;
    }
    page.heading("Settings");
    for (name, value) in lines {
        page.line(name, &value);
    }
}

type Lines = Vec<(&'static str, String)>;

fn time(time: &Time) -> Lines {
    let mut lines = Vec::new();
    if let Some(zone) = time.zones.first() {
        let local = time.hardware_clock.as_ref().is_some_and(|own| own.local);
        let clock = if local {
            ", hardware clock in local time"
        } else {
            ""
        };
        lines.push(("time zone", format!("{}{clock}", zone.value)));
    }
    for (index, own) in time.synchronisation.iter().enumerate() {
        lines.push((if index == 0 { "time" } else { "" }, synchronisation(own)));
    }
    lines
}

fn synchronisation(own: &TimeSync) -> String {
    let name = match own.program {
        TimeProgram::Chrony => "chrony",
        TimeProgram::Ntpd => "ntpd",
        TimeProgram::Timesyncd => "systemd-timesyncd",
        TimeProgram::Openntpd => "OpenNTPD",
        TimeProgram::BusyboxNtpd => "ntpd of BusyBox",
    };
    let first = |own: &Setting| own.value.split_whitespace().next().map(str::to_owned);
    let mut words: Vec<String> = own.servers.iter().filter_map(first).take(LINES).collect();
    let clocks = own.reference_clocks.iter();
    words.extend(clocks.map(|own| format!("{} {}", own.name, own.value)));
    let servers = if words.is_empty() {
        String::new()
    } else {
        format!(": {}", words.join(", "))
    };
    format!("{name} ({}){servers}", state(own.state))
}

fn state(state: ServiceState) -> &'static str {
    match state {
        ServiceState::Unknown => "state unknown",
        ServiceState::Enabled => "started",
        ServiceState::Disabled => "not started",
        ServiceState::Masked => "masked",
        ServiceState::Static => "started when asked for",
    }
}

fn services(services: &Services) -> Lines {
    let mut lines = Vec::new();
    let is_agent = |role: Role| match role {
        Role::KvmAgent
        | Role::HypervAgent
        | Role::AzureAgent
        | Role::VmwareAgent
        | Role::VirtualboxAgent
        | Role::XenAgent
        | Role::CloudInit => true,
        Role::Firewall
        | Role::RemoteAccess
        | Role::Storage
        | Role::CrashDump
        | Role::Tuning
        | Role::Network => false,
    };
    for (name, wanted) in [
        ("started", ServiceState::Enabled),
        ("masked", ServiceState::Masked),
    ] {
        let ids: Vec<&str> = services
            .services
            .iter()
            .filter(|own| own.state == wanted && !is_agent(own.role))
            .map(|own| own.id.as_str())
            .collect();
        if !ids.is_empty() {
            lines.push((name, ids.join(", ")));
        }
    }
    let terminals: Vec<&str> = services
        .logins
        .iter()
        .map(|own| own.terminal.as_str())
        .take(LINES)
        .collect();
    if !terminals.is_empty() {
        lines.push(("logins on", terminals.join(", ")));
    }
    lines
}

fn security(security: &Security) -> Lines {
    let mut lines = Vec::new();
    if let Some(own) = &security.selinux {
        let mode = match own.effective {
            SelinuxMode::Enforcing => "enforcing",
            SelinuxMode::Permissive => "permissive",
            SelinuxMode::Disabled => "disabled",
        };
        let policy = own.policy.as_ref().map(|own| format!(", {}", own.value));
        let relabel = own
            .autorelabel
            .as_ref()
            .map(|_| ", labels anew at the next boot");
        let text = format!(
            "{mode}{}{}",
            policy.unwrap_or_default(),
            relabel.unwrap_or_default()
        );
        lines.push(("SELinux", text));
    }
    if let Some(own) = &security.apparmor {
        lines.push(("AppArmor", format!("{} profiles", own.profiles)));
    }
    if let Some(own) = &security.crypto_policy {
        lines.push(("crypto policy", own.value.clone()));
    }
    lines
}

fn storage(storage: &StorageConfig) -> Lines {
    let mut lines = Vec::new();
    if let Some(file) = &storage.lvm.devices_file {
        let count = storage.lvm.devices.len();
        lines.push(("LVM devices", format!("{count} in {file}")));
    }
    if let Some(kdump) = &storage.kdump {
        let target = kdump.target.as_ref();
        let target = target.map_or("the root".to_owned(), |own| own.value.clone());
        let memory = kdump
            .crashkernel
            .as_ref()
            .map(|own| format!(", crashkernel={}", own.value));
        lines.push((
            "kdump to",
            format!("{target}{}", memory.unwrap_or_default()),
        ));
    }
    for (name, all) in [
        ("huge pages", &storage.hugepages),
        ("resumes from", &storage.resume),
        ("local names", &storage.device_names),
    ] {
        let shown = all.iter().take(LINES).enumerate();
        lines.extend(shown.map(|(index, own)| {
            let text = format!("{} in {} ({})", own.value, own.name, own.at);
            (if index == 0 { name } else { "" }, text)
        }));
        if let Some(more) = all.len().checked_sub(LINES).filter(|&more| more > 0) {
            lines.push(("", format!("and {more} more")));
        }
    }
    lines
}
