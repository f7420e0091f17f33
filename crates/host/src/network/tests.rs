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
    long_frames: true,
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
        // A guest's stack says that it has heard the end, ten milliseconds later (smoltcp's delay of
        // acknowledgements), before it forgets the connection.
        for _ in 0..20 {
            bench.step();
        }
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
    // Once the answers are taken, the questions that waited are due at once, with no new ones.
    let count = service.output().len();
    service.sent(count);
    assert_eq!(service.delay(Duration::ZERO), Some(Duration::ZERO));
    service.work(Duration::ZERO);
    assert!(!service.output().is_empty());
}

/// Sends one frame and gives the frames that come back.
fn exchange(service: &mut Service, frame: &[u8]) -> Vec<Vec<u8>> {
    let length = u32::try_from(frame.len()).unwrap().to_be_bytes();
    service.receive(&length);
    service.receive(frame);
    service.work(Duration::ZERO);
    let mut replies = Vec::new();
    let mut rest = service.output();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let (frame, after) = after.split_at(u32::from_be_bytes(*length) as usize);
        replies.push(frame.to_vec());
        rest = after;
    }
    let count = service.output().len();
    service.sent(count);
    replies
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: String = hex.split_whitespace().collect();
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}

/// By hand from RFC 826, so that later frames find the guest's hardware address known.
fn greet(service: &mut Service) -> Vec<Vec<u8>> {
    exchange(
        service,
        &bytes(
            "ffffffffffff 525400010203 0806
             0001 0800 06 04 0001 525400010203 0a00020f 000000000000 0a000203",
        ),
    )
}

#[test]
fn arp_for_the_name_server_is_answered() {
    let replies = greet(&mut Service::new(SOUND));
    let expected = bytes(
        "525400010203 52550a000202 0806
         0001 0800 06 04 0002 52550a000202 0a000203 525400010203 0a00020f",
    );
    assert_eq!(replies, [expected]);
}

#[test]
fn nobody_else_is_there() {
    let mut service = Service::new(SOUND);
    // The same question for 10.0.2.4 and for 8.8.8.8.
    for target in ["0a000204", "08080808"] {
        let frame = format!(
            "ffffffffffff 525400010203 0806
             0001 0800 06 04 0001 525400010203 0a00020f 000000000000 {target}"
        );
        assert!(exchange(&mut service, &bytes(&frame)).is_empty());
    }
    greet(&mut service);
    // A ping for 8.8.8.8 by way of the gateway; checksums by RFC 1071.
    let ping = bytes(
        "52550a000202 525400010203 0800
         4500001c 00010000 4001 5ec2 0a00020f 08080808 0800f7fd 00010001",
    );
    assert!(exchange(&mut service, &ping).is_empty());
    assert_eq!(service.seen().pings, 0);
}

#[test]
fn a_ping_comes_back_and_is_counted() {
    let mut service = Service::new(SOUND);
    greet(&mut service);
    // RFC 792; 0x62d0 is the header's checksum, 0xf7fd and 0xfffd those of the messages.
    let ping = bytes(
        "52550a000202 525400010203 0800
         4500001c 00010000 4001 62d0 0a00020f 0a000202 0800f7fd 00010001",
    );
    let replies = exchange(&mut service, &ping);
    assert_eq!(replies.len(), 1);
    assert_eq!(replies[0][26..34], bytes("0a000202 0a00020f"));
    assert_eq!(replies[0][34..42], bytes("0000fffd 00010001"));
    assert_eq!(service.seen().pings, 1);

    let mut spoiled = ping;
    spoiled[36] ^= 1;
    assert!(exchange(&mut service, &spoiled).is_empty());
    assert_eq!(service.seen().pings, 1);
}

#[test]
fn unsound_frames_are_counted() {
    for (frame, malformed) in [
        // Shorter than an Ethernet header.
        ("ffffffffffff 525400010203", 1),
        // ARP cut off.
        ("ffffffffffff 525400010203 0806 0001 0800", 1),
        // IPv4 with a wrong checksum, with a length beyond the frame.
        (
            "52550a000202 525400010203 0800 4500001c 00010000 4001 62d1 0a00020f 0a000202
             0800f7fd 00010001",
            1,
        ),
        (
            "52550a000202 525400010203 0800 450000ff 00010000 4001 61ed 0a00020f 0a000202",
            1,
        ),
        // IPv6's router solicitation is none of ours, but sound.
        ("333300000002 525400010203 86dd 60000000", 0),
    ] {
        let mut service = Service::new(SOUND);
        exchange(&mut service, &bytes(frame));
        assert_eq!(service.seen().malformed, malformed, "{frame}");
    }
}

/// RFC 1035: a query's header and question, and the head of the answer.
#[test]
fn one_name_is_known() {
    let known = "04686f7374 07646574656e7465 0474657374 00";
    let in_capitals = "04484f5354 07646574656e7465 0474657374 00";
    let unknown = "0664656269616e 036f7267 00";
    let record = "c00c 0001 0001 0000003c 0004 0a000202";
    for (name, kind, header, answer) in [
        (known, "0001", "1234 8500 0001 0001 0000 0000", record),
        (in_capitals, "0001", "1234 8500 0001 0001 0000 0000", record),
        (known, "001c", "1234 8500 0001 0000 0000 0000", ""),
        (unknown, "0001", "1234 8503 0001 0000 0000 0000", ""),
    ] {
        let query = format!("1234 0100 0001 0000 0000 0000 {name} {kind} 0001");
        let reply = super::dns::answer(&bytes(&query)).unwrap();
        let expected = format!("{header} {name} {kind} 0001 {answer}");
        assert_eq!(reply.bytes, bytes(&expected), "{name} {kind}");
        assert_eq!(reply.is_found, !answer.is_empty());
    }
}

#[test]
fn what_is_no_query_gets_no_answer() {
    for query in [
        "",
        "1234 0100 0001 0000 0000 00",
        // A response; two questions; a label beyond the end; a pointer; no type.
        "1234 8100 0001 0000 0000 0000 00 0001 0001",
        "1234 0100 0002 0000 0000 0000 00 0001 0001",
        "1234 0100 0001 0000 0000 0000 3f61 00 0001 0001",
        "1234 0100 0001 0000 0000 0000 c00c 0001 0001",
        "1234 0100 0001 0000 0000 0000 00 0001",
    ] {
        assert!(super::dns::answer(&bytes(query)).is_none(), "{query}");
    }
}

#[test]
fn the_service_ends_when_the_machine_does() {
    use std::io::Write;
    let (ours, mut theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let seen = std::sync::Arc::default();
    theirs.write_all(&[0, 0, 0, 3, 1, 2, 3]).unwrap();
    drop(theirs);
    super::serve(ours, SOUND, &seen).unwrap();
    assert_eq!(seen.lock().unwrap().malformed, 1);
}

/// The speed that a run's transfer case needs, measured by hand in a release build.
#[test]
#[ignore = "measures a release build"]
fn half_a_gigabyte_is_echoed_fast() {
    let mut bench = Bench::with_address(SOUND);
    let data = pattern(512 * 1024 * 1024);
    let handle = bench.connect(40_000);
    let started = std::time::Instant::now();
    assert!(bench.transfer(handle, &data).len() == data.len());
    let megabytes = data.len() as f64 / started.elapsed().as_secs_f64() / 1e6;
    assert!(megabytes > 100.0, "{megabytes:.0} MB/s each way");
}

#[test]
fn idleness_is_idle() {
    let mut service = Service::new(SOUND);
    service.work(Duration::ZERO);
    assert!(!service.work(Duration::ZERO));
    assert_eq!(service.delay(Duration::ZERO), None);
    greet(&mut service);
    assert!(!service.work(Duration::from_secs(1)));
}
