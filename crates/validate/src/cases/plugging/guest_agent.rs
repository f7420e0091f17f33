//! HB-02, AGT-01: QEMU's guest agent, where the guest has it; and freezing through it.

use std::time::Duration;

use detente_host::HostError;
use detente_host::network::{GATEWAY, NAME};
use detente_plan::CaseId;
use detente_plan::judge::{self, AgentAlive, Finding, GuestFacts};
use detente_plan::protocol::{Observation, Task};
use serde_json::Value;

use super::operating::{Step, Stop, ask, found};
use crate::cases::{Context, Found, no_answer};
use crate::limits::ms;
use crate::session::{AgentRefusal, Session};

/// Numbers that the agent is to repeat, so that no answer of before is taken for one of now.
const NUMBERS: [u32; 2] = [0x00de_7e17, 0x00de_7e18];

/// More addresses than a card has.
const MOST_ADDRESSES: usize = 64;

/// HB-02: it repeats what it is told, and says its version.
pub(crate) fn alive(context: &Context<'_>, session: &mut Session) -> Result<Found, HostError> {
    let limit = context.limit(CaseId::Hb02);
    let talk = |session: &mut Session| -> Step<Finding> {
        let begun = session.elapsed();
        let mut seen = AgentAlive::default();
        for number in NUMBERS {
            if let Err(why) = refused(session.sync_guest_agent(number, limit)?)? {
                seen.not_synced = Some(why);
                return Ok(judge::hb02(&seen, ms(limit)));
            }
            if seen.answered_ms == 0 {
                seen.answered_ms = ms(session.elapsed().saturating_sub(begun));
            }
        }
        if let Ok(info) = refused(session.ask_guest_agent("guest-info", None, limit)?)? {
            seen.version = info["version"].as_str().map(str::to_owned);
            let commands = info["supported_commands"].as_array();
            let enabled = |command: &&Value| command["enabled"] == true;
            let count = commands.into_iter().flatten().filter(enabled).count();
            seen.commands = count as u64;
        }
        Ok(judge::hb02(&seen, ms(limit)))
    };
    found(talk(session))
}

/// AGT-01: what it says is what is seen inside.
pub(crate) fn facts(context: &Context<'_>, session: &mut Session) -> Result<Found, HostError> {
    let limit = context.limit(CaseId::Agt01);
    let talk = |session: &mut Session| -> Step<Finding> {
        let seen = seen_inside(context, session, limit)?;
        let said = said(session, &context.mac, limit)?;
        Ok(judge::agt01(&said, &seen))
    };
    found(talk(session))
}

fn seen_inside(context: &Context<'_>, session: &mut Session, limit: Duration) -> Step<GuestFacts> {
    let os = ask(session, Task::AwaitReady, limit, |seen| match seen {
        Observation::BootState(state) => Some(state.os),
        _ => None,
    })?;
    let probe = Task::ProbeNetwork {
        mac: context.mac.clone(),
        ping: GATEWAY,
        name: NAME.to_owned(),
    };
    let network = ask(session, probe, limit, |seen| match seen {
        Observation::Network(network) => Some(network),
        _ => None,
    })?;
    let kernel = session
        .agent
        .as_ref()
        .map(|agent| agent.kernel_release.clone());
    Ok(GuestFacts {
        os,
        kernel: kernel.unwrap_or_default(),
        interface: network.interface,
        addresses: network.addresses,
    })
}

/// What the guest agent says, or why it does not.
fn said(session: &mut Session, mac: &str, limit: Duration) -> Step<Result<GuestFacts, String>> {
    let [number, _] = NUMBERS;
    if let Err(why) = refused(session.sync_guest_agent(number, limit)?)? {
        return Ok(Err(why));
    }
    let os = match refused(session.ask_guest_agent("guest-get-osinfo", None, limit)?)? {
        Ok(os) => os,
        Err(why) => return Ok(Err(why)),
    };
    let interfaces = "guest-network-get-interfaces";
    let interfaces = match refused(session.ask_guest_agent(interfaces, None, limit)?)? {
        Ok(interfaces) => interfaces,
        Err(why) => return Ok(Err(why)),
    };
    Ok(Ok(read(&os, &interfaces, mac)))
}

/// The agent's answers (QEMU, `qga/qapi-schema.json`), of which anything may be missing.
fn read(os: &Value, interfaces: &Value, mac: &str) -> GuestFacts {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut found = interfaces.as_array().into_iter().flatten();
    let card = found.find(|one| {
        let address = one["hardware-address"].as_str();
        address.is_some_and(|address| address.eq_ignore_ascii_case(mac))
    });
    let card = card.unwrap_or(&Value::Null);
    let addresses = card["ip-addresses"].as_array().into_iter().flatten();
    let ipv4 = addresses.filter(|one| one["ip-address-type"] == "ipv4");
    GuestFacts {
        os: text(&os["pretty-name"]),
        kernel: text(&os["kernel-release"]),
        interface: text(&card["name"]),
        addresses: ipv4
            .take(MOST_ADDRESSES)
            .map(|one| format!("{}/{}", text(&one["ip-address"]), one["prefix"]))
            .collect(),
    }
}

/// Whether the file systems were frozen.
pub(super) enum Freezing {
    Frozen,
    NotFrozen(String),
}

/// Freezes the guest's file systems, if it has an agent that does.
pub(super) fn freeze(session: &mut Session, limit: Duration) -> Step<Freezing> {
    let [number, _] = NUMBERS;
    if let Err(why) = refused(session.sync_guest_agent(number, limit)?)? {
        return Ok(Freezing::NotFrozen(why));
    }
    let frozen = session.ask_guest_agent("guest-fsfreeze-freeze", None, limit)?;
    Ok(match refused(frozen)? {
        Ok(count) if count.as_u64().is_some_and(|count| count > 0) => Freezing::Frozen,
        Ok(count) => Freezing::NotFrozen(format!("{count} file systems were frozen")),
        Err(why) => Freezing::NotFrozen(why),
    })
}

/// Thaws them, if they were frozen; why not.
pub(super) fn thaw(
    session: &mut Session,
    frozen: &Freezing,
    limit: Duration,
) -> Step<Option<String>> {
    match frozen {
        Freezing::NotFrozen(_) => Ok(None),
        Freezing::Frozen => {
            let thawed = session.ask_guest_agent("guest-fsfreeze-thaw", None, limit)?;
            Ok(refused(thawed)?.err())
        }
    }
}

/// An answer, or why the agent refused; a guest that is gone ends the case.
fn refused<T>(answer: Result<T, AgentRefusal>) -> Step<Result<T, String>> {
    match answer {
        Ok(answer) => Ok(Ok(answer)),
        Err(AgentRefusal::Said(why)) => Ok(Err(why)),
        Err(AgentRefusal::Lost(nothing)) => Err(Stop::from(no_answer(nothing))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MAC: &str = "52:54:00:d7:e2:01";

    #[test]
    fn the_agents_answers_are_read() {
        let os = json!({ "pretty-name": "Debian GNU/Linux 12", "kernel-release": "6.1.0" });
        let interfaces = json!([
            { "name": "lo", "ip-addresses": [] },
            { "name": "enp1s0", "hardware-address": "52:54:00:D7:E2:01", "ip-addresses": [
                { "ip-address-type": "ipv4", "ip-address": "10.0.2.15", "prefix": 24 },
                { "ip-address-type": "ipv6", "ip-address": "fe80::1", "prefix": 64 },
            ] },
        ]);
        let facts = read(&os, &interfaces, MAC);
        assert_eq!(facts.os, "Debian GNU/Linux 12");
        assert_eq!(facts.interface, "enp1s0");
        assert_eq!(facts.addresses, ["10.0.2.15/24"]);
    }

    #[test]
    fn an_agent_that_says_something_else_has_said_nothing() {
        for answer in [json!(null), json!(7), json!([7, {}]), json!({ "name": [] })] {
            assert_eq!(read(&answer, &answer, MAC), GuestFacts::default());
        }
    }
}
