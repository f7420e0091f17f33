//! What a guest's console says about its boot.

/// What a console line means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// Panic, oops or bug: the kernel is in trouble.
    Alarm,
    /// Lockup, stall or hung task: something took too long, by the guest's clock.
    Stall,
    /// The boot will not go on without a person.
    GaveUp,
    /// The kernel's last words before the power goes off.
    PowerDown,
}

/// Parts of lines, and what they mean. The alarms are those that Microsoft's LISA looks for
/// (`lisa/features/serial_console.py`); the others are the words of the initramfs generators.
const SIGNS: &[(&str, Sign)] = &[
    ("Kernel panic - not syncing", Sign::Alarm),
    // Before "BUG: ", which is in it too.
    ("watchdog: BUG: soft lockup", Sign::Stall),
    ("Watchdog detected hard LOCKUP", Sign::Stall),
    ("rcu_sched detected stalls", Sign::Stall),
    ("rcu_preempt detected stalls", Sign::Stall),
    ("rcu_sched self-detected stall", Sign::Stall),
    ("rcu_preempt self-detected stall", Sign::Stall),
    ("blocked for more than", Sign::Stall),
    ("BUG: ", Sign::Alarm),
    ("Oops: ", Sign::Alarm),
    // initramfs-tools, scripts/functions: panic()
    ("Dropping to a shell", Sign::GaveUp),
    ("Gave up waiting for root", Sign::GaveUp),
    // dracut, emergency shell; systemd, emergency.service
    ("Entering emergency mode", Sign::GaveUp),
    ("You are in emergency mode", Sign::GaveUp),
    (
        "Generating \"/run/initramfs/rdsosreport.txt\"",
        Sign::GaveUp,
    ),
    // mkinitcpio
    (
        "You are now being dropped into an emergency shell",
        Sign::GaveUp,
    ),
    // Linux, kernel/reboot.c: kernel_power_off()
    ("reboot: Power down", Sign::PowerDown),
];

/// What a line means, if it means anything to us.
#[must_use]
pub fn sign(line: &str) -> Option<Sign> {
    SIGNS
        .iter()
        .find(|(part, _)| line.contains(part))
        .map(|(_, sign)| *sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_told_apart() {
        assert_eq!(
            sign("[    3.1] Kernel panic - not syncing: Attempted to kill init!"),
            Some(Sign::Alarm)
        );
        assert_eq!(
            sign("watchdog: BUG: soft lockup - CPU#1 stuck for 26s!"),
            Some(Sign::Stall)
        );
        assert_eq!(
            sign("ALERT!  UUID=1 does not exist.  Dropping to a shell!"),
            Some(Sign::GaveUp)
        );
        assert_eq!(sign("[   30.1] reboot: Power down"), Some(Sign::PowerDown));
        assert_eq!(sign("Debian GNU/Linux 12 detente-demo ttyS0"), None);
    }
}
