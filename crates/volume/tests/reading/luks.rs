//! Headers that cryptsetup made, and spoiled ones. `luksDump` shows what is expected here.

use detente_volume::{Content, Luks, luks_facts};

use crate::support::{only_volume, poke, sample, window};

#[test]
fn both_versions_say_their_cipher_and_slots() {
    for (name, expect) in [("luks1", 1), ("luks2", 2)] {
        let found = luks_facts(&window(sample(name))).unwrap().unwrap();
        let slots = vec![1];
        let cipher = "aes-xts-plain64".to_owned();
        assert_eq!(found, Luks { cipher, slots }, "{name}");
        let uuid = "01234567-89ab-4cde-8f01-23456789abcd".to_owned();
        let version = expect;
        let content = only_volume(sample(name)).content;
        assert_eq!(content, Content::Luks { version, uuid });
    }
}

#[test]
fn a_spoiled_header_says_nothing() {
    let check = |name: &str, at: usize, new: &[u8]| {
        let mut bytes = sample(name);
        poke(&mut bytes, at, new);
        assert_eq!(luks_facts(&window(bytes)).unwrap(), None, "{name} at {at}");
    };
    check("luks2", 4096 + 20, b"x");
    check("luks2", 448, b"xx");
    check("luks2", 8, &u64::MAX.to_be_bytes());
    check("luks2", 6, &[0, 3]);
    check("luks1", 0, b"M");
    let short = sample("luks2")[..5000].to_vec();
    assert_eq!(luks_facts(&window(short)).unwrap(), None);
}
