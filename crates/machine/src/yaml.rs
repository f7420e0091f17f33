//! A JSON value as YAML, in blocks.

use serde_json::Value;

/// The document. Texts that YAML could take for something else are quoted as JSON does it, which
/// YAML 1.2 reads.
pub(crate) fn to_yaml(value: &Value) -> String {
    let mut out = String::new();
    block(&mut out, value, 0);
    out
}

fn block(out: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(map) => {
            for (index, (key, value)) in map.iter().enumerate() {
                if index > 0 {
                    margin(out, depth);
                }
                text(out, key);
                out.push(':');
                below(out, value, depth.saturating_add(1), depth);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                if index > 0 {
                    margin(out, depth);
                }
                out.push('-');
                if is_block(value) {
                    out.push(' ');
                    block(out, value, depth.saturating_add(1));
                } else {
                    below(out, value, depth, depth);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What stands behind a key or a dash: on the line, or in a block of its own.
fn below(out: &mut String, value: &Value, depth: usize, outer: usize) {
    match value {
        Value::Object(map) if map.is_empty() => out.push_str(" {}\n"),
        Value::Array(list) if list.is_empty() => out.push_str(" []\n"),
        Value::Object(_) => {
            out.push('\n');
            margin(out, depth);
            block(out, value, depth);
        }
        Value::Array(_) => {
            out.push('\n');
            margin(out, outer);
            block(out, value, outer);
        }
        Value::String(own) => {
            out.push(' ');
            text(out, own);
            out.push('\n');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            out.push_str(&format!(" {value}\n"));
        }
    }
}

fn is_block(value: &Value) -> bool {
    match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn margin(out: &mut String, depth: usize) {
    out.push_str(&"  ".repeat(depth));
}

fn text(out: &mut String, text: &str) {
    if is_plain(text) {
        out.push_str(text);
    } else {
        out.push_str(&Value::String(text.to_owned()).to_string());
    }
}

/// Whether every reader takes it for a text, and for this one.
fn is_plain(text: &str) -> bool {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let rest = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    let words = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    starts && text.chars().all(rest) && !words.contains(&text.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::to_yaml;

    #[test]
    fn blocks_are_indented_and_doubtful_texts_are_quoted() {
        let value = json!({
            "a": {"b": [], "c": {}, "d": [1, "x: y", {"e": true, "f": "no"}]},
            "kubevirt.io/x": "52:54:00:00:00:01",
            "size": "12",
        });
        let expected = "a:\n  b: []\n  c: {}\n  d:\n  - 1\n  - \"x: y\"\n  - e: true\n    f: \"no\"\n\
                        kubevirt.io/x: \"52:54:00:00:00:01\"\nsize: \"12\"\n";
        assert_eq!(to_yaml(&value), expected);
    }
}
