//! Cost of rules: of a viewer's rows against the same rows chosen by `where`, of a known token, and of a role's schema.

use std::hint::black_box;
use std::path::{Path, PathBuf};

use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use async_graphql::{Request, Variables};
use clap::{Args, ValueEnum};
use crowsfoot::Schema;
use crowsfoot::policy::{Policies, Viewer};
use crowsfoot::server::{Identify, Jwt, JwtSettings};
use serde_json::json;

use crate::database::Database;
use crate::instructions::{concurrently, total};
use crate::record::mebibytes;
use crate::server::{cpu, memory};
use crate::{Failure, dataset, example};

/// Maximum time of a known token, in microseconds.
const TOKEN_MICROSECONDS: f64 = 1.0;

/// Maximum time and memory of a role's schema.
const SCHEMA_MILLISECONDS: f64 = 20.0;
const SCHEMA_MEBIBYTES: f64 = 2.0;

/// Number of a viewer's optional variables: a viewer may lack any of them, and has a schema for each set.
const VARIABLES: u32 = 6;

/// Token of the issuer in [`token_settings`], until the year 2100.
const TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUiLCJhdWQiOiJzaG9wIiwiZXhwIjo0MTAyNDQ0ODAwLCJyb2xlIjoib3duZXIiLCJzdWIiOiI3In0.9rdsFkCTLMEyXvNAz9-wCYtuUOwNvZJ6A56_pfhC--k";

/// Roles of the example domain.
const ROLES: &str = include_str!("../../examples/roles.toml");

/// Options of `rules`.
#[derive(Debug, Args)]
pub struct Options {
    /// File of the dataset [default: benches.db beside this program]
    #[arg(long, value_name = "FILE")]
    sqlite_file: Option<PathBuf>,
}

/// Options of `repeat-rule`.
#[derive(Debug, Args)]
pub struct Repeat {
    rule: Rule,
    side: Side,
    times: u64,
    /// File of the dataset
    #[arg(long, value_name = "FILE")]
    sqlite_file: Option<PathBuf>,
}

/// Measured rule.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Rule {
    /// The column of a row is the viewer's
    Owner,
    /// A related row is the viewer's
    Membership,
}

/// Way to choose the rows.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Side {
    /// A role's rule
    Role,
    /// An administrator's `where`
    Where,
}

impl Rule {
    const ALL: [Self; 2] = [Self::Owner, Self::Membership];

    /// Maximum cost of the rule, in percent of the same rows chosen by `where`.
    fn bound(self) -> u64 {
        match self {
            Self::Owner => 5,
            Self::Membership => 30,
        }
    }

    /// Returns the numbers of requests in both runs of a count. Each request is that of another viewer; one of a membership
    /// looks at every course.
    fn runs(self) -> [u64; 2] {
        match self {
            Self::Owner => [1_000, 11_000],
            Self::Membership => [20, 120],
        }
    }

    /// Returns the type, the root field, its columns, and the condition on a variable.
    fn parts(self) -> (&'static str, &'static str, &'static str, &'static str) {
        match self {
            Self::Owner => ("Post", "posts", "id title", "{ authorId: { eq: $userId } }"),
            Self::Membership => {
                ("Course", "courses", "id title", "{ students: { some: { id: { eq: $userId } } } }")
            }
        }
    }

    fn query(self, side: Side) -> String {
        let (_, root, columns, condition) = self.parts();
        match side {
            Side::Role => format!("{{ {root} {{ {columns} }} }}"),
            Side::Where => format!("query ($userId: Int!) {{ {root}(where: {condition}) {{ {columns} }} }}"),
        }
    }

    fn policies(self) -> Result<Policies, Failure> {
        let (entity, _, _, condition) = self.parts();
        let policies = Policies::new().variable("userId", "Int!")?;
        Ok(policies.role("owner", |role| role.grant(entity, |grant| grant.read(condition).columns(["*"]))))
    }
}

/// Answers requests, each of another viewer.
///
/// # Errors
/// If a request fails.
pub async fn repeat(Repeat { rule, side, times, sqlite_file }: Repeat) -> Result<(), Failure> {
    let schema = Schema::builder(example::registry().model()?).policies(rule.policies()?).finish()?;
    let database = crowsfoot::connect(&Database::sqlite(sqlite_file).url(), 1).await?;
    let query = rule.query(side);
    for user in 1..=times {
        black_box(answer(&schema, &database, &query, side, user).await?);
    }
    Ok(())
}

async fn answer(
    schema: &Schema,
    database: &crowsfoot::Database,
    query: &str,
    side: Side,
    user: u64,
) -> Result<Vec<u8>, Failure> {
    let request = Request::new(query);
    let executed = match side {
        Side::Role => {
            let viewer = Viewer::new("owner").with("userId", user);
            schema.seen_by(&viewer).map_err(|error| error.to_string())?.execute(request, database).await
        }
        Side::Where => {
            let variables = Variables::from_json(json!({ "userId": user }));
            schema.execute(request.variables(variables), database).await
        }
    };
    match executed.errors.first() {
        Some(error) => Err(error.error.to_string().into()),
        None => Ok(executed.to_json()),
    }
}

/// Measures and prints.
///
/// # Errors
/// If a measurement fails, or a bound is exceeded.
pub async fn run(options: Options) -> Result<(), Failure> {
    let database = Database::sqlite(options.sqlite_file);
    dataset::ensure(&database).await?;
    let mut passed = Vec::new();
    println!("| rule | instructions | by where | more | bound |\n|---|---:|---:|---:|---:|");
    for rule in Rule::ALL {
        check_answers(rule, &database).await?;
        let counts = concurrently(&[Side::Role, Side::Where], |side| count(rule, *side, &database.file()))?;
        let &[of_role, of_where] = counts.as_slice() else { return Err("a count is missing".into()) };
        let bound = rule.bound();
        // In thousandths, so that a cost below a percent is seen.
        let more = (of_role.saturating_sub(of_where)) * 1_000 / of_where;
        println!("| {} | {of_role} | {of_where} | {}.{} % | {bound} % |", name(rule), more / 10, more % 10);
        if more > bound * 10 {
            passed.push(name(rule));
        }
    }
    let token = token_microseconds().await?;
    println!("\na known token: {token:.2} µs, at most {TOKEN_MICROSECONDS} µs");
    let (time, space) = role_schema()?;
    println!(
        "a role's schema: {time:.1} ms and {space:.2} MiB, at most {SCHEMA_MILLISECONDS} ms and {SCHEMA_MEBIBYTES} MiB"
    );
    passed.extend((token > TOKEN_MICROSECONDS).then(|| "token".to_owned()));
    passed.extend((time > SCHEMA_MILLISECONDS || space > SCHEMA_MEBIBYTES).then(|| "schema".to_owned()));
    match passed.is_empty() {
        true => Ok(()),
        false => Err(format!("above the bounds: {}", passed.join(", ")).into()),
    }
}

/// Returns the name of a value on the command line.
fn name(value: impl ValueEnum) -> String {
    value.to_possible_value().map(|name| name.get_name().to_owned()).unwrap_or_default()
}

/// Checks that both sides of a rule have the same rows.
async fn check_answers(rule: Rule, database: &Database) -> Result<(), Failure> {
    let schema = Schema::builder(example::registry().model()?).policies(rule.policies()?).finish()?;
    let connected = crowsfoot::connect(&database.url(), 1).await?;
    for user in [1, 7, 1_000] {
        let of = async |side: Side| answer(&schema, &connected, &rule.query(side), side, user).await;
        let (of_role, of_where) = (of(Side::Role).await?, of(Side::Where).await?);
        if of_role != of_where || !of_role.windows(5).any(|text| text == b"\"id\":") {
            return Err(format!("{rule:?}: viewer {user} has other rows, or none").into());
        }
    }
    Ok(())
}

/// Returns the instructions of a single request.
fn count(rule: Rule, side: Side, dataset: &Path) -> Result<u64, Failure> {
    let dataset = dataset.to_str().ok_or("the path of the dataset is not UTF-8")?;
    let ([short, long], rule, side) = (rule.runs(), name(rule), name(side));
    let total =
        |times: u64| total(&["repeat-rule", &rule, &side, &times.to_string(), "--sqlite-file", dataset]);
    Ok(total(long)?.saturating_sub(total(short)?) / (long - short))
}

/// Returns the processor time of a verification of a known token.
async fn token_microseconds() -> Result<f64, Failure> {
    const TIMES: u32 = 500_000;
    let policies = Policies::new().variable("userId", "Int!")?.role("owner", |role| role);
    let jwt = Jwt::new(&token_settings()?, &policies)?;
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {TOKEN}"))?);
    let begin = cpu(std::process::id())?;
    for _ in 0..TIMES {
        let identity = jwt.identify(black_box(&headers)).await?;
        black_box(identity).ok_or("the token proves no identity")?;
    }
    Ok((cpu(std::process::id())? - begin).as_secs_f64() * 1_000_000.0 / f64::from(TIMES))
}

fn token_settings() -> Result<JwtSettings, Failure> {
    Ok(serde_json::from_value(json!({
        "algorithms": ["HS256"], "secret": "a secret of thirty-two bytes or more",
        "issuer": "https://id.example", "audience": "shop", "claims": { "role": "/role", "userId": "/sub" },
    }))?)
}

/// Returns the processor time and the memory of a role's schema on the example domain, in milliseconds and MiB.
fn role_schema() -> Result<(f64, f64), Failure> {
    let names: Vec<String> = (0..VARIABLES).map(|number| format!("v{number}")).collect();
    let policies: Policies = toml::from_str(ROLES)?;
    let policies = names.iter().try_fold(policies, |policies, name| policies.variable(name, "Int"))?;
    let schema = Schema::builder(example::registry().model()?).policies(policies).finish()?;
    let own = || Ok::<_, Failure>(memory(std::process::id())?.own);
    let (before, begin) = (own()?, cpu(std::process::id())?);
    // The set of all variables was built at the start.
    let sets = 1..(1_u32 << VARIABLES) - 1;
    for set in sets.clone() {
        let given = names.iter().enumerate().filter(|(number, _)| set >> number & 1 == 1);
        let viewer = Viewer::new("staff").with("userId", 1).with("employeeId", 1);
        // Without some of the optional variables, a viewer has a schema of its own, built now.
        let viewer = given.fold(viewer, |viewer, (_, name)| viewer.with(name, 1));
        black_box(schema.seen_by(&viewer).map_err(|error| error.to_string())?);
    }
    let time = (cpu(std::process::id())? - begin).as_secs_f64() * 1_000.0;
    #[expect(clippy::cast_precision_loss, reason = "no process has 2^53 bytes")]
    let grown = own()?.saturating_sub(before) as f64;
    let schemas = f64::from(sets.end - sets.start);
    Ok((time / schemas, mebibytes(grown) / schemas))
}
