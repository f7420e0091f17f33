//! What a guest's console says about its boot.

/// What a console line means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// Panic, oops, bug or hung task: the kernel is in trouble.
    Alarm,
    /// Lockup or stall: a processor stood still for seconds, by the guest's clock.
    Stall,
    /// The boot will not go on without a person.
    GaveUp,
    /// The kernel's last words before the power goes off.
    PowerDown,
}

/// Parts of lines, and what they mean. The alarms are chosen after Microsoft's LISA
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
    // Linux, kernel/hung_task.c: two minutes without an answer, most likely from the disk. No
    // translator stands still for so long.
    ("blocked for more than", Sign::Alarm),
    ("BUG: ", Sign::Alarm),
    ("Oops: ", Sign::Alarm),
    // Linux, lib/bug.c; arch/x86/kernel/dumpstack.c, __die_header(): before 6.10 without "Oops: ".
    ("kernel BUG at ", Sign::Alarm),
    ("general protection fault, ", Sign::Alarm),
    (": 0000 [#", Sign::Alarm),
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
    // Our own agent, where the guest has no initramfs and the kernel would have panicked
    ("detente-agent: no root: ", Sign::GaveUp),
    // Linux, kernel/reboot.c: kernel_power_off()
    ("reboot: Power down", Sign::PowerDown),
];

/// A station of a boot through the firmware, or its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Station {
    /// The kernel says who it is.
    Kernel,
    /// The kernel says that UEFI started it.
    Uefi,
    /// The kernel says that Secure Boot is enforced.
    SecureBoot,
    /// The firmware or a boot loader refuses to start something.
    Refusal,
}

/// Parts of lines, and the stations that they show.
const STATIONS: &[(&str, Station)] = &[
    // Linux, init/version-timestamp.c: linux_banner
    ("Linux version ", Station::Kernel),
    // Linux, drivers/firmware/efi/efi.c: efi_systab_report_header()
    ("efi: EFI v", Station::Uefi),
    // Linux, drivers/firmware/efi/secureboot.c; arch/x86/kernel/setup.c
    ("Secure boot enabled", Station::SecureBoot),
    // EDK II, MdeModulePkg/Library/UefiBootManagerLib/BmBoot.c: BmReportLoadFailure() and callers
    ("failed to load Boot", Station::Refusal),
    ("failed to start Boot", Station::Refusal),
    // shim, shim.c; GRUB with shim_lock
    ("Security Violation", Station::Refusal),
    ("bad shim signature", Station::Refusal),
];

/// The station that a line shows, if it shows one.
#[must_use]
pub fn station(line: &str) -> Option<Station> {
    STATIONS
        .iter()
        .find(|(part, _)| line.contains(part))
        .map(|(_, station)| *station)
}

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
    fn an_oops_that_does_not_say_oops_is_an_alarm() {
        for line in [
            "[    4.2] kernel BUG at fs/ext4/inode.c:1234!",
            "[    4.2] invalid opcode: 0000 [#1] PREEMPT SMP PTI",
            "[    4.2] general protection fault, probably for non-canonical address 0xdead000000000100: 0000 [#1] SMP",
            "[    4.2] divide error: 0000 [#1] SMP",
        ] {
            assert_eq!(sign(line), Some(Sign::Alarm), "{line}");
        }
        // Linux, arch/x86/kernel/traps.c: a program's own fault is not the kernel's.
        assert_eq!(
            sign("traps: a[7] general protection fault ip:55d0 sp:7ffc error:0 in a[55d0+1000]"),
            None
        );
    }

    #[test]
    fn the_stations_of_a_boot_through_the_firmware() {
        for (line, wanted) in [
            (
                "[    0.000000] Linux version 6.1.0-56-amd64 (debian-kernel@lists.debian.org)",
                Station::Kernel,
            ),
            ("[    0.000000] efi: EFI v2.70 by EDK II", Station::Uefi),
            (
                "[    0.000000] secureboot: Secure boot enabled",
                Station::SecureBoot,
            ),
            (
                "BdsDxe: failed to load Boot0001 \"UEFI Misc Device\" from PciRoot(0x0)/Pci(0x1,0x0): Access Denied",
                Station::Refusal,
            ),
            ("error: bad shim signature.", Station::Refusal),
        ] {
            assert_eq!(station(line), Some(wanted), "{line}");
        }
        assert_eq!(
            station("[    0.000000] secureboot: Secure boot disabled"),
            None
        );
        assert_eq!(
            station("BdsDxe: loading Boot0001 \"UEFI Misc Device\""),
            None
        );
    }

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
            sign("INFO: task jbd2/vda2-8:161 blocked for more than 120 seconds."),
            Some(Sign::Alarm)
        );
        assert_eq!(
            sign("ALERT!  UUID=1 does not exist.  Dropping to a shell!"),
            Some(Sign::GaveUp)
        );
        assert_eq!(sign("[   30.1] reboot: Power down"), Some(Sign::PowerDown));
        assert_eq!(sign("Debian GNU/Linux 12 detente-demo ttyS0"), None);
    }
}
