//! ntpd and NTPsec, systemd-timesyncd, OpenNTPD, and BusyBox's ntpd.

use detente_volume::FsError;

use crate::facts::{Evidence, Setting, TimeSync};
use crate::files::Files;
use crate::settings::ini::Ini;
use crate::settings::{drop_ins, lines, shell, words};

/// [ntp.conf(5)].
pub(super) fn ntpd(files: Files<'_>, own: &mut TimeSync) -> Result<(), FsError> {
    for path in ["/etc/ntp.conf", "/etc/ntpsec/ntp.conf"] {
        parse(path, &files.text(path)?.unwrap_or_default(), own);
    }
    Ok(())
}

/// [ntpd.conf(5)] of OpenNTPD, which shares the words that matter.
pub(super) fn openntpd(files: Files<'_>, own: &mut TimeSync) -> Result<(), FsError> {
    for path in ["/etc/openntpd/ntpd.conf", "/etc/ntpd.conf"] {
        parse(path, &files.text(path)?.unwrap_or_default(), own);
    }
    Ok(())
}

fn parse(path: &str, text: &str, own: &mut TimeSync) {
    for (number, line) in lines(text, &['#']) {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        let setting = Setting::new(word, rest, Evidence::line(path, number));
        match word {
            // Reference clocks have addresses of this network.
            "server" if rest.starts_with("127.127.") => own.reference_clocks.push(setting),
            "refclock" | "sensor" => own.reference_clocks.push(setting),
            "server" | "servers" | "pool" | "peer" => own.servers.push(setting),
            "tinker" | "tos" => own.steps.push(setting),
            _ => (),
        }
    }
}

/// [timesyncd.conf(5)].
pub(super) fn timesyncd(files: Files<'_>, own: &mut TimeSync) -> Result<(), FsError> {
    let mut paths = vec!["/etc/systemd/timesyncd.conf".to_owned()];
    for folder in [
        "/usr/lib/systemd/timesyncd.conf.d",
        "/etc/systemd/timesyncd.conf.d",
    ] {
        paths.extend(drop_ins::folder(files, folder, ".conf")?);
    }
    for path in paths {
        let file = Ini::systemd(&path, &files.text(&path)?.unwrap_or_default());
        for entry in file.entries("Time") {
            if matches!(entry.name.as_str(), "NTP" | "FallbackNTP") {
                let server = |text: &str| Setting::new(&entry.name, text, entry.at.clone());
                own.servers.extend(words::list(&entry.value).map(server));
            }
        }
    }
    Ok(())
}

/// Alpine's `/etc/conf.d/ntpd`: options of the command line.
pub(super) fn busybox(files: Files<'_>, own: &mut TimeSync) -> Result<(), FsError> {
    let path = "/etc/conf.d/ntpd";
    let settings = shell::parse(path, &files.text(path)?.unwrap_or_default());
    if let Some(options) = shell::last(&settings, "NTPD_OPTS") {
        let mut all = options.value.split_whitespace();
        while let Some(option) = all.next() {
            if option == "-p"
                && let Some(server) = all.next()
            {
                own.servers
                    .push(Setting::new("-p", server, options.at.clone()));
            }
        }
    }
    Ok(())
}

pub(super) fn exercise(text: &str) {
    let mut own = super::empty(crate::facts::TimeProgram::Ntpd);
    parse("/x", text, &mut own);
}
