//! Entity diagram of the model at `/model`, in one of several formats.

use std::sync::Arc;

use actix_web::{HttpResponse, Result, http::header, web};
use serde::Deserialize;
use tokio::sync::OnceCell;

use crate::diagram::{self, Format};
use crate::model::Model;

/// Content security policy of the picture: its own inline style and nothing more.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Diagrams of the model, which does not change while the service runs. Each is drawn on first request: the
/// layout of a large model takes seconds, which would delay the start.
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
    async fn get(&self, name: &str) -> Result<Option<(Format, web::Bytes)>> {
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

/// Query parameters of `/model`.
#[derive(Deserialize)]
pub(in crate::server) struct DiagramQuery {
    format: Option<String>,
}

pub(in crate::server) async fn show(
    query: web::Query<DiagramQuery>,
    drawings: web::Data<Drawings>,
) -> Result<HttpResponse> {
    let wanted = query.format.as_deref().unwrap_or(Format::Svg.name());
    let Some((format, drawing)) = drawings.get(wanted).await? else {
        let expected = Format::ALL.map(Format::name).join(", ");
        return Ok(HttpResponse::BadRequest()
            .content_type("text/plain; charset=utf-8")
            .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .body(format!("format: expected one of {expected}, but {wanted:?} was given\n")));
    };
    let kind = match format {
        Format::Svg => "image/svg+xml; charset=utf-8",
        Format::Mermaid | Format::Dot => "text/plain; charset=utf-8",
    };
    Ok(HttpResponse::Ok()
        .content_type(kind)
        // A new binary may have another model.
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .body(drawing))
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
