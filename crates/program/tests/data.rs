//! The embedded facts: their form, and that every reference in them leads somewhere.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;

use detente_program::DOCUMENTS;
use serde_json::Value;

fn documents() -> Vec<(&'static str, Value)> {
    let parse = |(name, text): &(&'static str, &str)| (*name, serde_json::from_str(text).unwrap());
    DOCUMENTS.iter().map(parse).collect()
}

fn document(name: &str) -> Value {
    let mut all = documents().into_iter();
    all.find(|(own, _)| *own == name).unwrap().1
}

/// Every object of a document.
fn objects(value: &Value) -> Vec<&Value> {
    let mut left = vec![value];
    let mut found = Vec::new();
    while let Some(value) = left.pop() {
        match value {
            Value::Object(members) => {
                found.push(value);
                left.extend(members.values());
            }
            Value::Array(items) => left.extend(items),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    found
}

/// The strings of a member that is a string or a list of them.
fn words(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::String(word)) => vec![word],
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn ids(list: &Value) -> BTreeSet<&str> {
    let items = list.as_array().unwrap().iter();
    items.map(|own| own["id"].as_str().unwrap()).collect()
}

#[test]
fn every_document_says_what_it_is_and_from_when() {
    for (name, document) in documents() {
        assert_eq!(document["schema"], format!("detente.facts.{name}/1"));
        assert!(is_date(document["asOf"].as_str().unwrap()), "{name}");
        assert!(document["howToRead"].is_object(), "{name}");
        for (key, source) in document["sources"].as_object().unwrap() {
            for member in ["title", "repository", "path"] {
                assert!(source[member].is_string(), "{name}: {key}.{member}");
            }
            assert!(source.get("date").is_some(), "{name}: {key} has no date");
        }
    }
}

#[test]
fn every_source_is_in_the_table_of_its_document() {
    for (name, document) in documents() {
        let sources = document["sources"].as_object().unwrap();
        let mut count = 0;
        for object in objects(&document) {
            for key in words(object.get("source")) {
                assert!(sources.contains_key(key), "{name}: {key}");
                count += 1;
            }
        }
        assert!(count > 0, "{name}");
    }
}

#[test]
fn every_host_note_and_guest_that_is_named_exists() {
    let hyperv = document("guests-on-hyperv");
    let notes = hyperv["notes"].as_object().unwrap();
    let hosts = ids(&hyperv["hosts"]);
    let features = ids(&hyperv["features"]);
    for record in hyperv["records"].as_array().unwrap() {
        for (feature, cell) in record["features"].as_object().unwrap() {
            assert!(features.contains(feature.as_str()), "{feature}");
            for object in objects(cell) {
                let noted = words(object.get("notes"));
                assert!(
                    noted.iter().all(|note| notes.contains_key(*note)),
                    "{noted:?}"
                );
                let named = words(object.get("hosts"));
                assert!(named.iter().all(|host| hosts.contains(host)), "{named:?}");
            }
        }
    }
    let windows = document("windows-on-kvm");
    let (hosts, guests) = (ids(&windows["hosts"]), ids(&windows["guests"]));
    for list in ["support", "supportElsewhere"] {
        for row in windows[list].as_array().unwrap() {
            assert!(hosts.contains(row["host"].as_str().unwrap()), "{row}");
            // Elsewhere, documents name several releases in one breath.
            let guest = row["guest"].as_str().unwrap();
            assert!(list != "support" || guests.contains(guest), "{row}");
        }
    }
}

#[test]
fn dates_and_degrees_of_confidence_have_their_form() {
    let degrees = ["high", "medium", "low", "none"];
    for (name, document) in documents() {
        for object in objects(&document) {
            if let Some(degree) = object.get("confidence").and_then(Value::as_str)
                && name != "howToRead"
            {
                let sentence = degree.contains(' ');
                assert!(sentence || degrees.contains(&degree), "{name}: {degree}");
            }
            for (key, value) in object.as_object().unwrap() {
                if let Some(date) = value.as_str().filter(|_| key.ends_with("End")) {
                    assert!(is_date(date), "{name}: {key} {date}");
                }
            }
        }
    }
}

/// `2026-11-22`, or the month alone.
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let digits = |part: &&str| part.chars().all(|c| c.is_ascii_digit());
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    parts.iter().all(digits) && (lengths == [4, 2, 2] || lengths == [4, 2])
}
