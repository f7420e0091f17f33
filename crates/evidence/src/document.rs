//! Reading documents of ours: the schema first, then the rest.

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Why a document could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// The bytes are no JSON object, or not one with the fields that its schema has.
    #[error("not a sound {wanted} document")]
    Json {
        /// What was looked for.
        wanted: &'static str,
        /// Where, and what is wrong.
        source: serde_json::Error,
    },
    /// The document says nothing of what it is.
    #[error("the document has no schema; {wanted} was expected")]
    NoSchema {
        /// What was looked for.
        wanted: &'static str,
    },
    /// The document is something else.
    #[error("the document is {found:?}; {wanted} was expected")]
    OtherSchema {
        /// What was looked for.
        wanted: &'static str,
        /// What it says it is.
        found: String,
    },
    /// The document was written by a later program.
    #[error(
        "the document is {found}, which is newer than {wanted}: read it with a newer version of \
         this program"
    )]
    Newer {
        /// The newest that this version reads.
        wanted: &'static str,
        /// What it says it is.
        found: String,
    },
}

/// The part of a document that says what it is.
#[derive(Deserialize)]
struct Head {
    schema: Option<String>,
}

/// Reads a document of the schema `wanted`, `detente/NAME/N`. So far no schema has an older N.
pub(crate) fn parse<T: DeserializeOwned>(
    bytes: &[u8],
    wanted: &'static str,
) -> Result<T, ParseError> {
    let broken = |source| ParseError::Json { wanted, source };
    let head: Head = serde_json::from_slice(bytes).map_err(broken)?;
    let found = head.schema.ok_or(ParseError::NoSchema { wanted })?;
    if found == wanted {
        return serde_json::from_slice(bytes).map_err(broken);
    }
    if is_newer(&found, wanted) {
        return Err(ParseError::Newer { wanted, found });
    }
    Err(ParseError::OtherSchema { wanted, found })
}

/// Whether `found` is `wanted` with a higher number.
fn is_newer(found: &str, wanted: &str) -> bool {
    match (found.rsplit_once('/'), wanted.rsplit_once('/')) {
        (Some((found_name, found)), Some((wanted_name, wanted))) => {
            found_name == wanted_name && number(found) > number(wanted)
        }
        (Some(_) | None, _) => false,
    }
}

/// A version as written by us, digits without a leading zero; 0 for anything else. What is too
/// long for a number is newer than every version of ours.
fn number(text: &str) -> u32 {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || text.starts_with('0') {
        return 0;
    }
    text.parse().unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Document {
        value: u32,
    }

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let answer = parse::<Document>(text.as_bytes(), "detente/test/2");
        let said = match answer {
            Ok(document) => document.value.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(said, expect, "{text}");
    }

    #[test]
    fn the_schema_that_is_wanted_is_read() {
        check(r#"{"schema": "detente/test/2", "value": 7}"#, "7");
    }

    #[test]
    fn a_newer_schema_is_refused_with_a_sentence() {
        for newer in ["3", "20", "99999999999999999999"] {
            check(
                &format!(r#"{{"schema": "detente/test/{newer}", "value": 7}}"#),
                &format!(
                    "the document is detente/test/{newer}, which is newer than detente/test/2: \
                     read it with a newer version of this program"
                ),
            );
        }
    }

    #[test]
    fn another_schema_is_refused() {
        for other in [
            "detente/other/3",
            "detente/test/03",
            "detente/test/3x",
            "detente/test/",
            "detente/test",
            "",
        ] {
            check(
                &format!(r#"{{"schema": "{other}", "value": 7}}"#),
                &format!("the document is {other:?}; detente/test/2 was expected"),
            );
        }
    }

    #[test]
    fn a_document_without_a_schema_is_refused() {
        for text in [r#"{"value": 7}"#, r#"{"schema": null, "value": 7}"#] {
            check(
                text,
                "the document has no schema; detente/test/2 was expected",
            );
        }
    }

    #[test]
    fn what_is_no_sound_document_is_refused() {
        for text in [
            "",
            "[]",
            "\u{0}",
            r#"{"schema": 2}"#,
            r#"{"schema": "detente/test/2"}"#,
            r#"{"schema": "detente/test/2", "value": "x"}"#,
            r#"{"schema": "detente/test/2", "value": 7"#,
        ] {
            check(text, "not a sound detente/test/2 document");
        }
    }

    #[test]
    fn deep_nesting_is_refused_and_does_not_overflow() {
        let deep = format!(r#"{{"schema": {}"#, "[".repeat(1_000_000));
        check(&deep, "not a sound detente/test/2 document");
    }
}
