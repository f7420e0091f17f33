//! What is bound to a driver, a place or a pattern: the other worlds' are added.

use detente_volume::FsError;

use super::{Case, bind, macs};
use crate::check::By;
use crate::facts::{BindBy, NameRule, NameRuleKind};
use crate::prepare::draft::Draft;
use crate::prepare::edit::ini;
use crate::prepare::edit::lines::{self, Line};

/// A pattern of names that other hardware's cards do not fit: those are added.
pub(super) fn pattern(own: Case<'_>, draft: &mut Draft<'_>, pattern: &str) -> Result<(), FsError> {
    let (Some(path), Some(number)) = (&own.proof.file, own.proof.line) else {
        return Ok(());
    };
    let is_networkd = path.ends_with(".network");
    if !is_networkd {
        own.leave(
            draft,
            format!("{path}:{number}: widen the pattern {pattern} by hand, such as e*"),
        );
        return Ok(());
    }
    let why = own.why(format!("{path} is for cards of either naming."));
    draft.edit(path, &why, |bytes| {
        lines::one(bytes, number, |text| {
            let more: Vec<&str> = ["en*", "eth*"]
                .into_iter()
                .filter(|name| !text.split(['=', ' ']).any(|own| own == *name))
                .collect();
            Line::Text(format!("{text} {}", more.join(" ")))
        })
    })?;
    Ok(())
}

/// The drivers of the asked hardware's cards that a list lacks.
fn missing<'a>(own: &Case<'_>, list: &str) -> Vec<&'a str> {
    let mut all: Vec<&str> = Vec::new();
    for profile in own.ask.profiles() {
        let driver = profile.network_driver();
        let is_there = list
            .split(|c: char| !(c.is_alphanumeric() || c == '_'))
            .any(|own| own == driver);
        if !is_there && !all.contains(&driver) {
            all.push(driver);
        }
    }
    all
}

/// A connection that is bound to a driver: those of the other worlds are added.
pub(super) fn drivers(own: Case<'_>, draft: &mut Draft<'_>) -> Result<(), FsError> {
    let (Some(path), Some(number), Some(old)) = (&own.proof.file, own.proof.line, &own.proof.value)
    else {
        return Ok(());
    };
    let more = missing(&own, old);
    let why = own.why(format!("{} {} as well as {old}.", path, more.join(", ")));
    let widened = |text: &str| widened(path, text, old, &more);
    let done = draft.edit(path, &why, |bytes| {
        lines::one(bytes, number, |text| {
            widened(text).map_or(Line::Keep, Line::Text)
        })
    })?;
    // Another profile's finding may have added it already.
    if !done && !has(draft, path, number, &more)? {
        own.leave(
            draft,
            format!("{path}:{number}: add {} by hand", more.join(" ")),
        );
    }
    Ok(())
}

fn has(draft: &Draft<'_>, path: &str, number: u32, words: &[&str]) -> Result<bool, FsError> {
    let bytes = draft.bytes(path)?.unwrap_or_default();
    let mut all = false;
    lines::edit(&bytes, |own, text| {
        all |= own == number && words.iter().all(|word| text.contains(word));
        Line::Keep
    });
    Ok(all)
}

/// The line with more drivers, in its file's syntax.
fn widened(path: &str, text: &str, old: &str, more: &[&str]) -> Option<String> {
    if more.is_empty() || more.iter().all(|own| text.contains(own)) {
        return None;
    }
    let at = text.rfind(old)?;
    let (head, tail) = text.split_at_checked(at.checked_add(old.len())?)?;
    if path.ends_with(".network") || path.ends_with(".link") {
        return Some(format!("{head} {}{tail}", more.join(" ")));
    }
    if path.ends_with(".rules") {
        return Some(format!("{head}|{}{tail}", more.join("|")));
    }
    if path.contains("/NetworkManager/") {
        return Some(format!("{head};{}{tail}", more.join(";")));
    }
    // netplan hands the value on to systemd-networkd as it is: a list in one scalar.
    let quoted = tail.starts_with(['"', '\'']);
    let bare = tail.trim().is_empty() || tail.trim_start().starts_with('#');
    match (quoted, bare) {
        (true, _) => Some(format!("{head} {}{tail}", more.join(" "))),
        (false, true) => {
            let (before, _) = text.split_at_checked(at)?;
            Some(format!("{before}\"{old} {}\"{tail}", more.join(" ")))
        }
        (false, false) => None,
    }
}

/// A rule that names a card by a driver or a place.
pub(super) fn name_rule(own: Case<'_>, draft: &mut Draft<'_>) -> Result<(), FsError> {
    let Some(rule) = rule(own) else {
        own.leave(draft, "the rule was not found again");
        return Ok(());
    };
    let by_driver = |bind: &&crate::facts::Binding| {
        bind.by == BindBy::Driver && own.proof.value.as_deref() == Some(bind.value.as_str())
    };
    if rule.binds.iter().any(|bind| by_driver(&bind)) {
        return drivers(own, draft);
    }
    let name = rule.name.as_deref().unwrap_or_default();
    let path = rule.at.path.as_str();
    match (rule.kind, macs::of(own.ask, name)?) {
        (NameRuleKind::Link, Some(mac)) if super::is_name(name) => {
            let why = own.why(format!("{name} is the card with the address {mac}."));
            draft.edit(path, &why, |bytes| {
                let bytes = ini::unset(bytes, "Match", "Path");
                ini::set(&bytes, "Match", "MACAddress", &mac.to_string())
            })?;
        }
        (NameRuleKind::Netplan, _) => bind::by_mac(own, draft)?,
        (_, None) => own.leave(draft, super::unknown(name)),
        (_, Some(mac)) => draft.leave(
            own.finding.rule,
            By::Hand,
            format!("{path} names {name} by its place: compare ATTR{{address}} with {mac} instead"),
        ),
    }
    Ok(())
}

fn rule(own: Case<'_>) -> Option<&NameRule> {
    let (path, line) = (own.proof.file.as_deref()?, own.proof.line);
    let mut rules = own.ask.facts.network.names.iter();
    rules.find(|rule| {
        let mut binds = rule.binds.iter();
        binds.any(|bind| bind.at.path == path && bind.at.line == line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drivers_are_added_in_each_syntax() {
        let check = |path: &str, text: &str, expect: Option<&str>| {
            let new = widened(path, text, "virtio_net", &["hv_netvsc"]);
            assert_eq!(new.as_deref(), expect, "{text}");
        };
        check(
            "/x.network",
            "Driver=virtio_net",
            Some("Driver=virtio_net hv_netvsc"),
        );
        check(
            "/etc/udev/rules.d/x.rules",
            "DRIVERS==\"virtio_net\", NAME=\"lan0\"",
            Some("DRIVERS==\"virtio_net|hv_netvsc\", NAME=\"lan0\""),
        );
        check(
            "/etc/netplan/x.yaml",
            "      driver: virtio_net # c",
            Some("      driver: \"virtio_net hv_netvsc\" # c"),
        );
        check(
            "/etc/netplan/x.yaml",
            "  driver: \"virtio_net\"",
            Some("  driver: \"virtio_net hv_netvsc\""),
        );
        check("/etc/netplan/x.yaml", "match: {driver: virtio_net}", None);
        check(
            "/etc/NetworkManager/system-connections/a",
            "driver=virtio_net;",
            Some("driver=virtio_net;hv_netvsc;"),
        );
        check("/x.network", "Driver=virtio_net hv_netvsc", None);
    }
}
