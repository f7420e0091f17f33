//! Builds the Hyper-V-compatible machine and the lab's first process as static binaries, and
//! leaves them where the crate embeds them.

#[path = "static_binary.rs"]
mod static_binary;

use static_binary::StaticBuild;

fn main() {
    StaticBuild {
        package: "detente-hyperv",
        programs: &["detente-hyperv", "detente-lab-init"],
        profile: "machine",
        flags: "",
        watched: &[
            "crates/hyperv/src",
            "crates/hyperv/Cargo.toml",
            "crates/vmbus/src",
            "crates/vmbus/Cargo.toml",
            "crates/machine/src",
            "crates/machine/Cargo.toml",
            "crates/disk/src",
            "crates/disk/Cargo.toml",
            "crates/block/src",
            "crates/block/Cargo.toml",
        ],
    }
    .run();
}
