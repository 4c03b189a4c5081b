//! Values of variables, read from JSON.

use std::cell::RefCell;
use std::fmt;

use async_graphql::indexmap::IndexMap;
use async_graphql::{Name, Value, Variables};
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Variables of a request. Refuses an object with a duplicate name: otherwise one of two conditions of a
/// deletion would be dropped.
#[derive(Debug, Default)]
pub(super) struct GivenVariables(pub Variables);

impl<'de> Deserialize<'de> for GivenVariables {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (names, fields) = (RefCell::default(), RefCell::default());
        let seed = ValueSeed { names: &names, fields: &fields };
        let value = deserializer.deserialize_any(VariablesVisitor(seed))?;
        Ok(Self(Variables::from_value(value)))
    }
}

struct VariablesVisitor<'n>(ValueSeed<'n>);

impl<'de> Visitor<'de> for VariablesVisitor<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a map")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        self.0.visit_map(map)
    }
}

/// Number of names that a request's objects share. Other names have copies.
const SHARED_NAMES: usize = 32;

#[derive(Clone, Copy)]
struct ValueSeed<'n> {
    /// Names of fields so far: the objects of a long list have the same.
    names: &'n RefCell<Vec<Name>>,
    /// Fields of the open objects, so that each object takes the memory of its fields alone.
    fields: &'n RefCell<Vec<(Name, Value)>>,
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let first = self.fields.borrow().len();
        while let Some(name) = map.next_key_seed(NameSeed(self.names))? {
            let value = map.next_value_seed(self)?;
            self.fields.borrow_mut().push((name, value));
        }
        let mut given = self.fields.borrow_mut();
        let mut fields = IndexMap::with_capacity(given.len() - first);
        for (name, value) in given.drain(first..) {
            if let (place, Some(_)) = fields.insert_full(name, value) {
                let name = fields.get_index(place).map_or("", |(name, _)| name);
                return Err(A::Error::custom(format!("\"{name}\" is given more than once")));
            }
        }
        Ok(Value::Object(fields))
    }
}

/// Name of a field.
struct NameSeed<'n>(&'n RefCell<Vec<Name>>);

impl<'de> DeserializeSeed<'de> for NameSeed<'_> {
    type Value = Name;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Name, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for NameSeed<'_> {
    type Value = Name;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Name, E> {
        let mut names = self.0.borrow_mut();
        if let Some(known) = names.iter().find(|known| known.as_str() == name) {
            return Ok(known.clone());
        }
        let name = Name::new(name);
        if names.len() < SHARED_NAMES {
            names.push(name.clone());
        }
        Ok(name)
    }
}
