//! What the programs that make an initramfs are told by the environment, so that they are quick:
//! nothing that changes what is in it, and nothing that stays in the guest.

use detente_guest::facts::{Facts, Generator, Init, InitramfsImage};
use detente_guest::prepare::Tool;

/// Settings, each a name and a value.
pub(crate) type Settings = Vec<(&'static str, &'static str)>;

/// Seen with Debian 12's dracut, outside any machine: 42 of 47 s of the processor are `gzip -9`. With
/// `-4` they are 2.3 s, and the file is longer by 4.5 %. zstd: 31 s with dracut's `-15`, 0.6 s with
/// `-3`. The next kernel's is made as the guest is configured.
const DRACUT_QUICKLY: [(&str, &str); 2] = [("gzip", "gzip -n -4"), ("zstd", "zstd -q -T0 -4")];

/// What a program of the guest's is told.
pub(crate) fn settings(tool: &Tool, facts: &Facts) -> Settings {
    let scratch = makes_initramfs(tool).then(|| scratch(facts)).flatten();
    let quickly = quickly(tool, &facts.initramfs_images);
    scratch.into_iter().chain(quickly).collect()
}

fn makes_initramfs(tool: &Tool) -> bool {
    match tool {
        Tool::Dracut { .. }
        | Tool::UpdateInitramfs { .. }
        | Tool::NewInitramfs { .. }
        | Tool::Mkinitcpio { .. }
        | Tool::MkinitcpioPreset { .. } => true,
        Tool::Mkinitfs { .. }
        | Tool::SuseMkinitrd { .. }
        | Tool::Mkinitrd { .. }
        | Tool::Kdump
        | Tool::KdumpTools { .. }
        | Tool::GrubMkconfig { .. }
        | Tool::EnableUnit { .. }
        | Tool::UnmaskUnit { .. }
        | Tool::OpenRcAdd { .. }
        | Tool::InstallPackages { .. }
        | Tool::Relabel { .. } => false,
    }
}

/// An initramfs is put together in memory where systemd has mounted some for that: it is faster, and
/// the disk does not grow by what is thrown away again.
fn scratch(facts: &Facts) -> Option<(&'static str, &'static str)> {
    // With SELinux, depmod may not look into that folder, and the initramfs lacks its lists.
    let may = facts.services.init == Init::Systemd && facts.security.selinux.is_none();
    may.then_some(("TMPDIR", "/dev/shm"))
}

/// How hard it compresses, and by no other program than ever.
fn quickly(tool: &Tool, images: &[InitramfsImage]) -> Option<(&'static str, &'static str)> {
    match tool {
        Tool::Dracut { image, .. } => dracut_quickly(image, images),
        // [mkinitramfs(8)] What `initramfs.conf` says counts more.
        Tool::UpdateInitramfs { .. } | Tool::NewInitramfs { .. } => Some(("COMPRESSLEVEL", "4")),
        Tool::Mkinitcpio { .. }
        | Tool::MkinitcpioPreset { .. }
        | Tool::Mkinitfs { .. }
        | Tool::SuseMkinitrd { .. }
        | Tool::Mkinitrd { .. }
        | Tool::Kdump
        | Tool::KdumpTools { .. }
        | Tool::GrubMkconfig { .. }
        | Tool::EnableUnit { .. }
        | Tool::UnmaskUnit { .. }
        | Tool::OpenRcAdd { .. }
        | Tool::InstallPackages { .. }
        | Tool::Relabel { .. } => None,
    }
}

/// dracut takes this for its configuration's `compress=`; one that does not know the word does as it
/// is configured.
fn dracut_quickly(image: &str, images: &[InitramfsImage]) -> Option<(&'static str, &'static str)> {
    let name = |path: &str| path.rsplit('/').next().map(str::to_owned);
    let mut own = images
        .iter()
        .filter(|other| name(&other.place.path) == name(image));
    let compression = compression(own.next()?)?;
    // The same name on two volumes: whose it is does not matter where both say the same.
    if own.any(|other| self::compression(other) != Some(compression)) {
        return None;
    }
    let known = DRACUT_QUICKLY.iter().find(|(name, _)| *name == compression);
    known.map(|(_, program)| ("INITRD_COMPRESS", *program))
}

/// How dracut compressed an initramfs: its last archive, behind the one of microcode.
fn compression(image: &InitramfsImage) -> Option<&str> {
    let contents = image.contents.as_ref()?;
    let last = contents.segments.last()?;
    (contents.generator == Generator::Dracut).then_some(&last.compression)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(own: &[(&str, &str)]) -> Vec<InitramfsImage> {
        let segment = |compression: &str| {
            serde_json::json!({
                "offset": 0, "compression": compression, "entries": 1, "unpacked_bytes": 9,
            })
        };
        let image = |(path, compression): &(&str, &str)| {
            serde_json::json!({
                "place": { "disk": 0, "partition": 2, "path": path },
                "stored_bytes": 1, "role": "boot", "kernel": "6.1", "known_by": "name",
                "contents": {
                    "segments": [segment("uncompressed"), segment(compression)],
                    "generator": "dracut", "scope": "generic", "releases": [], "modules": [],
                    "entries": 2,
                },
            })
        };
        let images: Vec<_> = own.iter().map(image).collect();
        serde_json::from_value(images.into()).unwrap()
    }

    #[track_caller]
    fn check(own: &[(&str, &str)], expect: Option<&str>) {
        let tool = Tool::Dracut {
            kernel: "6.1".to_owned(),
            image: "/boot/initrd.img-6.1".to_owned(),
        };
        let expect = expect.map(|program| ("INITRD_COMPRESS", program));
        assert_eq!(quickly(&tool, &images(own)), expect);
    }

    #[test]
    fn dracut_keeps_the_program_that_the_guest_compresses_with() {
        check(&[("/initrd.img-6.1", "gzip")], Some("gzip -n -4"));
        check(
            &[("/@/boot/initrd.img-6.1", "zstd")],
            Some("zstd -q -T0 -4"),
        );
        check(&[("/boot/initrd.img-6.1", "xz")], None);
        check(&[("/boot/initrd.img-6.1", "uncompressed")], None);
        check(&[("/boot/initrd.img-5.10", "gzip")], None);
    }

    #[test]
    fn two_files_of_one_name_have_to_agree() {
        let twins = |other| [("/a/initrd.img-6.1", "gzip"), ("/b/initrd.img-6.1", other)];
        check(&twins("gzip"), Some("gzip -n -4"));
        check(&twins("xz"), None);
    }

    #[test]
    fn initramfs_tools_is_told_a_level_and_a_menu_nothing() {
        let tool = Tool::UpdateInitramfs {
            kernel: "6.1".to_owned(),
        };
        assert_eq!(quickly(&tool, &[]), Some(("COMPRESSLEVEL", "4")));
        let tool = Tool::GrubMkconfig {
            program: "grub-mkconfig".to_owned(),
            output: "/boot/grub/grub.cfg".to_owned(),
        };
        assert_eq!(quickly(&tool, &[]), None);
    }
}
