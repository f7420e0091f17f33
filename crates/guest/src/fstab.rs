//! `/etc/fstab`.

use crate::device_spec::DeviceSpec;
use crate::error::InspectError;
use crate::facts::{Mount, Place};
use crate::files::Files;
use crate::joined::Joined;
use crate::volumes::Volumes;

/// A longer file is not read.
const MAX_BYTES: u64 = 256 * 1024;
/// More lines than any machine mounts.
const MAX_LINES: usize = 256;

/// The mounts, in the order of the file; behind them `usr`, what the command line mounts there, if
/// the file mounts nothing there.
pub(crate) fn read(
    volumes: &Volumes,
    root: &Place,
    usr: Option<&Mount>,
) -> Result<Vec<Mount>, InspectError> {
    let joined = Joined::new(volumes, root.clone(), &[]);
    let bytes = Files::new(&joined).read("/etc/fstab", MAX_BYTES);
    let bytes = bytes
        .map_err(|error| joined.error(error))?
        .unwrap_or_default();
    let mut mounts = parse(&String::from_utf8_lossy(&bytes));
    for mount in &mut mounts {
        mount.volume = volumes.resolve(&DeviceSpec::parse(&mount.spec));
    }
    let has_usr = mounts.iter().any(|own| own.mount_point == "/usr");
    mounts.extend(usr.filter(|_| !has_usr).cloned());
    Ok(mounts)
}

/// [fstab(5)]: fields parted by blanks; `\040` stands for one.
pub(crate) fn parse(text: &str) -> Vec<Mount> {
    let lines = (1..).zip(text.lines().map(str::trim));
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let mount = |(number, line): (u32, &str)| {
        let mut fields = line.split_whitespace().map(unescape);
        let (spec, mount_point) = (fields.next()?, fields.next()?);
        let kind = fields.next().unwrap_or_else(|| "auto".to_owned());
        let options = fields.next().unwrap_or_else(|| "defaults".to_owned());
        Some(Mount {
            spec,
            mount_point,
            kind,
            options,
            volume: None,
            line: Some(number),
        })
    };
    lines.filter_map(mount).take(MAX_LINES).collect()
}

fn unescape(field: &str) -> String {
    let mut text = field.to_owned();
    for (code, plain) in [
        ("\\040", " "),
        ("\\011", "\t"),
        ("\\012", "\n"),
        ("\\134", "\\"),
    ] {
        text = text.replace(code, plain);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_comments_and_blanks_in_names() {
        let mounts =
            parse("# c\nUUID=1 / ext4 errors=remount-ro 0 1\n\n/dev/sdb1 /my\\040data\n x\n");
        assert_eq!(mounts.len(), 2);
        assert_eq!(mounts[0].options, "errors=remount-ro");
        assert_eq!(mounts[1].mount_point, "/my data");
        assert_eq!(mounts[1].kind, "auto");
        assert_eq!(mounts[1].line, Some(4));
    }
}
