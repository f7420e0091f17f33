//! What the systems' own programs make of the same files: netplan writes networkd's files, `nmcli`
//! writes a profile anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Output, Stdio};

use detente_samples::{can_use, tool};

use super::gather;
use crate::facts::{BindBy, Connection, Evidence, LinkKind, Method, Protocol};
use crate::settings::arguments::Arguments;
use crate::tests::memory::Memory;

/// What decides of a connection, in words of which each stands for itself.
type Words = BTreeSet<String>;

fn connections(memory: &Memory) -> Vec<Connection> {
    let (at, mut notes) = (Evidence::path("/proc/cmdline"), Vec::new());
    let network = gather(memory.files(), &Arguments::parse("", &at), &mut notes).unwrap();
    assert_eq!(notes, [""; 0]);
    network.connections
}

fn words_of(connection: &Connection) -> Words {
    let mut words = Words::new();
    let mut say = |what: &str, value: &str| {
        words.insert(format!("{what} {value}"));
    };
    for (protocol, name) in [(&connection.ipv4, "4"), (&connection.ipv6, "6")] {
        if protocol.method == Method::Dhcp {
            say("dhcp", name);
        }
        for own in &protocol.addresses {
            say(
                "address",
                &format!("{}/{}", own.address, own.prefix.unwrap()),
            );
        }
        for own in &protocol.gateways {
            say("via", &own.value);
        }
    }
    for own in &connection.dns {
        say("dns", &own.value);
    }
    for own in &connection.binds {
        match own.by {
            BindBy::Name => say("name", &own.value),
            BindBy::Mac => say("mac", &own.value.to_lowercase()),
            BindBy::Driver => say("driver", &own.value),
            BindBy::Path | BindBy::Type | BindBy::Other => panic!("{own:?}"),
        }
    }
    for (what, own) in [("of", &connection.master), ("on", &connection.parent)] {
        if let Some(own) = own {
            say(what, &own.value);
        }
    }
    let kind = match &connection.kind {
        LinkKind::Ethernet => return words,
        LinkKind::Bond => "bond",
        LinkKind::Bridge => "bridge",
        LinkKind::Vlan => "vlan",
        LinkKind::Team | LinkKind::Loopback | LinkKind::Other(_) => panic!("{connection:?}"),
    };
    say("kind", kind);
    words
}

/// `[Section]` and `Key=Value`, section by section.
fn entries(text: &str) -> Vec<(String, String, String)> {
    let (mut section, mut all) = (String::new(), Vec::new());
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
        } else if let Some((key, value)) = line.split_once('=') {
            all.push((section.clone(), key.to_owned(), value.to_owned()));
        }
    }
    all
}

/// networkd's files that netplan wrote, by the names of its own connections.
fn theirs(folder: &Path) -> BTreeMap<String, Words> {
    let (mut all, mut above) = (BTreeMap::<String, Words>::new(), Vec::new());
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let name = name.strip_prefix("10-netplan-").unwrap().to_owned();
        // A card that gets a name is looked for by its old one: that stands in the `.link` file.
        let renamed = folder.join(format!("10-netplan-{name}.link")).exists();
        let made = folder.join(format!("10-netplan-{name}.netdev")).exists();
        let words = all.entry(name.clone()).or_default();
        let in_link = path.extension().unwrap() == "link";
        let mut everywhere = true;
        for (section, key, value) in entries(&fs::read_to_string(&path).unwrap()) {
            let word = match (section.as_str(), key.as_str()) {
                ("Match", _) if made || renamed != in_link => continue,
                ("Match", "Name" | "OriginalName") => "name",
                ("Match", "MACAddress" | "PermanentMACAddress") => "mac",
                ("Match", "Driver") => "driver",
                ("Network" | "Address", "Address") => "address",
                ("Route", "Destination") => {
                    everywhere = ["0.0.0.0/0", "::/0"].contains(&value.as_str());
                    continue;
                }
                ("Route", "Gateway") if !everywhere => continue,
                ("Network" | "Route", "Gateway") => "via",
                ("Network", "DNS") => "dns",
                ("Network", "Bond" | "Bridge") => "of",
                ("NetDev", "Kind") => "kind",
                ("Network", "VLAN") => {
                    above.push((value, name.clone()));
                    continue;
                }
                ("Network", "DHCP") => {
                    for family in ["4", "6"] {
                        if value == "yes" || value == format!("ipv{family}") {
                            words.insert(format!("dhcp {family}"));
                        }
                    }
                    continue;
                }
                _ => continue,
            };
            words.insert(format!("{word} {value}"));
        }
    }
    for (vlan, below) in above {
        all.entry(vlan).or_default().insert(format!("on {below}"));
    }
    all
}

/// Two files of netplan's, the second laid over the first.
const NETPLAN: [&str; 2] = [
    "network:
  version: 2
  ethernets:
    lan:
      match: {macaddress: \"52:54:00:12:34:56\", name: \"en*\"}
      set-name: lan0
      addresses: [192.0.2.10/24, \"2001:db8::10/64\"]
      gateway4: 192.0.2.1
      nameservers: {addresses: [192.0.2.53, \"2001:db8::53\"], search: [example.org]}
    ens4: {dhcp4: true}
    ens5: {dhcp6: true, optional: true}
    ens6: &both
      dhcp4: on
      dhcp6: YES
    ens7: *both
    fast: {match: {driver: virtio_net}}
    s1: {}
    s2: {}
    ens8:
      addresses:
      - 198.51.100.7/26: {label: \"ens8:one\"}
      routes: [{to: 10.0.0.0/8, via: 198.51.100.1}, {to: 0.0.0.0/0, via: 198.51.100.2, metric: 9}]
      nameservers:
        addresses:
        - 198.51.100.53
",
    "network:
  ethernets:
    ens5: {dhcp6: false, addresses: [203.0.113.99/32]}
    ens8: {addresses: [198.51.100.8/26], nameservers: {addresses: [198.51.100.54]}}
  bonds:
    bond0:
      interfaces: [s1, s2]
      parameters: {mode: active-backup}
      addresses: [198.51.100.135/25]
      routes: [{to: \"::/0\", via: \"2001:db8::1\", on-link: true}]
  bridges: {br0: {interfaces: [ens4], dhcp4: true}}
  vlans: {vlan7: {id: 7, link: bond0, addresses: [203.0.113.7/28]}}
",
];

#[test]
fn netplan_writes_what_we_read() {
    if !can_use("netplan_writes_what_we_read", &["netplan"]) {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("etc/netplan");
    fs::create_dir_all(&folder).unwrap();
    let mut memory = Memory::new();
    for (name, text) in ["10-first.yaml", "90-second.yaml"].into_iter().zip(NETPLAN) {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        memory = memory.file(&format!("/etc/netplan/{name}"), text);
    }
    let mut command = tool("netplan");
    command.args(["generate", "--root-dir"]).arg(place.path());
    succeeded(&command.output().unwrap());
    let ours = connections(&memory);
    let named = |own: &Connection| (own.name.clone(), words_of(own));
    let ours: BTreeMap<String, Words> = ours.iter().map(named).collect();
    let theirs = theirs(&place.path().join("run/systemd/network"));
    assert_eq!(theirs.len(), 12);
    for (name, words) in &theirs {
        assert_eq!(ours.get(name), Some(words), "{name}");
    }
    assert_eq!(ours.len(), theirs.len());
}

/// Profiles as users and older versions write them.
const PROFILES: [&str; 5] = [
    "[connection]\nid=old\nuuid=2bdfdb7e-1d5c-4a5b-9c4f-000000000001\ntype=802-3-ethernet\n\
     autoconnect=false\nmaster=bond0\nslave-type=bond\n\
     [802-3-ethernet]\nmac-address=82;84;0;18;52;86;\n",
    "[connection]\nid=a b\nuuid=2bdfdb7e-1d5c-4a5b-9c4f-000000000002\ntype=ethernet\n\
     interface-name=ens3\n[match]\ndriver=virtio_net;hv_netvsc;\n\
     [ipv4]\naddresses1=192.0.2.11;25;192.0.2.2;\ndns=192.0.2.53;192.0.2.54\nmethod=manual\n\
     [ipv6]\naddresses=2001:db8::1/64\naddress2=2001:db8::2/64,2001:db8::ff\nmethod=manual\n",
    "[connection]\nid=routes\nuuid=2bdfdb7e-1d5c-4a5b-9c4f-000000000003\ntype=ethernet\n\
     [ethernet]\nmac-address=52:54:00:ab:CD:ef\n[ipv4]\nmethod=manual\naddress1=192.0.2.11/25\n\
     routes1=0.0.0.0;0;192.0.2.3;5\nroute2=10.0.0.0/8,192.0.2.4\n\
     [ipv6]\nmethod=auto\nroute1=::/0,2001:db8::3\ndns=2001:db8::53;\n",
    "[connection]\nid=vlan\nuuid=2bdfdb7e-1d5c-4a5b-9c4f-000000000004\ntype=vlan\n\
     interface-name=v7\n[vlan]\nid=7\nparent=bond0\nflags=1\n[ipv4]\nmethod=manual\n\
     address=203.0.113.7/28\ngateway=203.0.113.1\n[ipv6]\nmethod=ignore\n",
    "[connection]\nid=bond0\nuuid=2bdfdb7e-1d5c-4a5b-9c4f-000000000005\ntype=bond\n\
     interface-name=bond0\n[bond]\nmode=active-backup\nmiimon=100\n[ipv4]\nmethod=auto\n\
     dns=\n[ipv6]\nmethod=disabled\n",
];

#[test]
fn networkmanager_reads_profiles_as_we_do() {
    if !can_use("networkmanager_reads_profiles_as_we_do", &["nmcli"]) {
        return;
    }
    let read = |text: &str| {
        let path = "/etc/NetworkManager/system-connections/one.nmconnection";
        let all = connections(&Memory::new().file(path, text));
        let [own] = all.as_slice() else {
            panic!("{all:?}");
        };
        let methods = [&own.ipv4, &own.ipv6].map(|own: &Protocol| own.method);
        let interface = own.interface.clone();
        (
            words_of(own),
            methods,
            own.on_boot,
            interface,
            own.name.clone(),
        )
    };
    for profile in PROFILES {
        let again = written_by_nmcli(profile);
        assert_eq!(read(profile), read(&again), "{again}");
    }
}

/// The profile, read and written by NetworkManager's own code. A label that nothing reads is
/// changed, for without a change it is not read.
fn written_by_nmcli(profile: &str) -> String {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("profile");
    fs::write(&path, profile).unwrap();
    let mut command = tool("nmcli");
    command.args(["--offline", "connection", "modify", "connection.zone", "x"]);
    command.stdin(Stdio::from(fs::File::open(&path).unwrap()));
    let output = command.output().unwrap();
    succeeded(&output);
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn succeeded(output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}
