//! What is made of the distribution's kernel packages: the lab's kernel, and the tiny guests of
//! the lab's system test.
//!
//! The packages are unpacked, not installed: into a throw-away archive of mmdebstrap's, which
//! checks that they are Debian's.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, bail};

use super::manifest::Manifest;
use super::{Workshop, disk, key, publish, rootfs};
use crate::say::say;
use crate::tool::Tool;

/// Something that is made of a kernel.
#[derive(Debug)]
pub(crate) struct Product {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// What it is for, in a few words.
    pub(crate) about: &'static str,
    /// What is made.
    pub(crate) kind: Kind,
    /// The package whose dependency is the kernel.
    package: &'static str,
    /// How the releases of its kernels start.
    release: &'static str,
}

/// What is made of a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The kernel and its modules, where the lab looks for fetched kernels.
    Lab,
    /// A kernel and an initramfs that tells what it sees.
    Tiny,
}

/// The kernel that every product of Debian 12 can have.
const STABLE: &str = "linux-image-cloud-amd64";

/// Everything that is made of kernels.
pub(crate) const PRODUCTS: &[Product] = &[
    Product {
        name: "lab-kernel",
        about: "the kernel of the lab that runs the Hyper-V-compatible machine without KVM",
        kind: Kind::Lab,
        package: STABLE,
        release: "6.1.",
    },
    Product {
        name: "tiny-6.1",
        about: "Debian 12's cloud kernel with an initramfs that tells what it sees",
        kind: Kind::Tiny,
        package: STABLE,
        release: "6.1.",
    },
    Product {
        name: "tiny-6.12",
        about: "the same with the newer kernel of Debian 12",
        kind: Kind::Tiny,
        package: "linux-image-6.12-cloud-amd64",
        release: "6.12.",
    },
];

/// The cache folder of our program when it is run by tests and the demo, below `target/images`.
const LAB_KERNELS: &str = "cache/detente/lab-kernel";

/// Makes what of the products is not there yet, or no longer as the recipes say.
pub(crate) fn build(
    workshop: &Workshop,
    products: &[&'static Product],
    manifest: &mut Manifest,
) -> anyhow::Result<()> {
    let mut wanted = Vec::new();
    for product in products {
        let key = key::product(product)?;
        if is_current(workshop, product, manifest, &key) {
            say(&format!("{}: up to date", product.name));
        } else {
            wanted.push((*product, key));
        }
    }
    if wanted.is_empty() {
        return Ok(());
    }
    say("fetching and unpacking kernel packages; this takes about half a minute");
    let started = Instant::now();
    let kernels = workshop.path("kernels.tar");
    let packages = unpack(workshop, &wanted, &kernels)?;
    for (product, key) in wanted {
        if !packages.contains(&product.package) {
            say(&format!(
                "{}: left out, apt has no {} here",
                product.name, product.package
            ));
            continue;
        }
        make(workshop, product, &kernels)?;
        manifest.record(product.name, &key, &witness(workshop, product))?;
        say(&format!("built {}: {}", product.name, product.about));
    }
    fs::remove_file(&kernels).context("cannot remove the unpacked packages")?;
    let took = started.elapsed().as_secs_f64();
    say(&format!("kernels and tiny guests took {took:.0} s"));
    Ok(())
}

/// The file whose presence says that a product is whole.
fn witness(workshop: &Workshop, product: &Product) -> PathBuf {
    match product.kind {
        Kind::Lab => folder(workshop, product).join("files.txt"),
        Kind::Tiny => folder(workshop, product).join("initramfs"),
    }
}

/// The folder that a product is.
fn folder(workshop: &Workshop, product: &Product) -> PathBuf {
    match product.kind {
        Kind::Lab => workshop.path(LAB_KERNELS).join(product.package),
        Kind::Tiny => workshop.path(product.name),
    }
}

fn is_current(workshop: &Workshop, product: &Product, manifest: &Manifest, key: &str) -> bool {
    manifest.is_current(product.name, key, &witness(workshop, product))
}

/// Unpacks the packages and says which those were: a newer kernel may not be on offer.
fn unpack(
    workshop: &Workshop,
    wanted: &[(&Product, String)],
    output: &Path,
) -> anyhow::Result<Vec<&'static str>> {
    let mut packages: Vec<_> = wanted.iter().map(|(product, _)| product.package).collect();
    packages.dedup();
    let error = match rootfs::extract(workshop, &packages, output) {
        Ok(()) => return Ok(packages),
        Err(error) => error,
    };
    packages.retain(|package| *package == STABLE);
    if packages.is_empty() {
        bail!("no kernel package can be had: {error:#}");
    }
    rootfs::extract(workshop, &packages, output)?;
    say(&format!("{error:#}"));
    Ok(packages)
}

fn make(workshop: &Workshop, product: &Product, kernels: &Path) -> anyhow::Result<()> {
    let work = workshop.empty_folder("work")?;
    let out = work.join("out");
    fs::create_dir(&out).context("cannot create a folder")?;
    let script = match product.kind {
        Kind::Lab => "lab-kernel.sh",
        Kind::Tiny => "tiny.sh",
    };
    let recipes = Workshop::recipes();
    Tool::new("sh")
        .arg(recipes.join(script))
        .env("RECIPES", &recipes)
        .env("KERNELS", kernels)
        .env("KERNEL", product.release)
        .env("WORK", &work)
        .env("OUT", &out)
        .run_quietly("")?;
    let folder = folder(workshop, product);
    if folder.exists() {
        disk::remove_tree(&folder)?;
    }
    let above = folder.parent().unwrap_or(&folder);
    fs::create_dir_all(above).with_context(|| format!("cannot create {}", above.display()))?;
    publish(&out, &folder)?;
    disk::remove_tree(&work)
}
