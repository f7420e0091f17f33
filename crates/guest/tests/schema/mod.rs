//! As much of JSON Schema as our own schemas use: type, const, enum, required, properties,
//! additionalProperties, items, anyOf, $ref.

use serde_json::Value;

/// Where and how a value does not fit; `None` if it does.
pub(crate) fn misfit(all: &Value, schema: &Value, value: &Value, at: &str) -> Option<String> {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.strip_prefix('#').unwrap();
        return misfit(all, all.pointer(name).unwrap(), value, at);
    }
    if let Some(options) = schema["anyOf"].as_array() {
        let fits = options
            .iter()
            .any(|option| misfit(all, option, value, at).is_none());
        return (!fits).then(|| format!("{at} fits no alternative: {value}"));
    }
    if schema.get("const").is_some_and(|wanted| wanted != value) {
        return Some(format!("{at} is {value}, not {}", schema["const"]));
    }
    if schema["enum"]
        .as_array()
        .is_some_and(|all| !all.contains(value))
    {
        return Some(format!("{at} is {value}, not one of {}", schema["enum"]));
    }
    if let Some(kind) = schema.get("type")
        && !fits_type(kind, value)
    {
        return Some(format!("{at} is {value}, not of type {kind}"));
    }
    members(all, schema, value, at).or_else(|| items(all, schema, value, at))
}

fn fits_type(kind: &Value, value: &Value) -> bool {
    if let Some(kinds) = kind.as_array() {
        return kinds.iter().any(|kind| fits_type(kind, value));
    }
    match kind.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("the schema has an unknown type {other}"),
    }
}

fn members(all: &Value, schema: &Value, value: &Value, at: &str) -> Option<String> {
    let object = value.as_object()?;
    for name in schema["required"].as_array().into_iter().flatten() {
        if !object.contains_key(name.as_str().unwrap()) {
            return Some(format!("{at} has no {name}"));
        }
    }
    for (name, member) in object {
        let found = match schema["properties"].get(name) {
            Some(schema) => misfit(all, schema, member, &format!("{at}.{name}")),
            None if schema["additionalProperties"] == false => Some(format!("{at} has {name}")),
            None => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

fn items(all: &Value, schema: &Value, value: &Value, at: &str) -> Option<String> {
    let schema = schema.get("items")?;
    let mut numbered = value.as_array()?.iter().enumerate();
    numbered.find_map(|(index, item)| misfit(all, schema, item, &format!("{at}[{index}]")))
}
