//! Expected values from the manual pages.

use super::gather;
use crate::facts::{Evidence, ServiceState, Time, TimeProgram};
use crate::services::units::Units;
use crate::tests::memory::Memory;

fn time(memory: &Memory) -> Time {
    let files = memory.files();
    gather(files, &Units::read(files).unwrap()).unwrap()
}

#[test]
fn zones_and_the_hardware_clock() {
    let memory = Memory::new()
        .link("/etc/localtime", "../usr/share/zoneinfo/Europe/Berlin")
        .file("/etc/timezone", "Etc/UTC\n")
        .file("/etc/adjtime", "0.0 0 0.0\n0\nLOCAL\n")
        .file(
            "/etc/sysconfig/clock",
            "ZONE=\"America/New_York\"\nUTC=true\n",
        );
    let found = time(&memory);
    let zones: Vec<_> = found.zones.iter().map(|own| own.value.as_str()).collect();
    assert_eq!(zones, ["Europe/Berlin", "Etc/UTC", "America/New_York"]);
    let clock = found.hardware_clock.unwrap();
    assert!(clock.local);
    assert_eq!(clock.at, Evidence::line("/etc/adjtime", 3));
    let memory = Memory::new().file("/etc/sysconfig/clock", "HWCLOCK=\"-u\"\nTIMEZONE=\"UTC\"\n");
    assert!(!time(&memory).hardware_clock.unwrap().local);
    assert_eq!(time(&Memory::new()), Time::default());
}

#[test]
fn chrony_with_its_folders() {
    let memory = Memory::new()
        .file("/usr/sbin/chronyd", "")
        .file("/usr/lib/systemd/system/chronyd.service", "[Install]\nWantedBy=x\n")
        .link("/etc/systemd/system/multi-user.target.wants/chronyd.service", "/x")
        .file(
            "/etc/chrony.conf",
            "# c\npool 2.rhel.pool.ntp.org iburst\nmakestep 1.0 3\nRefClock PHC /dev/ptp_hyperv poll 3\n\
             confdir /etc/chrony.d\nsourcedir /etc/sources.d\ninclude /etc/more/*.c\n",
        )
        .file("/etc/chrony.d/kvm.conf", "refclock PHC /dev/ptp0 poll 2\n")
        .file("/etc/sources.d/a.sources", "server 192.0.2.123\n")
        .file("/etc/more/x.c", "include /etc/more/*.c\npeer 192.0.2.124\n");
    let found = time(&memory);
    let [chrony] = found.synchronisation.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(chrony.program, TimeProgram::Chrony);
    assert_eq!(chrony.state, ServiceState::Enabled);
    let servers: Vec<_> = chrony.servers.iter().map(|own| own.name.as_str()).collect();
    assert_eq!(servers, ["pool", "server", "peer"]);
    assert_eq!(
        chrony.reference_clocks[0].value,
        "PHC /dev/ptp_hyperv poll 3"
    );
    assert_eq!(
        chrony.reference_clocks[0].at,
        Evidence::line("/etc/chrony.conf", 4)
    );
    assert_eq!(chrony.reference_clocks[1].value, "PHC /dev/ptp0 poll 2");
    assert_eq!(chrony.steps[0].value, "1.0 3");
}

#[test]
fn the_other_programs() {
    let memory = Memory::new()
        .file(
            "/etc/ntp.conf",
            "tinker panic 0\nserver 192.0.2.1 iburst\nserver 127.127.1.0\n",
        )
        .file("/etc/rc.d/init.d/ntpd", "")
        .link("/etc/rc.d/rc3.d/S58ntpd", "../init.d/ntpd");
    let found = time(&memory);
    let ntpd = &found.synchronisation[0];
    assert_eq!(
        (ntpd.program, ntpd.state),
        (TimeProgram::Ntpd, ServiceState::Enabled)
    );
    assert_eq!(
        (
            ntpd.servers.len(),
            ntpd.reference_clocks.len(),
            ntpd.steps.len()
        ),
        (1, 1, 1)
    );

    let memory = Memory::new()
        .file(
            "/usr/lib/systemd/system/systemd-timesyncd.service",
            "[Install]\nWantedBy=x\n",
        )
        .file(
            "/etc/systemd/timesyncd.conf",
            "[Time]\n#NTP=x\nNTP=192.0.2.1 192.0.2.2\n",
        );
    let found = time(&memory);
    let timesyncd = &found.synchronisation[0];
    assert_eq!(
        (timesyncd.program, timesyncd.state),
        (TimeProgram::Timesyncd, ServiceState::Disabled)
    );
    assert_eq!(timesyncd.servers[1].value, "192.0.2.2");

    let memory = Memory::new()
        .file("/etc/init.d/ntpd", "")
        .link("/etc/runlevels/default/ntpd", "/etc/init.d/ntpd")
        .file("/etc/conf.d/ntpd", "NTPD_OPTS=\"-N -p pool.ntp.org\"\n");
    let found = time(&memory);
    let busybox = &found.synchronisation[0];
    assert_eq!(
        (busybox.program, busybox.state),
        (TimeProgram::BusyboxNtpd, ServiceState::Enabled)
    );
    assert_eq!(busybox.servers[0].value, "pool.ntp.org");
}

#[test]
fn clocks_that_rules_name() {
    let memory = Memory::new()
        .file(
            "/usr/lib/udev/rules.d/50-udev-default.rules",
            "SUBSYSTEM==\"ptp\", ATTR{clock_name}==\"hyperv\", SYMLINK+=\"ptp_hyperv\"\nSUBSYSTEM==\"tty\", GROUP=\"tty\"\n",
        )
        .file("/usr/lib/udev/rules.d/60-other.rules", "SUBSYSTEM==\"ptp\", MODE=\"0600\"\n")
        .file("/etc/modules-load.d/ptp.conf", "# c\nptp_kvm\n");
    let found = time(&memory).ptp;
    assert_eq!(found.len(), 2);
    assert_eq!(
        (found[1].value.as_str(), found[1].at.line),
        ("ptp_kvm", Some(2))
    );
}
