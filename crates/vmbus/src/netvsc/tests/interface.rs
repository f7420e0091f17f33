//! Bringing the interface up and down: versions, buffers, queries, the cable.

use super::linux::{CLASS, Linux, MAC, frame, nvsp, packet, word, words};
use crate::fake_guest::FakeGuest;
use crate::netvsc::{Link, NvspVersion, Refused, Stage};
use crate::protocol::Version;

#[test]
fn linux_falls_back_to_the_newest_version_that_is_spoken() {
    let versions = [
        (NvspVersion::V1, 2),
        (NvspVersion::V2, 0x3_0002),
        (NvspVersion::V4, 0x4_0000),
        (NvspVersion::V5, 0x5_0000),
        (NvspVersion::V6, 0x6_0000),
        (NvspVersion::V6_1, 0x6_0001),
    ];
    for (newest, expected) in versions {
        let mut linux = Linux::opened(newest, 16);
        assert_eq!(linux.handle.stage(), Stage::Opened);
        assert_eq!(linux.negotiate(), Some(expected));
        assert_eq!(linux.handle.stage(), Stage::Negotiated(newest));
    }
}

#[test]
fn a_version_is_refused_with_the_reason() {
    let mut linux = Linux::opened(NvspVersion::V4, 16);
    // Too new, too new and unknown, too old, unknown in between.
    for (version, status) in [(0x5_0000, 3), (0x7_0000, 3), (1, 4), (0x3_0001, 2)] {
        let answer = linux
            .guest
            .request(linux.channel, &nvsp(&[1, version, version]));
        assert_eq!(
            (word(&answer, 0), word(&answer, 12)),
            (2, status),
            "{version:#x}"
        );
    }
    assert_eq!(linux.negotiate(), Some(0x4_0000));
}

#[test]
fn answers_are_as_long_as_the_longest_message() {
    // netvsc_send_completion() checks an answer of any kind for the lengths of all of them.
    let mut linux = Linux::opened(NvspVersion::V6_1, 16);
    let (gpadl, _) = linux.guest.lend(linux.channel, 64);
    for message in [
        [1, 0x9_0000, 0x9_0000],
        [1, 0x6_0001, 0x6_0001],
        [101, gpadl, 0xcafe],
        [104, gpadl, 0],
        [133, 1, 3],
    ] {
        let answer = linux.guest.request(linux.channel, &nvsp(&message));
        assert_eq!(answer.len(), 40, "{message:?}");
    }
}

#[test]
fn messages_may_be_longer_than_needed() {
    let mut linux = Linux::opened(NvspVersion::V6_1, 16);
    let mut init = nvsp(&[1, 0x6_0001, 0x6_0001]);
    init.resize(200, 0xee);
    let answer = linux.guest.request(linux.channel, &init);
    assert_eq!(word(&answer, 12), 1);
}

#[test]
fn the_receive_buffer_is_exactly_one_section() {
    let mut linux = Linux::opened(NvspVersion::V6_1, 16);
    linux.negotiate();
    // 16 MiB as Linux lends them, and a little that is not a multiple.
    for pages in [4096, 61] {
        let (gpadl, _) = linux.guest.lend(linux.channel, pages);
        let answer = linux
            .guest
            .request(linux.channel, &nvsp(&[101, gpadl, 0xcafe]));
        let [status, sections, offset, size, count, end] =
            [4, 8, 12, 16, 20, 24].map(|at| word(&answer, at));
        assert_eq!((status, sections, offset, size), (1, 1, 0, 1728));
        assert!(usize::try_from(size * count).unwrap() <= pages * 4096);
        assert_eq!(end, size * count);
        linux.tell(&nvsp(&[103, 0xcafe]));
        linux.guest.take_back(linux.channel, gpadl);
    }
}

#[test]
fn queries_are_answered_as_the_driver_expects() {
    let mut linux = Linux::connected(NvspVersion::V4);
    linux.initialize();
    let number = |value: u32| (0, value.to_le_bytes().to_vec());
    assert_eq!(linux.query(0x0001_0106, &[]), number(1500));
    assert_eq!(linux.query(0x0101_0101, &[]), (0, MAC.bytes().to_vec()));
    assert_eq!(linux.query(0x0001_0114, &[]), number(0));
    // The friendly name is refused, which is fine.
    assert_eq!(linux.query(0x0002_0216, &[]), (0xc000_00bb, Vec::new()));
    // What is listed is answered, but for what can only be set or needs an object.
    let (_, listed) = linux.query(0x0001_0101, &[]);
    for oid in listed.chunks(4).map(|oid| word(oid, 0)) {
        let (status, _) = linux.query(oid, &[]);
        let is_set_only = oid == 0xfc01_020c;
        let needs_object = [0xfc01_020b, 0xfc01_020d, 0x0001_0203].contains(&oid);
        assert_eq!(status != 0, is_set_only || needs_object, "{oid:#x}");
    }
}

#[test]
fn offload_capabilities_are_an_object_of_the_size_that_was_asked_with() {
    // An empty or refused answer makes the probe fail; no answer makes it hang.
    for size in [0x74_u32, 0x8c, 144] {
        let mut linux = Linux::connected(NvspVersion::V4);
        linux.initialize();
        let mut object = vec![0; 144];
        object[..4].copy_from_slice(&(0xa7 | 3 << 8 | size << 16).to_le_bytes());
        let (status, answer) = linux.query(0xfc01_020d, &object);
        assert_eq!((status, answer.len()), (0, 144));
        assert_eq!(answer[..4], object[..4]);
        assert!(answer[4..].iter().all(|byte| *byte == 0), "no offloads");
        // Then the driver says what is to be off.
        let off = words(&[0x80 | 3 << 8 | 28 << 16, 0x0101_0101, 0, 0, 0, 0, 0]);
        assert_eq!(linux.set(0xfc01_020c, &off), 0);
    }
}

#[test]
fn scaling_capabilities_say_one_queue() {
    let mut linux = Linux::connected(NvspVersion::V6_1);
    linux.initialize();
    // struct ndis_recv_scale_cap: 18 bytes, here padded; type 0x88, revision 2.
    let mut object = words(&[0x88 | 2 << 8 | 18 << 16, 0, 0, 0, 0]);
    object.truncate(20);
    let (status, answer) = linux.query(0x0001_0203, &object);
    assert_eq!(status, 0);
    // Below 2 the driver asks for no more channels.
    assert_eq!(word(&answer, 12), 1);
    // Should it ask all the same, it gets none.
    let answer = linux.guest.request(linux.channel, &nvsp(&[133, 1, 3]));
    assert_eq!([0, 4, 8].map(|at| word(&answer, at)), [133, 2, 0]);
}

#[test]
fn a_broken_object_is_refused() {
    let mut linux = Linux::connected(NvspVersion::V4);
    linux.initialize();
    let object = |header: u32, len: usize| {
        let mut object = header.to_le_bytes().to_vec();
        object.resize(len, 0);
        object
    };
    for (header, len) in [
        // Another type; longer than what is there; without room for its own header; too long.
        (0xa8 | 1 << 8 | 144 << 16, 144),
        (0xa7 | 1 << 8 | 145 << 16, 144),
        (0xa7 | 1 << 8 | 3 << 16, 144),
        (0xa7 | 1 << 8 | 144 << 16, 516),
    ] {
        let refused = linux.query(0xfc01_020d, &object(header, len));
        assert_eq!(refused, (0xc001_0015, Vec::new()), "{header:#x} {len}");
    }
}

#[test]
fn the_switch_of_the_data_path_is_completed_without_content() {
    // Newer kernels wait for that completion, and take an empty one for theirs.
    let mut linux = Linux::connected(NvspVersion::V6_1);
    assert_eq!(linux.guest.request(linux.channel, &nvsp(&[129, 0])), b"");
}

#[test]
fn the_interface_goes_up_and_down() {
    let mut linux = Linux::connected(NvspVersion::V6_1);
    linux.initialize();
    assert_eq!(linux.handle.stage(), Stage::Initialized(NvspVersion::V6_1));
    linux.set_filter(0xd);
    assert_eq!(linux.handle.stage(), Stage::Running(NvspVersion::V6_1));
    assert_eq!(linux.query(0x0001_010e, &[]), (0, vec![0xd, 0, 0, 0]));
    linux.set_filter(0);
    assert_eq!(linux.handle.stage(), Stage::Initialized(NvspVersion::V6_1));
    // RNDIS_MSG_HALT has no answer but its completion.
    assert_eq!(linux.send_control(&words(&[3, 12, 9])), 1);
    assert_eq!(linux.take(), []);
    assert_eq!(linux.handle.stage(), Stage::Negotiated(NvspVersion::V6_1));
}

#[test]
fn keep_alive_and_reset_are_answered() {
    let mut linux = Linux::running(NvspVersion::V6_1);
    assert_eq!(word(&linux.control(8, &[]), 12), 0);
    assert_eq!(linux.send_control(&words(&[6, 12, 0])), 1);
    let [reset] = linux.take().try_into().unwrap();
    assert_eq!(reset.messages, [words(&[0x8000_0006, 16, 0, 0])]);
}

#[test]
fn the_guest_is_told_when_the_cable_goes_out_and_in() {
    let mut linux = Linux::running(NvspVersion::V6_1);
    for (link, status, reported) in [(Link::Down, 0x4001_000c, 1), (Link::Up, 0x4001_000b, 0)] {
        linux.handle.set_link(link);
        linux.guest.poke(linux.id);
        let [told] = linux.take().try_into().unwrap();
        linux.done(&told);
        assert_eq!(
            (told.content, told.messages),
            (1, vec![words(&[7, 20, status, 0, 0])])
        );
        assert_eq!(linux.query(0x0001_0114, &[]).1, u32::to_le_bytes(reported));
        // Once is enough.
        linux.guest.poke(linux.id);
        assert_eq!(linux.take(), []);
    }
}

#[test]
fn a_cable_that_is_out_carries_nothing() {
    let mut linux = Linux::running(NvspVersion::V6_1);
    linux.handle.set_link(Link::Down);
    let lost = frame([0xff; 6], b"lost");
    assert_eq!(
        linux.handle.push_frame(lost.clone()),
        Err(Refused::LinkDown)
    );
    assert_eq!(linux.send_section(0, 0, &packet(&lost)), 1);
    assert_eq!(linux.handle.pop_frame(), None);
    assert_eq!(linux.handle.counters().send_dropped, 1);
    // What waits is lost with the cable.
    linux.handle.set_link(Link::Up);
    linux
        .handle
        .push_frame(frame(MAC.bytes(), b"lost"))
        .unwrap();
    linux.handle.set_link(Link::Down);
    linux.handle.set_link(Link::Up);
    linux.guest.poke(linux.id);
    assert!(linux.take().iter().all(|one| one.content == 1));
    assert_eq!(linux.handle.counters().receive_dropped, 2);
}

#[test]
fn a_driver_leaves_and_another_comes() {
    let mut linux = Linux::running(NvspVersion::V6_1);
    linux.push(&frame(MAC.bytes(), b"never given back"));
    // netvsc_device_remove() of a host from 4.0 on: revoke, close, then take back.
    linux.tell(&nvsp(&[103, 0xcafe]));
    linux.tell(&nvsp(&[106, 0]));
    linux.guest.close(linux.channel);
    let (receive, send) = (linux.receive.0, linux.send.0);
    linux.guest.take_back(linux.channel, receive);
    linux.guest.take_back(linux.channel, send);
    assert_eq!(linux.handle.stage(), Stage::Closed);
    linux.channel = linux.guest.open(CLASS, 16);
    linux.negotiate();
    linux.lend_buffers();
    linux.initialize();
    linux.set_filter(0xd);
    linux.push(&frame(MAC.bytes(), b"here"));
    assert_eq!(linux.frames(), [frame(MAC.bytes(), b"here")]);
    assert_eq!(linux.why_it_rests(), None);
}

#[test]
fn a_revoked_buffer_is_not_used_and_late_completions_are_ignored() {
    let mut linux = Linux::running(NvspVersion::V6_1);
    linux.push(&frame(MAC.bytes(), b"one"));
    let [one] = linux.take().try_into().unwrap();
    // Another number revokes nothing.
    linux.tell(&nvsp(&[103, 0xcaff]));
    linux.tell(&nvsp(&[103, 0xcafe]));
    linux.push(&frame(MAC.bytes(), b"two"));
    assert_eq!(linux.take(), []);
    linux.done(&one);
    // Control needs the receive buffer for its answer.
    assert_eq!(linux.send_control(&words(&[8, 12, 1])), 2);
    assert_eq!(linux.why_it_rests(), None);
}

#[test]
fn before_version_4_of_the_bus_memory_is_taken_back_before_the_channel_is_closed() {
    let mut guest = FakeGuest::new();
    guest.set_newest(Version::V3_0);
    let mut linux = Linux::opened_on(guest, NvspVersion::V4, 16);
    for round in 0..2 {
        linux.negotiate();
        linux.lend_buffers();
        linux.initialize();
        linux.set_filter(0xd);
        let (receive, send) = (linux.receive.0, linux.send.0);
        linux.tell(&nvsp(&[103, 0xcafe]));
        linux.guest.take_back(linux.channel, receive);
        linux.tell(&nvsp(&[106, 0]));
        linux.guest.take_back(linux.channel, send);
        linux.guest.close(linux.channel);
        assert_eq!(linux.handle.stage(), Stage::Closed);
        assert_eq!(linux.why_it_rests(), None, "{round}");
        linux.channel = linux.guest.open(CLASS, 16);
    }
    assert_eq!(linux.guest.version(), Some(Version::V3_0));
}

#[test]
fn a_kernel_that_starts_without_closing_finds_the_adapter_as_new() {
    let mut linux = Linux::running(NvspVersion::V6_1);
    linux.push(&frame(MAC.bytes(), b"for the old kernel"));
    linux.guest.kexec();
    linux.guest.connect();
    linux.channel = linux.guest.open(CLASS, 16);
    assert_eq!(linux.negotiate(), Some(0x6_0001));
    linux.lend_buffers();
    linux.initialize();
    linux.set_filter(0xd);
    linux.push(&frame(MAC.bytes(), b"for the new one"));
    assert_eq!(linux.frames(), [frame(MAC.bytes(), b"for the new one")]);
}
