//! Documents held against the committed schemas, by an independent validator.

use jsonschema::Validator;
use serde_json::{Value, json};

use super::repository;

/// A committed schema.
pub(crate) fn schema(name: &str) -> Value {
    let path = repository().join("docs/schemas").join(name);
    let bytes = std::fs::read(&path).expect("the schema is committed");
    serde_json::from_slice(&bytes).expect("the schema is JSON")
}

/// The validator of a committed schema.
pub(crate) fn validator(name: &str) -> Validator {
    jsonschema::draft202012::new(&schema(name)).expect("the schema is a sound one")
}

/// The document is sound, and each of its twins, with the value at a JSON pointer replaced (or
/// taken away, for `null` where there is no null), is not.
#[track_caller]
pub(crate) fn check(name: &str, document: &Value, spoiled: &[(&str, Value)]) {
    check_twins(name, document, spoiled);
    let validator = validator(name);
    let fields = document.as_object().expect("documents are objects");
    for key in fields.keys() {
        let mut twin = fields.clone();
        twin.remove(key);
        let twin = Value::Object(twin);
        let optional = matches!(
            (name, key.as_str()),
            ("guest-facts-1.json", "initramfs")
                | (
                    "run-1.json",
                    "controls" | "selection" | "repetitions" | "own_cases" | "coverage"
                )
        );
        assert_eq!(validator.is_valid(&twin), optional, "{name} without {key}");
    }
    let mut twin = document.clone();
    twin["unheard_of"] = json!(1);
    assert!(!validator.is_valid(&twin), "{name} with a field too many");
}

/// The same of a document of which every field may be absent.
#[track_caller]
pub(crate) fn check_twins(name: &str, document: &Value, spoiled: &[(&str, Value)]) {
    let validator = validator(name);
    let errors: Vec<_> = validator
        .iter_errors(document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{name}: {errors:#?}");
    for (pointer, value) in spoiled {
        let mut twin = document.clone();
        let place = twin.pointer_mut(pointer);
        *place.unwrap_or_else(|| panic!("{name} has no {pointer}")) = value.clone();
        assert!(
            !validator.is_valid(&twin),
            "{name} with {value} at {pointer}"
        );
    }
}
