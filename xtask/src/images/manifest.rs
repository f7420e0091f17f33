//! `target/images/manifest.json`: which image is which, and what made it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::guest::Guest;
use super::key::hex;
use crate::tool::Tool;

const SCHEMA: &str = "detente/images/1";
/// The tools that shape an image, and how each says its version.
const TOOLS: &[(&str, &str)] = &[
    ("mmdebstrap", "--version"),
    ("mke2fs", "-V"),
    ("mformat", "--version"),
    ("sfdisk", "--version"),
    ("qemu-img", "--version"),
    ("mkfs.xfs", "-V"),
    ("mkfs.btrfs", "--version"),
    ("lvm", "version"),
    ("rpm", "--version"),
];

/// The document.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Manifest {
    schema: String,
    images: BTreeMap<String, Image>,
    #[serde(skip)]
    path: PathBuf,
}

/// One image, or the root tree that images share.
#[derive(Debug, Serialize, Deserialize)]
struct Image {
    file: String,
    /// The digest of the recipe.
    recipe: String,
    size: u64,
    sha256: String,
    /// Whether it is a guest that boots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    boots: Option<bool>,
    tools: BTreeMap<String, String>,
}

impl Manifest {
    /// Reads the document; one that is absent or unreadable is an empty one,
    /// and everything is built again.
    pub(crate) fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap_or_default();
        let known = serde_json::from_str::<Self>(&text)
            .ok()
            .filter(|manifest| manifest.schema == SCHEMA);
        let images = known.map(|manifest| manifest.images).unwrap_or_default();
        Self {
            schema: SCHEMA.to_owned(),
            images,
            path: path.to_path_buf(),
        }
    }

    /// Whether `file` is what this recipe made. Its size is compared, its
    /// content is not: that would cost more than it is worth here.
    pub(crate) fn is_current(&self, name: &str, recipe: &str, file: &Path) -> bool {
        let size = fs::metadata(file).ok().map(|metadata| metadata.len());
        self.images
            .get(name)
            .is_some_and(|image| image.recipe == recipe && Some(image.size) == size)
    }

    /// Adds a finished image and writes the document.
    pub(crate) fn record(&mut self, name: &str, recipe: &str, file: &Path) -> anyhow::Result<()> {
        let (size, sha256) = digest(file)?;
        let file = file
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let image = Image {
            file,
            recipe: recipe.to_owned(),
            size,
            sha256,
            boots: super::guest::named(name).map(Guest::boots),
            tools: tools(),
        };
        self.images.insert(name.to_owned(), image);
        let partial = self.path.with_extension("json.partial");
        fs::write(&partial, serde_json::to_string_pretty(self)? + "\n")
            .with_context(|| format!("cannot write {}", partial.display()))?;
        super::publish(&partial, &self.path)
    }
}

fn digest(file: &Path) -> anyhow::Result<(u64, String)> {
    let mut reader = File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
    let mut hasher = Hasher(Sha256::new());
    let size = io::copy(&mut reader, &mut hasher)
        .with_context(|| format!("cannot read {}", file.display()))?;
    Ok((size, hex(&hasher.0.finalize())))
}

/// A digest that can be copied into.
struct Hasher(Sha256);

impl io::Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The first line in which each tool says what it is; a few say it on stderr.
fn tools() -> BTreeMap<String, String> {
    let version = |name: &str, flag: &str| {
        let script = "\"$0\" \"$1\" 2>&1 | head -n 1";
        Tool::new("sh")
            .args(["-c", script, name, flag])
            .capture()
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    TOOLS
        .iter()
        .map(|(name, flag)| ((*name).to_owned(), version(name, flag)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::Manifest;
    use std::path::Path;

    #[test]
    fn an_image_is_current_only_with_its_recipe_and_its_size() {
        let folder = std::env::temp_dir().join(format!("detente-manifest-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (path, file) = (folder.join("manifest.json"), folder.join("a.qcow2"));
        std::fs::write(&file, b"image").unwrap();
        Manifest::read(&path).record("a", "recipe", &file).unwrap();
        let current =
            |recipe: &str, file: &Path| Manifest::read(&path).is_current("a", recipe, file);
        assert!(current("recipe", &file));
        assert!(!current("another recipe", &file));
        assert!(!current("recipe", &folder.join("absent")));
        std::fs::write(&file, b"cut").unwrap();
        assert!(!current("recipe", &file));
        std::fs::write(&path, b"{").unwrap();
        assert!(!current("recipe", &file));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
