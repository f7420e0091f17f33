//! ifupdown and ifupdown-ng: [interfaces(5)].

use std::collections::BTreeSet;

use detente_volume::FsError;

use super::address;
use super::draft::{bind, connection, is_dotted_vlan, is_made, kind_of_name};
use crate::facts::{BindBy, Connection, Evidence, LinkKind, Method, NetworkSystem, Setting};
use crate::files::Files;
use crate::settings::{joined_lines, words};

const MAIN: &str = "/etc/network/interfaces";
/// Files that are read because another one names them.
const MAX_FILES: usize = 256;

pub(super) fn gather(files: Files<'_>, all: &mut Vec<Connection>) -> Result<(), FsError> {
    let mut reader = Reader::default();
    let mut queue = vec![MAIN.to_owned()];
    let mut seen = BTreeSet::new();
    while let Some(path) = queue.pop() {
        if seen.len() >= MAX_FILES || !seen.insert(path.clone()) {
            continue;
        }
        let text = files.text(&path)?.unwrap_or_default();
        for source in reader.read(&path, &text) {
            queue.extend(sources(files, &source)?);
        }
    }
    all.extend(reader.finish());
    Ok(())
}

/// A file or a folder that another file names.
enum Source {
    Files(String),
    Folder(String),
}

/// The files that a `source` line names.
fn sources(files: Files<'_>, source: &Source) -> Result<Vec<String>, FsError> {
    let (folder, pattern) = match source {
        Source::Folder(folder) => (folder.trim_end_matches('/'), None),
        Source::Files(path) => match path.rsplit_once('/') {
            Some((folder, pattern)) => (folder, Some(pattern)),
            None => return Ok(Vec::new()),
        },
    };
    // Names of files in a folder that is read as a whole: [interfaces(5)], source-directory.
    let is_plain = |name: &str| {
        name.chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
    };
    let fits = |name: &String| match pattern {
        Some(pattern) => !name.starts_with('.') && words::fits(pattern, name),
        None => is_plain(name),
    };
    let names = files.list(folder)?.into_iter().filter(fits);
    // The queue is a stack: the first one is to come out first.
    let mut paths: Vec<String> = names.map(|name| format!("{folder}/{name}")).collect();
    paths.truncate(MAX_FILES);
    paths.reverse();
    Ok(paths)
}

/// What was read so far.
#[derive(Default)]
struct Reader {
    connections: Vec<Connection>,
    on_boot: BTreeSet<String>,
    /// The connection and the protocol that options belong to.
    current: Option<(usize, Family)>,
}

/// The protocol of a stanza; ifupdown-ng needs none.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Inet,
    Inet6,
    Any,
}

impl Reader {
    /// Reads a file, and says which further ones it names.
    fn read(&mut self, path: &str, text: &str) -> Vec<Source> {
        let mut sources = Vec::new();
        self.current = None;
        for (number, line) in joined_lines(text, &['#']) {
            let at = Evidence::line(path, number);
            let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((&line, ""));
            let rest = rest.trim();
            match word {
                "source" => sources.push(Source::Files(absolute(rest))),
                "source-directory" => sources.push(Source::Folder(absolute(rest))),
                "auto" | "allow-auto" | "allow-hotplug" => {
                    self.on_boot.extend(words::list(rest).map(str::to_owned));
                    self.current = None;
                }
                "iface" => self.stanza(rest, at),
                "mapping" | "template" => self.current = None,
                _ if word.starts_with("no-auto") || word.starts_with("allow-") => {
                    self.current = None;
                }
                _ => self.option(word, rest, &at),
            }
        }
        sources
    }

    fn stanza(&mut self, rest: &str, at: Evidence) {
        let mut words = rest.split_whitespace();
        let Some(name) = words.next() else {
            return;
        };
        let family = match words.next() {
            Some("inet") => Family::Inet,
            Some("inet6") => Family::Inet6,
            Some(_) | None => Family::Any,
        };
        let index = self.index(name, at);
        self.current = Some((index, family));
        let method = match words.next() {
            Some("dhcp" | "bootp") => Method::Dhcp,
            Some("static") => Method::Static,
            Some("auto") => Method::Automatic,
            Some("manual") => Method::Disabled,
            Some("loopback") => {
                self.change(index, |own| own.kind = LinkKind::Loopback);
                Method::Unset
            }
            Some(_) | None => Method::Unset,
        };
        self.method(method);
    }

    /// The connection of this name, which several stanzas may describe.
    fn index(&mut self, name: &str, at: Evidence) -> usize {
        if let Some(index) = self.connections.iter().position(|own| own.name == name) {
            return index;
        }
        let mut new = connection(NetworkSystem::Ifupdown, name, at);
        new.interface = Some(name.to_owned());
        new.kind = kind_of_name(name).unwrap_or(LinkKind::Ethernet);
        if is_dotted_vlan(name)
            && let Some((parent, _)) = name.rsplit_once('.')
        {
            new.parent = Some(Setting::new("iface", parent, new.at.clone()));
        }
        self.connections.push(new);
        self.connections.len().saturating_sub(1)
    }

    fn change(&mut self, index: usize, change: impl FnOnce(&mut Connection)) {
        if let Some(own) = self.connections.get_mut(index) {
            change(own);
        }
    }

    fn method(&mut self, method: Method) {
        let Some((index, family)) = self.current else {
            return;
        };
        self.change(index, |own| {
            let protocol = match family {
                Family::Inet | Family::Any => &mut own.ipv4,
                Family::Inet6 => &mut own.ipv6,
            };
            // A second stanza that sets up nothing takes nothing away.
            if !(method == Method::Disabled && protocol.method != Method::Unset) {
                protocol.method = method;
            }
        });
    }

    fn option(&mut self, word: &str, rest: &str, at: &Evidence) {
        let Some((index, family)) = self.current else {
            return;
        };
        if word == "use" && rest == "dhcp" {
            self.method(Method::Dhcp);
            return;
        }
        self.change(index, |own| option(own, family, word, rest, at));
    }

    fn finish(self) -> Vec<Connection> {
        let Self {
            mut connections,
            on_boot,
            current: _,
        } = self;
        for own in &mut connections {
            own.on_boot = on_boot
                .iter()
                .any(|name| words::fits(name.trim_start_matches('/'), &own.name));
            if !is_made(&own.kind) {
                own.binds.push(bind(BindBy::Name, &own.name, &own.at));
            }
            for protocol in [&mut own.ipv4, &mut own.ipv6] {
                if protocol.method == Method::Unset && !protocol.addresses.is_empty() {
                    protocol.method = Method::Static;
                }
            }
        }
        connections
    }
}

/// Paths are seen from `/etc/network` unless they are absolute.
fn absolute(path: &str) -> String {
    if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/etc/network/{path}")
    }
}

fn option(own: &mut Connection, family: Family, word: &str, rest: &str, at: &Evidence) {
    let setting = || Setting::new(word, rest, at.clone());
    let each = || words::list(rest).map(|item| Setting::new(word, item, at.clone()));
    match word.replace('_', "-").as_str() {
        "address" => address::add(own, rest, at),
        "netmask" => netmask(own, family, rest),
        "gateway" => address::add_gateway(own, &setting()),
        "dns-nameservers" | "dns-nameserver" => own.dns.extend(each()),
        "hwaddress" => {
            let mac = rest.trim_start_matches("ether").trim();
            own.mac = Some(Setting::new(word, mac, at.clone()));
        }
        "bond-master" => own.master = Some(setting()),
        "bond-slaves" | "bond-members" => {
            own.kind = LinkKind::Bond;
            own.ports.extend(each().filter(|port| port.value != "none"));
        }
        "bond-mode" => own.kind = LinkKind::Bond,
        "bridge-ports" => {
            own.kind = LinkKind::Bridge;
            own.ports.extend(each().filter(|port| port.value != "none"));
        }
        "vlan-raw-device" => {
            own.kind = LinkKind::Vlan;
            own.parent = Some(setting());
        }
        _ => (),
    }
}

/// Belongs to the address before it.
fn netmask(own: &mut Connection, family: Family, text: &str) {
    let protocol = match family {
        Family::Inet | Family::Any => &mut own.ipv4,
        Family::Inet6 => &mut own.ipv6,
    };
    if let Some(address) = protocol.addresses.last_mut()
        && address.prefix.is_none()
    {
        address.prefix = address::prefix_of(text);
    }
}

pub(super) fn exercise(text: &str) {
    let mut reader = Reader::default();
    reader.read("/x", text);
    reader.finish();
}
