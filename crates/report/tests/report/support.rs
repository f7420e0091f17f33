//! What the tests share: a real run of a guest that boots on one side only, and spoiled copies.

use std::path::{Path, PathBuf};

use detente_evidence::Run;
use detente_report::{Folder, Opened};
use serde_json::Value;

/// The folder of the run; `README.md` beside it says where it is from.
pub(crate) fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sample/run")
}

/// The run and its files.
pub(crate) fn opened() -> Opened {
    detente_report::open(&sample()).unwrap()
}

/// The run as JSON, to be spoiled.
pub(crate) fn json() -> Value {
    serde_json::to_value(opened().run).unwrap()
}

/// A run out of spoiled JSON.
#[track_caller]
pub(crate) fn run(json: &Value) -> Run {
    Run::parse(json.to_string().as_bytes()).unwrap()
}

/// The page of a run with the sample's files.
#[track_caller]
pub(crate) fn page(run: &Run) -> String {
    detente_report::html(run, &opened().folder, None).unwrap()
}

/// The page of a run without any file.
#[track_caller]
pub(crate) fn bare_page(run: &Run) -> String {
    let folder = Folder::new(Path::new("/nowhere"), Vec::new());
    detente_report::html(run, &folder, None).unwrap()
}

/// A copy of the run's folder that may be spoiled.
pub(crate) fn copy() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    for entry in opened().folder.files() {
        let to = place.path().join(&entry.name);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(sample().join(&entry.name), to).unwrap();
    }
    std::fs::copy(
        sample().join("manifest.json"),
        place.path().join("manifest.json"),
    )
    .unwrap();
    place
}

/// The text that a reader of HTML gets: tags away, references resolved.
pub(crate) fn text(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        let (tag, after) = after.split_once('>').unwrap();
        rest = after;
        if tag == "style" {
            rest = rest.split_once("</style>").unwrap().1;
        }
    }
    text.push_str(rest);
    let text = text
        .replace("&lt;", "<")
        .replace("&#60;", "<")
        .replace("&#62;", ">");
    let text = text
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#34;", "\"");
    let text = text.replace("&#39;", "'").replace("&#x27;", "'");
    text.replace("&#38;", "&").replace("&amp;", "&")
}

/// The start tags of a page as they are written, and the names of all their attributes.
pub(crate) fn tags(html: &str) -> Vec<(String, Vec<String>)> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some((_, after)) = rest.split_once('<') {
        let (name, after) = after
            .split_once(|c: char| c.is_ascii_whitespace() || c == '>')
            .unwrap();
        let (attributes, after) = attributes(&rest[rest.len() - after.len() - 1..]);
        tags.push((name.to_owned(), attributes));
        rest = match name {
            "style" => after.split_once("</style>").unwrap().1,
            _ => after,
        };
    }
    tags
}

/// `name="value"` up to the tag's end, as a reader of HTML takes them.
fn attributes(mut rest: &str) -> (Vec<String>, &str) {
    let mut names = Vec::new();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if let Some(after) = rest.strip_prefix('>') {
            return (names, after);
        }
        let end = rest.find(['=', '>', ' ', '/', '\n']);
        let (name, after) = rest.split_at(end.unwrap());
        names.push(name.to_owned());
        rest = match after.strip_prefix("=\"") {
            Some(value) => value.split_once('"').unwrap().1,
            None => after,
        };
    }
}
