//! The answer for programs.

use serde::Serialize;
use serde_json::Value;

use super::super::source;
use super::Described;

/// The document.
#[derive(Serialize)]
pub(super) struct Document<'a> {
    schema: &'static str,
    images: Vec<Image<'a>>,
}

/// An image that was named.
#[derive(Serialize)]
struct Image<'a> {
    layers: Vec<Layer<'a>>,
}

/// A file of its chain.
#[derive(Serialize)]
struct Layer<'a> {
    file: String,
    format: &'static str,
    virtual_size_bytes: u64,
    file_size_bytes: u64,
    allocated_bytes: u64,
    unit_bytes: Option<u64>,
    clean: bool,
    parent: Option<Parent<'a>>,
    details: &'a Value,
}

/// The file that it rests on.
#[derive(Serialize)]
struct Parent<'a> {
    names: &'a [String],
    format: Option<&'a str>,
}

impl<'a> Document<'a> {
    pub(super) fn new(chains: &'a [Vec<Described>]) -> Self {
        let images = chains.iter().map(|chain| Image {
            layers: chain.iter().map(layer).collect(),
        });
        Self {
            schema: "detente/image-info/1",
            images: images.collect(),
        }
    }
}

fn layer(file: &Described) -> Layer<'_> {
    Layer {
        file: file.name.display().to_string(),
        format: source::name(file.layer.format),
        virtual_size_bytes: file.layer.virtual_size,
        file_size_bytes: file.file_bytes,
        allocated_bytes: file.allocated_bytes,
        unit_bytes: file.facts.unit_bytes,
        clean: !file.facts.dirty,
        parent: file.facts.parent.as_ref().map(|parent| Parent {
            names: &parent.names,
            format: parent.format.as_deref(),
        }),
        details: &file.facts.details,
    }
}
