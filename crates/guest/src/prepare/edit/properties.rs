//! What an edit was not asked for does not change, whatever the text: the parsers that `inspect` has
//! say so.

use proptest::prelude::*;

use super::arguments::{Fate, arguments, edit, insert};
use super::{fields, ini, shell};
use crate::fstab;
use crate::settings::ini::Ini;

/// A line of fstab, or something like it.
fn fstab_line() -> impl Strategy<Value = String> {
    let device = prop_oneof!["/dev/sd[ab][12]", "UUID=[0-9a-f]{4}", "#", "tmpfs"];
    let blank = "[ \t]{1,3}";
    (
        blank,
        device,
        blank,
        "/[a-z]{0,3}",
        blank,
        "ext4|xfs",
        "[ \ta-z0-9#=,]{0,12}",
    )
        .prop_map(|(a, device, b, point, c, kind, rest)| {
            format!("{a}{device}{b}{point}{c}{kind}{rest}")
        })
}

fn words() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        "[a-z]{1,4}",
        "[a-z]{1,3}=[a-z0-9/,]{0,5}",
        "x=\"[a-z ]{0,5}\"",
        "--"
    ];
    let blank = "[ \t]{0,3}";
    proptest::collection::vec((word, blank), 0..8).prop_map(|all| {
        all.into_iter()
            .map(|(word, blank)| format!("{word} {blank}"))
            .collect()
    })
}

proptest! {
    #[test]
    fn one_device_of_fstab_changes_and_no_other_field(
        lines in proptest::collection::vec(fstab_line(), 1..6),
        index in 0_usize..6,
    ) {
        let old = lines.join("\n");
        let before = fstab::parse(&old);
        let new: Vec<String> = lines
            .iter()
            .enumerate()
            .map(|(own, line)| match own == index && !line.trim_start().starts_with('#') {
                true => fields::replace(line, 0, "UUID=new").unwrap_or_else(|| line.clone()),
                false => line.clone(),
            })
            .collect();
        let after = fstab::parse(&new.join("\n"));
        prop_assert_eq!(before.len(), after.len());
        for (old, new) in before.iter().zip(&after) {
            let mut expect = old.clone();
            if old.line.and_then(|line| usize::try_from(line).ok()) == Some(index + 1) {
                expect.spec = "UUID=new".to_owned();
            }
            prop_assert_eq!(&expect, new);
        }
    }

    #[test]
    fn an_argument_goes_and_the_others_stay_in_order(line in words(), gone in "[a-c]{1,2}") {
        let kept = |line: &str| -> Vec<(String, Option<String>)> {
            let all = arguments(line).into_iter();
            all.filter(|own| own.name != gone).map(|own| (own.name, own.value)).collect()
        };
        let new = edit(&line, |own| match own.name == gone {
            true => Fate::Gone,
            false => Fate::Keep,
        });
        prop_assert_eq!(kept(&line), kept(&new));
        prop_assert!(arguments(&new).iter().all(|own| own.name != gone));
        let more = insert(&new, "zz=1", |_| false);
        prop_assert_eq!(arguments(&more).len(), arguments(&new).len() + 1);
    }

    #[test]
    fn one_assignment_changes_and_no_other(
        lines in proptest::collection::vec("([A-D]=(\"[a-z ]{0,4}\"|'[a-z ]{0,4}'|[a-z]{0,4})|# [a-z=\"]{0,6}|[ ]{0,2})", 0..8),
    ) {
        let old = lines.join("\n");
        let new = shell::edit(old.as_bytes(), |own, value| {
            (own.name == "A").then(|| format!("{value}q"))
        });
        let new = String::from_utf8(new).unwrap();
        let read = |text: &str| {
            let all = crate::settings::shell::parse("/x", text);
            all.into_iter().map(|own| (own.name, own.value, own.at)).collect::<Vec<_>>()
        };
        let expect: Vec<_> = read(&old)
            .into_iter()
            .map(|(name, value, at)| match name.as_str() {
                "A" => (name, format!("{value}q"), at),
                _ => (name, value, at),
            })
            .collect();
        prop_assert_eq!(read(&new), expect);
    }

    #[test]
    fn one_key_of_a_section_is_set_and_nothing_else(
        lines in proptest::collection::vec("(\\[[ab]\\]|[xyz]=[a-z]{0,3}|#[a-z]{0,3}|)", 0..10),
    ) {
        let old = lines.join("\n");
        let new = ini::set(old.as_bytes(), "a", "y", "set");
        let new = String::from_utf8(new).unwrap();
        let read = |text: &str| {
            let file = Ini::key_file("/x", text);
            let of = |section: &str| -> Vec<(String, String)> {
                let all = file.entries(section);
                all.filter(|own| section != "a" || own.name != "y")
                    .map(|own| (own.name.clone(), own.value.clone()))
                    .collect()
            };
            (of("a"), of("b"))
        };
        prop_assert_eq!(read(&old), read(&new));
        let file = Ini::key_file("/x", &new);
        prop_assert_eq!(file.value("a", "y"), Some("set"));
    }
}
