//! `cargo xtask images`: builds the demo guests, the lab's kernel and the lab's test guests into
//! `target/images`.
//!
//! A guest is built only when its recipe changed since, one builder at a time,
//! and appears under its name only when it is complete and on the disk.

mod disk;
mod guest;
mod hostile;
mod kernels;
mod key;
mod manifest;
mod prepare;
mod rootfs;
mod shaped;
mod sources;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, bail};

use crate::say::say;
use crate::workspace;
pub(crate) use disk::is_root;
use guest::{GUESTS, Guest, Kind};
use kernels::{PRODUCTS, Product};
use manifest::Manifest;

/// Where the builder works: the folder of images and what is in it.
pub(crate) struct Workshop {
    folder: PathBuf,
}

impl Workshop {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The recipes: scripts and files that go into a guest.
    fn recipes() -> PathBuf {
        workspace::root().join("xtask/src/images/recipes")
    }

    /// An empty folder for one build.
    fn empty_folder(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.path(name);
        if folder.exists() {
            disk::remove_tree(&folder)?;
        }
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        Ok(folder)
    }
}

/// Builds what is named, or everything that is not made only when asked for.
pub(crate) fn run(names: &[String]) -> anyhow::Result<()> {
    if names == ["--list"] {
        list();
        return Ok(());
    }
    let (guests, products) = choose(names)?;
    let workshop = Workshop {
        folder: workspace::target("images"),
    };
    fs::create_dir_all(&workshop.folder).context("cannot create target/images")?;
    let _lock = lock(&workshop)?;
    let mut manifest = Manifest::read(&workshop.path("manifest.json"));
    for guest in guests {
        let key = key::guest(guest)?;
        let file = workshop.path(&guest.file());
        if manifest.is_current(guest.name, &key, &file) {
            say(&format!("{}: up to date", file.display()));
            continue;
        }
        match shaped::missing(guest) {
            Some(reason) => say(&format!("skipped: {}: {reason}", guest.name)),
            None => build(&workshop, guest, &mut manifest, &key)?,
        }
    }
    kernels::build(&workshop, &products, &mut manifest)
}

fn list() {
    let guests = GUESTS.iter().chain(prepare::GUESTS);
    let guests = guests.map(|guest| (guest.name, guest.about));
    let products = PRODUCTS.iter().map(|product| (product.name, product.about));
    for (name, about) in guests.chain(products) {
        say(&format!("{name:24} {about}"));
    }
}

/// What is to be built.
type Chosen = (Vec<&'static Guest>, Vec<&'static Product>);

fn choose(names: &[String]) -> anyhow::Result<Chosen> {
    if names.is_empty() {
        return Ok((GUESTS.iter().collect(), PRODUCTS.iter().collect()));
    }
    let (mut guests, mut products) = (Vec::new(), Vec::new());
    for name in names {
        if name == prepare::ALL {
            guests.extend(prepare::GUESTS);
        } else if let Some(guest) = guest::named(name) {
            guests.push(guest);
        } else if let Some(product) = PRODUCTS.iter().find(|product| product.name == name) {
            products.push(product);
        } else {
            bail!("no guest is called {name}; `cargo xtask images --list` names them");
        }
    }
    Ok((guests, products))
}

/// Keeps a second builder waiting until this one is done; the kernel lets go of
/// the lock whatever becomes of us.
fn lock(workshop: &Workshop) -> anyhow::Result<File> {
    let file =
        File::create(workshop.path("lock")).context("cannot create the lock of target/images")?;
    if file.try_lock().is_err() {
        say("waiting for another builder of images");
        file.lock().context("cannot lock target/images")?;
    }
    Ok(file)
}

fn build(
    workshop: &Workshop,
    guest: &Guest,
    manifest: &mut Manifest,
    key: &str,
) -> anyhow::Result<()> {
    let rootfs = rootfs::build(workshop, manifest)?;
    say(&format!("building {}: {}", guest.name, guest.about));
    let started = Instant::now();
    let work = workshop.empty_folder("work")?;
    let raw = work.join("disk.raw");
    match guest.kind {
        Kind::Server { variant } => {
            disk::partition(&raw, guest)?;
            disk::fill_server(&rootfs, &work, &raw, guest, variant)?;
        }
        Kind::Hostile => {
            disk::partition(&raw, guest)?;
            hostile::fill(&rootfs, &work, &raw, guest)?;
        }
        Kind::Shaped { .. } => {
            shaped::fill(&rootfs, &work, &raw, guest)?;
            shaped::publish_expected(workshop, &work, guest)?;
        }
        Kind::Prepare { .. } => {
            let packages = prepare::fetch(workshop, manifest, &rootfs)?;
            let work = workshop.empty_folder("work")?;
            prepare::fill(&rootfs, &packages, &work, &raw, guest)?;
            shaped::publish_values(workshop, &work, guest)?;
        }
    }
    let file = workshop.path(&guest.file());
    let partial = workshop.path(&format!("{}.partial", guest.file()));
    disk::convert(&raw, &partial, guest.kind)?;
    publish(&partial, &file)?;
    disk::remove_tree(&work)?;
    manifest.record(guest.name, key, &file)?;
    say(&format!(
        "built {} in {:.0} s",
        file.display(),
        started.elapsed().as_secs_f64()
    ));
    Ok(())
}

/// Gives a complete file its name: data first, then the name, then the folder.
fn publish(partial: &Path, file: &Path) -> anyhow::Result<()> {
    File::open(partial)?
        .sync_all()
        .with_context(|| format!("cannot write out {}", partial.display()))?;
    fs::rename(partial, file).with_context(|| format!("cannot rename {}", partial.display()))?;
    let Some(folder) = file.parent() else {
        bail!("{} has no folder", file.display())
    };
    File::open(folder)?
        .sync_all()
        .with_context(|| format!("cannot write out {}", folder.display()))
}
