//! Enums of the database.

use sea_orm::entity::prelude::*;

/// Values of weather.
#[derive(Clone, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Enum", enum_name = "weather")]
pub enum Weather {
    #[sea_orm(string_value = "sad")]
    Sad,
    #[sea_orm(string_value = "so so")]
    SoSo,
    #[sea_orm(string_value = "+")]
    Value,
}

/// Values of mood.
#[derive(Clone, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Enum", enum_name = "mood")]
pub enum Mood {
    #[sea_orm(string_value = "sad")]
    Sad,
    #[sea_orm(string_value = "so so")]
    SoSo,
    #[sea_orm(string_value = "glad")]
    Glad,
}
