//! For build scripts: builds a package's programs as static binaries, so that they can be embedded.
//!
//! They get a target folder of their own, so that the inner cargo never waits for the outer one's
//! lock, and a clean environment, so that neither wrapper nor flags leak into it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The triple is given even on the same machine: else `+crt-static` would reach build scripts.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// What is to be built, and where it goes.
pub(crate) struct StaticBuild {
    /// The package.
    pub(crate) package: &'static str,
    /// Its programs.
    pub(crate) programs: &'static [&'static str],
    /// The cargo profile, and the name of the target folder below the outer one.
    pub(crate) profile: &'static str,
    /// Flags of rustc, beside those that make it static.
    pub(crate) flags: &'static str,
    /// What is watched for changes, from the workspace's folder.
    pub(crate) watched: &'static [&'static str],
}

impl StaticBuild {
    /// Builds, and leaves the programs in the folder that `OUT_DIR` names.
    pub(crate) fn run(&self) {
        let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
        let workspace = manifest
            .ancestors()
            .nth(2)
            .expect("a crate lies two levels down");
        for watched in self.watched.iter().chain(&["Cargo.toml", "Cargo.lock"]) {
            println!(
                "cargo::rerun-if-changed={}",
                workspace.join(watched).display()
            );
        }
        let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
        let target = target_folder(&out).join(self.profile);
        self.build(workspace, &target);
        for program in self.programs {
            let built = target.join(TARGET).join(self.profile).join(program);
            std::fs::copy(&built, out.join(program)).expect("it was just built");
        }
    }

    fn build(&self, workspace: &Path, target: &Path) {
        let cargo = env::var_os("CARGO").expect("cargo sets it");
        let mut command = Command::new(cargo);
        command
            .current_dir(workspace)
            .args(["build", "--quiet", "--locked"])
            .args(["--profile", self.profile, "--package", self.package])
            .args(["--bins", "--target", TARGET, "--target-dir"])
            .arg(target);
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy().into_owned();
            let inherited = text.starts_with("CARGO") && text != "CARGO_HOME";
            if inherited
                || text.starts_with("RUST") && text != "RUSTUP_HOME" && text != "RUSTUP_TOOLCHAIN"
            {
                command.env_remove(name);
            }
        }
        let flags = format!("-Ctarget-feature=+crt-static {}", self.flags);
        command.env("RUSTFLAGS", flags.trim_end());
        let status = command.status().expect("cargo can be started");
        assert!(status.success(), "{} could not be built", self.package);
    }
}

/// The target folder is the one that cargo has marked.
fn target_folder(out: &Path) -> &Path {
    out.ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").exists())
        .expect("cargo marks its target folder")
}
