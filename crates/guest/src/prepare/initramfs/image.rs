//! One initramfs is made anew by the program that made it.

use detente_volume::FsError;

use super::kernel;
use crate::check::By;
use crate::facts::{Builder, Facts, Generator, InitramfsImage, Kernel, KnownBy};
use crate::prepare::Tool;
use crate::prepare::draft::{Ask, Draft, Reason};
use crate::prepare::guest_tree::has_program;
use crate::prepare::running_path::running_path;

/// The programs, as they are looked for where an initramfs does not say who made it.
const PROGRAMS: [(Generator, &str); 4] = [
    (Generator::InitramfsTools, "update-initramfs"),
    (Generator::Dracut, "dracut"),
    (Generator::Mkinitcpio, "mkinitcpio"),
    (Generator::Mkinitfs, "mkinitfs"),
];

/// Has an initramfs made anew.
pub(super) fn rebuild(
    ask: Ask<'_>,
    draft: &mut Draft<'_>,
    image: &InitramfsImage,
    wanted: &[String],
    why: &Reason,
) -> Result<(), FsError> {
    match call(ask, image, wanted)? {
        Ok((tool, touches)) => draft.run(tool, &touches, why),
        Err(text) => {
            for rule in &why.rules {
                draft.leave(rule, By::Hand, text.clone());
            }
        }
    }
    Ok(())
}

/// The program with what it is to do and what it writes; or why there is none.
type Call = Result<(Tool, Vec<String>), String>;

fn call(ask: Ask<'_>, image: &InitramfsImage, wanted: &[String]) -> Result<Call, FsError> {
    if image.known_by == KnownBy::Image {
        let why = "is a unified kernel image: it is made and signed anew with the next kernel, or by \
                   the program that made it (ukify, kernel-install)";
        return Ok(Err(format!("{} {why}", image.place)));
    }
    let Some(kernel) = kernel(ask.facts, image).filter(|kernel| kernel.modules) else {
        return Ok(Err(format!(
            "no installed kernel is known for {}",
            image.place
        )));
    };
    let Some(path) = running_path(ask.facts, &image.place) else {
        let why = format!(
            "{} is on a volume that the guest does not mount",
            image.place
        );
        return Ok(Err(why));
    };
    let generator = generator(ask, image)?;
    let Some((tool, touches)) = tool(ask, generator, kernel, &path, wanted) else {
        return Ok(Err(format!(
            "{path} was made by a program that is not known how to run"
        )));
    };
    let program = tool.argv().into_iter().next().unwrap_or_default();
    if !has_program(ask.files, &program)? {
        return Ok(Err(format!(
            "{path} was made by {program}, which is not installed"
        )));
    }
    Ok(Ok((tool, touches)))
}

/// What made an initramfs; where it does not say, the first such program that is installed.
fn generator(ask: Ask<'_>, image: &InitramfsImage) -> Result<Generator, FsError> {
    let said = image.contents.as_ref().map(|contents| contents.generator);
    if let Some(said) = said.filter(|said| *said != Generator::Unknown) {
        return Ok(said);
    }
    for (generator, program) in PROGRAMS {
        if has_program(ask.files, program)? {
            return Ok(generator);
        }
    }
    Ok(Generator::Unknown)
}

fn tool(
    ask: Ask<'_>,
    generator: Generator,
    kernel: &Kernel,
    path: &str,
    wanted: &[String],
) -> Option<(Tool, Vec<String>)> {
    let (release, image) = (kernel.release.clone(), path.to_owned());
    let own = vec![image.clone()];
    match generator {
        Generator::Dracut => Some((
            Tool::Dracut {
                kernel: release,
                image,
            },
            own,
        )),
        Generator::InitramfsTools => {
            // \[update-initramfs(8)\] The digest of what it made.
            let digest = format!("/var/lib/initramfs-tools/{release}");
            Some((
                Tool::UpdateInitramfs { kernel: release },
                vec![image, digest],
            ))
        }
        Generator::Mkinitcpio => match preset(ask.facts, path) {
            Some((preset, images)) => Some((Tool::MkinitcpioPreset { preset }, images)),
            None => Some((
                Tool::Mkinitcpio {
                    kernel: release,
                    image,
                },
                own,
            )),
        },
        Generator::Mkinitfs => Some((
            Tool::Mkinitfs {
                kernel: release,
                image,
            },
            own,
        )),
        Generator::SuseMkinitrd => {
            let name = |path: &str| path.strip_prefix("/boot/").map(str::to_owned);
            let kernel_image = kernel.image.as_ref()?.path.rsplit('/').next()?.to_owned();
            let image = name(path)?;
            Some((
                Tool::SuseMkinitrd {
                    kernel_image,
                    image,
                },
                own,
            ))
        }
        Generator::Mkinitrd => {
            let modules = wanted.to_vec();
            Some((
                Tool::Mkinitrd {
                    kernel: release,
                    image,
                    modules,
                },
                own,
            ))
        }
        Generator::Booster | Generator::Unknown => None,
    }
}

/// The preset of mkinitcpio that makes this file, with all files that it makes.
fn preset(facts: &Facts, path: &str) -> Option<(String, Vec<String>)> {
    let settings = facts.module_settings.builders.iter();
    let images = settings.filter(|own| {
        own.builder == Builder::Mkinitcpio
            && own.name.ends_with("_image")
            && own.at.path.starts_with("/etc/mkinitcpio.d/")
    });
    let own = images
        .clone()
        .find(|own| own.values.iter().any(|value| value == path))?;
    let same = images.filter(|other| other.at.path == own.at.path);
    let files = same.flat_map(|own| own.values.iter().cloned()).collect();
    let name = own.at.path.rsplit('/').next()?.strip_suffix(".preset")?;
    Some((name.to_owned(), files))
}
