//! The model drawn as an entity diagram, at `/model`: the picture, or its text in another format.

use actix_web::{HttpResponse, http::header, web};
use serde::Deserialize;

use crate::diagram::{self, Format};
use crate::model::Model;

/// The picture brings its own style, and nothing else may come with it or into it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Every drawing of the model, which does not change while the service runs.
pub(super) struct Drawings(Vec<(Format, web::Bytes)>);

impl Drawings {
    pub fn of(model: &Model) -> Self {
        let drawing = |format| (format, web::Bytes::from(diagram::draw(model, format)));
        Self(Format::ALL.into_iter().map(drawing).collect())
    }
}

/// Which drawing.
#[derive(Deserialize)]
pub(super) struct Wanted {
    format: Option<String>,
}

pub(super) async fn show(wanted: web::Query<Wanted>, drawings: web::Data<Drawings>) -> HttpResponse {
    let wanted = wanted.format.as_deref().unwrap_or(Format::Svg.name());
    let Some((format, drawing)) = drawings.0.iter().find(|(format, _)| format.name() == wanted) else {
        let expected = Format::ALL.map(Format::name).join(", ");
        return HttpResponse::BadRequest()
            .content_type("text/plain; charset=utf-8")
            .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .body(format!("format: expected one of {expected}, but {wanted:?} was given\n"));
    };
    let kind = match format {
        Format::Svg => "image/svg+xml; charset=utf-8",
        Format::Mermaid | Format::Dot => "text/plain; charset=utf-8",
    };
    HttpResponse::Ok()
        .content_type(kind)
        // A new binary may have another model.
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .body(drawing.clone())
}
