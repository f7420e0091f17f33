//! Names of network interfaces, and where they hold.

use super::View;
use crate::facts::{BindBy, Connection, Family, Init, LinkKind, NameRule, NameRuleKind};

/// What a profile calls its network cards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Naming {
    /// `eth0`, `eth1`.
    Numbered,
    /// By the slot: `enp1s0`, `ens3`.
    BySlot,
}

/// How a profile names cards in this guest. Cards on Hyper-V's bus have no slot, so that they keep
/// the kernel's own names whatever the guest prefers.
pub(crate) fn naming(view: &View<'_>) -> Naming {
    if view.profile.is_hyperv() || !names_by_slot(view) {
        Naming::Numbered
    } else {
        Naming::BySlot
    }
}

fn names_by_slot(view: &View<'_>) -> bool {
    let arguments = view.arguments();
    let last = arguments.iter().rev().find(|own| own.name == "net.ifnames");
    if last.is_some_and(|own| own.value() == "0") || is_switched_off(view) {
        return false;
    }
    match view.facts.services.init {
        Init::Upstart | Init::SysV | Init::OpenRc => return false,
        Init::Systemd | Init::Unknown => {}
    }
    let id = view.facts.operating_system.id.as_str();
    match (view.facts.operating_system.family, view.major()) {
        (Family::Alpine, _) => false,
        // SUSE kept the kernel's names up to SLES 15.
        (Family::Suse, Some(major)) => (16..42).contains(&major),
        (Family::Rhel, Some(major)) => major >= 7,
        (Family::Debian, Some(major)) if id == "ubuntu" => major >= 16,
        (Family::Debian, Some(major)) => major >= 9,
        (
            Family::Rhel
            | Family::Debian
            | Family::Suse
            | Family::Arch
            | Family::Flatcar
            | Family::Other,
            _,
        ) => true,
    }
}

fn is_switched_off(view: &View<'_>) -> bool {
    let mut rules = view.facts.network.names.iter();
    rules.any(|rule| rule.kind == NameRuleKind::SwitchedOff && names_links(rule))
}

/// Whether what is switched off is what names by slot: not so for rules that only keep old names.
fn names_links(rule: &NameRule) -> bool {
    let path = &rule.at.path;
    path.contains("80-net") || path.contains("99-default.link")
}

/// What becomes of a card's connection on this hardware.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It finds its card.
    Applies,
    /// It does if the card is in the slot that its name says.
    IfSlot,
    /// No card has its name.
    NoSuchName,
    /// It asks for another driver.
    OtherDriver,
    /// It asks for another place on a bus.
    OtherPath,
}

/// The connections of network cards that come up by themselves.
pub(crate) fn cards<'a>(view: &View<'a>) -> impl Iterator<Item = &'a Connection> {
    let connections = view.facts.network.connections.iter();
    connections.filter(|own| own.kind == LinkKind::Ethernet && own.on_boot)
}

/// What becomes of a connection.
pub(crate) fn fate(view: &View<'_>, connection: &Connection) -> Fate {
    let mut worst = Fate::Applies;
    for bind in &connection.binds {
        match bind.by {
            BindBy::Driver if !matches(&bind.value, view.profile.network_driver()) => {
                return Fate::OtherDriver;
            }
            BindBy::Path if is_elsewhere(view, &bind.value) => return Fate::OtherPath,
            BindBy::Name if worst == Fate::Applies => worst = name_fate(view, &bind.value),
            BindBy::Driver
            | BindBy::Path
            | BindBy::Name
            | BindBy::Mac
            | BindBy::Type
            | BindBy::Other => {}
        }
    }
    worst
}

/// What becomes of what is bound to an interface's name; patterns are allowed.
pub(crate) fn name_fate(view: &View<'_>, name: &str) -> Fate {
    if is_given(view, name) {
        return Fate::Applies;
    }
    match naming(view) {
        Naming::Numbered if is_numbered(name) || matches(name, "eth0") => Fate::Applies,
        Naming::BySlot if name.contains('*') && matches(name, "enp1s0") => Fate::Applies,
        Naming::BySlot if is_by_slot(name) => Fate::IfSlot,
        Naming::Numbered | Naming::BySlot => Fate::NoSuchName,
    }
}

/// Whether a rule of the guest's own gives this name to a card that is there on this hardware.
fn is_given(view: &View<'_>, name: &str) -> bool {
    let mut rules = view.facts.network.names.iter();
    rules.any(|rule| rule.name.as_deref() == Some(name) && rule_applies(view, rule))
}

/// Whether a rule that names cards finds one on this hardware.
pub(crate) fn rule_applies(view: &View<'_>, rule: &NameRule) -> bool {
    rule.binds.iter().all(|bind| match bind.by {
        BindBy::Driver => matches(&bind.value, view.profile.network_driver()),
        BindBy::Path => !is_elsewhere(view, &bind.value),
        BindBy::Name => {
            matches(&bind.value, "eth0") || name_fate_unnamed(view, &bind.value) != Fate::NoSuchName
        }
        BindBy::Mac | BindBy::Type | BindBy::Other => true,
    })
}

/// [`name_fate`] without the guest's own rules, so that rules do not ask each other in a circle.
fn name_fate_unnamed(view: &View<'_>, name: &str) -> Fate {
    match naming(view) {
        Naming::Numbered if is_numbered(name) => Fate::Applies,
        Naming::BySlot if is_by_slot(name) => Fate::IfSlot,
        Naming::Numbered | Naming::BySlot => Fate::NoSuchName,
    }
}

/// Whether a place on a bus is one that this hardware's cards do not have.
fn is_elsewhere(view: &View<'_>, path: &str) -> bool {
    if path.starts_with('*') {
        return false;
    }
    let pci = path.contains("pci") || path.starts_with("0000:");
    let vmbus = path.contains("vmbus") || path.contains("VMBUS");
    if view.profile.is_hyperv() { pci } else { vmbus }
}

fn is_numbered(name: &str) -> bool {
    let number = name.strip_prefix("eth");
    number.is_some_and(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit()))
}

fn is_by_slot(name: &str) -> bool {
    let rest = name.strip_prefix("en");
    rest.is_some_and(|rest| rest.starts_with(['p', 's', 'o', 'P']))
}

/// Whether a pattern with `*` and `?` fits a name. Several patterns may stand in one value, as
/// systemd (blanks), NetworkManager (`;`) and udev (`|`) part them.
fn matches(patterns: &str, name: &str) -> bool {
    patterns
        .split(|c: char| c.is_whitespace() || matches!(c, ';' | '|'))
        .any(|pattern| glob(pattern.as_bytes(), name.as_bytes()))
}

/// Goes back to the last `*` alone, so that no pattern takes long.
fn glob(pattern: &[u8], name: &[u8]) -> bool {
    let (mut pattern, mut name) = (pattern, name);
    let mut star: Option<(&[u8], &[u8])> = None;
    loop {
        match (pattern.split_first(), name.split_first()) {
            (Some((b'*', rest)), _) => {
                star = Some((rest, name));
                pattern = rest;
            }
            (Some((own, rest)), Some((c, tail))) if own == c || *own == b'?' => {
                (pattern, name) = (rest, tail);
            }
            (None, None) => return true,
            (Some(_) | None, _) => match star.and_then(|(after, at)| Some((after, at.get(1..)?))) {
                Some((after, at)) => {
                    star = Some((after, at));
                    (pattern, name) = (after, at);
                }
                None => return false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_names() {
        assert!(matches("e*", "eth0"));
        assert!(matches("en* eth*", "eth0"));
        assert!(matches("eth?", "eth0"));
        assert!(!matches("en*", "eth0"));
        assert!(matches("hv_netvsc", "hv_netvsc"));
        assert!(matches("virtio_net;hv_netvsc", "hv_netvsc"));
        assert!(matches("virtio_net|hv_netvsc", "virtio_net"));
        assert!(is_by_slot("enp1s0") && is_by_slot("ens3") && !is_by_slot("eth0"));
        assert!(is_numbered("eth10") && !is_numbered("eth"));
    }
}
