//! What tidy knows of a workspace: its crates as cargo sees them, its sources.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::tool::Tool;

/// The crates of a workspace.
pub(crate) struct Workspace {
    /// In the order of their names.
    pub(crate) crates: Vec<Crate>,
}

/// One crate.
pub(crate) struct Crate {
    /// The package's name.
    pub(crate) name: String,
    /// The folder of its manifest.
    pub(crate) folder: PathBuf,
    /// `[package.metadata.detente] tier`, if it is there.
    pub(crate) tier: Option<String>,
    /// Its dependencies within the workspace, of every kind.
    pub(crate) dependencies: BTreeSet<String>,
    /// Its Rust files.
    pub(crate) sources: Vec<Source>,
}

/// One Rust file.
pub(crate) struct Source {
    /// Its path within the workspace.
    pub(crate) path: String,
    /// What is in it.
    pub(crate) text: String,
}

impl Workspace {
    /// Reads the workspace in `root`; nothing is fetched.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let json = Tool::new("cargo")
            .args([
                "metadata",
                "--no-deps",
                "--offline",
                "--format-version",
                "1",
                "--manifest-path",
            ])
            .arg(root.join("Cargo.toml"))
            .capture()?;
        let metadata: Value =
            serde_json::from_str(&json).context("cargo metadata wrote something else than JSON")?;
        let packages = metadata["packages"]
            .as_array()
            .context("cargo metadata names no packages")?;
        let names: BTreeSet<&str> = packages
            .iter()
            .filter_map(|package| package["name"].as_str())
            .collect();
        let mut crates: Vec<Crate> = packages
            .iter()
            .map(|package| read_crate(root, package, &names))
            .collect::<Result<_, _>>()?;
        ensure!(!crates.is_empty(), "the workspace has no crates");
        crates.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { crates })
    }
}

fn read_crate(root: &Path, package: &Value, names: &BTreeSet<&str>) -> anyhow::Result<Crate> {
    let name = package["name"].as_str().context("a package has no name")?;
    let manifest = Path::new(
        package["manifest_path"]
            .as_str()
            .context("a package has no manifest")?,
    );
    let folder = manifest
        .parent()
        .context("a manifest has no folder")?
        .to_path_buf();
    let dependencies = package["dependencies"].as_array().into_iter().flatten();
    let mut sources = Vec::new();
    for part in ["src", "tests", "benches", "build.rs"] {
        collect(root, &folder.join(part), &mut sources)?;
    }
    Ok(Crate {
        name: name.to_owned(),
        tier: package["metadata"]["detente"]["tier"]
            .as_str()
            .map(str::to_owned),
        dependencies: dependencies
            .filter_map(|dependency| dependency["name"].as_str())
            .filter(|dependency| names.contains(dependency))
            .map(str::to_owned)
            .collect(),
        folder,
        sources,
    })
}

/// Adds the Rust files at or under `path`, in the order of their names.
fn collect(root: &Path, path: &Path, sources: &mut Vec<Source>) -> anyhow::Result<()> {
    if path.is_dir() {
        let entries =
            fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut children: Vec<PathBuf> = entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()?;
        children.sort();
        return children
            .iter()
            .try_for_each(|child| collect(root, child, sources));
    }
    if path.extension().is_some_and(|extension| extension == "rs") && path.is_file() {
        let text =
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let path = path
            .strip_prefix(root)
            .unwrap_or(path)
            .display()
            .to_string();
        sources.push(Source { path, text });
    }
    Ok(())
}

impl Crate {
    /// A source by its path within the crate.
    pub(crate) fn source(&self, path: &str) -> Option<&Source> {
        let folder = self.folder.file_name()?.to_str()?;
        self.sources
            .iter()
            .find(|source| source.path.ends_with(&format!("{folder}/{path}")))
    }
}
