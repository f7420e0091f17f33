//! `cargo xtask differential`: what we read beside what independent tools read, of the built guests
//! and of volumes that the kernel mounts. What is missing here is said.

mod initramfs;
mod libguestfs;
mod packages;
mod volumes;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::say::say;
use crate::tool::{self, Tool};
use crate::workspace;

/// A comparison: its name and what it does.
type Part = (&'static str, fn(&mut Bench) -> anyhow::Result<()>);

const PARTS: [Part; 4] = [
    ("initramfs", initramfs::compare),
    ("packages", packages::compare),
    ("volumes", volumes::compare),
    ("libguestfs", libguestfs::compare),
];

/// Where comparisons are made, and what came of them.
struct Bench {
    detente: PathBuf,
    images: PathBuf,
    /// An empty folder of ours.
    place: PathBuf,
    same: u32,
    skipped: u32,
    differ: u32,
}

/// Makes the named comparisons, or all of them.
pub(crate) fn run(names: &[String]) -> anyhow::Result<()> {
    let unknown = |name: &&String| !PARTS.iter().any(|(known, _)| known == name);
    if let Some(name) = names.iter().find(unknown) {
        bail!("no comparison is called {name}; there are initramfs, packages, volumes, libguestfs");
    }
    let place = workspace::target("differential");
    if place.exists() {
        std::fs::remove_dir_all(&place).context("cannot empty target/differential")?;
    }
    std::fs::create_dir_all(&place).context("cannot create target/differential")?;
    let mut bench = Bench {
        detente: workspace::target("release").join("detente"),
        images: workspace::target("images"),
        place,
        same: 0,
        skipped: 0,
        differ: 0,
    };
    if !bench.detente.exists() {
        bail!("build the program first: cargo build --release -p detente-cli");
    }
    for (name, part) in PARTS {
        if names.is_empty() || names.iter().any(|wanted| wanted == name) {
            part(&mut bench)?;
        }
    }
    let Bench {
        same,
        skipped,
        differ,
        ..
    } = bench;
    say(&format!(
        "{same} the same, {differ} different, {skipped} skipped"
    ));
    if differ > 0 {
        bail!("{differ} comparisons differ");
    }
    Ok(())
}

impl Bench {
    /// Whether all of these programs are there; what is missing is said.
    fn has(&mut self, part: &str, tools: &[&str]) -> bool {
        match tools.iter().find(|name| !tool::exists(name)) {
            None => true,
            Some(name) => {
                self.skip(part, &format!("{name} is not there"));
                false
            }
        }
    }

    fn skip(&mut self, what: &str, why: &str) {
        self.skipped += 1;
        say(&format!("skipped: {what}: {why}"));
    }

    /// Compares two sets of lines.
    fn judge(&mut self, what: &str, ours: &BTreeSet<String>, theirs: &BTreeSet<String>) {
        if ours == theirs {
            self.same += 1;
            say(&format!("same: {what}: {}", ours.len()));
            return;
        }
        self.differ += 1;
        let only = |left: &BTreeSet<String>, right| {
            let some: Vec<_> = left.difference(right).take(5).cloned().collect();
            some.join(" | ")
        };
        say(&format!(
            "differs: {what}: we have {}, they have {}; only ours: {}; only theirs: {}",
            ours.len(),
            theirs.len(),
            only(ours, theirs),
            only(theirs, ours)
        ));
    }

    /// The built guests by name.
    fn guests(&self) -> anyhow::Result<Vec<(String, PathBuf)>> {
        let mut guests = Vec::new();
        let entries = std::fs::read_dir(&self.images);
        for entry in entries.context("build guests first: cargo xtask images")? {
            let path = entry?.path();
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            let is_image = path
                .extension()
                .is_some_and(|extension| extension == "qcow2");
            if is_image && !name.starts_with("hostile") {
                guests.push((name.into_owned(), path));
            }
        }
        guests.sort();
        Ok(guests)
    }

    /// What `detente inspect` says, or why it does not.
    fn facts(&self, image: &Path, option: &str) -> anyhow::Result<Value> {
        let said = Tool::new(&self.detente.display().to_string())
            .args(["inspect", "--format", "json", option])
            .arg(image)
            .capture()?;
        Ok(serde_json::from_str(&said)?)
    }

    /// Takes a file or folder out of a guest with `detente cp`.
    fn take(&self, image: &Path, path: &str, to: &Path) -> anyhow::Result<()> {
        if to.exists() {
            std::fs::remove_dir_all(to).or_else(|_| std::fs::remove_file(to))?;
        }
        Tool::new(&self.detente.display().to_string())
            .args(["cp", "-r"])
            .arg(format!("{}:{path}", image.display()))
            .arg(to)
            .run_quietly("")
    }
}

/// Lines as a set.
fn lines(text: &str) -> BTreeSet<String> {
    text.lines().map(str::to_owned).collect()
}

/// The strings of a list in a document.
fn strings(list: &Value) -> BTreeSet<String> {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    list.iter().map(text).collect()
}
