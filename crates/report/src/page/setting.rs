//! What was run on what, what was not proved, and what the words mean.

use detente_evidence::{ImageRecord, ProfileRun, Run};

use super::head::{Badge, badge};
use crate::Folder;
use crate::text::{clipped, counted, quantity, shown};
use crate::words::{OUTCOMES, outcome};

/// The most files that are listed.
const FILE_LIMIT: usize = 200;

/// Files that are made out of the others, this page among them.
const DERIVED: [&str; 3] = ["report.html", "report.tap", "manifest.json"];

/// What a profile's part does not show.
pub(super) struct NotProved {
    pub(super) profile: String,
    pub(super) items: Vec<String>,
}

/// Some facts under one title.
pub(super) struct Group {
    pub(super) title: String,
    pub(super) entries: Vec<(String, String)>,
}

/// What an outcome means.
pub(super) struct Legend {
    pub(super) badge: Badge,
    pub(super) word: &'static str,
    pub(super) meaning: &'static str,
}

pub(super) fn not_proved(run: &Run) -> Vec<NotProved> {
    run.profiles
        .iter()
        .map(|part| NotProved {
            profile: shown(&part.profile),
            items: part.not_proved.iter().map(|item| shown(item)).collect(),
        })
        .collect()
}

pub(super) fn legend() -> Vec<Legend> {
    OUTCOMES
        .iter()
        .map(|&known| Legend {
            badge: badge(known),
            word: known.word(),
            meaning: outcome(known).meaning,
        })
        .collect()
}

pub(super) fn groups(run: &Run, folder: &Folder) -> Vec<Group> {
    let mut groups = vec![guest(run)];
    groups.extend(run.images.iter().map(image));
    groups.extend(run.profiles.iter().map(|part| machine(part, "Machine")));
    groups.extend(run.controls.iter().map(|part| machine(part, "Control run")));
    groups.push(programs(run));
    groups.push(files(folder));
    groups.retain(|group| !group.entries.is_empty());
    groups
}

fn group(title: String, entries: &[(&str, String)]) -> Group {
    let entry = |(name, value): &(&str, String)| ((*name).to_owned(), shown(value));
    Group {
        title,
        entries: entries.iter().map(entry).collect(),
    }
}

fn guest(run: &Run) -> Group {
    let guest = &run.guest;
    let system = format!("{} ({} {})", guest.os, guest.os_id, guest.os_version);
    group(
        "Guest".to_owned(),
        &[
            ("Operating system", system),
            ("Kernel", guest.kernel_release.clone()),
            ("Boot entry", guest.boot_entry.clone()),
            ("Command line", guest.cmdline.clone()),
        ],
    )
}

fn image(image: &ImageRecord) -> Group {
    let digest = &image.digest;
    let size = quantity(as_number(image.virtual_size_bytes), "bytes");
    let taken = |digest: &Option<String>| digest.clone().unwrap_or_else(|| "not taken".to_owned());
    let content = match (&digest.before, &digest.after) {
        (Some(before), Some(after)) if before == after => {
            format!("{before}, the same before and after")
        }
        (before, after) => format!("{} before, {} after", taken(before), taken(after)),
    };
    let files = counted(
        usize::try_from(image.chain_length).unwrap_or(usize::MAX),
        "file",
        "files",
    );
    group(
        format!("Disk {}", clipped(&image.name, 120)),
        &[
            ("Format", format!("{}, {size}, {files}", image.format)),
            ("Content", content),
            ("Digest", image.digest.method.clone()),
        ],
    )
}

/// A size as the number that units are made of. Above 2^53 it is rounded.
#[expect(
    clippy::cast_precision_loss,
    clippy::as_conversions,
    reason = "shown with one decimal"
)]
fn as_number(value: u64) -> f64 {
    value as f64
}

fn machine(part: &ProfileRun, title: &str) -> Group {
    let (platform, machine) = (&part.platform, &part.machine);
    let hardware = format!(
        "{}, {} MiB of memory, {}",
        counted(
            usize::try_from(machine.vcpus).unwrap_or(usize::MAX),
            "processor",
            "processors"
        ),
        machine.memory_mib,
        counted(
            usize::try_from(part.boots).unwrap_or(usize::MAX),
            "boot",
            "boots"
        )
    );
    let package = platform.package.clone();
    let acceleration = format!("{}: {}", platform.acceleration, platform.acceleration_proof);
    group(
        format!("{title} {}", clipped(&part.profile, 120)),
        &[
            (
                "Product",
                format!("{} {}", platform.product, platform.version),
            ),
            (
                "Package",
                package.unwrap_or_else(|| "none known".to_owned()),
            ),
            ("Implementation", platform.implementation.clone()),
            ("Acceleration", acceleration),
            (
                "Host",
                format!("{}, kernel {}", platform.host_cpu, platform.host_kernel),
            ),
            ("Hardware", hardware),
            ("Command line", machine.cmdline.clone()),
            ("Added to it", machine.cmdline_additions.join("; ")),
        ],
    )
}

fn programs(run: &Run) -> Group {
    let tool = format!(
        "{} {}, SHA-256 {}",
        run.tool.name, run.tool.version, run.tool.sha256
    );
    let plan = format!(
        "{} v{}, SHA-256 {}",
        run.plan.id, run.plan.version, run.plan.digest
    );
    group(
        "Programs and plan".to_owned(),
        &[
            ("Program", tool),
            (
                "Agent in the guest",
                format!("SHA-256 {}", run.agent.sha256),
            ),
            ("Plan", plan),
        ],
    )
}

/// The files that this page rests on, with their digests.
fn files(folder: &Folder) -> Group {
    let files = folder.files().iter();
    let shown_files = files.filter(|file| !DERIVED.contains(&file.name.as_str()));
    let mut entries: Vec<(String, String)> = shown_files
        .map(|file| {
            let size = quantity(as_number(file.size_bytes), "bytes");
            let digest = format!("{size}, SHA-256 {}", file.sha256);
            (clipped(&file.name, 200), shown(&digest))
        })
        .collect();
    entries.sort();
    entries.truncate(FILE_LIMIT);
    Group {
        title: "Files of the run".to_owned(),
        entries,
    }
}
