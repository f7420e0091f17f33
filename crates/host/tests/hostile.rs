//! The network service against frames that nobody should send.
#![expect(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use std::path::Path;
use std::time::{Duration, Instant};

use detente_host::network::exercise;
use detente_samples::{Numbers, Seeds};

/// Sound frames of every kind that the service answers, as starting points.
fn samples() -> Vec<Vec<u8>> {
    let mac = [0x52, 0x54, 0, 1, 2, 3];
    let gateway = [0x52, 0x55, 10, 0, 2, 2];
    let mut arp = ethernet(&[0xff; 6], &mac, 0x0806);
    arp.extend([0, 1, 8, 0, 6, 4, 0, 1, 0x52, 0x54, 0, 1, 2, 3, 10, 0, 2, 15]);
    arp.extend([0, 0, 0, 0, 0, 0, 10, 0, 2, 2]);

    let mut ping = vec![8, 0, 0, 0, 0, 1, 0, 1];
    ping.extend(*b"0123456789");
    put_checksum(&mut ping, 2);
    let mut dns = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    dns.extend(*b"\x04host\x07detente\x04test\0\0\x01\0\x01");
    let mut dhcp = vec![1, 1, 6, 0, 1, 2, 3, 4, 0, 0, 0, 0];
    dhcp.extend([0; 16]);
    dhcp.extend(mac);
    dhcp.extend([0; 202]);
    dhcp.extend([0x63, 0x82, 0x53, 0x63, 53, 1, 1, 50, 4, 10, 0, 2, 15, 255]);
    // SYN with maximum segment size and window scaling.
    let mut syn = vec![
        0x9c, 0x40, 0x1b, 0x5f, 0, 0, 0, 1, 0, 0, 0, 0, 0x80, 2, 0xff, 0xff,
    ];
    syn.extend([0, 0, 0, 0, 2, 4, 5, 0xb4, 1, 3, 3, 7, 1, 1, 1, 1]);

    let mut all = vec![frame(&arp)];
    for (protocol, to, payload) in [
        (1, [10, 0, 2, 2], ping),
        (17, [10, 0, 2, 3], udp(5000, 53, &dns)),
        (17, [255; 4], udp(68, 67, &dhcp)),
        (6, [10, 0, 2, 2], syn),
    ] {
        let mut packet = ethernet(&gateway, &mac, 0x0800);
        packet.extend(ipv4(protocol, to, &payload));
        all.push(frame(&packet));
    }
    let together = all.concat();
    all.push(together);
    all
}

fn frame(bytes: &[u8]) -> Vec<u8> {
    let mut framed = u32::try_from(bytes.len()).unwrap().to_be_bytes().to_vec();
    framed.extend_from_slice(bytes);
    framed
}

fn ethernet(to: &[u8; 6], from: &[u8; 6], kind: u16) -> Vec<u8> {
    [&to[..], &from[..], &kind.to_be_bytes()].concat()
}

fn udp(from: u16, to: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 8).unwrap();
    let mut bytes = [
        from.to_be_bytes(),
        to.to_be_bytes(),
        length.to_be_bytes(),
        [0, 0],
    ]
    .concat();
    bytes.extend_from_slice(payload);
    bytes
}

fn ipv4(protocol: u8, to: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 20).unwrap().to_be_bytes();
    let mut bytes = vec![
        0x45, 0, length[0], length[1], 0, 1, 0, 0, 64, protocol, 0, 0,
    ];
    bytes.extend([10, 0, 2, 15]);
    bytes.extend(to);
    put_checksum(&mut bytes, 10);
    bytes.extend_from_slice(payload);
    bytes
}

/// RFC 1071.
fn put_checksum(bytes: &mut [u8], at: usize) {
    let mut sum: u32 = bytes
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)))
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let sum = !u16::try_from(sum).unwrap();
    bytes[at..at + 2].copy_from_slice(&sum.to_be_bytes());
}

fn mutated(sample: &[u8], seed: u64) -> Vec<u8> {
    let mut numbers = Numbers::new(seed);
    let mut bytes = sample.to_vec();
    for _ in 0..=numbers.below(8) {
        let at = numbers.below(bytes.len());
        match numbers.below(6) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, 0xff),
            2 => bytes.extend_from_slice(sample),
            _ if !bytes.is_empty() => bytes[at] = numbers.next().to_le_bytes()[0],
            _ => bytes.extend_from_slice(sample),
        }
    }
    bytes
}

/// Files that each break one rule; their names say which.
#[test]
fn the_corpus_is_harmless() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile");
    let mut count = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        exercise(&std::fs::read(file.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count > 10, "the corpus is missing");
}

#[test]
fn seeded_mutations_neither_panic_nor_hang() {
    let samples = samples();
    for seed in Seeds::of_environment("the network service", 1) {
        for (index, sample) in samples.iter().enumerate() {
            let bytes = mutated(
                sample,
                seed.wrapping_mul(0x9e37_79b9).wrapping_add(index as u64),
            );
            let started = Instant::now();
            exercise(&bytes);
            let took = started.elapsed();
            assert!(took < Duration::from_secs(2), "seed {seed}: {took:?}");
        }
    }
}

#[test]
fn every_sample_is_survived_wherever_it_is_cut() {
    for sample in samples() {
        for end in (0..=sample.len()).step_by(5) {
            exercise(&sample[..end]);
        }
    }
}
