//! What a batch says in the end.

use super::*;

#[derive(Serialize)]
struct Said(u8);

impl Document for Said {
    fn is_made(&self) -> bool {
        true
    }

    fn code(&self) -> u8 {
        self.0
    }

    fn line(&self) -> String {
        "said".to_owned()
    }
}

fn line(result: End, code: Option<u8>) -> Line<Said> {
    Line {
        sources: Vec::new(),
        folder: "out/web".to_owned(),
        result,
        code,
        error: None,
        hint: None,
        document: code.map(Said),
    }
}

#[test]
fn the_worst_that_is_certain_is_the_code() {
    let check = |codes: &[Option<u8>], interrupted, expect| {
        let end = |code: &Option<u8>| code.map_or(End::NotRun, |_| End::Made);
        let lines: Vec<_> = codes.iter().map(|code| line(end(code), *code)).collect();
        assert_eq!(code(&lines, interrupted), expect, "{codes:?}");
    };
    check(&[Some(FINE), Some(FINE)], false, FINE);
    check(&[Some(FINE), Some(crate::USAGE)], false, CANNOT_TELL);
    check(&[Some(CANNOT_TELL), Some(BAD)], false, BAD);
    check(&[Some(BAD), None], true, INTERRUPTED);
    // It was interrupted when all was done.
    check(&[Some(FINE)], true, FINE);
}

#[test]
fn what_did_not_happen_is_not_counted_aloud() {
    let lines = [line(End::Made, Some(0)), line(End::Already, Some(0))];
    let said = summary(&count(&lines), 2, "prepared");
    assert_eq!(said, "2 machines: 1 prepared, 1 already there");
    let lines = [line(End::Failed, Some(2))];
    let said = summary(&count(&lines), 1, "prepared");
    assert_eq!(said, "1 machine: 0 prepared, 0 already there, 1 failed");
}

#[test]
fn the_end_of_a_long_error_is_shown() {
    let mut line = line(End::Failed, None);
    line.error = Some(format!("{}: the reason", "console ".repeat(100)));
    let said = text(&line);
    assert!(said.starts_with("out/web: failed: … "), "{said}");
    assert!(said.ends_with(": the reason"), "{said}");
    assert!(said.len() < 500, "{said}");
}

#[test]
fn what_is_there_and_not_fine_says_so_each_time() {
    assert_eq!(
        text(&line(End::Already, Some(FINE))),
        "out/web: already there"
    );
    let said = text(&line(End::Already, Some(BAD)));
    assert_eq!(said, "out/web: already there (said)");
}
