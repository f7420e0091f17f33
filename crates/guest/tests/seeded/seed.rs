//! A fault, and what shows it.

use crate::machine::Machine;

/// One change of a healthy guest, and the rule that it breaks.
pub(crate) struct Seed {
    /// The rule.
    pub(crate) rule: &'static str,
    /// The guest before.
    pub(crate) base: fn() -> Machine,
    /// What shows the fault: `FILE:LINE KEY=VALUE`, as much of it as there is; with neither file
    /// nor key, the words. With `…` at its end, how it begins.
    pub(crate) proof: &'static str,
    /// Rules that the same change breaks as well, each with a right of its own.
    pub(crate) also: &'static [&'static str],
    /// The change.
    pub(crate) change: fn(&mut Machine),
}

/// A seed that breaks one rule.
pub(crate) const fn seed(
    rule: &'static str,
    base: fn() -> Machine,
    proof: &'static str,
    change: fn(&mut Machine),
) -> Seed {
    Seed {
        rule,
        base,
        proof,
        also: &[],
        change,
    }
}

impl Seed {
    /// With rules that the change cannot help to break.
    pub(crate) const fn also(self, also: &'static [&'static str]) -> Self {
        Self { also, ..self }
    }
}
