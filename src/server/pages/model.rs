//! Entity diagram of the model at `/model`, in one of several formats.

use actix_web::{HttpRequest, HttpResponse, Result, http::header, web};
use serde::Deserialize;

use super::drawings::Drawings;
use crate::diagram::Format;
use crate::server::http::answer;
use crate::server::insight::Insight;
use crate::server::sign_in::SignInRefusal;
use crate::server::state::ServiceState;

/// Content security policy of the picture: its own inline style and nothing more.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Query parameters of `/model`.
#[derive(Deserialize)]
pub(in crate::server) struct DiagramQuery {
    format: Option<String>,
}

/// Serves the diagram: the whole model to callers with insight, and in development its role's part to any other caller.
pub(in crate::server) async fn show(
    http: HttpRequest,
    query: web::Query<DiagramQuery>,
    state: web::Data<ServiceState>,
) -> Result<HttpResponse> {
    let wanted = query.format.as_deref().unwrap_or(Format::Svg.name());
    let drawn = match state.insight {
        Insight::Everybody => state.generation.get().drawings.get(wanted).await?,
        insight => match state.admit(http.head()).await {
            Ok(admission) if insight.allows(&admission.access) => {
                admission.generation.drawings.get(wanted).await?
            }
            // Not kept: development has few callers.
            Ok(admission) if insight == Insight::Development => {
                Drawings::of(admission.schema().model().clone()).get(wanted).await?
            }
            Ok(_) => return Ok(answer::refused_page(&SignInRefusal::no_insight())),
            Err(refusal) => return Ok(answer::refused_page(&refusal)),
        },
    };
    let Some((format, drawing)) = drawn else {
        let expected = Format::ALL.map(Format::name).join(", ");
        return Ok(HttpResponse::BadRequest()
            .content_type("text/plain; charset=utf-8")
            .body(format!("format: expected one of {expected}, but {wanted:?} was given\n")));
    };
    let kind = match format {
        Format::Svg => "image/svg+xml; charset=utf-8",
        Format::Mermaid | Format::Dot => "text/plain; charset=utf-8",
    };
    Ok(HttpResponse::Ok()
        .content_type(kind)
        // A new binary or a reload may bring another model.
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .body(drawing))
}
