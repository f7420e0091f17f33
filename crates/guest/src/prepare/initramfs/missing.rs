//! Kernels that the menu starts without an initramfs: one is made, and the menu with it.

use detente_volume::FsError;

use crate::check::By;
use crate::facts::Loader;
use crate::prepare::Tool;
use crate::prepare::draft::{Ask, Draft, Reason};
use crate::prepare::guest_tree::has_program;
use crate::prepare::running_path::running_path;

const RULE: &str = "linux.boot.no-initramfs";

pub(super) fn plan(ask: Ask<'_>, draft: &mut Draft<'_>) -> Result<(), FsError> {
    if ask.of(RULE).next().is_none() {
        return Ok(());
    }
    let Some((kernel, output, mkconfig)) = known(ask)? else {
        let why = "which kernel it is, or the program that makes the boot menu, is not known: make \
                   an initramfs and name it in the entry";
        draft.leave(RULE, By::Hand, why);
        return Ok(());
    };
    let why = Reason::new(
        RULE,
        "The kernel gets an initramfs, and the menu is made anew with it.",
    );
    let (tool, image) = if has_program(ask.files, "update-initramfs")? {
        let image = format!("/boot/initrd.img-{kernel}");
        (Tool::NewInitramfs { kernel }, image)
    } else if has_program(ask.files, "dracut")? {
        let image = format!("/boot/initramfs-{kernel}.img");
        let own = image.clone();
        (Tool::Dracut { kernel, image }, own)
    } else {
        draft.leave(
            RULE,
            By::Hand,
            "no program that makes an initramfs is installed",
        );
        return Ok(());
    };
    draft.run(tool, &[image], &why);
    let program = mkconfig.to_owned();
    let tool = Tool::GrubMkconfig {
        program,
        output: output.clone(),
    };
    draft.run(tool, &[output], &why);
    Ok(())
}

/// The kernel that starts, the menu's file and what makes it.
fn known(ask: Ask<'_>) -> Result<Option<(String, String, &'static str)>, FsError> {
    let boot = &ask.facts.boot;
    let release = boot
        .default
        .as_ref()
        .and_then(|own| own.kernel_release.clone());
    let output = boot
        .config
        .as_ref()
        .and_then(|own| running_path(ask.facts, own));
    let (Some(release), Some(output), Loader::Grub2) = (release, output, boot.loader) else {
        return Ok(None);
    };
    for program in ["grub2-mkconfig", "grub-mkconfig"] {
        if has_program(ask.files, program)? {
            return Ok(Some((release, output, program)));
        }
    }
    Ok(None)
}
