//! Changes of types that clients do not notice.

use async_graphql::parser::types::{BaseType, InputValueDefinition, Type};

/// Returns true if clients that expect `old` in a response understand `new`: NULL may become impossible.
pub fn returns(old: &Type, new: &Type) -> bool {
    (old.nullable || !new.nullable) && same(old, new, returns)
}

/// Returns true if values that clients send for `old` are values of `new`: NULL may become possible.
pub fn accepts(old: &Type, new: &Type) -> bool {
    (!old.nullable || new.nullable) && same(old, new, accepts)
}

fn same(old: &Type, new: &Type, inside: impl Fn(&Type, &Type) -> bool) -> bool {
    match (&old.base, &new.base) {
        (BaseType::Named(old), BaseType::Named(new)) => old == new,
        (BaseType::List(old), BaseType::List(new)) => inside(old, new),
        _ => false,
    }
}

/// Returns true if clients must give a value.
pub fn is_required(input: &InputValueDefinition) -> bool {
    !input.ty.node.nullable && input.default_value.is_none()
}
