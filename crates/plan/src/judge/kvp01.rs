//! KVP-01: data exchange with the host.

use detente_evidence::Outcome;

use super::finding::{Finding, check, check_as, measured, number};
use crate::protocol::KeyValues;

/// Pools that the daemon keeps: LISA's `verify_kvp` wants as many.
const POOLS: usize = 5;

/// Permissions of their files: the same.
const MODE: u32 = 0o644;

/// What came of the exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// What the guest's files say.
    pub guest: KeyValues,
    /// What the host asked the guest to keep.
    pub wanted: String,
    /// What the guest's daemon gave back when it was asked for it.
    pub returned: Option<String>,
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
        check(|seen| seen.refused = Some("no".to_owned()), Outcome::Failed);
    }
}
