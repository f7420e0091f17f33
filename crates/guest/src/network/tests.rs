//! One guest for each system; expected values from the manual pages of each.

use super::gather;
use crate::facts::{
    BindBy, Connection, Evidence, LinkKind, Method, NameRuleKind, Network, NetworkSystem,
};
use crate::settings::arguments::Arguments;
use crate::tests::memory::Memory;

fn network(memory: &Memory) -> Network {
    let mut notes = Vec::new();
    let line = "root=/dev/sda1 net.ifnames=0 biosdevname=0 quiet";
    let arguments = Arguments::parse(line, &Evidence::path("/boot/grub/grub.cfg"));
    let network = gather(memory.files(), &arguments, &mut notes).unwrap();
    assert_eq!(notes, [""; 0]);
    assert_eq!(network.arguments.len(), 2);
    network
}

fn find<'a>(network: &'a Network, name: &str) -> &'a Connection {
    let mut all = network.connections.iter();
    all.find(|own| own.name == name)
        .unwrap_or_else(|| panic!("no {name} in {network:#?}"))
}

/// `name=eth0@3 mac=…@4`
fn binds(connection: &Connection) -> String {
    let word = |bind: &crate::facts::Binding| {
        let by = match bind.by {
            BindBy::Name => "name",
            BindBy::Mac => "mac",
            BindBy::Driver => "driver",
            BindBy::Path => "path",
            BindBy::Type => "type",
            BindBy::Other => "other",
        };
        format!("{by}={}@{}", bind.value, bind.at.line.unwrap_or(0))
    };
    let all: Vec<_> = connection.binds.iter().map(word).collect();
    all.join(" ")
}

/// `192.0.2.10/24 via 192.0.2.1 dns 192.0.2.53`
fn addresses(connection: &Connection) -> String {
    let mut words = Vec::new();
    for protocol in [&connection.ipv4, &connection.ipv6] {
        for own in &protocol.addresses {
            let prefix = own.prefix.map_or("?".to_owned(), |own| own.to_string());
            words.push(format!("{}/{prefix}", own.address));
        }
        for own in &protocol.gateways {
            words.push(format!("via {}", own.value));
        }
    }
    for own in &connection.dns {
        words.push(format!("dns {}", own.value));
    }
    words.join(" ")
}

#[test]
fn key_files_of_network_manager() {
    let folder = "/etc/NetworkManager/system-connections";
    let memory = Memory::new()
        .file(
            &format!("{folder}/ens3.nmconnection"),
            "[connection]\nid=ens3\nuuid=1\ntype=ethernet\ninterface-name=ens3\n\n[ethernet]\n\
             mac-address=52:54:00:AA:BB:CC\n[match]\ndriver=virtio_net;hv_netvsc;\n\n[ipv4]\n\
             address1=192.0.2.10/24,192.0.2.1\ndns=192.0.2.53;192.0.2.54;\nmethod=manual\n\n\
             [ipv6]\nmethod=auto\n",
        )
        .file(
            &format!("{folder}/old"),
            "[connection]\nid=old\ntype=802-3-ethernet\nautoconnect=false\nmaster=bond0\n\
             slave-type=bond\n[ipv4]\naddresses1=192.0.2.11;25;192.0.2.2;\nmethod=manual\n",
        )
        .file(&format!("{folder}/ens3.nmconnection~"), "[connection]\nid=no\n")
        .file(
            "/usr/lib/NetworkManager/system-connections/b.nmconnection",
            "[connection]\ntype=bond\ninterface-name=bond0\n[ipv4]\nmethod=auto\nroute1=0.0.0.0/0,192.0.2.3\n",
        );
    let network = network(&memory);
    assert_eq!(network.connections.len(), 3);
    let ens3 = find(&network, "ens3");
    assert_eq!(ens3.system, NetworkSystem::NetworkManager);
    assert_eq!(
        binds(ens3),
        "name=ens3@5 mac=52:54:00:AA:BB:CC@8 driver=virtio_net;hv_netvsc@10"
    );
    assert_eq!(
        addresses(ens3),
        "192.0.2.10/24 via 192.0.2.1 dns 192.0.2.53 dns 192.0.2.54"
    );
    assert_eq!(ens3.ipv4.method, Method::Static);
    assert_eq!(ens3.ipv6.method, Method::Automatic);
    let old = find(&network, "old");
    assert_eq!(addresses(old), "192.0.2.11/25 via 192.0.2.2");
    assert!(!old.on_boot && old.binds.is_empty());
    assert_eq!(old.master.as_ref().unwrap().value, "bond0");
    let bond = find(&network, "b");
    assert_eq!((&bond.kind, binds(bond).as_str()), (&LinkKind::Bond, ""));
    assert_eq!(addresses(bond), "via 192.0.2.3");
}

#[test]
fn network_scripts_of_the_rhel_family() {
    let folder = "/etc/sysconfig/network-scripts";
    let memory = Memory::new()
        .file("/etc/sysconfig/network", "NETWORKING=yes\nGATEWAY=192.0.2.254\n")
        .file(&format!("{folder}/ifcfg-lo"), "DEVICE=lo\nIPADDR=127.0.0.1\nNETMASK=255.0.0.0\nONBOOT=yes\n")
        .file(
            &format!("{folder}/ifcfg-eth0"),
            "DEVICE=\"eth0\"\nBOOTPROTO=none\nHWADDR=52:54:00:12:34:56\nONBOOT=yes\nIPADDR=192.0.2.10\n\
             NETMASK=255.255.255.128\nIPADDR1=192.0.2.20\nPREFIX1=24\nDNS1=192.0.2.53\nDNS2=\n\
             IPV6INIT=yes\nIPV6ADDR=2001:db8::10/64\nIPV6_DEFAULTGW=2001:db8::1\nGATEWAY=192.0.2.1\n",
        )
        .file(&format!("{folder}/ifcfg-eth1"), "DEVICE=eth1\nIPADDR=198.51.100.2\nPREFIX=24\nONBOOT=no\n")
        .file(&format!("{folder}/ifcfg-eth2"), "NAME=port\nDEVICE=eth2\nMASTER=bond0\nSLAVE=yes\n")
        .file(&format!("{folder}/ifcfg-bond0"), "DEVICE=bond0\nBONDING_OPTS=\"mode=1\"\nBOOTPROTO=dhcp\n")
        .file(&format!("{folder}/ifcfg-bond0.7"), "DEVICE=bond0.7\nVLAN=yes\nPHYSDEV=bond0\n")
        .file(&format!("{folder}/ifcfg-eth9.rpmsave"), "DEVICE=eth9\n");
    let network = network(&memory);
    assert_eq!(network.connections.len(), 6);
    let eth0 = find(&network, "eth0");
    assert_eq!(binds(eth0), "name=eth0@1 mac=52:54:00:12:34:56@3");
    assert_eq!(
        addresses(eth0),
        "192.0.2.10/25 192.0.2.20/24 via 192.0.2.1 2001:db8::10/64 via 2001:db8::1 dns 192.0.2.53"
    );
    assert!(eth0.on_boot);
    let eth1 = find(&network, "eth1");
    assert_eq!(addresses(eth1), "198.51.100.2/24 via 192.0.2.254");
    assert!(!eth1.on_boot);
    assert_eq!(
        find(&network, "port").master.as_ref().unwrap().value,
        "bond0"
    );
    assert_eq!(find(&network, "bond0").ipv4.method, Method::Dhcp);
    assert_eq!(find(&network, "bond0.7").kind, LinkKind::Vlan);
    assert_eq!(find(&network, "lo").kind, LinkKind::Loopback);
    assert_eq!(network.names.len(), 1);
    assert_eq!(network.names[0].kind, NameRuleKind::NetworkScripts);
    assert_eq!(network.names[0].name.as_deref(), Some("eth0"));
}

#[test]
fn netplan_in_several_files() {
    let memory = Memory::new()
        .file(
            "/etc/netplan/50-cloud-init.yaml",
            "network:\n  version: 2\n  ethernets:\n    nic:\n      match:\n        \
             macaddress: 52:54:00:12:34:56\n      set-name: eth0\n      dhcp4: true\n    ens3:\n      \
             addresses: [192.0.2.10/24, \"2001:db8::10/64\"]\n      nameservers: {addresses: [192.0.2.53]}\n",
        )
        .file(
            "/etc/netplan/60-more.yaml",
            "network:\n  ethernets:\n    ens3:\n      routes:\n      - {to: default, via: 192.0.2.1}\n    \
             any:\n      match: {driver: [virtio_net, hv_netvsc]}\n  bonds:\n    bond0:\n      \
             interfaces: [any]\n      dhcp4: no\n  vlans:\n    v7: {id: 7, link: bond0}\n",
        )
        .file("/lib/netplan/50-cloud-init.yaml", "network: {ethernets: {hidden: {}}}");
    let network = network(&memory);
    assert_eq!(network.connections.len(), 5);
    let nic = find(&network, "nic");
    assert_eq!(binds(nic), "mac=52:54:00:12:34:56@6");
    assert_eq!(nic.interface.as_deref(), Some("eth0"));
    assert_eq!(nic.ipv4.method, Method::Dhcp);
    let ens3 = find(&network, "ens3");
    assert_eq!(binds(ens3), "name=ens3@9");
    assert_eq!(
        addresses(ens3),
        "192.0.2.10/24 via 192.0.2.1 2001:db8::10/64 dns 192.0.2.53"
    );
    assert_eq!(
        ens3.ipv4.gateways[0].at,
        Evidence::line("/etc/netplan/60-more.yaml", 5)
    );
    let any = find(&network, "any");
    assert_eq!(binds(any), "driver=virtio_net hv_netvsc@7");
    assert_eq!(any.master.as_ref().unwrap().value, "bond0");
    assert_eq!(find(&network, "v7").parent.as_ref().unwrap().value, "bond0");
    assert_eq!(network.names[0].kind, NameRuleKind::Netplan);
    assert_eq!(network.names[0].at.line, Some(7));
}

#[test]
fn networkd_with_what_hides_and_what_is_added() {
    let memory = Memory::new()
        .file(
            "/etc/systemd/network/10-lan.network",
            "[Match]\nName=en* eth*\nMACAddress=52:54:00:12:34:56\n[Network]\nDHCP=ipv4\nBridge=br0\n",
        )
        .file(
            "/etc/systemd/network/20-br0.network",
            "[Match]\nName=br0\n[Network]\nAddress=192.0.2.10/24\nDNS=192.0.2.53\n[Address]\n\
             Address=2001:db8::10/64\n[Route]\nDestination=10.0.0.0/8\nGateway=192.0.2.2\n[Route]\n\
             Gateway=192.0.2.1\n",
        )
        .file("/etc/systemd/network/20-br0.netdev", "[NetDev]\nName=br0\nKind=bridge\n")
        .file("/usr/lib/systemd/network/zz-default.network", "[Match]\nName=*\n[Network]\nDHCP=yes\n")
        .file(
            "/usr/lib/systemd/network/zz-default.network.d/a.conf",
            "[Match]\nDriver=hv_netvsc\n",
        )
        .file("/usr/lib/systemd/network/10-lan.network", "[Match]\nName=hidden\n")
        .file("/usr/lib/systemd/network/80-container-host0.network", "[Match]\nName=host0\n")
        .file("/usr/lib/systemd/network/90-off.network", "[Match]\nName=off\n")
        .link("/etc/systemd/network/90-off.network", "/dev/null")
        .link("/lib", "usr/lib")
        .file(
            "/etc/systemd/network/10-lan0.link",
            "[Match]\nPermanentMACAddress=52:54:00:12:34:56\n\n[Link]\nName=lan0\n",
        )
        .file(
            "/usr/lib/systemd/network/99-default.link",
            "[Match]\nOriginalName=*\n[Link]\nNamePolicy=keep kernel database onboard slot path\n",
        );
    let network = network(&memory);
    let names: Vec<_> = network
        .connections
        .iter()
        .map(|own| own.name.as_str())
        .collect();
    assert_eq!(names, ["10-lan", "20-br0", "zz-default"]);
    let lan = find(&network, "10-lan");
    assert_eq!(binds(lan), "name=en* eth*@2 mac=52:54:00:12:34:56@3");
    assert_eq!(
        (lan.ipv4.method, lan.ipv6.method),
        (Method::Dhcp, Method::Unset)
    );
    assert_eq!(lan.master.as_ref().unwrap().value, "br0");
    let br0 = find(&network, "20-br0");
    assert_eq!((&br0.kind, binds(br0).as_str()), (&LinkKind::Bridge, ""));
    assert_eq!(
        addresses(br0),
        "192.0.2.10/24 via 192.0.2.1 2001:db8::10/64 dns 192.0.2.53"
    );
    assert_eq!(
        binds(find(&network, "zz-default")),
        "name=*@2 driver=hv_netvsc@2"
    );
    assert_eq!(network.names.len(), 2);
    assert_eq!(network.names[0].name.as_deref(), Some("lan0"));
    assert_eq!(network.names[0].binds[0].by, BindBy::Mac);
    assert_eq!(network.names[1].policies.len(), 6);
}

#[test]
fn ifupdown_with_its_sources() {
    let memory = Memory::new()
        .file(
            "/etc/network/interfaces",
            "source /etc/network/interfaces.d/*\n\nauto lo\niface lo inet loopback\n\n\
             allow-hotplug eth0\niface eth0 inet static\n\taddress 192.0.2.10\n\tnetmask 255.255.255.0\n\
             \tgateway 192.0.2.1\n\tdns-nameservers 192.0.2.53 192.0.2.54\n\thwaddress ether 52:54:00:12:34:56\n\
             iface eth0 inet6 static\n\taddress 2001:db8::10/64\n\niface eth9 inet dhcp\n",
        )
        .file(
            "/etc/network/interfaces.d/bond",
            "auto bond0\niface bond0 inet dhcp\n bond-slaves eth1 eth2\n bond-mode 1\niface eth1 inet manual\n",
        )
        .file("/etc/network/interfaces.d/ng", "auto eth3\niface eth3\n  address 198.51.100.7/25\niface eth4\n  use dhcp\n");
    let network = network(&memory);
    let eth0 = find(&network, "eth0");
    assert_eq!(binds(eth0), "name=eth0@7");
    assert_eq!(
        addresses(eth0),
        "192.0.2.10/24 via 192.0.2.1 2001:db8::10/64 dns 192.0.2.53 dns 192.0.2.54"
    );
    assert_eq!(eth0.mac.as_ref().unwrap().value, "52:54:00:12:34:56");
    assert!(eth0.on_boot && !find(&network, "eth9").on_boot);
    assert_eq!(find(&network, "lo").kind, LinkKind::Loopback);
    assert_eq!(find(&network, "bond0").kind, LinkKind::Bond);
    assert_eq!(
        find(&network, "eth1").master.as_ref().unwrap().value,
        "bond0"
    );
    assert_eq!(addresses(find(&network, "eth3")), "198.51.100.7/25");
    assert_eq!(find(&network, "eth3").ipv4.method, Method::Static);
    assert_eq!(find(&network, "eth4").ipv4.method, Method::Dhcp);
}

#[test]
fn wicked_with_its_routes() {
    let folder = "/etc/sysconfig/network";
    let memory = Memory::new()
        .file(&format!("{folder}/ifcfg-eth0"), "BOOTPROTO='static'\nSTARTMODE='auto'\nIPADDR='192.0.2.10/24'\nIPADDR_1='192.0.2.11'\nNETMASK_1='255.255.255.0'\n")
        .file(&format!("{folder}/ifcfg-eth1"), "BOOTPROTO='dhcp4'\nSTARTMODE='off'\n")
        .file(&format!("{folder}/ifcfg-bond0"), "BOOTPROTO=none\nSTARTMODE=onboot\nBONDING_MASTER=yes\nBONDING_SLAVE_0=eth1\n")
        .file(&format!("{folder}/ifcfg.template"), "BOOTPROTO=x\n")
        .file(&format!("{folder}/routes"), "default 192.0.2.1 - -\n")
        .file(&format!("{folder}/config"), "NETCONFIG_DNS_STATIC_SERVERS=\"192.0.2.53 192.0.2.54\"\n");
    let network = network(&memory);
    assert_eq!(network.connections.len(), 3);
    let eth0 = find(&network, "eth0");
    assert_eq!(
        (eth0.system, binds(eth0).as_str()),
        (NetworkSystem::Wicked, "name=eth0@0")
    );
    assert_eq!(addresses(eth0), "192.0.2.10/24 192.0.2.11/24 via 192.0.2.1");
    let eth1 = find(&network, "eth1");
    assert!(eth0.on_boot && !eth1.on_boot);
    assert_eq!(
        (eth1.ipv4.method, eth1.ipv6.method),
        (Method::Dhcp, Method::Unset)
    );
    assert_eq!(eth1.master.as_ref().unwrap().value, "bond0");
    assert_eq!(find(&network, "bond0").kind, LinkKind::Bond);
    assert_eq!(network.resolvers.len(), 2);
}

#[test]
fn cloud_init_of_both_formats() {
    let one = "network:\n  version: 1\n  config:\n  - type: physical\n    name: eth0\n    \
               mac_address: \"52:54:00:12:34:56\"\n    subnets:\n    - {type: static, address: 192.0.2.10, \
               netmask: 255.255.255.0, gateway: 192.0.2.1, dns_nameservers: [192.0.2.53]}\n";
    let memory = Memory::new().file("/etc/cloud/cloud.cfg.d/90-net.cfg", one);
    let found = network(&memory);
    let eth0 = find(&found, "eth0");
    assert_eq!(binds(eth0), "mac=52:54:00:12:34:56@6");
    assert_eq!(
        addresses(eth0),
        "192.0.2.10/24 via 192.0.2.1 dns 192.0.2.53"
    );
    let two = "version: 2\nethernets:\n  all: {match: {name: \"e*\"}, dhcp4: true}\n";
    let memory = memory.file("/var/lib/cloud/seed/nocloud/network-config", two);
    let found = network(&memory);
    assert_eq!(binds(find(&found, "all")), "name=e*@3");
    assert_eq!(found.connections.len(), 1);
}

#[test]
fn rules_that_name_interfaces() {
    let memory = Memory::new()
        .file(
            "/etc/udev/rules.d/70-persistent-net.rules",
            "# PCI device 0x1af4:0x1000 (virtio-pci)\nSUBSYSTEM==\"net\", ACTION==\"add\", DRIVERS==\"?*\", \
             ATTR{address}==\"52:54:00:12:34:56\", ATTR{type}==\"1\", KERNEL==\"eth*\", NAME=\"eth0\"\n\
             SUBSYSTEM==\"net\", ACTION==\"add\", DRIVERS==\"hv_netvsc\", KERNELS==\"vmbus_*\", NAME=\"lan\"\n\
             SUBSYSTEM==\"block\", NAME=\"disk\"\nSUBSYSTEM==\"net\", TAG+=\"x\"\n",
        )
        .link("/etc/udev/rules.d/80-net-setup-link.rules", "/dev/null")
        .file("/etc/mactab", "wan 52:54:00:00:00:01\n");
    let names = network(&memory).names;
    assert_eq!(names.len(), 4);
    let by = |index: usize| {
        names[index]
            .binds
            .iter()
            .map(|own| own.by)
            .collect::<Vec<_>>()
    };
    assert_eq!(by(0), [BindBy::Mac, BindBy::Type, BindBy::Name]);
    assert_eq!(names[0].at.line, Some(2));
    assert_eq!(by(1), [BindBy::Driver, BindBy::Path]);
    assert_eq!(names[2].kind, NameRuleKind::SwitchedOff);
    assert_eq!(
        (names[3].kind, by(3)),
        (NameRuleKind::Table, vec![BindBy::Mac])
    );
}

#[test]
fn a_file_that_is_no_yaml_is_a_note() {
    let memory = Memory::new().file("/etc/netplan/a.yaml", "network: [\n");
    let (mut notes, none) = (Vec::new(), Arguments::parse("", &Evidence::path("")));
    let network = gather(memory.files(), &none, &mut notes).unwrap();
    assert_eq!(network, Network::default());
    assert_eq!(
        notes,
        ["/etc/netplan/a.yaml was not read: line 2 is no YAML"]
    );
}
