//! Compression of response bodies (RFC 9110, sections 8.4 and 12.5.3).

use std::io::{self, Write};

use actix_web::HttpRequest;
use actix_web::http::header::{AcceptEncoding, ContentEncoding, Encoding, Header, Preference, Quality};
use flate2::Compression;
use flate2::write::GzEncoder;

/// Encodings of computed bodies, in the server's order. Of 337 KB of rows, zstd leaves a seventh less than gzip in half
/// of gzip's processor time. Safari accepts Brotli, but not zstd.
pub(super) const ENCODINGS: &[ContentEncoding] = &[
    #[cfg(feature = "compression")]
    ContentEncoding::Zstd,
    #[cfg(feature = "compression")]
    ContentEncoding::Brotli,
    ContentEncoding::Gzip,
];

/// Returns the encoding of these that the client prefers, or identity; among equals, the first of `available`.
pub(in crate::server) fn preferred(http: &HttpRequest, available: &[ContentEncoding]) -> ContentEncoding {
    let Ok(accepted) = AcceptEncoding::parse(http) else { return ContentEncoding::Identity };
    let quality_of = |encoding| {
        let wanted = Preference::Specific(Encoding::Known(encoding));
        accepted
            .iter()
            .find(|accepted| accepted.item == wanted)
            .map_or(Quality::ZERO, |accepted| accepted.quality)
    };
    // The last of equals is the greatest.
    let best =
        available.iter().rev().map(|&encoding| (quality_of(encoding), encoding)).max_by_key(|best| best.0);
    best.filter(|best| best.0 > Quality::ZERO && best.0 >= quality_of(ContentEncoding::Identity))
        .map_or(ContentEncoding::Identity, |best| best.1)
}

/// Compresses a body at the level that costs least: the client waits for it.
///
/// # Errors
///
/// Only if this encoding is not one of [`ENCODINGS`], or memory runs out.
pub(super) fn compress(encoding: ContentEncoding, body: &[u8]) -> io::Result<Vec<u8>> {
    let compressed = Vec::with_capacity(body.len() / 4);
    match encoding {
        #[cfg(feature = "compression")]
        ContentEncoding::Zstd => zstd::bulk::compress(body, 1),
        #[cfg(feature = "compression")]
        ContentEncoding::Brotli => {
            let (quality, window) = (1, 18);
            let mut encoder = brotli::CompressorWriter::new(compressed, 4_096, quality, window);
            encoder.write_all(body)?;
            Ok(encoder.into_inner())
        }
        ContentEncoding::Gzip => {
            let mut encoder = GzEncoder::new(compressed, Compression::fast());
            encoder.write_all(body)?;
            encoder.finish()
        }
        other => {
            Err(io::Error::new(io::ErrorKind::Unsupported, format!("no encoder for {}", other.as_str())))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn selects_the_clients_preference_then_the_servers() {
        use ContentEncoding::{Brotli, Gzip, Identity, Zstd};
        let all = [Zstd, Brotli, Gzip];
        for (accept, expected) in [
            ("gzip, deflate, br, zstd", Zstd),
            ("gzip, deflate, br", Brotli),
            ("gzip", Gzip),
            ("gzip, zstd;q=0.5", Gzip),
            ("br;q=0.5, gzip;q=0.5, identity;q=0.4", Brotli),
            ("gzip, identity", Gzip),
            ("gzip;q=0.5, identity", Identity),
            ("zstd;q=0, br;q=0, gzip;q=0", Identity),
            ("identity", Identity),
            ("deflate", Identity),
            ("*", Identity),
            ("", Identity),
        ] {
            let http = TestRequest::default().insert_header(("accept-encoding", accept)).to_http_request();
            assert_eq!(preferred(&http, &all), expected, "{accept}");
        }
        assert_eq!(preferred(&TestRequest::default().to_http_request(), &all), Identity);
        let http =
            TestRequest::default().insert_header(("accept-encoding", "br, gzip;q=0.1")).to_http_request();
        assert_eq!(preferred(&http, &[Gzip]), Gzip);
    }

    #[test]
    fn each_encoding_can_be_read_back() {
        let body = "a body of rows, of rows and of rows ".repeat(100).into_bytes();
        for &encoding in ENCODINGS {
            let compressed = compress(encoding, &body).unwrap();
            assert!(5 * compressed.len() < body.len(), "{encoding:?}: {}", compressed.len());
            let mut read = Vec::new();
            match encoding {
                #[cfg(feature = "compression")]
                ContentEncoding::Zstd => read = zstd::bulk::decompress(&compressed, body.len()).unwrap(),
                #[cfg(feature = "compression")]
                ContentEncoding::Brotli => {
                    brotli::Decompressor::new(&compressed[..], 4_096).read_to_end(&mut read).unwrap();
                }
                _ => {
                    flate2::read::GzDecoder::new(&compressed[..]).read_to_end(&mut read).unwrap();
                }
            }
            assert!(read == body, "{encoding:?}");
        }
    }
}
