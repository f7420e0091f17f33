//! The decoder against sound, spoiled, cut and mixed streams.

use proptest::prelude::*;

use super::{Decoder, FrameError, HEADER_BYTES, MARK, MAX_PAYLOAD_BYTES, encode};

/// Built by hand, not by `encode`; the CRC of `123456789` is the check value of CRC-32/ISO-HDLC.
const SOUND: &[u8] = b"\xd7DT\x01\x09\0\0\0\x26\x39\xf4\xcb123456789";

/// What the decoder finds in `stream`, and how many bytes it calls garbage.
fn decode(stream: &[u8], chunk: usize) -> (Vec<Vec<u8>>, u64) {
    let mut decoder = Decoder::new();
    let found = stream
        .chunks(chunk.max(1))
        .flat_map(|part| decoder.push(part))
        .collect();
    (found, decoder.garbage_bytes())
}

fn spoiled(at: usize, byte: u8) -> Vec<u8> {
    let mut frame = SOUND.to_vec();
    frame[at] = byte;
    frame
}

fn only_the_second_is_found(first: &[u8]) {
    let stream = [first, SOUND].concat();
    for chunk in [1, 2, 3, 7, stream.len()] {
        let (found, garbage) = decode(&stream, chunk);
        assert_eq!(found, [b"123456789"], "in chunks of {chunk}");
        assert_eq!(garbage, first.len() as u64, "in chunks of {chunk}");
    }
}

#[test]
fn a_number_is_framed_as_the_table_says() {
    assert_eq!(encode(&123_456_789_u32).unwrap(), SOUND);
}

#[test]
fn a_sound_frame_leaves_no_garbage() {
    only_the_second_is_found(b"");
}

#[test]
fn bytes_before_a_frame_are_garbage() {
    only_the_second_is_found(b"Booting `Debian GNU/Linux'\r\n\xd7D\xd7");
}

#[test]
fn a_spoiled_mark_makes_the_frame_garbage() {
    only_the_second_is_found(&spoiled(3, 0x02));
}

#[test]
fn a_spoiled_checksum_makes_the_frame_garbage() {
    only_the_second_is_found(&spoiled(8, 0x27));
}

#[test]
fn a_spoiled_payload_makes_the_frame_garbage() {
    only_the_second_is_found(&spoiled(HEADER_BYTES, b'0'));
}

#[test]
fn a_length_that_is_too_small_makes_the_frame_garbage() {
    only_the_second_is_found(&spoiled(4, 8));
}

#[test]
fn a_length_over_the_limit_is_garbage_at_once() {
    only_the_second_is_found(&spoiled(7, 0xff));
}

#[test]
fn a_length_that_reaches_over_the_next_frame_does_not_hold_it_back() {
    only_the_second_is_found(&spoiled(6, 0x0f));
}

#[test]
fn a_frame_that_was_cut_short_does_not_hold_back_the_next() {
    for len in 1..SOUND.len() {
        only_the_second_is_found(&SOUND[..len]);
    }
}

#[test]
fn a_true_mark_inside_a_false_header_is_found() {
    only_the_second_is_found(&MARK);
    only_the_second_is_found(&[&MARK[..], &[0, 0]].concat());
}

#[test]
fn a_character_that_begins_like_the_mark_is_no_mark() {
    let text = "\u{5c4}DT";
    let frame = encode(&text).unwrap();
    assert_eq!(
        decode(&frame, 1),
        (vec![serde_json::to_vec(text).unwrap()], 0)
    );
}

#[test]
fn a_payload_over_the_limit_is_not_framed() {
    let longest = "x".repeat(MAX_PAYLOAD_BYTES - 2);
    assert_eq!(
        encode(&longest).unwrap().len(),
        HEADER_BYTES + MAX_PAYLOAD_BYTES
    );
    let longer = "x".repeat(MAX_PAYLOAD_BYTES - 1);
    assert!(
        matches!(encode(&longer), Err(FrameError::TooLong { len }) if len == MAX_PAYLOAD_BYTES + 1)
    );
}

#[test]
fn no_more_than_one_frame_is_kept() {
    let mut decoder = Decoder::new();
    let mut claim = MARK.to_vec();
    claim.extend_from_slice(&(1_u32 << 20).to_le_bytes());
    for _ in 0..64 {
        decoder.push(&claim);
        decoder.push(&[b'x'; 100_000]);
    }
    assert!(decoder.pending.len() <= HEADER_BYTES + MAX_PAYLOAD_BYTES);
}

/// A piece of a stream: a frame with this text, or bytes that hold no mark.
#[derive(Debug, Clone)]
enum Piece {
    Frame(String),
    Noise(Vec<u8>),
}

fn piece() -> impl Strategy<Value = Piece> {
    prop_oneof![
        ".{0,40}".prop_map(Piece::Frame),
        proptest::collection::vec(0_u8..0xd7, 0..40).prop_map(Piece::Noise),
    ]
}

proptest! {
    #[test]
    fn every_frame_comes_out_whatever_lies_between(
        pieces in proptest::collection::vec(piece(), 0..12),
        chunk in 1_usize..64,
    ) {
        let (mut stream, mut texts, mut noise) = (Vec::new(), Vec::new(), 0);
        for piece in pieces {
            match piece {
                Piece::Frame(text) => {
                    stream.extend(encode(&text).unwrap());
                    texts.push(serde_json::to_vec(&text).unwrap());
                }
                Piece::Noise(bytes) => {
                    noise += bytes.len() as u64;
                    stream.extend(bytes);
                }
            }
        }
        prop_assert_eq!(decode(&stream, chunk), (texts, noise));
    }

    #[test]
    fn the_way_a_stream_is_cut_changes_nothing(
        stream in proptest::collection::vec(
            prop_oneof![Just(0xd7_u8), Just(b'D'), Just(b'T'), Just(1), Just(0), any::<u8>()],
            0..400,
        ),
        chunk in 1_usize..64,
    ) {
        prop_assert_eq!(decode(&stream, chunk), decode(&stream, 400));
    }
}
