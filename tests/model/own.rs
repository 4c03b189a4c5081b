//! User additions to the schema must fit the model's own types.

use async_graphql::dynamic::{Enum, Field, FieldFuture, FieldValue, Object, TypeRef};
use crowsfoot::{Registry, Schema, SchemaBuilder};
use serde_json::json;

use crate::compact::links::actor;
use crate::introspection::Types;
use crate::support;

fn builder() -> SchemaBuilder {
    Schema::builder(Registry::new().register::<actor::Entity>().model().unwrap())
}

fn field(name: &str, of: TypeRef) -> Field {
    Field::new(name, of, |_| FieldFuture::Value(Some(FieldValue::value(1))))
}

#[tokio::test]
async fn types_of_ones_own_stand_beside_the_models() {
    let answer = Object::new("Answer").field(field("number", TypeRef::named_nn(TypeRef::INT)));
    let schema = builder()
        .query_field(Field::new("answer", TypeRef::named_nn("Answer"), |_| {
            FieldFuture::Value(Some(FieldValue::owned_any(())))
        }))
        .register(answer)
        .finish()
        .unwrap();
    let types = Types::of(&schema).await;
    assert_eq!(types.get("Query").field("answer"), "Answer!");
    assert_eq!(types.get("Query").field("actors"), "[Actor!]!");
    let database = support::sqlite().await;
    assert_eq!(
        support::data(&schema, &database, "{ answer { number } }").await,
        json!({ "answer": { "number": 1 } })
    );
    database.drop().await;
}

#[test]
fn a_type_that_is_there_already_is_refused() {
    for (name, added) in [
        ("Actor", builder().register(Object::new("Actor").field(field("age", TypeRef::named(TypeRef::INT))))),
        ("ActorFilter", builder().register(Enum::new("ActorFilter").item("ALL"))),
        ("Query", builder().register(Object::new("Query").field(field("age", TypeRef::named(TypeRef::INT))))),
        ("Date", builder().register(Enum::new("Date").item("TODAY"))),
        ("Mine", builder().register(Enum::new("Mine").item("A")).register(Enum::new("Mine").item("B"))),
    ] {
        let error = added.finish().err().unwrap_or_else(|| panic!("{name} was taken"));
        assert_eq!(
            error.to_string(),
            format!("type {name} already exists; give the added type another name")
        );
    }
}

#[test]
fn a_type_that_is_not_there_is_refused() {
    let error = builder().query_field(field("top", TypeRef::named_nn("Actress"))).finish().err().unwrap();
    assert!(error.to_string().contains("\"Actress\""), "{error}");
}

#[test]
#[should_panic(expected = "Field `actors` already exists")]
fn a_root_field_that_is_there_already_ends_the_start() {
    let _ = builder().query_field(field("actors", TypeRef::named(TypeRef::INT))).finish();
}

#[tokio::test]
async fn no_entities_make_a_schema_that_answers() {
    let schema = Schema::new(Registry::new().model().unwrap()).unwrap();
    let database = support::sqlite().await;
    let data = support::data(&schema, &database, "{ __typename nodes(nodeIds: []) { nodeId } }").await;
    assert_eq!(data, json!({ "__typename": "Query", "nodes": [] }));
    database.drop().await;
}

#[test]
fn reports_all_schema_faults_at_once() {
    use async_graphql::dynamic::{InputObject, InputValue};

    let object = |name: &str| InputObject::new(name);
    let input = |of: &str| InputValue::new("input", TypeRef::named(of));
    let top = field("top", TypeRef::named(TypeRef::INT))
        .argument(InputValue::new("input", TypeRef::named("Empty")))
        .argument(InputValue::new("number", TypeRef::named(TypeRef::INT)).default_value("one"));
    let error = builder()
        .query_field(top)
        .register(object("Empty"))
        .register(object("One").field(input("One")).oneof())
        .register(object("Fine").field(InputValue::new("more", TypeRef::named_nn_list_nn("Fine"))))
        .register(Enum::new("Nothing"))
        .register(Enum::new("Truth").item("true"))
        .finish()
        .err()
        .unwrap()
        .to_string();
    for fault in [
        "the input Empty has no fields",
        "the input One requires itself, so that it has no finite value",
        "the enum Nothing has no values",
        "the enum Truth has a value with the name true",
        "a default does not match its type: \"Query.top(number)\", expected type \"Int\"",
    ] {
        assert!(error.contains(fault), "{fault}\n{error}");
    }
    assert!(!error.contains("Fine"), "{error}");
}
