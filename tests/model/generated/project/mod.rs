//! Projects that `crowsfoot generate` wrote of `tables.sql`, with the options of `crowsfoot.toml`. They serve the schema of the
//! tables. `tests/service/generate.rs` compares the files, and states the command that updates them.

#[path = "postgres/src/main.rs"]
#[rustfmt::skip]
#[allow(dead_code, reason = "the program is only compiled")]
mod postgres;
#[path = "sqlite/src/main.rs"]
#[rustfmt::skip]
#[allow(dead_code, reason = "the program is only compiled")]
mod sqlite;

use crowsfoot::internals::dialect::Dialect;
use crowsfoot::{Schema, describe};
use sea_orm::ActiveValue::NotSet;
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbBackend, EntityTrait, IntoActiveModel, ModelTrait, Statement,
};

use crate::support::{self, TestDatabase, generated};

#[tokio::test]
async fn the_project_serves_the_schema_of_its_tables() {
    for database in support::databases().await {
        for tables in generated::tables(database.dialect) {
            database.run(&tables).await;
        }
        let registry = match database.dialect {
            Dialect::Sqlite => sqlite::entities::registry(),
            Dialect::Postgres => postgres::entities::registry(),
        };
        let described = describe(&database.connection, &[]).await.unwrap();
        let model = registry.merge(&described.tables).model().unwrap_or_else(|error| panic!("{error}"));
        let sdl = Schema::new(model).unwrap().sdl();
        let name = generated::name(database.dialect);
        let expected =
            std::fs::read_to_string(generated::folder().join(name).join("schema.graphql")).unwrap();
        let mut lines = sdl.lines().zip(expected.lines());
        assert_eq!(lines.find(|(one, other)| one != other), None, "{name}");
        assert_eq!(sdl, expected, "{name}");
        database.drop().await;
    }
}

/// A row with a value of every type.
const POSTGRES_ROW: &str = r#"INSERT INTO every_types VALUES (
    1, 1, 2, 3, 1.5, 2.25, 1234567890123456789012345678901234567890.00000000000000000001, 0.5, 0.25, 12.34, 7,
    true, '101', '10', 'text', 'varchar', 'ch', 'code', 'name', 'CiText', 'x',
    '\x00ff', '67e55044-10b1-426f-9247-bb680e5fe0c8', '{"a": 1}', '{"b": 2}', '<a/>', 'k=>v',
    '2024-02-29', '12:30:00', '12:30:00+02', '2024-02-29 12:30:00', '2024-02-29 12:30:00+00', '1 year 2 days 03:00:00',
    '10.0.0.1/8', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05',
    '[1,5)', '[1,5)', '[1.5,2)', '[2024-01-01,2024-02-01)', '[2024-01-01 00:00:00,)', '[2024-01-01 00:00:00+00,)',
    'glad', 'sad', '(street,1)', '(1,2)', '(1,1),(0,0)', 'a b', 'a & b', '$.a', 1, 'pg_class', '0/1', DEFAULT,
    '{1,2}', '{a,"b c"}', '{sad,"so so"}', '{67e55044-10b1-426f-9247-bb680e5fe0c8}', '{2024-02-29}',
    '{"2024-02-29 12:30:00+00"}', '{1.5}', '{t,f}', '{10.0.0.1}', '{"1 day"}', '{"{}"}', '{Ci}', '{"(s,1)"}', '{"\\x00"}')"#;

const SQLITE_ROW: &str = "DELETE FROM every_types;
    INSERT INTO every_types (a_tinyint, a_smallint, an_int, a_mediumint, a_bigint, an_int8, an_unsigned, a_big_unsigned, a_real,
        a_double, a_float, a_decimal, a_numeric, a_money, a_boolean, a_bool, a_text, a_varchar, a_char, an_nchar, a_clob, a_string,
        a_blob, a_binary, a_varbinary, a_uuid, a_guid, a_uuid_text, a_hex, a_date, a_time, a_datetime, a_timestamp, a_timestamptz,
        a_json, a_jsonb, a_yes)
    VALUES (1, 2, 3, 4, 5, 6, 7, 8, 0.5, 0.25, 0.125, 1.5, 2.5, 12.25, 1, 0, 'text', 'varchar', 'cha', 'nchar', 'clob', 'string',
        x'00ff', x'00', x'01', x'67e5504410b1426f9247bb680e5fe0c8', x'67e5504410b1426f9247bb680e5fe0c8',
        x'67e5504410b1426f9247bb680e5fe0c8', '67e5504410b1426f9247bb680e5fe0c8', '2024-02-29', '12:30:00', '2024-02-29 12:30:00',
        '2024-02-29 12:30:00', '2024-02-29 12:30:00+00:00', '{\"a\":1}', '{}', 'Y')";

/// Reads the row with SeaORM, and writes it again.
macro_rules! write_again {
    ($project:ident, $connection:expr, $($computed:ident),*) => {{
        use $project::entities::every_types::{ActiveModel, Entity};

        let read = Entity::find().one($connection).await.unwrap().unwrap();
        let row = ActiveModel { $($computed: NotSet,)* ..read.clone().into_active_model() };
        read.clone().delete($connection).await.unwrap();
        assert_eq!(row.reset_all().insert($connection).await.unwrap(), read);
        read
    }};
}

/// Types that SeaORM does not name are read as the database's text form, and written back from it.
#[tokio::test]
async fn seaorm_reads_and_writes_a_value_of_every_type_of_the_project() {
    for database in support::databases().await {
        for tables in generated::tables(database.dialect) {
            database.run(&tables).await;
        }
        let connection = &*database.connection;
        match database.dialect {
            Dialect::Sqlite => {
                database.run(SQLITE_ROW).await;
                let read = write_again!(sqlite, connection, twice);
                assert_eq!(read.a_hex.as_deref(), Some("67e5504410b1426f9247bb680e5fe0c8"));
            }
            Dialect::Postgres => {
                database.run(POSTGRES_ROW).await;
                let stored = stored(&database).await;
                let read = write_again!(postgres, connection, always);
                assert_eq!(read.an_inet.as_deref(), Some("10.0.0.1/8"));
                assert_eq!(read.integers, [1, 2]);
                assert_eq!(read.addresses, Some(vec!["10.0.0.1/32".to_owned()]));
                assert_eq!(self::stored(&database).await, stored);
            }
        }
        database.drop().await;
    }
}

/// Returns the row as the database prints it.
async fn stored(database: &TestDatabase) -> String {
    let sql = "SELECT to_jsonb(e)::text FROM every_types e";
    let statement = Statement::from_string(DbBackend::Postgres, sql);
    let row = database.connection.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}
