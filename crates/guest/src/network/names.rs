//! What names interfaces: udev rules of the guest's own, `.link` files, and older tables.

use detente_volume::FsError;

use super::draft::bind;
use super::networkd;
use crate::facts::{BindBy, Binding, Evidence, NameRule, NameRuleKind};
use crate::files::Files;
use crate::settings::drop_ins;
use crate::settings::ini::Ini;
use crate::settings::lines;
use crate::settings::udev::{self, Operator, Rule};

const RULES: &str = "/etc/udev/rules.d";

/// Rules of distributions that name interfaces; a link to nothing in their place switches them off.
const SWITCHES: [&str; 6] = [
    "/etc/udev/rules.d/70-persistent-net.rules",
    "/etc/udev/rules.d/75-persistent-net-generator.rules",
    "/etc/udev/rules.d/80-net-name-slot.rules",
    "/etc/udev/rules.d/80-net-setup-link.rules",
    "/etc/systemd/network/99-default.link",
    "/etc/systemd/network/73-usb-net-by-mac.link",
];

pub(super) fn gather(files: Files<'_>, all: &mut Vec<NameRule>) -> Result<(), FsError> {
    for path in drop_ins::folder(files, RULES, ".rules")? {
        if let Some(text) = files.text(&path)? {
            all.extend(udev::parse(&path, &text).iter().filter_map(rule));
        }
    }
    for (path, file) in networkd::read(files, ".link")? {
        all.extend(link(&path, &file));
    }
    for path in SWITCHES {
        let is_off = drop_ins::is_masked(files, path)?;
        all.extend(is_off.then(|| NameRule {
            kind: NameRuleKind::SwitchedOff,
            name: None,
            policies: Vec::new(),
            binds: Vec::new(),
            at: Evidence::path(path),
        }));
    }
    for path in ["/etc/mactab", "/etc/iftab"] {
        let text = files.text(path)?.unwrap_or_default();
        all.extend(table(path, &text));
    }
    Ok(())
}

/// A rule for network interfaces that assigns a name.
fn rule(rule: &Rule) -> Option<NameRule> {
    let name = rule.assigned("NAME")?;
    let is_net = rule
        .compared("SUBSYSTEM")
        .map_or_else(|| has_mac(rule), |subsystem| subsystem == "net");
    is_net.then(|| NameRule {
        kind: NameRuleKind::Udev,
        name: Some(name.to_owned()),
        policies: Vec::new(),
        binds: rule_binds(rule),
        at: rule.at.clone(),
    })
}

fn has_mac(rule: &Rule) -> bool {
    rule.keys
        .iter()
        .any(|key| key.attribute.as_deref() == Some("address"))
}

fn rule_binds(rule: &Rule) -> Vec<Binding> {
    let mut binds = Vec::new();
    for key in &rule.keys {
        let (name, attribute) = (key.name.as_str(), key.attribute.as_deref());
        if key.operator == Operator::Assign || key.value == "?*" {
            continue;
        }
        let by = match (name, attribute) {
            ("SUBSYSTEM" | "ACTION", _) => continue,
            ("KERNEL", _) => BindBy::Name,
            ("ATTR" | "ATTRS" | "SYSFS", Some("address")) => BindBy::Mac,
            ("DRIVER" | "DRIVERS", _) | ("ENV", Some("ID_NET_DRIVER")) => BindBy::Driver,
            ("KERNELS" | "ID" | "BUS" | "DEVPATH", _) | ("ENV", Some("ID_PATH")) => BindBy::Path,
            ("ATTR", Some("type")) => BindBy::Type,
            (_, _) => BindBy::Other,
        };
        let sign = match key.operator {
            Operator::Unequal => "!",
            Operator::Equal | Operator::Assign => "",
        };
        binds.push(bind(by, &format!("{sign}{}", key.value), &rule.at));
    }
    binds
}

/// [systemd.link(5)].
fn link(path: &str, file: &Ini) -> Option<NameRule> {
    let name = file
        .last("Link", "Name")
        .filter(|own| !own.value.is_empty());
    let policy = file.last("Link", "NamePolicy");
    let at = name.or(policy)?.at.clone();
    let policies = policy.map_or("", |own| &own.value).split_whitespace();
    // A distribution's own rule for all: the file says it, not a line.
    let at = if path.starts_with("/etc/") {
        at
    } else {
        Evidence::path(path)
    };
    Some(NameRule {
        kind: NameRuleKind::Link,
        name: name.map(|own| own.value.clone()),
        policies: policies.map(str::to_owned).collect(),
        binds: networkd::binds(file),
        at,
    })
}

/// `eth0 00:11:22:33:44:55`: nameif's and ifrename's tables.
fn table(path: &str, text: &str) -> Vec<NameRule> {
    let rule = |(number, line): (u32, &str)| {
        let mut words = line.split_whitespace();
        let (name, mac) = (words.next()?, words.find(|word| *word != "mac")?);
        let at = Evidence::line(path, number);
        Some(NameRule {
            kind: NameRuleKind::Table,
            name: Some(name.to_owned()),
            policies: Vec::new(),
            binds: vec![bind(BindBy::Mac, mac, &at)],
            at,
        })
    };
    lines(text, &['#']).filter_map(rule).collect()
}

pub(super) fn exercise(text: &str) {
    for own in udev::parse("/x", text) {
        rule(&own);
    }
    link("/etc/x", &Ini::systemd("/etc/x", text));
    table("/x", text);
}
