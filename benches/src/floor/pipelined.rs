//! PostgreSQL through tokio-postgres: one connection per worker, which pipelines its requests.

use std::cell::RefCell;
use std::collections::HashMap;

use tokio::sync::OnceCell;
use tokio_postgres::types::{FromSql, ToSql, Type};
use tokio_postgres::{Client, NoTls, Statement};

use super::postgres::{Parameter, Row, Session, Source};
use crate::Failure;

/// Connection of a worker.
pub struct Pipelined {
    url: String,
    client: OnceCell<Client>,
    prepared: RefCell<HashMap<String, Statement>>,
}

impl Pipelined {
    /// Creates the handle without connecting.
    pub fn new(url: String) -> Self {
        Self { url, client: OnceCell::new(), prepared: RefCell::default() }
    }

    async fn client(&self) -> Result<&Client, Failure> {
        let open = async || {
            let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await?;
            actix_web::rt::spawn(connection);
            Ok(client)
        };
        self.client.get_or_try_init(open).await
    }
}

impl Source for Pipelined {
    type Session<'a> = &'a Self;

    async fn session(&self) -> Result<&Self, Failure> {
        Ok(self)
    }
}

impl Session for &Pipelined {
    type Row = tokio_postgres::Row;

    async fn rows(&mut self, sql: &str, parameter: Parameter) -> Result<Vec<Self::Row>, Failure> {
        let client = self.client().await?;
        let known = self.prepared.borrow().get(sql).cloned();
        let statement = match known {
            Some(statement) => statement,
            None => {
                let statement = client.prepare(sql).await?;
                self.prepared.borrow_mut().insert(sql.to_owned(), statement.clone());
                statement
            }
        };
        let parameters: &[&(dyn ToSql + Sync)] = match &parameter {
            Parameter::Nothing => &[],
            Parameter::Key(key) => &[key],
            Parameter::Keys(keys) => &[keys],
            Parameter::Range(from, to) => &[from, to],
        };
        Ok(client.query(&statement, parameters).await?)
    }
}

/// Column in its wire format.
struct Raw<'a>(&'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

impl Row for tokio_postgres::Row {
    fn bytes(&self, column: usize) -> Option<&[u8]> {
        self.try_get::<_, Option<Raw>>(column).ok()?.map(|raw| raw.0)
    }
}
