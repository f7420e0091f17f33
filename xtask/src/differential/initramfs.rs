//! The modules in every guest's initramfs: `lsinitramfs` and `lsinitrd` beside `inspect`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Bench, strings};
use crate::tool::Tool;

pub(super) fn compare(bench: &mut Bench) -> anyhow::Result<()> {
    for tool in ["lsinitramfs", "lsinitrd"] {
        if bench.has(&format!("initramfs by {tool}"), &[tool]) {
            by(bench, tool)?;
        }
    }
    Ok(())
}

fn by(bench: &mut Bench, tool: &str) -> anyhow::Result<()> {
    for (name, image) in bench.guests()? {
        let facts = match bench.facts(&image, "--initramfs") {
            Ok(facts) => facts,
            Err(error) => {
                bench.skip(&format!("{name}, {tool}"), &format!("{error:#}"));
                continue;
            }
        };
        let default = &facts["boot"]["default"]["initramfs"];
        let Some(path) = default[0]["path"].as_str() else {
            bench.skip(
                &format!("{name}, {tool}"),
                "it has no initramfs that is known",
            );
            continue;
        };
        let ours = strings(&facts["initramfs"]["modules"]);
        let volume = volume(&default[0]);
        let file = bench.place.join("initramfs");
        // The place is one on a volume, not in the tree.
        let taken = Tool::new(&bench.detente.display().to_string())
            .args(["cp", "--force", "--volume", &volume])
            .arg(format!("{}:{path}", image.display()))
            .arg(&file)
            .run_quietly("");
        if let Err(error) = taken {
            bench.skip(&format!("{name}, {tool}"), &format!("{error:#}"));
            continue;
        }
        match Tool::new(tool).arg(&file).capture() {
            // Of four archives in a row, as Ubuntu has them, dracut's tool lists two.
            Ok(listed) if tool == "lsinitrd" && modules(&listed).is_empty() => {
                bench.skip(
                    &format!("{name}, {tool}"),
                    "it does not get as far as the modules",
                );
            }
            Ok(listed) => bench.judge(
                &format!("{name}, modules by {tool}"),
                &ours,
                &modules(&listed),
            ),
            Err(error) => bench.skip(&format!("{name}, {tool}"), &format!("{error:#}")),
        }
    }
    Ok(())
}

/// How `--volume` calls the volume of a place.
fn volume(place: &Value) -> String {
    let partition = match place["partition"].as_u64() {
        None | Some(0) => String::new(),
        Some(number) => format!("p{number}"),
    };
    match (place["disk"].as_u64(), place["logical_volume"].as_str()) {
        (Some(disk), _) => format!("disk{disk}{partition}"),
        (None, Some(name)) => format!("{name}{partition}"),
        (None, None) => format!("{}{partition}", place["array"].as_str().unwrap_or_default()),
    }
}

/// The names of the modules among the files that a tool lists, with `_` for `-`.
fn modules(listed: &str) -> BTreeSet<String> {
    let module = |line: &str| {
        let file = line.split_whitespace().last()?.rsplit('/').next()?;
        let (name, rest) = file.split_once(".ko")?;
        matches!(rest, "" | ".xz" | ".zst" | ".gz").then(|| name.replace('-', "_"))
    };
    listed.lines().filter_map(module).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn modules_are_told_from_other_files() {
        let listed = "usr/lib/modules/6.1/kernel/virtio-rng.ko\n\
                      -rw-r--r-- 1 root root 9 Jan 1 1970 lib/modules/xfs.ko.xz\nsbin/init\na.konf\n";
        let found: Vec<_> = super::modules(listed).into_iter().collect();
        assert_eq!(found, ["virtio_rng", "xfs"]);
    }
}
