//! User additions to the schema must fit the model's own types.

use std::sync::{Arc, Mutex};

use async_graphql::Value;
use async_graphql::dynamic::{Enum, Field, FieldFuture, FieldValue, Object, TypeRef};
use crowsfoot::{EntityField, FieldBatch, Registry, Schema, SchemaBuilder};
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

#[tokio::test]
async fn a_field_of_a_type_is_called_once_for_each_level_with_each_row_once() {
    let database = support::sqlite().await;
    database.seed(1).await;
    let calls = Arc::new(Mutex::new(Vec::new()));
    let known = calls.clone();
    let number = EntityField::new(
        "number",
        TypeRef::named_nn(TypeRef::INT),
        [entity::author::Column::Id],
        move |authors: FieldBatch| {
            let factor = authors.arguments().get("by").and_then(serde_json::Value::as_i64).unwrap_or(1);
            let ids: async_graphql::Result<Vec<i32>> = authors.column(0).map_err(Into::into);
            known.lock().unwrap().push(authors.len());
            async move { Ok(ids?.into_iter().map(|id| Value::from(i64::from(id) * factor)).collect()) }
        },
    );
    let schema = Schema::builder(support::example::registry().model().unwrap())
        .entity_field(number.argument("by", TypeRef::named(TypeRef::INT)))
        .finish()
        .unwrap();
    let query = "query ($by: Int) { authors(limit: 2) { id number same: number thrice: number(by: $by)
        posts { author { id number } } } none: authors(limit: 0) { number } }";
    let (answer, _) = support::ask(&schema, &database, query, json!({ "by": 3 })).await;
    assert_eq!(answer.get("errors"), None, "{answer}");
    let authors = answer["data"]["authors"].as_array().unwrap();
    assert_eq!(authors.len(), 2);
    for author in authors {
        let id = &author["id"];
        assert_eq!((&author["number"], &author["same"]), (id, id));
        assert_eq!(author["thrice"].as_i64().unwrap(), id.as_i64().unwrap() * 3);
        for post in author["posts"].as_array().unwrap() {
            assert_eq!(post["author"], json!({ "id": id, "number": id }));
        }
    }
    assert!(authors.iter().any(|author| author["posts"].as_array().unwrap().len() > 1));
    // Two fields of the first level, and one of the third; an empty level calls nothing.
    assert_eq!(*calls.lock().unwrap(), [2, 2, 2]);
    database.drop().await;
}

#[tokio::test]
async fn a_field_of_a_type_that_fails_is_null_or_nulls_its_row() {
    let database = support::sqlite().await;
    database.seed(1).await;
    let field = |name: &str, of: TypeRef, values: fn(usize) -> async_graphql::Result<Vec<Value>>| {
        EntityField::new(name, of, [entity::author::Column::Id], move |authors: FieldBatch| {
            let values = values(authors.len());
            async move { values }
        })
    };
    let schema = Schema::builder(support::example::registry().model().unwrap())
        .entity_field(field("fails", TypeRef::named(TypeRef::INT), |_| {
            Err(crowsfoot::Error::bad_input("x", 1.into(), "expected y").into())
        }))
        .entity_field(field("few", TypeRef::named(TypeRef::INT), |_| Ok(Vec::new())))
        .entity_field(field("nothing", TypeRef::named_nn(TypeRef::INT), |count| Ok(vec![Value::Null; count])))
        .finish()
        .unwrap();
    for (name, code) in [("fails", "BAD_USER_INPUT"), ("few", "INTERNAL_SERVER_ERROR")] {
        let (answer, _) =
            support::ask(&schema, &database, &format!("{{ author(id: 1) {{ {name} }} }}"), json!({})).await;
        assert_eq!(answer["data"], json!({ "author": { name: null } }));
        let error = &answer["errors"][0];
        assert_eq!((&error["extensions"]["code"], &error["path"]), (&json!(code), &json!(["author", name])));
    }
    let (answer, _) = support::ask(&schema, &database, "{ author(id: 1) { nothing } }", json!({})).await;
    assert_eq!(answer["data"], json!({ "author": null }));
    assert_eq!(answer["errors"][0]["path"], json!(["author", "nothing"]));
    database.drop().await;
}

#[test]
fn a_field_that_does_not_fit_its_type_is_refused_with_all_others() {
    let field = |name: &str, of: TypeRef| {
        EntityField::new(name, of, [entity::author::Column::Id], |_: FieldBatch| async { Ok(Vec::new()) })
    };
    let fault = |fields: Vec<EntityField>| {
        let model = support::example::registry().model().unwrap();
        let builder = fields.into_iter().fold(Schema::builder(model), SchemaBuilder::entity_field);
        builder.finish().err().unwrap().to_string()
    };
    let int = || TypeRef::named(TypeRef::INT);
    let taken = fault(vec![
        field("name", int()),
        field("postsConnection", int()),
        field("x", int()),
        field("x", int()),
    ]);
    assert_eq!(taken.matches("Author has a field of this name already").count(), 3, "{taken}");
    let object = fault(vec![field("best", TypeRef::named("Post"))]);
    assert!(object.contains("field best of table authors: expected a scalar"), "{object}");
    let model = Registry::new().register::<actor::Entity>().model().unwrap();
    let absent = Schema::builder(model).entity_field(field("x", int())).finish().err().unwrap().to_string();
    assert!(absent.contains("field x of table authors: the entity is not a type of the schema"), "{absent}");
}
