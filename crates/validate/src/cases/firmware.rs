//! BOOT-03, BOOT-04 and BOOT-05: boots through firmware and the disk's own boot loader.
//!
//! The guest is as it is on its disk: our agent is not there, and all is seen from outside.

use std::time::Duration;

use detente_evidence::Outcome;
use detente_guest::facts::Firmware as DiskFirmware;
use detente_host::HostError;
use detente_machine::{Firmware, SecureBoot};
use detente_plan::CaseId;
use detente_plan::console::Station;
use detente_plan::judge::{self, Finding, FirmwareSeen};

use super::own_boot::{OwnBoot, Stage};
use super::{Judged, interrupted};
use crate::ValidateError;
use crate::limits::ms;
use crate::session::{Session, Waited};

/// Through the firmware that the disk asks for.
pub(super) const AS_THE_DISK_ASKS: OwnBoot = OwnBoot {
    name: "firmware",
    cases: &[CaseId::Boot03],
    furnish: |_| {},
    run: |stage| {
        let firmware = match stage.guest().facts().firmware {
            DiskFirmware::Uefi | DiskFirmware::UefiAndBios => Firmware::Uefi(SecureBoot::Off),
            DiskFirmware::Bios => Firmware::Bios,
            DiskFirmware::Unknown => {
                let message = "the disk shows neither an EFI system partition nor a BIOS boot code";
                let finding = Finding::plain(Outcome::NotRun, "no_boot_loader", message);
                return Ok(vec![stage.judged(CaseId::Boot03, finding)]);
            }
        };
        run(stage, CaseId::Boot03, firmware, judge::boot03)
    },
};

/// With Secure Boot enforced.
pub(super) const SECURE: OwnBoot = OwnBoot {
    name: "secure-boot",
    cases: &[CaseId::Boot04],
    furnish: |_| {},
    run: |stage| {
        let firmware = Firmware::Uefi(SecureBoot::Enforced);
        run(stage, CaseId::Boot04, firmware, judge::boot04)
    },
};

/// With Secure Boot enforced by somebody who vouches for nobody's boot loader.
pub(super) const REFUSED: OwnBoot = OwnBoot {
    name: "secure-boot-refused",
    cases: &[CaseId::Boot05],
    furnish: |_| {},
    run: |stage| {
        let firmware = Firmware::Uefi(SecureBoot::EnforcedByStranger);
        run(stage, CaseId::Boot05, firmware, judge::boot05)
    },
};

/// Starts the machine, waits for what comes of it, and keeps its picture.
fn run(
    stage: &mut Stage<'_, '_>,
    case: CaseId,
    firmware: Firmware,
    judge: fn(&FirmwareSeen) -> Finding,
) -> Result<Vec<Judged>, ValidateError> {
    stage.spec_mut().extras.firmware = firmware;
    let mut session = match stage.start()? {
        Ok(session) => session,
        Err(finding) => return Ok(vec![stage.judged(case, finding)]),
    };
    let limit = stage.limits.boot;
    let seen = watch(&mut session, firmware, limit)?;
    stage.keep_picture(&mut session);
    stage.end(session)?;
    let finding = seen.map_or_else(interrupted, |seen| judge(&seen));
    Ok(vec![stage.judged(case, finding)])
}

/// Follows the boot to its end; `None` if the user ended the run.
fn watch(
    session: &mut Session,
    firmware: Firmware,
    limit: Duration,
) -> Result<Option<FirmwareSeen>, HostError> {
    let waited = session.wait(limit, |state| {
        let refused = state.console.stations.contains_key(&Station::Refusal);
        let over = up(state).is_some() || refused || state.died().is_some();
        (over || state.console.gave_up.is_some()).then_some(())
    })?;
    if waited == Waited::Interrupted {
        return Ok(None);
    }
    let station = |station| session.console.stations.get(&station).cloned();
    let mut trouble = session.console.alarms.clone();
    trouble.extend(session.console.gave_up.clone());
    trouble.extend(session.died().or_else(|| session.gone()));
    Ok(Some(FirmwareSeen {
        uefi: matches!(firmware, Firmware::Uefi(_)),
        up: up(session),
        kernel_line: station(Station::Kernel),
        uefi_line: station(Station::Uefi),
        secure_boot_line: station(Station::SecureBoot),
        refusal: station(Station::Refusal),
        trouble,
        elapsed_ms: ms(session.elapsed()),
        limit_ms: ms(limit),
    }))
}

/// What shows that the guest is up. A firmware that was refused its disk may ask for an address
/// too, to boot from the network.
fn up(state: &Session) -> Option<String> {
    if let Some(prompt) = state.console.login_prompt() {
        return Some(prompt);
    }
    let refused = state.console.stations.contains_key(&Station::Refusal);
    let addressed = state.network_seen().dhcp_leases > 0 && !refused;
    addressed.then(|| "it asked for an address, and was given one".to_owned())
}
