//! KVP-01: data exchange with the host.

use detente_evidence::Outcome;

use super::finding::{Finding, check, check_as, measured, number};
use crate::protocol::KeyValues;

/// Pools that the daemon keeps: LISA's `verify_kvp` wants as many.
const POOLS: usize = 5;

/// Permissions of their files: the same.
const MODE: u32 = 0o644;

/// What Linux's daemon calls the kernel's release: whole, or up to its first hyphen. `tools/hv` cuts
/// what it calls the version; in some builds both are one piece of memory.
const BUILD_KEY: &str = "OSBuildNumber";

/// What came of the exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// What the guest's files say.
    pub guest: KeyValues,
    /// What the host asked the guest to keep.
    pub wanted: String,
    /// What the guest's daemon gave back when it was asked for it.
    pub returned: Option<String>,
    /// What the daemon says of its guest when it is asked for every key of that pool.
    pub told: Vec<(String, String)>,
    /// The kernel's release, as the agent says it.
    pub kernel_release: String,
    /// Why the host's question came to nothing, if it did.
    pub refused: Option<String>,
}

/// Judges the exchange.
#[must_use]
pub fn kvp01(seen: &Exchange) -> Finding {
    let guest = &seen.guest;
    if guest.daemons == 0 {
        let message = "the guest runs no hv_kvp_daemon: nothing can be exchanged";
        return Finding::plain(Outcome::Failed, "no_daemon", message);
    }
    let modes_good = guest.pools.iter().all(|pool| pool.mode == MODE);
    let mut checks = vec![
        check(
            "daemon",
            guest.daemons == 1,
            format!("{} processes of the daemon (1 wanted)", guest.daemons),
        ),
        check(
            "pools",
            guest.pools.len() == POOLS && modes_good,
            format!(
                "{} pools ({POOLS} wanted), {} of mode 644",
                guest.pools.len(),
                guest.pools.iter().filter(|pool| pool.mode == MODE).count()
            ),
        ),
        arrived(seen),
    ];
    checks.push(match (&seen.returned, &seen.refused) {
        (_, Some(why)) => check_as("returned", Outcome::Failed, why.clone()),
        (returned, None) => check(
            "returned",
            returned.as_ref() == Some(&seen.wanted),
            format!(
                "the daemon gave back {returned:?} (wanted: {:?})",
                seen.wanted
            ),
        ),
    });
    if seen.refused.is_none() {
        checks.push(told(seen));
    }
    let pools = number(guest.pools.len() as u64);
    Finding::of_checks(checks, vec![measured("pools", pools, "count", None)])
}

fn arrived(seen: &Exchange) -> detente_evidence::Check {
    let value = seen.guest.value.as_ref();
    check(
        "arrived",
        value == Some(&seen.wanted),
        format!(
            "the guest's pool holds {value:?} (wanted: {:?})",
            seen.wanted
        ),
    )
}

/// The daemon's own pool, read from its first key to its last, names the kernel that runs.
fn told(seen: &Exchange) -> detente_evidence::Check {
    let whole = seen.kernel_release.as_str();
    let short = whole.split('-').next().unwrap_or_default();
    let build = seen.told.iter().find(|(key, _)| key == BUILD_KEY);
    let build = build.map(|(_, value)| value.as_str());
    check(
        "told",
        build.is_some_and(|build| build == whole || build == short),
        format!(
            "the daemon tells {} keys of its guest, {BUILD_KEY} {build:?} (wanted: {whole:?})",
            seen.told.len()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::KeyValuePool;

    fn sound() -> Exchange {
        let pool = |pool| KeyValuePool {
            pool,
            mode: 0o644,
            records: 1,
        };
        Exchange {
            guest: KeyValues {
                daemons: 1,
                pools: (0..5).map(pool).collect(),
                value: Some("nonce".to_owned()),
            },
            wanted: "nonce".to_owned(),
            returned: Some("nonce".to_owned()),
            told: vec![(BUILD_KEY.to_owned(), "6.1.0".to_owned())],
            kernel_release: "6.1.0-50-amd64".to_owned(),
            refused: None,
        }
    }

    #[track_caller]
    fn check(spoil: impl FnOnce(&mut Exchange), outcome: Outcome) {
        let mut seen = sound();
        spoil(&mut seen);
        let finding = kvp01(&seen);
        assert_eq!(finding.outcome, outcome, "{}", finding.message);
    }

    #[test]
    fn what_goes_there_and_comes_back_passes() {
        check(|_| {}, Outcome::Passed);
    }

    #[test]
    fn the_daemon_may_tell_the_whole_release() {
        let whole = "6.1.0-50-amd64".to_owned();
        check(|seen| seen.told[0].1 = whole, Outcome::Passed);
        check(
            |seen| seen.told[0].1 = "6.1.0-51-amd64".to_owned(),
            Outcome::Failed,
        );
    }

    #[test]
    fn each_spoiled_sign_fails() {
        check(|seen| seen.guest.daemons = 0, Outcome::Failed);
        check(|seen| seen.guest.daemons = 2, Outcome::Failed);
        check(|seen| seen.guest.pools.truncate(4), Outcome::Failed);
        check(|seen| seen.guest.pools[1].mode = 0o666, Outcome::Failed);
        check(
            |seen| seen.guest.value = Some("else".to_owned()),
            Outcome::Failed,
        );
        check(|seen| seen.guest.value = None, Outcome::Failed);
        check(|seen| seen.returned = None, Outcome::Failed);
        check(|seen| seen.told.clear(), Outcome::Failed);
        check(|seen| seen.told[0].1 = "6.12.0".to_owned(), Outcome::Failed);
        check(|seen| seen.refused = Some("no".to_owned()), Outcome::Failed);
    }
}
