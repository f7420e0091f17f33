//! The gateway's stack and its services, without a socket of its own, and with no clock but the wall
//! clock that it tells.

use std::time::{Duration, SystemTime};

use smoltcp::iface::{Config, Interface, PollResult, SocketHandle, SocketSet};
use smoltcp::socket::udp;
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr, Ipv4Address};

use super::echo::Echo;
use super::link::Link;
use super::{Behaviour, DNS, GATEWAY, PREFIX_LEN, dhcp, dns, ntp};
use crate::NetworkSeen;

/// Our hardware address: locally administered, as QEMU's own gateway has it.
const MAC: [u8; 6] = [0x52, 0x55, 10, 0, 2, 2];

/// Rounds of one call of [`Service::work`]: more only when asked again.
const ROUNDS: usize = 64;

/// Datagrams that wait in each direction.
const DATAGRAMS: usize = 16;

/// The gateway.
pub(super) struct Service {
    link: Link,
    interface: Interface,
    sockets: SocketSet<'static>,
    dhcp: SocketHandle,
    dns: SocketHandle,
    ntp: SocketHandle,
    echo: Echo,
    behaviour: Behaviour,
    leases: u32,
    names: u32,
}

impl Service {
    pub(super) fn new(behaviour: Behaviour) -> Self {
        let mut link = Link::new(!behaviour.long_frames);
        let config = Config::new(EthernetAddress(MAC).into());
        let mut interface = Interface::new(config, &mut link, Instant::ZERO);
        interface.update_ip_addrs(|addresses| {
            for address in [GATEWAY, DNS] {
                let address = IpCidr::new(Ipv4Address::from(address).into(), PREFIX_LEN);
                addresses
                    .push(address)
                    .expect("smoltcp takes two addresses");
            }
        });
        let mut sockets = SocketSet::new(Vec::new());
        let dhcp = sockets.add(datagram_socket(dhcp::SERVER_PORT));
        let dns = sockets.add(datagram_socket(dns::PORT));
        let ntp = sockets.add(datagram_socket(ntp::PORT));
        let echo = Echo::new(&mut sockets, behaviour.spoil_transfer);
        Self {
            link,
            interface,
            sockets,
            dhcp,
            dns,
            ntp,
            echo,
            behaviour,
            leases: 0,
            names: 0,
        }
    }

    pub(super) fn receive(&mut self, bytes: &[u8]) {
        self.link.feed(bytes);
    }

    pub(super) fn wants_input(&self) -> bool {
        self.link.wants_input()
    }

    pub(super) fn output(&self) -> &[u8] {
        self.link.output()
    }

    pub(super) fn sent(&mut self, count: usize) {
        self.link.sent(count);
    }

    pub(super) fn is_broken(&self) -> bool {
        self.link.broken
    }

    /// How long nothing needs to be done if nothing comes in and nothing more goes out.
    pub(super) fn delay(&mut self, now: Duration) -> Option<Duration> {
        if self.link.is_ready() {
            return Some(Duration::ZERO);
        }
        let delay = self.interface.poll_delay(instant(now), &self.sockets)?;
        Some(Duration::from_micros(delay.total_micros()))
    }

    /// Answers what came in. Says whether anything was done.
    pub(super) fn work(&mut self, now: Duration) -> bool {
        let before = self.link.census;
        let mut worked = false;
        for _ in 0..ROUNDS {
            let polled = self
                .interface
                .poll(instant(now), &mut self.link, &mut self.sockets);
            let served = self.serve_dhcp()
                | self.serve_dns()
                | self.serve_ntp()
                | self.echo.serve(&mut self.sockets);
            if polled == PollResult::None && !served {
                break;
            }
            worked = true;
        }
        worked || before != self.link.census
    }

    pub(super) fn seen(&self) -> NetworkSeen {
        let echo = self.echo.seen();
        NetworkSeen {
            dhcp_leases: self.leases,
            pings: self.link.census.pings,
            names: self.names,
            connections: echo.connections,
            echoed_bytes: echo.bytes,
            echoed_sha256: echo.sha256.clone(),
            malformed: self.link.census.malformed,
        }
    }

    fn serve_dhcp(&mut self) -> bool {
        let socket = self.sockets.get_mut::<udp::Socket<'_>>(self.dhcp);
        let mut served = false;
        while let Ok((request, _)) = socket.recv() {
            served = true;
            let reply = dhcp::answer(request).filter(|_| self.behaviour.dhcp);
            let Some(reply) = reply else { continue };
            let mut to: udp::UdpMetadata = (IpAddress::from(reply.to), dhcp::CLIENT_PORT).into();
            to.local_address = Some(Ipv4Address::from(GATEWAY).into());
            if socket.send_slice(&reply.bytes, to).is_ok() && reply.is_lease {
                self.leases = self.leases.saturating_add(1);
            }
        }
        served
    }

    fn serve_ntp(&mut self) -> bool {
        let socket = self.sockets.get_mut::<udp::Socket<'_>>(self.ntp);
        let mut served = false;
        while let Ok((request, from)) = socket.recv() {
            served = true;
            let Some(reply) = ntp::answer(request, SystemTime::now()) else {
                continue;
            };
            let mut to: udp::UdpMetadata = from.endpoint.into();
            to.local_address = from.local_address;
            // What finds no room is asked for again.
            let _ = socket.send_slice(&reply, to);
        }
        served
    }

    fn serve_dns(&mut self) -> bool {
        let socket = self.sockets.get_mut::<udp::Socket<'_>>(self.dns);
        let mut served = false;
        while let Ok((query, from)) = socket.recv() {
            served = true;
            let Some(reply) = dns::answer(query) else {
                continue;
            };
            let mut to: udp::UdpMetadata = from.endpoint.into();
            to.local_address = from.local_address;
            if socket.send_slice(&reply.bytes, to).is_ok() && reply.is_found {
                self.names = self.names.saturating_add(1);
            }
        }
        served
    }
}

fn datagram_socket(port: u16) -> udp::Socket<'static> {
    let buffer = || {
        udp::PacketBuffer::new(
            vec![udp::PacketMetadata::EMPTY; DATAGRAMS],
            vec![0; DATAGRAMS * 2048],
        )
    };
    let mut socket = udp::Socket::new(buffer(), buffer());
    socket
        .bind(port)
        .expect("the socket is new and the port is not 0");
    socket
}

fn instant(now: Duration) -> Instant {
    Instant::from_micros(i64::try_from(now.as_micros()).unwrap_or(i64::MAX))
}
