//! Geometries of RFC 7946.

use serde_json::Value as Json;

/// Returns true for a geometry that PostGIS reads.
pub(super) fn is_geometry(json: &Json) -> bool {
    let coordinates = &json["coordinates"];
    match json["type"].as_str() {
        Some("Point") => is_position(coordinates),
        Some("MultiPoint") => all(coordinates, is_position),
        Some("LineString") => is_line(coordinates),
        Some("MultiLineString") => all(coordinates, is_line),
        Some("Polygon") => all(coordinates, is_ring),
        Some("MultiPolygon") => all(coordinates, |polygon| all(polygon, is_ring)),
        Some("GeometryCollection") => all(&json["geometries"], is_geometry),
        _ => false,
    }
}

fn all(list: &Json, is_item: impl Fn(&Json) -> bool) -> bool {
    list.as_array().is_some_and(|list| list.iter().all(is_item))
}

/// Two or three numbers: SQL/MM has no measure in GeoJSON.
fn is_position(json: &Json) -> bool {
    matches!(json.as_array().map(Vec::len), Some(2 | 3)) && all(json, Json::is_number)
}

fn is_line(json: &Json) -> bool {
    let points = json.as_array().map_or(0, Vec::len);
    points != 1 && all(json, is_position)
}

/// A ring ends where it begins.
fn is_ring(json: &Json) -> bool {
    let points = json.as_array().map(Vec::as_slice).unwrap_or_default();
    points.len() >= 4 && points.first() == points.last() && all(json, is_position)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn geometries_are_told_from_other_json() {
        let ring = json!([[0, 0], [1, 0], [1, 1], [0, 0]]);
        for (kind, coordinates) in [
            ("Point", json!([1.5, 2, 3])),
            ("MultiPoint", json!([[1, 2], [3, 4]])),
            ("LineString", json!([[1, 2], [3, 4]])),
            ("MultiLineString", json!([[[1, 2], [3, 4]]])),
            ("Polygon", json!([ring])),
            ("MultiPolygon", json!([[ring], []])),
        ] {
            let geometry = json!({ "type": kind, "coordinates": coordinates });
            assert!(is_geometry(&geometry), "{geometry}");
            assert!(is_geometry(&json!({ "type": "GeometryCollection", "geometries": [geometry] })));
            assert!(!is_geometry(&json!({ "type": kind, "coordinates": [[[[[1, 2]]]]] })), "{kind}");
            assert!(!is_geometry(&json!({ "type": kind })), "{kind}");
        }
        for wrong in [
            json!("POINT(1 2)"),
            json!({ "type": "Feature", "geometry": { "type": "Point", "coordinates": [1, 2] } }),
            json!({ "type": "Point", "coordinates": ["1", "2"] }),
            json!({ "type": "LineString", "coordinates": [[1, 2]] }),
            json!({ "type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]] }),
        ] {
            assert!(!is_geometry(&wrong), "{wrong}");
        }
    }
}
