//! Commands of the program.

use clap::{Parser, Subcommand, ValueEnum};

use super::database::{DatabaseOptions, ModelSource};
use super::serve::Serve;

/// GraphQL service over SeaORM entities, with typed to-one and to-many relations.
///
/// Without a command the program runs `serve`: it opens or creates the database, migrates its tables, inserts the
/// example data into an empty database, and prints the address of GraphiQL.
#[derive(Debug, Parser)]
#[command(version, about, args_conflicts_with_subcommands = true)]
pub struct CommandLine {
    /// Command to run; `serve` if omitted.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Settings of `serve`.
    #[command(flatten)]
    pub serve: Serve,
}

/// Commands of the program.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve GraphQL over HTTP
    Serve(Box<Serve>),
    /// Migrate the tables of the database
    Migrate {
        /// Migration command
        #[command(subcommand)]
        direction: Migrate,
    },
    /// Insert the example data into an empty database
    Seed {
        /// Number of copies of the example data; copies after the first are generated
        #[arg(long, default_value_t = 1)]
        scale: u32,
        /// Connection to the database
        #[command(flatten)]
        database: DatabaseOptions,
    },
    /// Print the schema in the schema definition language
    Schema {
        /// File to compare with the schema; nothing is printed, a difference is an error
        #[arg(long, num_args = 0..=1, default_missing_value = "schema.graphql", value_name = "FILE")]
        check: Option<std::path::PathBuf>,
        /// Role of the options file whose schema is printed
        #[arg(long, requires = "options", conflicts_with = "check")]
        role: Option<String>,
        /// Older schema, in a file or of the database with this URL: print what has changed; a change that breaks clients
        /// is an error
        #[arg(long, conflicts_with_all = ["check", "role"], value_name = "FILE|URL")]
        diff: Option<String>,
        /// Source of the model
        #[command(flatten)]
        source: ModelSource,
        /// Connection to the database
        #[command(flatten)]
        database: DatabaseOptions,
    },
    /// Print the plan of a query: levels, relations, columns and SQL statements
    Explain {
        /// GraphQL query to plan
        query: String,
        /// Variables of the query, as a JSON object
        #[arg(long)]
        variables: Option<String>,
        /// SQL dialect of the printed statements [default: sqlite, or that of --from-database]
        #[arg(long, value_enum)]
        dialect: Option<DialectName>,
        /// Role of the options file under whose rules the query is planned
        #[arg(long, requires = "options")]
        role: Option<String>,
        /// Values of the viewer's variables, as a JSON object
        #[arg(long, requires = "role")]
        viewer: Option<String>,
        /// Source of the model
        #[command(flatten)]
        source: ModelSource,
        /// Connection to the database
        #[command(flatten)]
        database: DatabaseOptions,
    },
    /// Check or print the policies of an options file
    Policies {
        /// Command about policies
        #[command(subcommand)]
        command: PoliciesCommand,
    },
    /// Draw the model as an entity-relationship diagram with crow's feet
    Model {
        /// Output format of the diagram
        #[arg(long, value_enum, default_value_t = DiagramFormat::Svg)]
        format: DiagramFormat,
        /// Source of the model
        #[command(flatten)]
        source: ModelSource,
        /// Connection to the database
        #[command(flatten)]
        database: DatabaseOptions,
    },
    /// Write an options file for --from-database, with every default as a comment
    Init {
        /// File to write; an existing file is left unchanged
        #[arg(long, default_value = "crowsfoot.toml", value_name = "FILE")]
        output: std::path::PathBuf,
        /// Database schema to read; may be repeated [default: the schema of the connection]
        #[arg(long, env = "CROWSFOOT_SCHEMA", value_name = "NAME", value_delimiter = ',')]
        schema: Vec<String>,
        /// Connection to the database
        #[command(flatten)]
        database: DatabaseOptions,
    },
    /// Write a Rust project with the entities of a live database, which serves the schema of --from-database
    ///
    /// For those who want fields or code of their own. The folder must be empty or missing.
    Generate {
        /// Folder of the project
        #[arg(long, value_name = "DIR")]
        output: std::path::PathBuf,
        /// Folder of Crowsfoot's source, for the project's dependency on it [default: the published version]
        #[arg(long, value_name = "DIR")]
        library: Option<std::path::PathBuf>,
        /// Options file whose options the project registers
        #[arg(long, env = "CROWSFOOT_OPTIONS", value_name = "FILE")]
        options: Option<std::path::PathBuf>,
        /// Database schema to read; may be repeated [default: the schema of the connection]
        #[arg(long, env = "CROWSFOOT_SCHEMA", value_name = "NAME", value_delimiter = ',')]
        schema: Vec<String>,
        /// Connection to the database
        #[command(flatten)]
        database: DatabaseOptions,
    },
    /// Print the settings with which a client library fits the schema: keys of its cache, pages, scalars
    Client {
        /// Client library
        #[arg(value_enum)]
        client: ClientName,
        /// Role of the options file for whose schema the settings are
        #[arg(long, requires = "options")]
        role: Option<String>,
        /// Source of the model
        #[command(flatten)]
        source: ModelSource,
        /// Connection to the database
        #[command(flatten)]
        database: DatabaseOptions,
    },
    /// Ask a running service if it is alive; the exit code is 1 if it is not
    Health {
        /// Ask if it is ready to answer, instead of alive
        #[arg(long)]
        ready: bool,
        /// Address of the service
        #[arg(long, env = "CROWSFOOT_LISTEN", default_value = "127.0.0.1:8000")]
        listen: String,
    },
    /// Compare the entities with each other and with the live database
    ///
    /// The exit code is 0 if they match, and 1 if a promise of the schema is not kept by the database. Each finding names the
    /// option or the change of the database that mends it. Notes do not change the exit code.
    Check {
        /// Source of the model
        #[command(flatten)]
        source: ModelSource,
        /// Connection to the database
        #[command(flatten)]
        database: DatabaseOptions,
    },
}

/// Commands about policies.
#[derive(Debug, Subcommand)]
pub enum PoliciesCommand {
    /// Check the policies against the model and the limits of the database; all faults are printed at once
    Check {
        /// Source of the model
        #[command(flatten)]
        source: ModelSource,
        /// Connection to the database
        #[command(flatten)]
        database: DatabaseOptions,
    },
    /// Print what a role may read and write
    Print {
        /// Role of the options file
        #[arg(long)]
        role: String,
        /// Source of the model
        #[command(flatten)]
        source: ModelSource,
        /// Connection to the database
        #[command(flatten)]
        database: DatabaseOptions,
    },
}

/// Migration commands.
#[derive(Debug, Subcommand)]
pub enum Migrate {
    /// Apply all pending migrations
    Up(DatabaseOptions),
    /// Revert all applied migrations
    Down(DatabaseOptions),
    /// Print the status of each migration
    Status(DatabaseOptions),
}

/// SQL dialect.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum DialectName {
    /// SQLite
    Sqlite,
    /// PostgreSQL
    Postgres,
}

/// Client library.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ClientName {
    /// Apollo Client 3 and 4: type policies, in TypeScript
    Apollo,
    /// Relay: `relay.config.json`
    Relay,
    /// urql with Graphcache: keys and resolvers, in TypeScript
    Urql,
}

/// Output format of a diagram.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum DiagramFormat {
    /// Image for browsers
    Svg,
    /// Mermaid `erDiagram` for Markdown
    Mermaid,
    /// Graph for Graphviz
    Dot,
}
