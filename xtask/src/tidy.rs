//! `cargo xtask tidy`: the rules of the house that no compiler knows.

/// To be written.
pub(crate) fn run() -> anyhow::Result<()> {
    Ok(())
}
