//! Traces for OpenTelemetry: requests, planning and every statement, sent to a collector by OTLP over HTTP.

use actix_web::http::header::HeaderMap;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::TracerProvider;
use opentelemetry::{Key, Value};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::level_filters::LevelFilter;
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;

/// Service name for collectors, unless `OTEL_SERVICE_NAME` is set.
const SERVICE: &str = env!("CARGO_PKG_NAME");

/// Exporter of spans to a collector, configured by the standard `OTEL_…` environment variables.
#[derive(Debug)]
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Starts the export. An unreachable collector is not an error: its spans are lost.
    ///
    /// # Errors
    /// If a setting is invalid.
    pub fn export() -> Result<Self, ExporterBuildError> {
        let exporter = SpanExporter::builder().with_http().build()?;
        let resource = Resource::builder();
        let named = resource.build();
        let is_unnamed = |name: &Value| name.as_str().starts_with("unknown_service");
        let resource =
            if named.get(&Key::from_static_str("service.name")).is_none_or(|name| is_unnamed(&name)) {
                Resource::builder().with_service_name(SERVICE).build()
            } else {
                named
            };
        Ok(Self(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build()))
    }

    /// Returns the layer that collects spans, to be used beside the layer that writes log lines.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        // Spans of other crates are left out.
        let ours = Targets::new().with_target(SERVICE, LevelFilter::DEBUG);
        tracing_opentelemetry::layer().with_tracer(self.0.tracer(SERVICE)).with_filter(ours)
    }

    /// Flushes the remaining spans.
    ///
    /// # Errors
    /// If they could not be sent.
    pub fn end(self) -> Result<(), OTelSdkError> {
        self.0.shutdown()
    }
}

/// Makes the request's span a child of the client's span (W3C Trace Context, `traceparent`).
pub(super) fn adopt(span: &Span, headers: &HeaderMap) {
    span.record("otel.kind", "server");
    // Fails if no layer collects spans.
    let _ = span.set_parent(TraceContextPropagator::new().extract(&Headers(headers)));
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(|name| name.as_str()).collect()
    }
}
