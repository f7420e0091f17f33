//! SELinux, AppArmor, FIPS and the crypto policy.

use detente_volume::{FileKind, FsError};

use crate::facts::{Apparmor, Evidence, Security, Selinux, SelinuxMode, Setting};
use crate::files::Files;
use crate::settings::arguments::Arguments;
use crate::settings::{lines, shell};

const ARGUMENTS: [&str; 9] = [
    "selinux",
    "enforcing",
    "autorelabel",
    "security",
    "lsm",
    "apparmor",
    "audit",
    "fips",
    "lockdown",
];

/// What the guest enforces.
pub(crate) fn gather(files: Files<'_>, arguments: &Arguments) -> Result<Security, FsError> {
    Ok(Security {
        selinux: selinux(files, arguments)?,
        apparmor: apparmor(files)?,
        fips: fips(files, arguments)?,
        crypto_policy: crypto_policy(files)?,
        arguments: arguments.named(&ARGUMENTS),
    })
}

/// `/etc/selinux/config`: [selinux(8)].
fn selinux(files: Files<'_>, arguments: &Arguments) -> Result<Option<Selinux>, FsError> {
    let path = "/etc/selinux/config";
    let Some(text) = files.text(path)? else {
        return Ok(None);
    };
    let settings = shell::parse(path, &text);
    let Some(mode_at) = shell::last(&settings, "SELINUX") else {
        return Ok(None);
    };
    let Some(mode) = mode(&mode_at.value) else {
        return Ok(None);
    };
    let policy = shell::last(&settings, "SELINUXTYPE").cloned();
    let policy_file = match &policy {
        Some(policy) => policy_file(files, &policy.value)?,
        None => None,
    };
    let mark = "/.autorelabel";
    let is_marked = files.is_file(mark)?;
    Ok(Some(Selinux {
        mode,
        effective: effective(mode, arguments),
        at: mode_at.at.clone(),
        policy,
        policy_file,
        autorelabel: is_marked.then(|| Evidence::path(mark)),
    }))
}

fn mode(text: &str) -> Option<SelinuxMode> {
    match text.to_ascii_lowercase().as_str() {
        "enforcing" => Some(SelinuxMode::Enforcing),
        "permissive" => Some(SelinuxMode::Permissive),
        "disabled" => Some(SelinuxMode::Disabled),
        _ => None,
    }
}

/// Kernel arguments count before the configuration.
fn effective(mode: SelinuxMode, arguments: &Arguments) -> SelinuxMode {
    let is = |name: &str, value: &str| arguments.last(name).is_some_and(|own| own.value == value);
    let other = |name: &str| {
        arguments
            .last(name)
            .is_some_and(|own| !own.value.split(',').any(|module| module == "selinux"))
    };
    if is("selinux", "0") || other("security") || other("lsm") || mode == SelinuxMode::Disabled {
        SelinuxMode::Disabled
    } else if is("enforcing", "0") {
        SelinuxMode::Permissive
    } else if is("enforcing", "1") {
        SelinuxMode::Enforcing
    } else {
        mode
    }
}

fn policy_file(files: Files<'_>, policy: &str) -> Result<Option<Evidence>, FsError> {
    let folder = format!("/etc/selinux/{policy}/policy");
    let names = files.list(&folder)?;
    let newest = names.iter().rfind(|name| name.starts_with("policy."));
    Ok(newest.map(|name| Evidence::path(format!("{folder}/{name}"))))
}

fn apparmor(files: Files<'_>) -> Result<Option<Apparmor>, FsError> {
    let mut at = None;
    for path in ["/usr/sbin/apparmor_parser", "/sbin/apparmor_parser"] {
        if at.is_none() && files.is_file(path)? {
            at = Some(Evidence::path(path));
        }
    }
    let Some(at) = at else {
        return Ok(None);
    };
    let profiles = files.entries("/etc/apparmor.d")?;
    let profiles = profiles.iter().filter(|own| own.kind == FileKind::File);
    let disabled = files.list("/etc/apparmor.d/disable")?;
    Ok(Some(Apparmor {
        at,
        profiles: u32::try_from(profiles.count()).unwrap_or(u32::MAX),
        disabled_profiles: u32::try_from(disabled.len()).unwrap_or(u32::MAX),
    }))
}

fn fips(files: Files<'_>, arguments: &Arguments) -> Result<Vec<Setting>, FsError> {
    let mut all = arguments.named(&["fips"]);
    for path in ["/etc/system-fips", "/etc/dracut.conf.d/40-fips.conf"] {
        if files.is_file(path)? {
            all.push(Setting::new("file", path, Evidence::path(path)));
        }
    }
    Ok(all)
}

/// [crypto-policies(7)]: what is in effect before what is asked for.
fn crypto_policy(files: Files<'_>) -> Result<Option<Setting>, FsError> {
    for path in [
        "/etc/crypto-policies/state/current",
        "/etc/crypto-policies/config",
    ] {
        let text = files.text(path)?.unwrap_or_default();
        if let Some((number, policy)) = lines(&text, &['#']).next() {
            let at = Evidence::line(path, number);
            return Ok(Some(Setting::new("policy", policy, at)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::memory::Memory;

    fn security(memory: &Memory, line: &str) -> Security {
        let arguments = Arguments::parse(line, &Evidence::path("/g"));
        gather(memory.files(), &arguments).unwrap()
    }

    #[test]
    fn modes_of_selinux() {
        let memory = Memory::new()
            .file(
                "/etc/selinux/config",
                "# SELINUX=x\nSELINUX=enforcing\nSELINUXTYPE=targeted\n",
            )
            .file("/etc/selinux/targeted/policy/policy.33", "")
            .file("/.autorelabel", "");
        let check = |line: &str, effective| {
            let own = security(&memory, line).selinux.unwrap();
            assert_eq!(
                (own.mode, own.effective),
                (SelinuxMode::Enforcing, effective),
                "{line}"
            );
        };
        check("", SelinuxMode::Enforcing);
        check("enforcing=0", SelinuxMode::Permissive);
        check("selinux=0 enforcing=1", SelinuxMode::Disabled);
        check("lsm=lockdown,yama,apparmor", SelinuxMode::Disabled);
        check("security=selinux", SelinuxMode::Enforcing);
        let own = security(&memory, "").selinux.unwrap();
        assert_eq!(own.at, Evidence::line("/etc/selinux/config", 2));
        assert_eq!(own.policy.unwrap().value, "targeted");
        assert!(own.policy_file.is_some() && own.autorelabel.is_some());
        let broken = Memory::new().file("/etc/selinux/config", "SELINUX=maybe\n");
        assert_eq!(security(&broken, "").selinux, None);
    }

    #[test]
    fn apparmor_fips_and_the_policy() {
        let memory = Memory::new()
            .file("/sbin/apparmor_parser", "")
            .file("/etc/apparmor.d/usr.bin.a", "")
            .file("/etc/apparmor.d/usr.bin.b", "")
            .file("/etc/apparmor.d/abstractions/base", "")
            .link("/etc/apparmor.d/disable/usr.bin.b", "../usr.bin.b")
            .file("/etc/crypto-policies/config", "# c\nDEFAULT:SHA1\n")
            .file("/etc/system-fips", "");
        let own = security(&memory, "fips=1 quiet");
        let apparmor = own.apparmor.unwrap();
        assert_eq!((apparmor.profiles, apparmor.disabled_profiles), (2, 1));
        assert_eq!(own.fips.len(), 2);
        assert_eq!(own.crypto_policy.unwrap().value, "DEFAULT:SHA1");
        assert_eq!(own.arguments.len(), 1);
        assert_eq!(security(&Memory::new(), ""), Security::default());
    }
}
