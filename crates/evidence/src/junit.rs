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
    root.push_attribute(("name", format!("detente {}", run.plan.id).as_str()));
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
    let count = |wanted: fn(Outcome) -> bool| {
        part.cases
            .iter()
            .filter(|case| wanted(case.outcome))
            .count()
            .to_string()
    };
    let mut element = BytesStart::new("testsuite");
    element.push_attribute(("name", part.profile.as_str()));
    element.push_attribute(("timestamp", run.started_at.as_str()));
    element.push_attribute(("tests", part.cases.len().to_string().as_str()));
    element.push_attribute(("failures", count(is_failure).as_str()));
    element.push_attribute(("errors", count(is_error).as_str()));
    element.push_attribute(("skipped", count(is_skipped).as_str()));
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
    ];
    writer.write_event(Event::Start(BytesStart::new("properties")))?;
    for (name, value) in pairs {
        let mut element = BytesStart::new("property");
        element.push_attribute(("name", name));
        element.push_attribute(("value", clean(value).as_str()));
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
    element.push_attribute(("classname", format!("detente.{}", part.profile).as_str()));
    element.push_attribute(("name", format!("{} {}", case.case_id, case.title).as_str()));
    element.push_attribute(("time", seconds(case.duration_ms).as_str()));
    writer.write_event(Event::Start(element))?;
    let mark = match case.outcome {
        outcome if is_failure(outcome) => Some("failure"),
        outcome if is_error(outcome) => Some("error"),
        outcome if is_skipped(outcome) => Some("skipped"),
        _ => None,
    };
    let message = clean(&format!("{}: {}", case.outcome, case.message));
    if let Some(name) = mark {
        let mut element = BytesStart::new(name);
        element.push_attribute(("message", message.as_str()));
        writer.write_event(Event::Empty(element))?;
    }
    writer.write_event(Event::Start(BytesStart::new("system-out")))?;
    writer.write_event(Event::Text(BytesText::new(&message)))?;
    writer.write_event(Event::End(BytesEnd::new("system-out")))?;
    writer.write_event(Event::End(BytesEnd::new("testcase")))
}

fn is_failure(outcome: Outcome) -> bool {
    outcome == Outcome::Failed
}

fn is_error(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Error | Outcome::Interrupted | Outcome::NeedsReview
    )
}

fn is_skipped(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Skipped | Outcome::NotRun)
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
