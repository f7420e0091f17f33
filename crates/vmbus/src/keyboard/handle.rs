//! What types on the keyboard.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use super::KeyboardStage;
use super::scan::{Key, Shift, key_of};
use crate::ic::lock;

/// Strokes that may wait: pages of text.
const STROKE_LIMIT: usize = 65_536;

/// Which lights the guest wants to be on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lights(pub u16);

impl Lights {
    /// The light of scroll lock.
    pub const SCROLL: u16 = 1;
    /// The light of the number lock.
    pub const NUMBERS: u16 = 2;
    /// The light of the capitals lock.
    pub const CAPITALS: u16 = 4;
}

/// A key goes down or up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stroke {
    /// Down.
    Down(Key),
    /// Up.
    Up(Key),
}

/// Why text or keys could not be typed. Nothing of them was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TypeError {
    /// The guest takes no keys.
    #[error("the guest takes no keys: its keyboard is {stage:?}")]
    NotReady {
        /// How far it is.
        stage: KeyboardStage,
    },
    /// No key of a US keyboard writes this.
    #[error("no key of a US keyboard writes {character:?}")]
    NoKey {
        /// The character.
        character: char,
    },
    /// Too much waits already.
    #[error("{waiting} strokes wait for the guest, and no more than {STROKE_LIMIT} may")]
    TooMany {
        /// How much.
        waiting: usize,
    },
}

/// What keyboard and handle share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) stage: KeyboardStage,
    pub(super) strokes: VecDeque<Stroke>,
    pub(super) lights: Option<Lights>,
}

/// The owner's side of the keyboard. After typing, the owner pokes the device.
#[derive(Debug, Clone)]
pub struct KeyboardHandle(pub(super) Arc<Mutex<Shared>>);

impl KeyboardHandle {
    /// How far the guest is.
    #[must_use]
    pub fn stage(&self) -> KeyboardStage {
        lock(&self.0).stage
    }

    /// The lights, if the guest has said.
    #[must_use]
    pub fn lights(&self) -> Option<Lights> {
        lock(&self.0).lights
    }

    /// How many strokes wait for room in the ring.
    #[must_use]
    pub fn waiting(&self) -> usize {
        lock(&self.0).strokes.len()
    }

    /// Keys go down and up in this order.
    ///
    /// # Errors
    /// [`TypeError`].
    pub fn strokes(&self, strokes: &[Stroke]) -> Result<(), TypeError> {
        let mut shared = lock(&self.0);
        let stage = shared.stage;
        if stage != KeyboardStage::Ready {
            return Err(TypeError::NotReady { stage });
        }
        let waiting = shared.strokes.len();
        if waiting.saturating_add(strokes.len()) > STROKE_LIMIT {
            return Err(TypeError::TooMany { waiting });
        }
        shared.strokes.extend(strokes);
        Ok(())
    }

    /// Keys go down in this order, and up in the other: `[CONTROL, ALT, DELETE]`.
    ///
    /// # Errors
    /// [`TypeError`].
    pub fn chord(&self, keys: &[Key]) -> Result<(), TypeError> {
        let down = keys.iter().copied().map(Stroke::Down);
        let up = keys.iter().rev().copied().map(Stroke::Up);
        self.strokes(&down.chain(up).collect::<Vec<_>>())
    }

    /// Types text as on a US keyboard; `\n` is the enter key.
    ///
    /// # Errors
    /// [`TypeError`].
    pub fn text(&self, text: &str) -> Result<(), TypeError> {
        let mut strokes = Vec::new();
        for character in text.chars() {
            let key = key_of(character).ok_or(TypeError::NoKey { character })?;
            strokes.extend(typed(key));
        }
        self.strokes(&strokes)
    }
}

fn typed((key, shift): (Key, Shift)) -> Vec<Stroke> {
    let mut strokes = vec![Stroke::Down(key), Stroke::Up(key)];
    match shift {
        Shift::Up => {}
        Shift::Down => {
            strokes.insert(0, Stroke::Down(Key::SHIFT));
            strokes.push(Stroke::Up(Key::SHIFT));
        }
    }
    strokes
}
