//! Drawings of the entity diagram, kept.

use std::sync::Arc;

use actix_web::{Result, web};
use tokio::sync::OnceCell;

use crate::diagram::{self, Format};
use crate::model::Model;

/// Diagrams of one model. Each is drawn on first request: the layout of a large model takes seconds, which would delay the
/// start.
pub(in crate::server) struct Drawings {
    model: Arc<Model>,
    drawn: [(Format, OnceCell<web::Bytes>); Format::ALL.len()],
}

impl Drawings {
    pub(in crate::server) fn of(model: Arc<Model>) -> Self {
        Self { model, drawn: Format::ALL.map(|format| (format, OnceCell::new())) }
    }

    /// Returns the diagram in the format of this name, or `None` for an unknown format. Concurrent requests
    /// wait for the first drawing without holding a thread.
    pub(super) async fn get(&self, name: &str) -> Result<Option<(Format, web::Bytes)>> {
        let Some((format, drawn)) = self.drawn.iter().find(|(format, _)| format.name() == name) else {
            return Ok(None);
        };
        let draw = async || {
            let (model, format) = (self.model.clone(), *format);
            web::block(move || web::Bytes::from(diagram::draw(&model, format))).await
        };
        Ok(Some((*format, drawn.get_or_try_init(draw).await?.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(drawings: &Drawings) -> [bool; Format::ALL.len()] {
        drawings.drawn.each_ref().map(|(_, drawing)| drawing.initialized())
    }

    #[actix_web::test]
    async fn a_drawing_is_made_when_it_is_requested_and_once() {
        let drawings = Drawings::of(Arc::default());
        assert_eq!(drawn(&drawings), [false, false, false]);
        assert!(drawings.get("png").await.unwrap().is_none());
        let (format, picture) = drawings.get("svg").await.unwrap().unwrap();
        assert_eq!(format, Format::Svg);
        assert_eq!(drawn(&drawings), [true, false, false]);
        let (_, again) = drawings.get("svg").await.unwrap().unwrap();
        assert_eq!(again.as_ptr(), picture.as_ptr());
    }
}
