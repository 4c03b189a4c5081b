//! Geometries of PostGIS as GeoJSON.

use crowsfoot::{Schema, TableOptions};
use sea_orm::ConnectionTrait;
use serde_json::{Value as Json, json};

use super::model;
use crate::support::{self, data};

/// If set, the test fails without PostGIS; otherwise it is skipped.
const REQUIRED: &str = "CROWSFOOT_TEST_POSTGIS";

#[tokio::test]
async fn geometries_are_read_and_written_as_geojson() {
    let Some(database) = support::postgres().await else { return };
    if database
        .connection
        .execute_unprepared("CREATE SCHEMA gis; CREATE EXTENSION postgis SCHEMA gis")
        .await
        .is_err()
    {
        assert!(std::env::var_os(REQUIRED).is_none(), "the server has no PostGIS, and {REQUIRED} is set");
        eprintln!("geometries are left out: the server has no PostGIS");
        database.drop().await;
        return;
    }
    database
        .run(
            "CREATE TABLE places (
                id integer PRIMARY KEY, spot gis.geometry(Point, 4326), at_sea gis.geometry(Point, 3857), area gis.geometry,
                reach gis.geography, path gis.geometry[]
             );
             CREATE TABLE marks (spot gis.geometry);
             INSERT INTO places (id, spot, reach) VALUES (1, 'SRID=4326;POINT(8.5 47.25)', 'POINT(8.5 47.25)'), (2, NULL, NULL);
             INSERT INTO marks VALUES ('POINT(2 1)'), (NULL), ('POINT(1 2)');",
        )
        .await;
    let model = model(&database, &TableOptions::new()).await;
    let notes: Vec<String> = model.notes.iter().map(ToString::to_string).collect();
    assert!(notes.iter().any(|note| note.contains("places.path is read-only")), "{notes:?}");
    let schema = Schema::new(model).unwrap();
    let read = data(&schema, &database, "{ places { spot reach } marks { spot } }").await;
    let point = |x: f64, y: f64| json!({ "type": "Point", "coordinates": [x, y] });
    assert_eq!(read["places"][0], json!({ "spot": point(8.5, 47.25), "reach": point(8.5, 47.25) }));
    assert_eq!(read["places"][1], json!({ "spot": null, "reach": null }));
    assert_eq!(read["marks"].as_array().unwrap().len(), 3);

    let area = json!({ "type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]] });
    let input = json!({ "spot": point(1.5, 2.5), "atSea": point(100.5, 200.5), "area": area, "reach": point(3.5, 4.5) });
    let update =
        "mutation ($input: PlaceUpdate!) { updatePlace(id: 2, input: $input) { spot atSea area reach } }";
    let (mut updated, _) = support::ask(&schema, &database, update, json!({ "input": input })).await;
    let at_sea = &mut updated["data"]["updatePlace"]["atSea"];
    assert_eq!(at_sea["crs"]["properties"]["name"], "EPSG:3857", "{at_sea}");
    at_sea.as_object_mut().unwrap().remove("crs");
    assert_eq!(updated["data"]["updatePlace"], input, "{updated}");
    // The reference systems are those of the columns.
    let right = "SELECT gis.ST_SRID(at_sea) = 3857 AND gis.ST_SRID(spot) = 4326 FROM places WHERE id = 2";
    let statement = sea_orm::Statement::from_string(sea_orm::DbBackend::Postgres, right);
    let row = database.connection.query_one_raw(statement).await.unwrap().unwrap();
    assert!(row.try_get_by_index::<bool>(0).unwrap());

    for wrong in [json!("POINT(1 2)"), json!({ "type": "Nothing" })] {
        let input = json!({ "input": { "spot": wrong } });
        let (refused, _) = support::ask(&schema, &database, update, input).await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{refused}");
    }
    let nothing = data(&schema, &database, "{ places(where: { spot: { isNull: true } }) { id } }").await;
    assert_eq!(nothing["places"], Json::from(Vec::<Json>::new()));
    database.drop().await;
}
