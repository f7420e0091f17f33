//! What new boot entries are made from.

use detente_volume::FsError;

use crate::facts::{Evidence, Setting};
use crate::files::Files;
use crate::settings::{drop_ins, lines, shell};

/// SUSE's and the RHEL family's settings of the same kind.
const SYSCONFIG: [&str; 2] = ["/etc/sysconfig/kernel", "/etc/sysconfig/bootloader"];
const MAX_SETTINGS: usize = 256;

pub(super) fn gather(files: Files<'_>) -> Result<Vec<Setting>, FsError> {
    let mut all = Vec::new();
    let mut paths = vec!["/etc/default/grub".to_owned()];
    paths.extend(drop_ins::folder(files, "/etc/default/grub.d", ".cfg")?);
    for path in paths {
        let settings = shell::parse(&path, &files.text(&path)?.unwrap_or_default());
        all.extend(
            settings
                .into_iter()
                .filter(|own| own.name.starts_with("GRUB_")),
        );
    }
    for path in SYSCONFIG {
        all.extend(shell::parse(path, &files.text(path)?.unwrap_or_default()));
    }
    for path in ["/etc/kernel/cmdline", "/usr/lib/kernel/cmdline"] {
        let text = files.text(path)?.unwrap_or_default();
        for (number, line) in lines(&text, &['#']) {
            all.push(Setting::new("cmdline", line, Evidence::line(path, number)));
        }
    }
    all.truncate(MAX_SETTINGS);
    Ok(all)
}
