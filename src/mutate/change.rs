//! Changes that a client requests, read from the input into plain data. Nothing here touches a database.

use sea_orm::Value;

use crate::dialect::Dialect;
use crate::error::{Error, Result};
use crate::model::{ColumnId, Declaration, EntityId, Model, Relation, RelationId, names};
use crate::plan::Input;

/// New row, with its nested writes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Create {
    /// Path in the input, for errors.
    pub path: String,
    /// Values of own columns.
    pub values: Vec<(ColumnId, Value)>,
    /// Rows that the new row references.
    pub forward: Vec<(RelationId, ForwardLink)>,
    /// Nested writes to rows that reference the new row.
    pub nested: Vec<(RelationId, NestedWrite)>,
}

/// Change of existing rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// Path in the input, for errors.
    pub path: String,
    /// New values of own columns.
    pub values: Vec<(ColumnId, Value)>,
    /// Rows that the changed rows will reference.
    pub forward: Vec<(RelationId, ForwardLink)>,
    /// Nested writes to rows that reference the changed rows.
    pub nested: Vec<(RelationId, NestedWrite)>,
}

/// Target of a foreign key.
#[derive(Clone, Debug, PartialEq)]
pub enum ForwardLink {
    /// No target.
    Null,
    /// Existing row.
    Key(UniqueKeyInput),
    /// New row.
    Create(Box<Create>),
}

/// Row named by a unique key.
#[derive(Clone, Debug, PartialEq)]
pub struct UniqueKeyInput {
    /// Path in the input, for errors.
    pub path: String,
    /// Columns of the key.
    pub columns: Vec<ColumnId>,
    /// Values of the key.
    pub values: Vec<Value>,
    /// Values of the junction's own columns, if the key links through a junction.
    pub junction: Vec<(ColumnId, Value)>,
}

/// Nested writes to rows of a reverse or many-to-many relation. A one-to-one relation has at most one of
/// each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NestedWrite {
    /// New rows to link, with the values of the junction's own columns.
    pub create: Vec<(Create, Vec<(ColumnId, Value)>)>,
    /// Rows to link.
    pub connect: Vec<UniqueKeyInput>,
    /// Changes of linked rows; without a key, of the single row.
    pub update: Vec<(Option<UniqueKeyInput>, Update)>,
    /// Change of the single row, or its creation.
    pub upsert: Option<(Create, Update)>,
    /// Rows to unlink.
    pub disconnect: Vec<UniqueKeyInput>,
    /// True to unlink the single row.
    pub disconnect_one: bool,
    /// Rows to delete.
    pub delete: Vec<UniqueKeyInput>,
    /// True to delete the single row.
    pub delete_one: bool,
    /// Complete new set of linked rows.
    pub set: Option<Vec<UniqueKeyInput>>,
}

/// Reader of a model's inputs.
#[derive(Clone, Copy, Debug)]
pub struct InputReader<'a> {
    /// The model.
    pub model: &'a Model,
    /// The database's dialect.
    pub dialect: Dialect,
}

impl InputReader<'_> {
    /// Reads `UserCreate`. `without` is the relation that the context of the row determines.
    pub fn create(&self, entity: EntityId, input: &Input, without: Option<RelationId>) -> Result<Create> {
        let mut create = Create {
            path: input.path().to_owned(),
            values: Vec::new(),
            forward: Vec::new(),
            nested: Vec::new(),
        };
        for (name, input) in input.object()? {
            match self.field(entity, name, &input, without)? {
                InputField::Column(column, value) => create.values.push((column, value)),
                InputField::Forward(relation, link) => create.forward.push((relation, link)),
                InputField::Nested(relation, nested) => create.nested.push((relation, *nested)),
            }
        }
        Ok(create)
    }

    /// Reads `UserUpdate`.
    pub fn update(&self, entity: EntityId, input: &Input, without: Option<RelationId>) -> Result<Update> {
        let Create { path, values, forward, nested } = self.create(entity, input, without)?;
        Ok(Update { path, values, forward, nested })
    }

    fn field(
        &self,
        id: EntityId,
        name: &str,
        input: &Input,
        without: Option<RelationId>,
    ) -> Result<InputField> {
        let entity = &self.model.entities[id];
        if let Some(column) = entity.column_of_field(name) {
            return Ok(InputField::Column(column, self.value(id, column, input)?));
        }
        let unknown = || input.refuse(format!("{} has no field \"{name}\"", entity.name));
        let relation_id =
            entity.relation_of_field(name).filter(|found| Some(*found) != without).ok_or_else(unknown)?;
        let relation = &entity.relations[relation_id];
        if relation.declaration == Declaration::BelongsTo {
            return Ok(InputField::Forward(relation_id, self.link(id, relation, input)?));
        }
        Ok(InputField::Nested(relation_id, Box::new(self.nested(id, relation_id, input)?)))
    }

    /// Reads a column's new value; `null` is a value if the column is nullable.
    fn value(&self, id: EntityId, column: ColumnId, input: &Input) -> Result<Value> {
        let entity = &self.model.entities[id];
        let column = &entity.columns[column];
        if input.is_null() {
            return match column.nullable {
                true => Ok(column.column_type.null()),
                false => Err(input.refuse("expected a value (omit the field to use its default)")),
            };
        }
        let value = input.column_value(self.model, &column.column_type)?;
        let checked = column.limit.check(&value).and_then(|()| self.dialect.check(&value));
        checked.map_err(|expected| input.refuse(expected.0))?;
        Ok(value)
    }

    fn link(&self, id: EntityId, relation: &Relation, input: &Input) -> Result<ForwardLink> {
        if input.is_null() {
            let columns = &self.model.entities[id].columns;
            return match relation.from.iter().any(|column| columns[*column].nullable) {
                true => Ok(ForwardLink::Null),
                false => {
                    Err(input.refuse(format!("expected a {}", self.model.entities[relation.target].name)))
                }
            };
        }
        let (name, value) = input.one_of()?;
        if name == "create" {
            return Ok(ForwardLink::Create(Box::new(self.create(relation.target, &value, None)?)));
        }
        Ok(ForwardLink::Key(self.key(relation.target, input, None)?))
    }

    /// Reads `UserKey`: exactly one unique key, and the junction's own columns for a link.
    pub fn key(
        &self,
        id: EntityId,
        input: &Input,
        junction: Option<(EntityId, &[ColumnId])>,
    ) -> Result<UniqueKeyInput> {
        let entity = &self.model.entities[id];
        let mut found: Option<(Vec<ColumnId>, Vec<Value>)> = None;
        let mut own = Vec::new();
        for (name, value) in input.object()? {
            if let Some((junction, columns)) = junction
                && let Some(column) = self.model.entities[junction].column_of_field(name)
                && columns.contains(&column)
            {
                own.push((column, self.value(junction, column, &value)?));
                continue;
            }
            let key = entity.keys().find(|(field, _)| field == name.as_str());
            let (_, columns) =
                key.ok_or_else(|| value.refuse(format!("{} has no unique key \"{name}\"", entity.name)))?;
            let values = self.key_values(id, columns, &value)?;
            if found.replace((columns.to_vec(), values)).is_some() {
                return Err(input.refuse("expected exactly one unique key"));
            }
        }
        let (columns, values) = found.ok_or_else(|| input.refuse("expected a unique key"))?;
        Ok(UniqueKeyInput { path: input.path().to_owned(), columns, values, junction: own })
    }

    fn key_values(&self, id: EntityId, columns: &[ColumnId], input: &Input) -> Result<Vec<Value>> {
        if let [column] = columns {
            return Ok(vec![self.value(id, *column, input)?]);
        }
        let entity = &self.model.entities[id];
        let read = |column: &ColumnId| {
            let field = &entity.columns[*column].field;
            let given = input.object()?.find(|(name, _)| name.as_str() == field);
            let (_, value) = given.ok_or_else(|| input.refuse(format!("expected a value for {field}")))?;
            self.value(id, *column, &value)
        };
        columns.iter().map(read).collect()
    }

    fn nested(&self, owner: EntityId, id: RelationId, input: &Input) -> Result<NestedWrite> {
        let relation = &self.model.entities[owner].relations[id];
        let target = relation.target;
        let forward = self.model.forward_side(owner, id);
        let columns = self.model.junction_columns(relation);
        let junction =
            relation.junction.as_ref().and_then(|junction| junction.entity).map(|id| (id, &columns[..]));
        let junction = junction.filter(|_| !columns.is_empty());
        let keys = |input: &Input| -> Result<Vec<UniqueKeyInput>> {
            input.list().iter().map(|input| self.key(target, input, None)).collect()
        };
        if input.is_null() {
            let columns = &self.model.entities[target].columns;
            let is_detachable = relation.junction.is_none()
                && !relation.is_many()
                && relation.to.iter().all(|column| columns[*column].nullable);
            // From this side too, null unlinks.
            return match is_detachable {
                true => Ok(NestedWrite { disconnect_one: true, ..NestedWrite::default() }),
                false => Err(input.refuse("expected changes (omit the field to change nothing)")),
            };
        }
        let mut nested = NestedWrite::default();
        for (name, input) in input.object()? {
            if input.is_null() {
                return Err(input.refuse("expected a value (omit the field to change nothing)"));
            }
            match (name.as_str(), relation.is_many()) {
                ("create", _) => {
                    for input in input.list() {
                        nested.create.push(self.create_below(target, &input, forward, junction)?);
                    }
                }
                ("connect", _) => {
                    let links = input.list();
                    nested.connect =
                        links.iter().map(|input| self.key(target, input, junction)).collect::<Result<_>>()?;
                }
                ("set", true) => {
                    let links = input.list();
                    let links = links.iter().map(|input| self.key(target, input, junction));
                    nested.set = Some(links.collect::<Result<_>>()?);
                }
                ("update", true) => {
                    for input in input.list() {
                        let (key, change) = (field(&input, "where")?, field(&input, "input")?);
                        let key = self.key(target, &key, None)?;
                        nested.update.push((Some(key), self.update(target, &change, forward)?));
                    }
                }
                ("update", false) => nested.update.push((None, self.update(target, &input, forward)?)),
                ("upsert", false) => {
                    let create = self.create(target, &field(&input, "create")?, forward)?;
                    nested.upsert = Some((create, self.update(target, &field(&input, "update")?, forward)?));
                }
                ("disconnect", true) => nested.disconnect = keys(&input)?,
                ("delete", true) => nested.delete = keys(&input)?,
                ("disconnect", false) => nested.disconnect_one = input.boolean()?,
                ("delete", false) => nested.delete_one = input.boolean()?,
                (name, _) => return Err(input.refuse(format!("unknown operation \"{name}\""))),
            }
        }
        Ok(nested)
    }

    /// Reads a new row of a nested write; the junction's own columns, if any, lie beside the row.
    fn create_below(
        &self,
        target: EntityId,
        input: &Input,
        forward: Option<RelationId>,
        junction: Option<(EntityId, &[ColumnId])>,
    ) -> Result<(Create, Vec<(ColumnId, Value)>)> {
        let Some((junction, columns)) = junction else {
            return Ok((self.create(target, input, forward)?, Vec::new()));
        };
        let mut own = Vec::new();
        for (name, value) in input.object()?.filter(|(name, _)| name.as_str() != names::NODE) {
            let column =
                self.model.entities[junction].column_of_field(name).filter(|found| columns.contains(found));
            let column =
                column.ok_or_else(|| value.refuse(format!("the junction has no column \"{name}\"")))?;
            own.push((column, self.value(junction, column, &value)?));
        }
        Ok((self.create(target, &field(input, names::NODE)?, forward)?, own))
    }
}

/// Field of an input, by kind.
enum InputField {
    Column(ColumnId, Value),
    Forward(RelationId, ForwardLink),
    Nested(RelationId, Box<NestedWrite>),
}

fn field<'a>(input: &Input<'a>, wanted: &str) -> Result<Input<'a>> {
    let given = input.object()?.find(|(name, _)| name.as_str() == wanted);
    given
        .map(|(_, input)| input)
        .ok_or_else(|| Error::bad_input(input.path(), input.json(), format!("expected \"{wanted}\"")))
}
