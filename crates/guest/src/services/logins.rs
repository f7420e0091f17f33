//! Terminals on which the guest offers a login.

use detente_volume::FsError;

use super::units::Units;
use crate::facts::{Evidence, Login, Setting};
use crate::files::Files;
use crate::settings::arguments::Arguments;
use crate::settings::lines;

/// More terminals than a guest has.
const MAX_LOGINS: usize = 128;

pub(super) fn gather(
    files: Files<'_>,
    units: &Units,
    arguments: &Arguments,
) -> Result<Vec<Login>, FsError> {
    let mut all = Vec::new();
    for (name, link) in units.links() {
        if let Some(terminal) = of_unit(name) {
            push(&mut all, terminal, Evidence::path(link));
        }
    }
    for (name, path) in units.jobs() {
        let text = files.text(path)?.unwrap_or_default();
        if text.contains("getty")
            && let Some(terminal) = terminal(name)
        {
            push(&mut all, terminal, Evidence::path(path));
        }
    }
    let path = "/etc/inittab";
    inittab(path, &files.text(path)?.unwrap_or_default(), &mut all);
    // systemd-getty-generator offers a login on each console of the kernel that is no screen.
    if units.init() == crate::facts::Init::Systemd {
        for own in arguments.named(&["console"]) {
            let device = own.value.split(',').next().unwrap_or_default();
            if !device.is_empty() && !is_screen(device) {
                push(&mut all, device, own.at);
            }
        }
    }
    Ok(all)
}

/// [securetty(5)].
pub(super) fn securetty(files: Files<'_>) -> Result<Vec<Setting>, FsError> {
    let path = "/etc/securetty";
    let text = files.text(path)?.unwrap_or_default();
    let setting =
        |(number, line): (u32, &str)| Setting::new("terminal", line, Evidence::line(path, number));
    Ok(lines(&text, &['#']).map(setting).take(MAX_LOGINS).collect())
}

fn push(all: &mut Vec<Login>, terminal: &str, at: Evidence) {
    let is_known = all.iter().any(|own| own.terminal == terminal);
    if all.len() < MAX_LOGINS && !is_known {
        all.push(Login {
            terminal: terminal.to_owned(),
            at,
        });
    }
}

fn is_screen(device: &str) -> bool {
    device
        .strip_prefix("tty")
        .is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit()))
}

/// `getty@tty1.service`, `serial-getty@ttyS0.service`, OpenRC's `agetty.ttyS0`.
fn of_unit(name: &str) -> Option<&str> {
    if let Some(terminal) = name.strip_prefix("agetty.") {
        return Some(terminal);
    }
    let (kind, instance) = name.strip_suffix(".service")?.split_once('@')?;
    let terminal = (kind.ends_with("getty") || kind == "autovt") && !instance.is_empty();
    terminal.then_some(instance)
}

/// [inittab(5)]: `id:levels:action:process`, where the process is a getty.
fn inittab(path: &str, text: &str, all: &mut Vec<Login>) {
    for (number, line) in lines(text, &['#']) {
        let mut fields = line.splitn(4, ':').skip(2);
        let (Some(action), Some(process)) = (fields.next(), fields.next()) else {
            continue;
        };
        if matches!(action, "respawn" | "askfirst") && process.contains("getty") {
            let name = process.split_whitespace().skip(1).find_map(terminal);
            if let Some(name) = name {
                push(all, name, Evidence::line(path, number));
            }
        }
    }
}

/// A word that names a terminal.
fn terminal(word: &str) -> Option<&str> {
    let word = word.trim_start_matches("/dev/");
    let kinds = ["tty", "hvc", "console", "xvc", "ttyS", "hvsi"];
    kinds
        .iter()
        .any(|kind| word.starts_with(kind))
        .then_some(word)
}

pub(super) fn exercise(text: &str) {
    inittab("/x", text, &mut Vec::new());
    of_unit(text);
}
