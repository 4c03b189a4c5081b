//! Registers the schema for cynic, which checks all types against it.

fn main() {
    cynic_codegen::register_schema("crowsfoot")
        .from_sdl_file("../../schema.graphql")
        .and_then(|schema| schema.as_default())
        .expect("a schema, as `crowsfoot schema` prints it");
}
