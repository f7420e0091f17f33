//! Builds the agent as a static binary and leaves it where the crate embeds it.
//!
//! The agent gets a target folder of its own, so that this inner cargo never waits for the outer
//! one's lock, and a clean environment, so that neither wrapper nor flags leak into it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The triple is given even on the same machine: else `+crt-static` would reach build scripts.
const TARGET: &str = "x86_64-unknown-linux-gnu";

fn main() {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let workspace = manifest
        .ancestors()
        .nth(2)
        .expect("crates/validate lies two levels down");
    for watched in [
        "crates/agent",
        "crates/plan/src",
        "crates/plan/Cargo.toml",
        "crates/evidence/src",
        "crates/evidence/Cargo.toml",
        "crates/machine/src",
        "crates/machine/Cargo.toml",
        "Cargo.toml",
        "Cargo.lock",
    ] {
        println!(
            "cargo::rerun-if-changed={}",
            workspace.join(watched).display()
        );
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let target = target_folder(&out).join("agent");
    build_agent(workspace, &target);
    let built = target.join(TARGET).join("agent/detente-agent");
    std::fs::copy(&built, out.join("detente-agent")).expect("the agent was just built");
}

/// The target folder is the one that cargo has marked.
fn target_folder(out: &Path) -> &Path {
    out.ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").exists())
        .expect("cargo marks its target folder")
}

fn build_agent(workspace: &Path, target: &Path) {
    let cargo = env::var_os("CARGO").expect("cargo sets it");
    let mut command = Command::new(cargo);
    command
        .current_dir(workspace)
        .args(["build", "--quiet", "--locked", "--profile", "agent"]);
    command
        .args([
            "--package",
            "detente-agent",
            "--target",
            TARGET,
            "--target-dir",
        ])
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
    command.env("RUSTFLAGS", "-Ctarget-feature=+crt-static");
    let status = command.status().expect("cargo can be started");
    assert!(status.success(), "the agent could not be built");
}
