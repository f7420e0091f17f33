//! Builds the agent as a static binary and leaves it where the crate embeds it.

#[path = "../host/static_binary.rs"]
mod static_binary;

use static_binary::StaticBuild;

fn main() {
    StaticBuild {
        package: "detente-agent",
        programs: &["detente-agent"],
        profile: "agent",
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
