//! `junit.xml`: a run for tools that know nothing of ours.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use crate::{CaseResult, Outcome, ProfileRun, Run};

/// The run as JUnit's XML: a suite for each profile, a test case for each case.
///
/// # Errors
/// None that memory allows; the type is that of the XML writer.
pub fn junit(run: &Run) -> std::io::Result<Vec<u8>> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let mut root = BytesStart::new("testsuites");
    attribute(&mut root, "name", &format!("detente {}", run.plan.id));
    writer.write_event(Event::Start(root))?;
    for part in &run.profiles {
        suite(&mut writer, run, part)?;
    }
    writer.write_event(Event::End(BytesEnd::new("testsuites")))?;
    let mut bytes = writer.into_inner();
    bytes.push(b'\n');
    Ok(bytes)
}

/// One profile.
fn suite(writer: &mut Writer<Vec<u8>>, run: &Run, part: &ProfileRun) -> std::io::Result<()> {
    let count = |wanted: Mark| {
        let cases = part.cases.iter();
        cases
            .filter(|case| mark(case.outcome) == Some(wanted))
            .count()
            .to_string()
    };
    let mut element = BytesStart::new("testsuite");
    attribute(&mut element, "name", &part.profile);
    attribute(&mut element, "timestamp", &run.started_at);
    attribute(&mut element, "tests", &part.cases.len().to_string());
    attribute(&mut element, "failures", &count(Mark::Failure));
    attribute(&mut element, "errors", &count(Mark::Error));
    attribute(&mut element, "skipped", &count(Mark::Skipped));
    let took = part.cases.iter().map(|case| case.duration_ms);
    let took_ms = took.fold(0, u64::saturating_add);
    attribute(&mut element, "time", &seconds(took_ms));
    writer.write_event(Event::Start(element))?;
    properties(writer, run, part)?;
    for case in &part.cases {
        test_case(writer, part, case)?;
    }
    writer.write_event(Event::End(BytesEnd::new("testsuite")))
}

/// Host, guest and plan as properties.
fn properties(writer: &mut Writer<Vec<u8>>, run: &Run, part: &ProfileRun) -> std::io::Result<()> {
    let pairs = [
        ("run_id", run.run_id.as_str()),
        ("guest", run.guest.os.as_str()),
        ("kernel", run.guest.kernel_release.as_str()),
        ("platform", part.platform.product.as_str()),
        ("platform_version", part.platform.version.as_str()),
        ("implementation", part.platform.implementation.as_str()),
        ("acceleration", part.platform.acceleration.as_str()),
        ("plan_digest", run.plan.digest.as_str()),
        ("statement", part.statement.as_str()),
    ];
    writer.write_event(Event::Start(BytesStart::new("properties")))?;
    for (name, value) in pairs {
        let mut element = BytesStart::new("property");
        attribute(&mut element, "name", name);
        attribute(&mut element, "value", value);
        writer.write_event(Event::Empty(element))?;
    }
    writer.write_event(Event::End(BytesEnd::new("properties")))
}

/// One case.
fn test_case(
    writer: &mut Writer<Vec<u8>>,
    part: &ProfileRun,
    case: &CaseResult,
) -> std::io::Result<()> {
    let mut element = BytesStart::new("testcase");
    attribute(
        &mut element,
        "classname",
        &format!("detente.{}", part.profile),
    );
    attribute(
        &mut element,
        "name",
        &format!("{} {}", case.case_id, case.title),
    );
    attribute(&mut element, "time", &seconds(case.duration_ms));
    writer.write_event(Event::Start(element))?;
    let message = clean(&format!("{}: {}", case.outcome, case.message));
    if let Some(mark) = mark(case.outcome) {
        let mut element = BytesStart::new(mark.element());
        attribute(&mut element, "type", case.outcome.word());
        attribute(&mut element, "message", &message);
        writer.write_event(Event::Empty(element))?;
    }
    writer.write_event(Event::Start(BytesStart::new("system-out")))?;
    writer.write_event(Event::Text(BytesText::new(&message)))?;
    writer.write_event(Event::End(BytesEnd::new("system-out")))?;
    writer.write_event(Event::End(BytesEnd::new("testcase")))
}

/// What JUnit knows beside passing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Failure,
    Error,
    Skipped,
}

impl Mark {
    fn element(self) -> &'static str {
        match self {
            Self::Failure => "failure",
            Self::Error => "error",
            Self::Skipped => "skipped",
        }
    }
}

/// How JUnit says an outcome; `None` is passing.
fn mark(outcome: Outcome) -> Option<Mark> {
    match outcome {
        Outcome::Passed | Outcome::PassedWithWarning => None,
        Outcome::Failed => Some(Mark::Failure),
        Outcome::Error | Outcome::Interrupted | Outcome::NeedsReview => Some(Mark::Error),
        Outcome::Skipped | Outcome::NotRun => Some(Mark::Skipped),
    }
}

/// Adds an attribute, whatever its text.
fn attribute(element: &mut BytesStart<'_>, name: &str, value: &str) {
    element.push_attribute((name, clean(value).as_str()));
}

/// Milliseconds as JUnit's seconds.
fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

/// XML 1.0 has no place for most control characters, and guests write them.
fn clean(text: &str) -> String {
    text.chars()
        .map(|c| {
            let allowed = matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
            if allowed { c } else { '\u{fffd}' }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use quick_xml::XmlVersion;
    use quick_xml::reader::Reader;

    use super::*;
    use crate::sample;

    /// An element: its name, its attributes, the text in it.
    #[derive(Debug, Default)]
    struct Element {
        name: String,
        attributes: Vec<(String, String)>,
        text: String,
    }

    impl Element {
        #[track_caller]
        fn attribute(&self, name: &str) -> &str {
            let found = self.attributes.iter().find(|(key, _)| key == name);
            &found.expect("the attribute is there").1
        }
    }

    /// Reads the document back with an XML reader that checks end tags.
    fn elements(run: &Run) -> Vec<Element> {
        let bytes = junit(run).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let mut reader = Reader::from_str(&text);
        let mut elements: Vec<Element> = Vec::new();
        loop {
            match reader.read_event().unwrap() {
                Event::Start(start) | Event::Empty(start) => elements.push(element(&start)),
                Event::Text(part) => {
                    append(&mut elements, &part.xml10_content());
                }
                Event::GeneralRef(reference) => {
                    let name = reference.xml10_content();
                    let text = quick_xml::escape::unescape(&format!("&{name};"))
                        .unwrap()
                        .into_owned();
                    append(&mut elements, &text);
                }
                Event::Eof => return elements,
                _ => {}
            }
        }
    }

    fn append(elements: &mut [Element], text: &str) {
        if let Some(last) = elements.last_mut() {
            last.text.push_str(text);
        }
    }

    fn element(start: &BytesStart<'_>) -> Element {
        let attributes = start.attributes().map(|attribute| {
            let attribute = attribute.unwrap();
            let key = attribute.key.as_ref().to_owned();
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).unwrap();
            (key, value.into_owned())
        });
        Element {
            name: start.name().as_ref().to_owned(),
            attributes: attributes.collect(),
            text: String::new(),
        }
    }

    fn named<'a>(elements: &'a [Element], name: &str) -> Vec<&'a Element> {
        elements.iter().filter(|e| e.name == name).collect()
    }

    /// The run whose first case says `text`.
    fn saying(text: &str) -> Run {
        let mut run = sample::run();
        run.profiles[0].cases[1].message = text.to_owned();
        run.guest.os = text.to_owned();
        run
    }

    #[test]
    fn the_first_line_says_xml_and_utf_8() {
        let bytes = junit(&sample::run()).unwrap();
        assert!(bytes.starts_with(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites"));
        assert!(bytes.ends_with(b"</testsuites>\n"));
    }

    #[test]
    fn counts_are_those_of_the_cases() {
        let elements = elements(&sample::run());
        let counts: Vec<_> = named(&elements, "testsuite")
            .iter()
            .map(|suite| {
                ["name", "tests", "failures", "errors", "skipped"].map(|name| suite.attribute(name))
            })
            .collect();
        assert_eq!(
            counts,
            [
                ["kvm", "3", "1", "1", "0"],
                ["kvm-legacy", "3", "0", "0", "2"]
            ]
        );
        assert_eq!(named(&elements, "failure").len(), 1);
        assert_eq!(named(&elements, "error").len(), 1);
        assert_eq!(named(&elements, "skipped").len(), 2);
    }

    #[test]
    fn a_suite_takes_as_long_as_its_cases() {
        // Three cases of 12.345 s each.
        let elements = elements(&sample::run());
        for suite in named(&elements, "testsuite") {
            assert_eq!(suite.attribute("time"), "37.035");
        }
    }

    #[test]
    fn every_outcome_has_its_place() {
        use Outcome::{Error, Failed, Interrupted, NeedsReview, NotRun, Skipped};
        for (outcome, name) in [
            (Failed, "failure"),
            (Error, "error"),
            (Interrupted, "error"),
            (NeedsReview, "error"),
            (Skipped, "skipped"),
            (NotRun, "skipped"),
        ] {
            let mut run = sample::run();
            run.profiles.truncate(1);
            run.profiles[0].cases.truncate(1);
            run.profiles[0].cases[0].outcome = outcome;
            let elements = elements(&run);
            assert_eq!(
                named(&elements, name)[0].attribute("message"),
                format!("{outcome}: as seen")
            );
            assert_eq!(named(&elements, name)[0].attribute("type"), outcome.word());
        }
    }

    #[test]
    fn a_case_has_its_class_name_and_time() {
        let elements = elements(&sample::run());
        let case = named(&elements, "testcase")[0];
        assert_eq!(case.attribute("classname"), "detente.kvm");
        assert_eq!(case.attribute("name"), "BOOT-01 title of BOOT-01");
        assert_eq!(case.attribute("time"), "12.345");
    }

    #[test]
    fn markup_in_a_message_is_text() {
        let text = "</system-out><failure a=\"b\"/> & ]]> 'x' &amp;";
        let elements = elements(&saying(text));
        let failure = named(&elements, "failure");
        assert_eq!(failure.len(), 1);
        assert_eq!(failure[0].attribute("message"), format!("failed: {text}"));
        let said = named(&elements, "system-out")[1].text.trim();
        assert_eq!(said, format!("failed: {text}"));
    }

    #[test]
    fn control_characters_are_replaced() {
        let text = "a\u{0}b\u{1b}[31mc\u{8}d\u{fffe}e\u{ffff}f";
        let clean = "a\u{fffd}b\u{fffd}[31mc\u{fffd}d\u{fffd}e\u{fffd}f";
        let run = saying(text);
        let written = String::from_utf8(junit(&run).unwrap()).unwrap();
        // XML 1.0, production 2 (Char).
        assert!(written.chars().all(|c| c == '\n' || c >= ' '));
        assert!(!written.contains(['\u{fffe}', '\u{ffff}']));
        let elements = elements(&run);
        let failure = named(&elements, "failure")[0];
        assert_eq!(failure.attribute("message"), format!("failed: {clean}"));
        let properties = named(&elements, "property");
        let guest = properties.iter().find(|p| p.attribute("name") == "guest");
        assert_eq!(guest.unwrap().attribute("value"), clean);
    }
}
