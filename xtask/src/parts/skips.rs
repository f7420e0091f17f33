//! Tests that could not run: what they say, and which of them are allowed to.
//!
//! A test that cannot run prints `skipped: TEST-NAME: REASON` and passes.
//! nextest's JUnit report keeps what passing tests print.

use std::fs;

use anyhow::Context;

use crate::workspace;

/// The tests that may be skipped, and why: `test-name: reason`.
pub(crate) const LIST: &str = "tests-skip-list.txt";

/// The skips in a JUnit report, each once, in order.
pub(crate) fn reported(junit: &str) -> Vec<String> {
    let mut skips: Vec<String> = junit
        .lines()
        // The first line of an output stands right behind its tag.
        .filter_map(|line| {
            line.strip_prefix("skipped: ")
                .or_else(|| line.split_once("-err>skipped: ").map(|(_, skip)| skip))
        })
        .map(|skip| unescape(skip.split("</system-err>").next().unwrap_or(skip)))
        .collect();
    skips.sort();
    skips.dedup();
    skips
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&amp;", "&")
}

/// Those of `skips` that are not on the committed list.
pub(crate) fn unlisted(skips: &[String]) -> anyhow::Result<Vec<String>> {
    let list = fs::read_to_string(workspace::root().join(LIST))
        .with_context(|| format!("cannot read {LIST}"))?;
    Ok(skips
        .iter()
        .filter(|skip| !is_listed(&list, skip))
        .cloned()
        .collect())
}

/// A test is listed by its name; the reason it gives may be worded otherwise.
fn is_listed(list: &str, skip: &str) -> bool {
    list.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(name)
        .any(|listed| Some(listed) == name(skip))
}

fn name(line: &str) -> Option<&str> {
    Some(line.split_once(':')?.0.trim()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{is_listed, reported};

    #[test]
    fn skips_are_read_from_the_output_of_passing_tests() {
        let junit = "<testcase name=\"a\">\n<system-out>running 1 test\n</system-out>\n\
                     <system-err>skipped: one: no tool</system-err>\n</testcase>\n\
                     <system-err>noise\nskipped: two: no &apos;x&apos; &amp; no y\nskipped: one: no tool\n</system-err>\n";
        assert_eq!(reported(junit), ["one: no tool", "two: no 'x' & no y"]);
    }

    #[test]
    fn what_only_speaks_of_skipping_is_no_skip() {
        assert!(
            reported("<system-err>it says skipped: three: no\n0 skipped</system-err>\n").is_empty()
        );
    }

    #[test]
    fn a_skip_is_listed_by_its_name_and_not_by_a_comment() {
        let list = "# two: explained\none: needs a tool\n";
        assert!(is_listed(list, "one: another wording"));
        assert!(!is_listed(list, "two: no"));
        assert!(!is_listed(list, "on: no"));
    }
}
