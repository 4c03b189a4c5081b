//! Changes that a client requests, read from the input into plain data. Nothing here touches a database.

use sea_orm::Value;

use crate::dialect::Dialect;
use crate::error::{Error, Result};
use crate::model::{ColumnId, Declaration, EntityId, Model, NestedVerb, Relation, RelationId, names};
use crate::plan::{Input, InputPath};

/// Values of columns.
pub type ColumnValues = Vec<(ColumnId, Value)>;

/// New row, with its nested writes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Create {
    /// Path in the input, for errors.
    pub path: InputPath,
    /// Values of own columns.
    pub values: ColumnValues,
    /// Rows that the new row references.
    pub forward: Vec<(RelationId, ForwardLink)>,
    /// Nested writes to rows that reference the new row.
    pub nested: Vec<(RelationId, NestedWrite)>,
}

impl Create {
    /// Returns true if other rows are created or changed with the row.
    pub fn has_nested_writes(&self) -> bool {
        !self.nested.is_empty() || self.forward.iter().any(|(_, link)| matches!(link, ForwardLink::Create(_)))
    }
}

/// Change of existing rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// Path in the input, for errors.
    pub path: InputPath,
    /// New values of own columns.
    pub values: ColumnValues,
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
    /// Columns of the key.
    pub columns: Vec<ColumnId>,
    /// Values of the key.
    pub values: Vec<Value>,
}

/// Nested writes to rows of a reverse or many-to-many relation.
#[derive(Clone, Debug, PartialEq)]
pub enum NestedWrite {
    /// Through has_one.
    ToOne(Box<ToOneWrite>),
    /// Through has_many.
    ToMany(Box<ToManyWrite>),
    /// Through a junction.
    Links(Box<LinkWrite>),
}

/// Nested writes to the single row of a relation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToOneWrite {
    /// Removal of the row.
    pub removal: Option<Removal>,
    /// Change of the row.
    pub update: Option<Update>,
    /// Change of the row, or its creation.
    pub upsert: Option<Box<(Create, Update)>>,
    /// Row to link.
    pub connect: Option<UniqueKeyInput>,
    /// New row to link.
    pub create: Option<Create>,
}

/// Removal of a single row. A row that is deleted need not be unlinked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Unlinks the row.
    Disconnect,
    /// Deletes the row.
    Delete,
}

/// Nested writes to the list of rows that hold the foreign key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToManyWrite {
    /// Rows to unlink.
    pub disconnect: Vec<UniqueKeyInput>,
    /// Rows to delete.
    pub delete: Vec<UniqueKeyInput>,
    /// Complete new set of linked rows.
    pub set: Option<Vec<UniqueKeyInput>>,
    /// Changes of linked rows.
    pub update: Vec<(UniqueKeyInput, Update)>,
    /// Rows to link.
    pub connect: Vec<UniqueKeyInput>,
    /// New rows to link.
    pub create: Vec<Create>,
}

/// Nested writes to the links of a many-to-many relation. Links to add come with the values of the junction's
/// own columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LinkWrite {
    /// Rows to unlink.
    pub disconnect: Vec<UniqueKeyInput>,
    /// Complete new set of linked rows.
    pub set: Option<Vec<(UniqueKeyInput, ColumnValues)>>,
    /// Rows to link.
    pub connect: Vec<(UniqueKeyInput, ColumnValues)>,
    /// New rows to link.
    pub create: Vec<(Create, ColumnValues)>,
}

/// Entity of a junction, and those of its own columns that links carry.
type JunctionColumns<'a> = Option<(EntityId, &'a [ColumnId])>;

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
            path: input.path().clone(),
            values: Vec::new(),
            forward: Vec::new(),
            nested: Vec::new(),
        };
        for (name, input) in input.object()? {
            match self.field(entity, name, &input, without)? {
                InputField::Column(column, value) => create.values.push((column, value)),
                InputField::Forward(relation, link) => create.forward.push((relation, link)),
                InputField::Nested(relation, nested) => create.nested.push((relation, nested)),
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
        Ok(InputField::Nested(relation_id, self.nested(id, relation_id, input)?))
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
        Ok(ForwardLink::Key(self.key(relation.target, input)?))
    }

    /// Reads `UserKey`: exactly one unique key.
    fn key(&self, id: EntityId, input: &Input) -> Result<UniqueKeyInput> {
        Ok(self.key_to_link(id, input, None)?.0)
    }

    /// Reads a unique key, and the junction's own columns beside it.
    fn key_to_link(
        &self,
        id: EntityId,
        input: &Input,
        junction: JunctionColumns<'_>,
    ) -> Result<(UniqueKeyInput, ColumnValues)> {
        let entity = &self.model.entities[id];
        let mut found: Option<UniqueKeyInput> = None;
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
            if found.replace(UniqueKeyInput { columns: columns.to_vec(), values }).is_some() {
                return Err(input.refuse("expected exactly one unique key"));
            }
        }
        Ok((found.ok_or_else(|| input.refuse("expected a unique key"))?, own))
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
        let mut nested = match relation.declaration {
            Declaration::BelongsTo | Declaration::HasOne => NestedWrite::ToOne(Box::default()),
            Declaration::HasMany => NestedWrite::ToMany(Box::default()),
            Declaration::ManyToMany => NestedWrite::Links(Box::default()),
        };
        if input.is_null() {
            let columns = &self.model.entities[relation.target].columns;
            let is_detachable = relation.to.iter().all(|column| columns[*column].nullable);
            // From this side too, null unlinks.
            return match &mut nested {
                NestedWrite::ToOne(write) if is_detachable => {
                    write.removal = Some(Removal::Disconnect);
                    Ok(nested)
                }
                _ => Err(input.refuse("expected changes (omit the field to change nothing)")),
            };
        }
        let columns = self.model.junction_columns(relation);
        let junction = relation.junction.as_ref().and_then(|junction| junction.entity);
        let target = NestedTarget {
            entity: relation.target,
            forward: self.model.forward_side(owner, id),
            junction: junction.map(|id| (id, &columns[..])).filter(|_| !columns.is_empty()),
        };
        for (name, input) in input.object()? {
            if input.is_null() {
                return Err(input.refuse("expected a value (omit the field to change nothing)"));
            }
            let verb = NestedVerb::find(name, relation.declaration);
            let verb = verb.ok_or_else(|| unknown_verb(name, &input))?;
            match &mut nested {
                NestedWrite::ToOne(write) => self.read_to_one(verb, target, &input, write)?,
                NestedWrite::ToMany(write) => self.read_to_many(verb, target, &input, write)?,
                NestedWrite::Links(write) => self.read_links(verb, target, &input, write)?,
            }
        }
        Ok(nested)
    }

    fn read_to_one(
        &self,
        verb: NestedVerb,
        target: NestedTarget<'_>,
        input: &Input,
        write: &mut ToOneWrite,
    ) -> Result<()> {
        let NestedTarget { entity, forward, .. } = target;
        match verb {
            NestedVerb::Create => write.create = Some(self.create(entity, input, forward)?),
            NestedVerb::Connect => write.connect = Some(self.key(entity, input)?),
            NestedVerb::Upsert => {
                let create = self.create(entity, &field(input, "create")?, forward)?;
                let update = self.update(entity, &field(input, "update")?, forward)?;
                write.upsert = Some(Box::new((create, update)));
            }
            NestedVerb::Update => write.update = Some(self.update(entity, input, forward)?),
            NestedVerb::Delete => {
                let removal = input.boolean()?.then_some(Removal::Delete);
                write.removal = removal.or(write.removal);
            }
            NestedVerb::Disconnect => {
                let removal = input.boolean()?.then_some(Removal::Disconnect);
                write.removal = write.removal.or(removal);
            }
            NestedVerb::Set => return Err(unknown_verb(verb.name(), input)),
        }
        Ok(())
    }

    fn read_to_many(
        &self,
        verb: NestedVerb,
        target: NestedTarget<'_>,
        input: &Input,
        write: &mut ToManyWrite,
    ) -> Result<()> {
        let NestedTarget { entity, forward, .. } = target;
        let rows = input.list();
        let keys = || rows.iter().map(|input| self.key(entity, input)).collect::<Result<Vec<_>>>();
        match verb {
            NestedVerb::Create => {
                let creates = rows.iter().map(|input| self.create(entity, input, forward));
                write.create = creates.collect::<Result<_>>()?;
            }
            NestedVerb::Connect => write.connect = keys()?,
            NestedVerb::Update => {
                let update = |input: &Input| {
                    let (key, change) = (field(input, "where")?, field(input, "input")?);
                    Ok((self.key(entity, &key)?, self.update(entity, &change, forward)?))
                };
                write.update = rows.iter().map(update).collect::<Result<_>>()?;
            }
            NestedVerb::Delete => write.delete = keys()?,
            NestedVerb::Disconnect => write.disconnect = keys()?,
            NestedVerb::Set => write.set = Some(keys()?),
            NestedVerb::Upsert => return Err(unknown_verb(verb.name(), input)),
        }
        Ok(())
    }

    fn read_links(
        &self,
        verb: NestedVerb,
        target: NestedTarget<'_>,
        input: &Input,
        write: &mut LinkWrite,
    ) -> Result<()> {
        let NestedTarget { entity, forward, junction } = target;
        let rows = input.list();
        let links = || {
            let links = rows.iter().map(|input| self.key_to_link(entity, input, junction));
            links.collect::<Result<Vec<_>>>()
        };
        match verb {
            NestedVerb::Create => {
                let creates = rows.iter().map(|input| self.create_to_link(entity, input, forward, junction));
                write.create = creates.collect::<Result<_>>()?;
            }
            NestedVerb::Connect => write.connect = links()?,
            NestedVerb::Disconnect => {
                let keys = rows.iter().map(|input| self.key(entity, input));
                write.disconnect = keys.collect::<Result<_>>()?;
            }
            NestedVerb::Set => write.set = Some(links()?),
            NestedVerb::Upsert | NestedVerb::Update | NestedVerb::Delete => {
                return Err(unknown_verb(verb.name(), input));
            }
        }
        Ok(())
    }

    /// Reads a new row of a nested write; the junction's own columns, if any, lie beside the row.
    fn create_to_link(
        &self,
        target: EntityId,
        input: &Input,
        forward: Option<RelationId>,
        junction: JunctionColumns<'_>,
    ) -> Result<(Create, ColumnValues)> {
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

/// Target of nested writes.
#[derive(Clone, Copy)]
struct NestedTarget<'a> {
    entity: EntityId,
    /// Relation of the target that the nesting determines.
    forward: Option<RelationId>,
    junction: JunctionColumns<'a>,
}

/// Field of an input, by kind.
enum InputField {
    Column(ColumnId, Value),
    Forward(RelationId, ForwardLink),
    Nested(RelationId, NestedWrite),
}

fn unknown_verb(name: &str, input: &Input) -> Error {
    input.refuse(format!("unknown operation \"{name}\""))
}

fn field<'a>(input: &Input<'a>, wanted: &str) -> Result<Input<'a>> {
    let given = input.object()?.find(|(name, _)| name.as_str() == wanted);
    given.map(|(_, input)| input).ok_or_else(|| {
        Error::bad_input(&input.path().to_string(), input.json(), format!("expected \"{wanted}\""))
    })
}
