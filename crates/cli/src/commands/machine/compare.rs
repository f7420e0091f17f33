//! Where two definitions differ.

use serde::Serialize;
use serde_json::Value;

/// A place where two definitions differ.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Difference {
    /// Where: a path in the definition.
    pub(super) field: String,
    /// What the first says; null where it says nothing.
    pub(super) left: Value,
    /// What the second says.
    pub(super) right: Value,
}

/// The differences of two documents, in their order.
pub(super) fn differences(left: &Value, right: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    walk(String::new(), left, right, &mut found);
    found
}

fn walk(field: String, left: &Value, right: &Value, found: &mut Vec<Difference>) {
    match (left, right) {
        (Value::Object(a), Value::Object(b)) => {
            let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            for key in keys {
                let inner = if field.is_empty() {
                    key.clone()
                } else {
                    format!("{field}.{key}")
                };
                let of = |map: &serde_json::Map<String, Value>| {
                    map.get(key).cloned().unwrap_or_default()
                };
                walk(inner, &of(a), &of(b), found);
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            for index in 0..a.len().max(b.len()) {
                let of = |list: &[Value]| list.get(index).cloned().unwrap_or_default();
                walk(format!("{field}[{index}]"), &of(a), &of(b), found);
            }
        }
        _ if left == right => {}
        _ => found.push(Difference {
            field,
            left: left.clone(),
            right: right.clone(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn differences_are_told_by_their_place() {
        let left = json!({"a": 1, "b": {"c": [1, 2]}, "d": null});
        let right = json!({"a": 1, "b": {"c": [1, 3, 4]}, "e": "x"});
        let found = differences(&left, &right);
        let fields: Vec<_> = found.iter().map(|own| own.field.as_str()).collect();
        assert_eq!(fields, ["b.c[1]", "b.c[2]", "e"]);
        assert_eq!(found[1].left, Value::Null);
        assert!(differences(&left, &left).is_empty());
    }
}
