//! What executes the guest's instructions, as far as it bears on a verdict.

/// What executes the guest's instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Execution {
    /// A processor, its own or a virtual one: paravirtual clocks can be shown, and the guest's
    /// time is real.
    Processor,
    /// A translator in software: no paravirtual clock can be shown, and a busy host makes the
    /// guest believe that it stood still.
    Emulated,
}
