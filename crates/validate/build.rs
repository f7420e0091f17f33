//! Builds the agent as a static binary and leaves it where the crate embeds it.

#[path = "../host/static_binary.rs"]
mod static_binary;

use static_binary::StaticBuild;

fn main() {
    StaticBuild {
        package: "detente-agent",
        programs: &["detente-agent"],
        profile: "agent",
        // A place of its own choosing costs it 57 KiB of relocations: decision 0025.
        flags: "-Crelocation-model=static",
        watched: &[
            "crates/agent",
            "crates/plan/src",
            "crates/plan/Cargo.toml",
            "crates/evidence/src",
            "crates/evidence/Cargo.toml",
            "crates/machine/src",
            "crates/machine/Cargo.toml",
        ],
    }
    .run();
}
