//! Raising one wall: done, or noted with the reason; a required one that is missing stops the start.

use std::io;

use protocol::posture::{Layer, MissingLayer, Posture, Requirement};

use super::Needs;
use crate::sys;

pub(super) struct Walls {
    pub(super) needs: Needs,
    pub(super) posture: Posture,
}

impl Walls {
    pub(super) fn new(needs: Needs) -> Self {
        Self {
            needs,
            posture: Posture::default(),
        }
    }

    /// Runs the step that raises `layer`; it answers with a detail for the posture.
    pub(super) fn raise(
        &mut self,
        layer: Layer,
        remedy: &str,
        step: impl FnOnce() -> io::Result<String>,
    ) -> Result<(), MissingLayer> {
        match step() {
            Ok(detail) => {
                self.posture.present(layer, detail);
                Ok(())
            }
            Err(error) => self.lacks(layer, reason(&error), remedy),
        }
    }

    /// Notes that a layer is missing; an error if it is required.
    pub(super) fn lacks(
        &mut self,
        layer: Layer,
        why: String,
        remedy: &str,
    ) -> Result<(), MissingLayer> {
        self.posture.missing(layer, why.clone(), remedy);
        match self
            .needs
            .get(&layer)
            .copied()
            .unwrap_or(Requirement::Required)
        {
            Requirement::Wanted => Ok(()),
            Requirement::Required => Err(MissingLayer {
                layer,
                why,
                remedy: remedy.into(),
            }),
        }
    }
}

/// What the machine answered, in a few words.
pub(super) fn reason(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(_) => format!("the kernel answers {}", sys::errno_name(error)),
        None => error.to_string(),
    }
}
