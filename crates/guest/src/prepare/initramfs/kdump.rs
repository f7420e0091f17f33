//! The initramfs of kdump: made anew for the kernel that starts, taken away for others, so that kdump
//! makes them when they start.

use detente_volume::FsError;

use super::{kernel, lacks};
use crate::check::By;
use crate::facts::{InitramfsImage, InitramfsRole};
use crate::prepare::Tool;
use crate::prepare::draft::{Ask, Draft, Reason};
use crate::prepare::guest_tree::has_program;
use crate::prepare::running_path::running_path;

const RULE: &str = "linux.initramfs.kdump-drivers-missing";
/// Debian's kdump-tools.
const KDUMP_TOOLS: &str = "/etc/kernel/postinst.d/kdump-tools";

pub(super) fn plan(ask: Ask<'_>, draft: &mut Draft<'_>, wanted: &[String]) -> Result<(), FsError> {
    if ask.of(RULE).next().is_none() {
        return Ok(());
    }
    let images = ask.facts.initramfs_images.iter();
    for image in images.filter(|own| own.role == InitramfsRole::Kdump) {
        if lacks(ask.facts, image, wanted) {
            rebuild(ask, draft, image)?;
        }
    }
    Ok(())
}

fn rebuild(ask: Ask<'_>, draft: &mut Draft<'_>, image: &InitramfsImage) -> Result<(), FsError> {
    let (Some(kernel), Some(path)) = (
        kernel(ask.facts, image),
        running_path(ask.facts, &image.place),
    ) else {
        draft.leave(
            RULE,
            By::Hand,
            format!("no installed kernel is known for {}", image.place),
        );
        return Ok(());
    };
    let default = ask.facts.boot.default.as_ref();
    let starts = default.and_then(|own| own.kernel_release.as_ref()) == Some(&kernel.release);
    let kernel = kernel.release.clone();
    if has_program(ask.files, KDUMP_TOOLS)? {
        let why = Reason::new(RULE, format!("kdump's initramfs of {kernel} is made anew."));
        draft.run(Tool::KdumpTools { kernel }, &[path], &why);
    } else if !has_program(ask.files, "kdumpctl")? {
        let text = format!("{path} was made by kdump, which is not installed");
        draft.leave(RULE, By::Hand, text);
    } else if starts {
        let why = Reason::new(RULE, format!("kdump's initramfs of {kernel} is made anew."));
        draft.run(Tool::Kdump, &[path], &why);
    } else {
        let why = Reason::new(RULE, "kdump makes it anew, with what the machine then has.");
        draft.remove(&path, &why)?;
    }
    Ok(())
}
