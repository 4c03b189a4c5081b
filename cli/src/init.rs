//! The command `init`: an options file with everything that a live database has, as comments.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use crowsfoot::Model;

use crate::Failure;

const HEAD: &str = "\
# Options of `crowsfoot serve --from-database --options FILE`. Each line below is a default: remove the `#` of a line and of
# the section above it, and change the value.

# include = [\"*\"]
# exclude = []
";

/// Writes the options file, unless the file exists.
pub fn write(model: &Model, file: &Path) -> Result<(), Failure> {
    let named = |error: std::io::Error| format!("{}: {error}", file.display());
    let mut created = OpenOptions::new().write(true).create_new(true).open(file).map_err(named)?;
    created.write_all(options(model).as_bytes()).map_err(named)?;
    Ok(())
}

fn options(model: &Model) -> String {
    let mut sections: Vec<String> = model.exposed().map(|(_, entity)| section(model, entity)).collect();
    sections.sort_unstable();
    format!("{HEAD}{}", sections.concat())
}

fn section(model: &Model, entity: &crowsfoot::model::Entity) -> String {
    let mut lines = vec![
        format!("[entities.{}]", quoted(&entity.table.to_string())),
        format!("name = {}", quoted(&entity.name)),
        format!("plural = {}", quoted(&entity.roots.list)),
    ];
    for (_, column) in entity.visible_columns() {
        lines.push(format!(
            "rename.{} = {} # column {}",
            column.field,
            quoted(&column.field),
            quoted(&column.name)
        ));
    }
    for relation in &entity.relations {
        let target = relation.cardinality.type_of(&model.entities[relation.target].name);
        lines.push(format!("rename.{} = {} # {target}", relation.field, quoted(&relation.field)));
    }
    let lines: Vec<String> = lines.iter().map(|line| format!("# {line}\n")).collect();
    format!("\n{}", lines.concat())
}

/// Returns a TOML string: the escapes of JSON are valid in TOML.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
