//! The root tree that every guest shares: Debian packages, put together by mmdebstrap.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;

use super::manifest::Manifest;
use super::{Workshop, key, publish, sources};
use crate::say::say;
use crate::tool::Tool;

const NAME: &str = "rootfs";
const SUITE: &str = "bookworm";
/// Steps that mmdebstrap leaves out: what it fetched is kept for the next build
/// and for the variants, and devices are the running kernel's business.
const SKIPPED: &str = "essential/unlink,cleanup/apt,output/dev";
/// What is left of the archives is what the variants need: the packages that are installed go.
const FORGET_INSTALLED: &str = "chroot \"$1\" dpkg-query --show --showformat '${Package}_${Version}_${Architecture}.deb\\n' \
    | sed s/:/%3a/ | (cd \"$1/var/cache/apt/archives\" && xargs rm -f)";

/// Returns the archive of the shared root tree, built if its recipe changed.
pub(crate) fn build(workshop: &Workshop, manifest: &mut Manifest) -> anyhow::Result<PathBuf> {
    let key = key::rootfs()?;
    let file = workshop.path("rootfs.tar");
    if manifest.is_current(NAME, &key, &file) {
        return Ok(file);
    }
    say("building the shared root tree from Debian packages; this takes about two minutes");
    let started = Instant::now();
    let partial = workshop.path("rootfs.partial.tar");
    mmdebstrap(workshop, &partial)?;
    publish(&partial, &file)?;
    manifest.record(NAME, &key, &file)?;
    say(&format!(
        "built {} in {:.0} s",
        file.display(),
        started.elapsed().as_secs_f64()
    ));
    Ok(file)
}

/// Unpacks packages, and what they need, into an archive; nothing is installed.
pub(crate) fn extract(workshop: &Workshop, packages: &[&str], output: &Path) -> anyhow::Result<()> {
    let tool = Tool::new("mmdebstrap")
        .args(["--variant=extract", "--format=tar", "--components=main"])
        // The programs that the tiny guests run.
        .arg(format!("--include={},busybox-static", packages.join(",")));
    let tool =
        with_cache(workshop, tool)?.arg("--customize-hook=rm -rf \"$1/var/cache/apt/archives\"");
    run(tool, output)
}

fn mmdebstrap(workshop: &Workshop, output: &Path) -> anyhow::Result<()> {
    let recipes = Workshop::recipes();
    let packages = packages(&fs::read_to_string(recipes.join("packages.txt"))?);
    let customize = fs::read_to_string(recipes.join("rootfs.sh"))?;
    let tool = Tool::new("mmdebstrap")
        .env("RECIPES", &recipes)
        .args(["--variant=minbase", "--format=tar", "--components=main"])
        .arg(format!("--include={packages}"))
        .arg(format!("--customize-hook={customize}"));
    let tool = with_cache(workshop, tool)?.arg(format!("--customize-hook={FORGET_INSTALLED}"));
    run(tool, output)
}

/// What an earlier build fetched is not fetched again; apt checks its digests. What the hooks
/// so far fetched is kept, too.
fn with_cache(workshop: &Workshop, tool: Tool) -> anyhow::Result<Tool> {
    let cache = workshop.path("apt");
    fs::create_dir_all(&cache).context("cannot create target/images/apt")?;
    let cache = cache.display();
    Ok(tool
        .arg(format!("--skip={SKIPPED}"))
        .arg("--setup-hook=mkdir -p \"$1/var/cache/apt/archives\"")
        .arg(format!(
            "--setup-hook=sync-in {cache} /var/cache/apt/archives"
        ))
        .arg(format!(
            "--customize-hook=sync-out /var/cache/apt/archives {cache}"
        )))
}

fn run(tool: Tool, output: &Path) -> anyhow::Result<()> {
    let tool = tool.arg(SUITE).arg(output);
    match sources::of_this_machine(SUITE) {
        Some(text) => tool.arg("-").run_quietly(&text),
        None => tool.run_quietly(""),
    }
}

/// The names of a list with comments, separated by commas.
fn packages(list: &str) -> String {
    let names: Vec<&str> = list
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    names.join(",")
}

#[cfg(test)]
mod tests {
    #[test]
    fn comments_and_empty_lines_are_no_packages() {
        assert_eq!(
            super::packages("# base\n\nudev\n  kmod \n# end"),
            "udev,kmod"
        );
    }
}
