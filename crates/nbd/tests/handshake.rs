//! The negotiation with a client of our own, message by message. Numbers are those of proto.md.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::cast_possible_truncation,
    reason = "lengths of tests are short"
)]

#[expect(dead_code, reason = "the requests use the rest")]
mod support;

use std::sync::Arc;

use detente_block::MemoryDisk;
use detente_nbd::{Ended, Export, SessionError};

use support::{Says, striped};

const SIZE: u64 = 1024 * 1024 + 512;

fn export() -> Export {
    Export::read_only(striped())
}

#[track_caller]
fn violates(says: &Says, part: &str) {
    let (_, ended) = says.to(&export());
    match ended {
        Err(SessionError::Violation { rule }) => assert!(rule.contains(part), "{rule}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_client_that_goes_is_told_size_and_flags() {
    let (mut heard, ended) = Says::hello().go().to(&export());
    // HAS_FLAGS, READ_ONLY, CAN_MULTI_CONN.
    assert_eq!(heard.go(), (SIZE, 1 | 1 << 1 | 1 << 8));
    heard.nothing_more();
    assert_eq!(ended.unwrap(), Ended::HungUp);
}

#[test]
fn a_disk_that_can_be_written_says_what_it_takes() {
    let disk = Arc::new(MemoryDisk::new(vec![0; 512]));
    let (mut heard, _) = Says::hello().structured().go().to(&Export::writable(disk));
    assert_eq!(heard.option(8), (1, vec![]));
    // HAS_FLAGS, FLUSH, FUA, TRIM, WRITE_ZEROES, DF, CAN_MULTI_CONN.
    let flags = 1 | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8;
    assert_eq!(heard.go(), (512, flags));
}

#[test]
fn the_old_way_in_ends_with_zeroes_unless_they_are_refused() {
    for (flags, zeroes) in [(1, 124), (3, 0)] {
        let says = Says(vec![0, 0, 0, flags]).option(1, b"");
        let (mut heard, _) = says.to(&export());
        assert_eq!(heard.number(8), SIZE);
        assert_eq!(heard.number(2), 1 | 1 << 1 | 1 << 8);
        assert_eq!(heard.take(zeroes), vec![0; zeroes]);
        heard.nothing_more();
    }
}

#[test]
fn a_client_of_the_unfixed_style_has_one_option() {
    let (mut heard, _) = Says(vec![0; 4]).option(1, b"").to(&export());
    assert_eq!(heard.number(8), SIZE);
    violates(&Says(vec![0; 4]).go(), "fixed newstyle");
}

#[test]
fn flags_of_a_client_that_nobody_knows_end_it() {
    violates(&Says(vec![0, 0, 0, 7]).go(), "flags");
    violates(&Says(vec![0x80, 0, 0, 3]).go(), "flags");
}

#[test]
fn an_option_without_magic_ends_it() {
    let mut says = Says::hello().go();
    says.0[4] ^= 1;
    violates(&says, "magic");
}

#[test]
fn unknown_options_are_refused_and_the_next_is_understood() {
    // STARTTLS, PEEK_EXPORT, one that does not exist, EXTENDED_HEADERS.
    for option in [5, 4, 0, 0xffff_ffff, 11] {
        let (mut heard, ended) = Says::hello().option(option, b"data").go().to(&export());
        assert_eq!(heard.option(option).0, 0x8000_0001, "{option}");
        heard.go();
        assert!(ended.is_ok());
    }
}

#[test]
fn long_data_is_passed_over_and_longer_ends_it() {
    let (mut heard, ended) = Says::hello().option(7, &[0; 70_000]).go().to(&export());
    assert_eq!(heard.option(7).0, 0x8000_0009);
    heard.go();
    assert!(ended.is_ok());
    let mut says = Says::hello().option(9, &[0; 8]);
    says.0[4 + 12..][..4].copy_from_slice(&[0xff; 4]);
    violates(&says, "32 MiB");
}

#[test]
fn data_where_none_may_be_is_invalid() {
    for option in [3, 8] {
        let (mut heard, _) = Says::hello().option(option, b"x").to(&export());
        assert_eq!(heard.option(option).0, 0x8000_0003);
        heard.nothing_more();
    }
}

#[test]
fn the_list_has_the_default_export() {
    let (mut heard, _) = Says::hello().option(3, b"").to(&export());
    assert_eq!(heard.option(3), (2, vec![0; 4]));
    assert_eq!(heard.option(3), (1, vec![]));
    heard.nothing_more();
}

#[test]
fn a_client_may_abort() {
    let (mut heard, ended) = Says::hello().option(2, b"").go().to(&export());
    assert_eq!(heard.option(2), (1, vec![]));
    heard.nothing_more();
    assert_eq!(ended.unwrap(), Ended::Aborted);
}

#[test]
fn another_export_is_unknown() {
    let named = [0, 0, 0, 1, b'x', 0, 0];
    for option in [6, 7] {
        let (mut heard, _) = Says::hello().option(option, &named).to(&export());
        assert_eq!(heard.option(option).0, 0x8000_0006);
        heard.nothing_more();
    }
    violates(&Says::hello().option(1, b"x"), "not there");
}

#[test]
fn information_that_does_not_fit_is_invalid() {
    for data in [&[][..], &[0, 0, 0, 9, 0, 0], &[0, 0, 0, 0, 0, 1], &[0; 7]] {
        let (mut heard, _) = Says::hello().option(6, data).to(&export());
        assert_eq!(heard.option(6).0, 0x8000_0003, "{data:?}");
        heard.nothing_more();
    }
}

#[test]
fn sizes_of_requests_are_told_when_they_are_asked_for() {
    let data = [0, 0, 0, 0, 0, 2, 0, 3, 0x12, 0x34];
    let (mut heard, _) = Says::hello().option(6, &data).to(&export());
    assert_eq!(heard.option(6).1.len(), 12);
    let sizes = [0, 3, 0, 0, 0, 1, 0, 0, 0x10, 0, 2, 0, 0, 0];
    assert_eq!(heard.option(6), (3, sizes.to_vec()));
    assert_eq!(heard.option(6), (1, vec![]));
    heard.nothing_more();
}

#[test]
fn a_context_needs_structured_replies() {
    for option in [9, 10] {
        let says = Says::hello().contexts(option, &["base:allocation"]);
        let (mut heard, _) = says.to(&export());
        assert_eq!(heard.option(option).0, 0x8000_0003);
        heard.nothing_more();
    }
}

#[test]
fn contexts_are_listed_by_wildcards_and_selected_by_name() {
    let context = |id: u8| [&[0, 0, 0, id][..], b"base:allocation"].concat();
    for (option, queries, found) in [
        (9, &[][..], true),
        (9, &["base:"], true),
        (9, &["base:allocation", "base:"], true),
        (9, &["base:other", "qemu:dirty-bitmap:x"], false),
        (10, &[], false),
        (10, &["base:"], false),
        (10, &["qemu:allocation-depth", "base:allocation"], true),
        (10, &["base:allocationx"], false),
    ] {
        let says = Says::hello().structured().contexts(option, queries);
        let (mut heard, _) = says.to(&export());
        assert_eq!(heard.option(8), (1, vec![]));
        if found {
            let id = u8::from(option == 10);
            assert_eq!(heard.option(option), (4, context(id)), "{queries:?}");
        }
        assert_eq!(heard.option(option), (1, vec![]), "{queries:?}");
        heard.nothing_more();
    }
}

#[test]
fn a_failed_selection_takes_back_the_one_before() {
    let says = Says::hello()
        .structured()
        .contexts(10, &["base:allocation"])
        .option(10, &[0; 3])
        .go()
        .request((0, 7), 0, 512);
    let (mut heard, _) = says.to(&export());
    heard.option(8);
    heard.option(10);
    heard.option(10);
    assert_eq!(heard.option(10).0, 0x8000_0003);
    heard.go();
    assert_eq!(heard.error(7), 22);
}

#[test]
fn a_client_that_only_haggles_is_hung_up_on() {
    let mut says = Says::hello();
    for _ in 0..300 {
        says = says.option(3, b"");
    }
    violates(&says, "more options");
}
