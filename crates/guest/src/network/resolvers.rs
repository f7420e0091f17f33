//! Name servers of the guest as a whole.

use detente_volume::FsError;

use crate::facts::{Evidence, Setting};
use crate::files::Files;
use crate::settings::ini::Ini;
use crate::settings::{drop_ins, lines, shell, words};

/// More than any resolver asks.
const MAX_SERVERS: usize = 64;

pub(super) fn gather(files: Files<'_>, all: &mut Vec<Setting>) -> Result<(), FsError> {
    resolv_conf(files, all)?;
    resolved(files, all)?;
    let path = "/etc/sysconfig/network/config";
    let settings = shell::parse(path, &files.text(path)?.unwrap_or_default());
    if let Some(own) = shell::last(&settings, "NETCONFIG_DNS_STATIC_SERVERS") {
        push(own, all);
    }
    all.truncate(MAX_SERVERS);
    Ok(())
}

/// [resolv.conf(5)], unless it is a link: then a program writes it while the guest runs.
fn resolv_conf(files: Files<'_>, all: &mut Vec<Setting>) -> Result<(), FsError> {
    let path = "/etc/resolv.conf";
    if files.link(path)?.is_some() {
        return Ok(());
    }
    let text = files.text(path)?.unwrap_or_default();
    for (number, line) in lines(&text, &['#', ';']) {
        let mut words = line.split_whitespace();
        if let (Some("nameserver"), Some(server)) = (words.next(), words.next()) {
            let at = Evidence::line(path, number);
            all.push(Setting::new("nameserver", server, at));
        }
    }
    Ok(())
}

/// [resolved.conf(5)].
fn resolved(files: Files<'_>, all: &mut Vec<Setting>) -> Result<(), FsError> {
    let mut paths = vec!["/etc/systemd/resolved.conf".to_owned()];
    paths.extend(drop_ins::folder(
        files,
        "/etc/systemd/resolved.conf.d",
        ".conf",
    )?);
    for path in paths {
        let file = Ini::systemd(&path, &files.text(&path)?.unwrap_or_default());
        for own in file.all("Resolve", "DNS") {
            push(own, all);
        }
    }
    Ok(())
}

fn push(own: &Setting, all: &mut Vec<Setting>) {
    let server = |text: &str| Setting::new(&own.name, text, own.at.clone());
    all.extend(words::list(&own.value).map(server));
}
