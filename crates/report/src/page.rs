//! `report.html`: what stands on the page, ready for the template.

mod cases;
mod changes;
mod head;
mod setting;
mod trouble;

use askama::Template;
use detente_evidence::Run;
use sha2::{Digest as _, Sha256};

use crate::picture::{self, base64};
use crate::timeline::{Timeline, timeline};
use crate::{Folder, differences};

/// The page's looks; its digest is in the page's own policy, so nothing else can style it.
const CSS: &str = include_str!("../templates/report.css");

/// The most pictures of one page.
const PICTURE_LIMIT: usize = 12;

/// The most bytes of all pictures together.
const PICTURES_LIMIT_BYTES: usize = 8 * 1024 * 1024;

/// Why a page could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the report could not be written as a page")]
pub struct RenderError(#[from] askama::Error);

/// The whole page.
#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    css: &'static str,
    css_digest: String,
    head: head::Head,
    changes: Option<changes::Changes>,
    troubles: Vec<trouble::Trouble>,
    warnings: Vec<trouble::Warning>,
    columns: Vec<cases::Column>,
    cases: Vec<cases::CaseView>,
    not_proved: Vec<setting::NotProved>,
    timelines: Vec<Timeline>,
    screens: Vec<Screen>,
    settings: Vec<setting::Group>,
    legend: Vec<setting::Legend>,
}

/// A picture of a machine's screen.
struct Screen {
    profile: String,
    /// The picture, or why there is none.
    picture: Result<picture::Picture, String>,
}

/// The run as one page that needs nothing beside it: no script, no network, no other file.
/// `earlier` is a run to compare with. The same run with the same files gives the same bytes.
///
/// # Errors
/// None that memory allows; the type is that of the template.
pub fn html(run: &Run, folder: &Folder, earlier: Option<&Run>) -> Result<String, RenderError> {
    let columns = cases::columns(run);
    let page = Page {
        css: CSS,
        css_digest: base64(&Sha256::digest(CSS)),
        head: head::head(run),
        changes: earlier.map(|earlier| changes::changes(&differences(earlier, run))),
        troubles: trouble::troubles(run, folder),
        warnings: trouble::warnings(run),
        cases: cases::cases(run),
        columns,
        not_proved: setting::not_proved(run),
        timelines: run.profiles.iter().filter_map(timeline).collect(),
        screens: screens(run, folder),
        settings: setting::groups(run, folder),
        legend: setting::legend(),
    };
    Ok(page.render()?)
}

/// The screens of all machines, as many as a page can carry.
fn screens(run: &Run, folder: &Folder) -> Vec<Screen> {
    let mut left = PICTURES_LIMIT_BYTES;
    let mut screens = Vec::new();
    for part in run.profiles.iter().chain(&run.controls).take(PICTURE_LIMIT) {
        let name = format!("{}/screen.png", part.profile);
        let Some(read) = picture::read(folder, &name) else {
            continue;
        };
        let picture = read.and_then(|picture| match left.checked_sub(picture.len_bytes) {
            Some(rest) => {
                left = rest;
                Ok(picture)
            }
            None => Err("would make this page too large".to_owned()),
        });
        screens.push(Screen {
            profile: crate::text::shown(&part.profile),
            picture,
        });
    }
    screens
}
