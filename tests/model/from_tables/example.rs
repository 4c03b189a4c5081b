//! The example's tables, described as a database describes them, against the golden schema of its entities.

use crowsfoot::tables::{
    AcceptedWrites, ColumnDescription, ForeignKeyDescription, Generation, KeyAction, TableDescription,
    TableKind, UniqueKeyDescription,
};
use crowsfoot::{Registry, Schema, TableOptions};
use sea_orm::sea_query::{Expr, ForeignKeyAction, TableRef};
use sea_orm::{
    ColumnTrait, DbBackend, EntityTrait, IdenStatic, Iterable, PrimaryKeyToColumn, PrimaryKeyTrait,
    RelationTrait,
};

use super::describe::named;

fn describe<E: EntityTrait>() -> TableDescription {
    let schema = sea_orm::Schema::new(DbBackend::Postgres);
    let primary_key: Vec<String> =
        E::PrimaryKey::iter().map(|key| key.into_column().as_str().to_owned()).collect();
    let mut unique: Vec<Vec<String>> = schema
        .create_index_from_entity(E::default())
        .iter()
        .filter(|index| index.is_unique_key())
        .map(|index| index.get_index_spec().get_column_names())
        .collect();
    let mut columns = Vec::new();
    for column in E::Column::iter() {
        let definition = column.def();
        let name = column.as_str().to_owned();
        if definition.is_unique() {
            unique.push(vec![name.clone()]);
        }
        let is_numbered = primary_key == [name.clone()] && E::PrimaryKey::auto_increment();
        columns.push(ColumnDescription {
            name,
            declared_type: String::new(),
            database_type: Some(definition.get_column_type().clone().into()),
            holds_any_integer: false,
            nullable: definition.is_null(),
            has_default: definition.get_column_default().is_some(),
            default: match definition.get_column_default() {
                Some(Expr::Value(value) | Expr::Constant(value)) => Some(value.clone()),
                _ => None,
            },
            generation: if is_numbered { Generation::Number } else { Generation::None },
            accepted: Vec::new(),
            comment: schema.get_column_def::<E>(column).get_column_spec().comment.clone(),
        });
    }
    let forward =
        E::Relation::iter().map(|relation| relation.def()).filter(|definition| !definition.is_owner);
    let foreign_keys = forward.map(|definition| ForeignKeyDescription {
        name: String::new(),
        columns: definition.from_col.iter().map(ToString::to_string).collect(),
        target: match &definition.to_tbl {
            TableRef::Table(name, _) => named(&name.1.to_string()),
            other => panic!("{other:?}"),
        },
        target_columns: definition.to_col.iter().map(ToString::to_string).collect(),
        on_delete: match definition.on_delete {
            Some(ForeignKeyAction::Cascade) => KeyAction::Cascade,
            Some(ForeignKeyAction::SetNull) => KeyAction::SetNull,
            _ => KeyAction::NoAction,
        },
        on_update: match definition.on_update {
            Some(ForeignKeyAction::Cascade) => KeyAction::Cascade,
            _ => KeyAction::NoAction,
        },
        enforced: true,
        deferrable: false,
    });
    let entity = E::default();
    TableDescription {
        table: named(entity.table_name()),
        kind: TableKind::Table,
        comment: entity.comment().map(str::to_owned),
        columns,
        foreign_keys: foreign_keys.collect(),
        primary_key,
        unique_keys: unique
            .into_iter()
            .map(|columns| UniqueKeyDescription {
                name: columns.join("_"),
                columns,
                is_whole: true,
                nulls_not_distinct: false,
                deferrable: false,
            })
            .collect(),
        inherited_by: Vec::new(),
        estimated_rows: None,
        writes: AcceptedWrites::ALL,
    }
}

fn tables() -> Vec<TableDescription> {
    vec![
        describe::<entity::user::Entity>(),
        describe::<entity::profile::Entity>(),
        describe::<entity::user_info::Entity>(),
        describe::<entity::author::Entity>(),
        describe::<entity::post::Entity>(),
        describe::<entity::book::Entity>(),
        describe::<entity::student::Entity>(),
        describe::<entity::course::Entity>(),
        describe::<entity::course_student::Entity>(),
        describe::<entity::badge::Entity>(),
        describe::<entity::employee::Entity>(),
        describe::<entity::person::Entity>(),
        describe::<entity::passport::Entity>(),
        describe::<entity::place::Entity>(),
        describe::<entity::restaurant::Entity>(),
        describe::<entity::waiter::Entity>(),
    ]
}

fn sdl(options: &TableOptions) -> String {
    Schema::new(Registry::from_tables(&tables(), options).model().unwrap()).unwrap().sdl()
}

const GOLDEN: &str = include_str!("../../../schema.graphql");

/// Options that say what the entities say and the tables do not.
fn as_entities() -> TableOptions {
    TableOptions::new()
        .entity("employees", |employee| employee.rename("employees", "reports"))
        // A unique key, whose other side the entity declares as a list.
        .entity("user_infos", |info| info.many("user"))
}

#[test]
fn tables_with_options_make_the_schema_of_the_entities() {
    let sdl = sdl(&as_entities());
    let lines = GOLDEN.lines().zip(sdl.lines()).enumerate();
    let different = lines.filter(|(_, (golden, line))| golden != line);
    assert_eq!(different.take(20).collect::<Vec<_>>(), []);
    assert_eq!(sdl, GOLDEN);
}

/// Without options, only these fields of the example's types differ.
#[test]
fn tables_without_options_differ_in_two_relations() {
    let sdl = sdl(&TableOptions::new());
    let fields = |sdl: &str, name: &str| -> Vec<String> {
        let body = sdl.split(&format!("type {name} implements Node {{")).nth(1).unwrap();
        let body = body.split("\n}").next().unwrap();
        let is_field = |line: &&str| {
            line.strip_prefix("  ")
                .is_some_and(|line| line.starts_with(|first: char| first.is_ascii_lowercase()))
        };
        let lines = body.lines().filter(is_field);
        lines.map(|line| line.trim().to_owned()).collect()
    };
    let model = Registry::from_tables(&tables(), &TableOptions::new()).model().unwrap();
    let mut differences = Vec::new();
    for (_, entity) in model.exposed() {
        let (golden, found) = (fields(GOLDEN, &entity.name), fields(&sdl, &entity.name));
        let is_other = |lines: &[String], line: &String| !lines.contains(line);
        differences
            .extend(golden.iter().filter(|line| is_other(&found, line)).map(|line| format!("-{line}")));
        differences
            .extend(found.iter().filter(|line| is_other(&golden, line)).map(|line| format!("+{line}")));
    }
    let names: Vec<String> =
        differences.iter().map(|line| line.split(['(', ':']).next().unwrap().to_owned()).collect();
    let expected = [
        "-userInfos",
        "-userInfosAggregate",
        "-userInfosConnection",
        "+userInfo",
        "-reports",
        "-reportsAggregate",
        "-reportsConnection",
        "+employees",
        "+employeesAggregate",
        "+employeesConnection",
    ];
    let sorted = |names: &[String]| {
        let mut names = names.to_vec();
        names.sort();
        names
    };
    assert_eq!(sorted(&names), sorted(&expected.map(str::to_owned)));
    assert_eq!(model.notes, []);
}
