//! `/usr` on a volume of its own that the kernel's command line names.

use crate::command_line;
use crate::device_spec::DeviceSpec;
use crate::facts::Mount;
use crate::volumes::Volumes;

/// What is checked by dm-verity is named by the device that it makes; what that lies on stands
/// beside it. \[systemd-veritysetup-generator(8)\], and Flatcar's own `verity.usr=`.
const VERITY: [&str; 2] = ["verity.usr", "systemd.verity_usr_data"];

/// \[systemd-fstab-generator(8)\] `mount.usr=`, with its options, where that volume is there.
pub(crate) fn mount(volumes: &Volumes, line: &str) -> Option<Mount> {
    let named = command_line::value(line, "mount.usr");
    let verity = VERITY
        .iter()
        .filter_map(|name| command_line::value(line, name));
    let resolve = |spec: String| {
        let volume = volumes.resolve(&DeviceSpec::parse(&spec))?;
        Some((spec, volume))
    };
    let (spec, volume) = named.into_iter().chain(verity).find_map(resolve)?;
    let value = |name| command_line::value(line, name);
    Some(Mount {
        spec,
        mount_point: "/usr".to_owned(),
        kind: value("mount.usrfstype").unwrap_or_else(|| "auto".to_owned()),
        options: value("mount.usrflags").unwrap_or_else(|| "ro".to_owned()),
        volume: Some(volume),
        line: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::VolumeId;
    use crate::tests::machine::{LINUX, Machine};
    use detente_volume::Content;

    fn check(line: &str, expect: Option<(&str, &str)>) {
        let content = Content::Unknown;
        let machine = Machine::new()
            .ext4("R", &[])
            .volume(LINUX, content, Some(&[]));
        let found = mount(&machine.volumes(), line);
        let shown = found
            .as_ref()
            .map(|own| (own.spec.as_str(), own.options.as_str()));
        assert_eq!(shown, expect, "{line}");
        if let Some(own) = found {
            assert_eq!(own.volume, Some(VolumeId::new(0, 2)));
        }
    }

    #[test]
    fn usr_is_where_the_command_line_says() {
        check(
            "root=UUID=R mount.usr=PARTUUID=part-2",
            Some(("PARTUUID=part-2", "ro")),
        );
        check(
            "mount.usr=/dev/mapper/usr verity.usr=PARTUUID=part-2 mount.usrflags=ro,x",
            Some(("PARTUUID=part-2", "ro,x")),
        );
        let data = "mount.usr=/dev/mapper/usr systemd.verity_usr_data=PARTUUID=part-2";
        check(data, Some(("PARTUUID=part-2", "ro")));
        check("mount.usr=UUID=elsewhere", None);
        check("root=UUID=R", None);
    }
}
