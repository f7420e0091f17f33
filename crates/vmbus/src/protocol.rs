//! The messages that guest and bus exchange: a type, four reserved bytes, and what the type says.

mod contact;
mod fields;
mod gpadl;
mod kind;
mod offer;
mod open;
mod request;
mod response;
mod version;

pub(crate) use contact::Contact;
pub(crate) use gpadl::{GpadlBody, GpadlHeader};
pub(crate) use offer::OfferMessage;
pub(crate) use open::OpenRequest;
pub(crate) use request::{ConnectedRequest, Malformed, Request};
pub(crate) use response::{Response, STATUS_SUCCESS, STATUS_UNSUCCESSFUL};
pub use version::Version;
