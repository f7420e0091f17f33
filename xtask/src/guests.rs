//! `cargo xtask guests DIR`: inspect, check and validate over real images that a user has, and one
//! table of it that can be shared.
//!
//! The table holds what the project learns from: which release with which kernel on which hardware,
//! and which case or rule speaks against it. Names of files, hosts, users and networks, command
//! lines, consoles and messages stay here: [`row`] takes named fields and nothing else.

mod row;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::say::say;
use crate::tool::Tool;
use crate::workspace::target;

use row::Row;

/// What the images of disks are called.
const ENDINGS: [&str; 7] = ["qcow2", "img", "raw", "vhdx", "vhd", "vmdk", "qcow"];

/// The most images of one table.
const IMAGES_LIMIT: usize = 500;

/// Codes with which a command has answered.
const ANSWERED: [i32; 3] = [0, 1, 2];

const USAGE: &str = "usage: cargo xtask guests [--plan PLAN] [--profile PROFILE]... [--no-boot] \
                     [--out DIR] DIR";

/// What was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    folder: PathBuf,
    plan: String,
    profiles: Vec<String>,
    boots: bool,
    out: PathBuf,
}

/// Works through the images of a folder; runs that are there already are not made again.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    let asked = asked(arguments)?;
    let images = images(&asked.folder)?;
    let runs = asked.out.join("runs");
    fs::create_dir_all(&runs).with_context(|| format!("cannot create {}", runs.display()))?;
    let mut rows = Vec::new();
    for (index, image) in images.iter().enumerate() {
        let name = image.file_name().unwrap_or_default().to_string_lossy();
        say(&format!("{} of {}: {name}", index + 1, images.len()));
        rows.push(look(&asked, image, &runs.join(&*name))?);
    }
    let table = table::markdown(&rows, &asked.plan);
    let json = table::json(&rows, &asked.plan);
    let write = |name: &str, text: &str| {
        let path = asked.out.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    write("guests.md", &table)?;
    write("guests.json", &format!("{json:#}\n"))?;
    say(&table);
    say(&format!(
        "written: guests.md and guests.json in {}; docs/guide/guests.md says how to share them",
        asked.out.display()
    ));
    Ok(())
}

fn asked(arguments: &[String]) -> anyhow::Result<Asked> {
    let mut asked = Asked {
        plan: "base".to_owned(),
        boots: true,
        out: target("guests"),
        ..Asked::default()
    };
    let mut folders = Vec::new();
    let mut rest = arguments.iter();
    while let Some(word) = rest.next() {
        let mut value = || rest.next().cloned().context(USAGE);
        match word.as_str() {
            "--plan" => asked.plan = value()?,
            "--profile" => asked.profiles.push(value()?),
            "--out" => asked.out = value()?.into(),
            "--no-boot" => asked.boots = false,
            flag if flag.starts_with('-') => bail!(USAGE),
            folder => folders.push(PathBuf::from(folder)),
        }
    }
    let [folder] = folders.as_slice() else {
        bail!(USAGE);
    };
    asked.folder.clone_from(folder);
    Ok(asked)
}

/// The images of a folder, by name.
fn images(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let failed = || format!("cannot read {}", folder.display());
    let mut images = BTreeSet::new();
    for entry in fs::read_dir(folder).with_context(failed)? {
        let path = entry.with_context(failed)?.path();
        let ending = path.extension().and_then(|ending| ending.to_str());
        if path.is_file() && ending.is_some_and(|ending| ENDINGS.contains(&ending)) {
            images.insert(path);
        }
        if images.len() > IMAGES_LIMIT {
            bail!("{} holds more than {IMAGES_LIMIT} images", folder.display());
        }
    }
    if images.is_empty() {
        bail!(
            "{} holds no image; they end with {}",
            folder.display(),
            ENDINGS.join(", ")
        );
    }
    Ok(images.into_iter().collect())
}

/// What is seen of one image. What cannot be had of it is said in its row.
fn look(asked: &Asked, image: &Path, run: &Path) -> anyhow::Result<Row> {
    let facts = answer(detente(&["inspect", "--format", "json"]).arg(image));
    let check = answer(detente(&["check", "--format", "json"]).arg(image));
    let document = run.join("run.json");
    if asked.boots && !document.is_file() {
        let mut command = detente(&["validate", "--format", "json", "--plan", &asked.plan]);
        for profile in &asked.profiles {
            command = command.args(["--profile", profile]);
        }
        if run.exists() {
            bail!("{} is no run: remove it", run.display());
        }
        if answer(command.arg("--out").arg(run).arg(image)).is_none() {
            say("  not validated");
        }
    }
    let run = fs::read(&document).ok();
    let run: Option<Value> = run.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    Ok(Row::of(facts.as_ref(), check.as_ref(), run.as_ref()))
}

fn detente(arguments: &[&str]) -> Tool {
    let program = target("release/detente").display().to_string();
    Tool::new(&program).args(arguments)
}

/// What a command answers, if it does.
fn answer(tool: Tool) -> Option<Value> {
    let said = match tool.output_with(&ANSWERED) {
        Ok(said) => said,
        Err(error) => {
            say(&format!("  {error:#}"));
            return None;
        }
    };
    serde_json::from_str(&said).ok()
}
