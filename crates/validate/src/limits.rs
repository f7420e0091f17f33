//! How long things may take, scaled to the acceleration.

use std::time::Duration;

use detente_host::Acceleration;

/// How much slower than hardware a machine may be: a Debian guest that boots in 5 s with hardware
/// acceleration was seen to need 10 to 60 s in emulation, on an idle and on a busy machine.
fn factor(acceleration: Acceleration) -> u32 {
    match acceleration {
        Acceleration::Hardware => 1,
        Acceleration::Nested => 2,
        Acceleration::Emulated => 6,
    }
}

/// A limit of a plan on a host.
pub(crate) fn scaled(limit_s: u64, acceleration: Acceleration) -> Duration {
    Duration::from_secs(limit_s).saturating_mul(factor(acceleration))
}

/// Whole milliseconds of a duration.
pub(crate) fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
