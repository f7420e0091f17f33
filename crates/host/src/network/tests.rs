//! The service against smoltcp's own client side, on a clock of our own.

use std::time::Duration;

use sha2::{Digest, Sha256};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::socket::{dhcpv4, tcp};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr, Ipv4Address};

use super::link::Link;
use super::service::Service;
use super::{Behaviour, DNS, ECHO_PORT, GATEWAY, GUEST, PREFIX_LEN};

const SOUND: Behaviour = Behaviour {
    dhcp: true,
    spoil_transfer: false,
};

/// A guest's stack, and the service, joined.
struct Bench {
    service: Service,
    link: Link,
    interface: Interface,
    sockets: SocketSet<'static>,
    now: Duration,
}

impl Bench {
    fn new(behaviour: Behaviour) -> Self {
        let mut link = Link::default();
        let config = Config::new(EthernetAddress([0x52, 0x54, 0, 1, 2, 3]).into());
        let interface = Interface::new(config, &mut link, Instant::ZERO);
        Self {
            service: Service::new(behaviour),
            link,
            interface,
            sockets: SocketSet::new(Vec::new()),
            now: Duration::ZERO,
        }
    }

    fn with_address(behaviour: Behaviour) -> Self {
        let mut bench = Self::new(behaviour);
        bench.interface.update_ip_addrs(|addresses| {
            let address = IpCidr::new(IpAddress::from(Ipv4Address::from(GUEST)), PREFIX_LEN);
            addresses.push(address).unwrap();
        });
        bench
    }

    /// One exchange in both directions, and a millisecond.
    fn step(&mut self) {
        self.now += Duration::from_millis(1);
        let now = Instant::from_micros(i64::try_from(self.now.as_micros()).unwrap());
        self.interface.poll(now, &mut self.link, &mut self.sockets);
        self.service.receive(self.link.output());
        self.link.sent(self.link.output().len());
        self.service.work(self.now);
        self.link.feed(self.service.output());
        self.service.sent(self.service.output().len());
    }

    fn connect(&mut self, port: u16) -> SocketHandle {
        let buffer = || tcp::SocketBuffer::new(vec![0; 256 * 1024]);
        let handle = self.sockets.add(tcp::Socket::new(buffer(), buffer()));
        let remote = (Ipv4Address::from(GATEWAY), ECHO_PORT);
        self.sockets
            .get_mut::<tcp::Socket<'_>>(handle)
            .connect(self.interface.context(), remote, port)
            .unwrap();
        handle
    }

    /// Sends `data`, closes its half, and reads until the other half is closed too.
    fn transfer(&mut self, handle: SocketHandle, data: &[u8]) -> Vec<u8> {
        let mut received = Vec::new();
        let mut rest = data;
        for _ in 0..20_000 {
            self.step();
            let socket = self.sockets.get_mut::<tcp::Socket<'_>>(handle);
            if socket.can_send() && !rest.is_empty() {
                let count = socket.send_slice(rest).unwrap();
                rest = &rest[count..];
                if rest.is_empty() {
                    socket.close();
                }
            }
            if socket.can_recv() {
                let _ = socket.recv(|bytes| {
                    received.extend_from_slice(bytes);
                    (bytes.len(), ())
                });
            }
            if rest.is_empty() && !socket.may_recv() {
                return received;
            }
        }
        panic!(
            "the transfer did not end: {} of {}",
            received.len(),
            data.len()
        );
    }
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len)
        .map(|index| u8::try_from(index % 251).unwrap())
        .collect()
}

fn hex_sha256(bytes: &[u8]) -> String {
    super::echo::hex(&Sha256::digest(bytes))
}

/// Address, gateway, name servers.
type Configured = (IpCidr, Option<Ipv4Address>, Vec<Ipv4Address>);

/// What the DHCP client came to know in ten seconds of its own time.
fn dhcp(behaviour: Behaviour) -> (Option<Configured>, u32) {
    let mut bench = Bench::new(behaviour);
    let handle = bench.sockets.add(dhcpv4::Socket::new());
    for _ in 0..10_000 {
        bench.step();
        let socket = bench.sockets.get_mut::<dhcpv4::Socket<'_>>(handle);
        if let Some(dhcpv4::Event::Configured(config)) = socket.poll() {
            let servers = config.dns_servers.iter().copied().collect();
            let got = (config.address.into(), config.router, servers);
            return (Some(got), bench.service.seen().dhcp_leases);
        }
    }
    (None, bench.service.seen().dhcp_leases)
}

#[test]
fn dhcp_gives_address_gateway_and_name_server() {
    let (config, leases) = dhcp(SOUND);
    let (address, router, servers) = config.unwrap();
    assert_eq!(address.to_string(), "10.0.2.15/24");
    assert_eq!(router, Some(GATEWAY.into()));
    assert_eq!(servers, [Ipv4Address::from(DNS)]);
    assert_eq!(leases, 1);
}

#[test]
fn without_dhcp_nobody_answers() {
    let silent = Behaviour {
        dhcp: false,
        ..SOUND
    };
    assert_eq!(dhcp(silent), (None, 0));
}

#[test]
fn an_echo_is_what_was_sent() {
    let mut bench = Bench::with_address(SOUND);
    let data = pattern(3_000_000);
    let handle = bench.connect(40_000);
    assert!(bench.transfer(handle, &data) == data);
    let seen = bench.service.seen();
    assert_eq!((seen.connections, seen.echoed_bytes), (1, 3_000_000));
    assert_eq!(seen.echoed_sha256, hex_sha256(&data));
    assert_eq!(seen.malformed, 0);
}

#[test]
fn a_spoiled_echo_differs_in_one_bit_and_keeps_the_true_digest() {
    let mut bench = Bench::with_address(Behaviour {
        spoil_transfer: true,
        ..SOUND
    });
    let data = pattern(100_000);
    let handle = bench.connect(40_000);
    let echoed = bench.transfer(handle, &data);
    let flipped: u32 = data
        .iter()
        .zip(&echoed)
        .map(|(sent, got)| (sent ^ got).count_ones())
        .sum();
    assert_eq!((echoed.len(), flipped), (100_000, 1));
    assert_eq!(bench.service.seen().echoed_sha256, hex_sha256(&data));
}

#[test]
fn connections_may_be_many_and_follow_each_other() {
    let mut bench = Bench::with_address(SOUND);
    let handles: Vec<_> = (0..4).map(|n| bench.connect(41_000 + n)).collect();
    for handle in handles {
        assert_eq!(bench.transfer(handle, b"short").as_slice(), b"short");
    }
    for n in 0..20 {
        let handle = bench.connect(42_000 + n);
        let data = vec![u8::try_from(n).unwrap(); 70_000];
        assert!(bench.transfer(handle, &data) == data);
        bench.sockets.remove(handle);
    }
    assert_eq!(bench.service.seen().connections, 24);
}

#[test]
fn a_reset_connection_frees_its_place() {
    let mut bench = Bench::with_address(SOUND);
    for n in 0..20 {
        let handle = bench.connect(43_000 + n);
        for _ in 0..5 {
            bench.step();
        }
        bench.sockets.get_mut::<tcp::Socket<'_>>(handle).abort();
        bench.step();
        bench.sockets.remove(handle);
    }
    let handle = bench.connect(44_000);
    assert_eq!(bench.transfer(handle, b"still there"), b"still there");
}

#[test]
fn a_length_beyond_any_frame_breaks_the_link() {
    let mut service = Service::new(SOUND);
    service.receive(&69_633_u32.to_be_bytes());
    service.work(Duration::ZERO);
    assert!(service.is_broken());
}

#[test]
fn a_peer_that_takes_no_answers_is_not_heard_for_ever() {
    let mut service = Service::new(SOUND);
    // ARP for the gateway, again and again, and nobody reads the answers.
    let mut arp = vec![0, 0, 0, 42];
    arp.extend([0xff; 6]);
    arp.extend([0x52, 0x54, 0, 1, 2, 3, 0x08, 0x06]);
    arp.extend([0, 1, 8, 0, 6, 4, 0, 1, 0x52, 0x54, 0, 1, 2, 3, 10, 0, 2, 15]);
    arp.extend([0, 0, 0, 0, 0, 0, 10, 0, 2, 2]);
    let many = arp.repeat(1000);
    let mut taken = 0_usize;
    while service.wants_input() && taken < 1_000_000_000 {
        service.receive(&many);
        taken += many.len();
        service.work(Duration::ZERO);
    }
    assert!(taken < 4 * 1024 * 1024, "{taken}");
    assert!(service.output().len() < 2 * 1024 * 1024);
}
