//! From the options file and the tables to the served schema: at start, and again at a reload.

use std::fmt::Display;
use std::time::Duration;

use crowsfoot::policy::Policies;
use crowsfoot::server::{Jwt, SignIn, SignInSecret, Tokens, Webhook};
use crowsfoot::{DatabaseDescription, ExecutionLimits, Model, ModelError, Registry, Schema, SchemaBuilder};

use crate::config::{Mode, Serve};
use crate::options::Options;
use crate::{Failure, example, source};

/// Options file that fits the settings.
pub struct ServedOptions {
    options: Options,
    policies: Option<Policies>,
    /// Ways of sign-in.
    pub sign_in: SignIn,
}

impl ServedOptions {
    /// Reads the text of the options file.
    ///
    /// # Errors
    /// If the text has a fault, or contradicts the settings: with all contradictions.
    pub fn read(settings: &Serve, text: &str) -> Result<Self, Failure> {
        let options = Options::of_text(&settings.source, text)?;
        let policies = options.policies();
        let exposed = check_exposure(settings, policies.is_some());
        let about_tables = options.fit(settings.source.from_database);
        let sign_in = sign_in(settings, &options, policies.as_ref());
        match (exposed, about_tables, sign_in) {
            (Ok(()), Ok(()), Ok(sign_in)) => Ok(Self { options, policies, sign_in }),
            (exposed, about_tables, sign_in) => {
                let faults = [exposed.err(), about_tables.err(), sign_in.err()];
                let faults: Vec<String> = faults.iter().flatten().map(ToString::to_string).collect();
                Err(faults.join("\n").into())
            }
        }
    }

    /// Builds the schema of the tables of a database, or of the example's entities, which learn from the tables.
    ///
    /// # Errors
    /// If the model or a policy has faults.
    pub fn schema(
        &self,
        settings: &Serve,
        described: Option<&DatabaseDescription>,
    ) -> Result<Schema, Failure> {
        let note = |note: &dyn Display| tracing::warn!("{note}");
        let model = match described {
            Some(described) if settings.source.from_database => {
                source::model(described, &self.options, note)?
            }
            Some(described) => self.of_example(example::registry().merge(&described.tables))?,
            None => self.of_example(example::registry())?,
        };
        let builder = builder(settings, model);
        Ok(self.policies.iter().cloned().fold(builder, SchemaBuilder::policies).finish()?)
    }

    fn of_example(&self, registry: Registry) -> Result<Model, ModelError> {
        self.options.of_all_entities(registry).model()
    }
}

fn builder(settings: &Serve, model: Model) -> SchemaBuilder {
    let mut limits = ExecutionLimits::DEFAULT;
    limits.rows = settings.max_rows;
    limits.cost = settings.max_cost;
    limits.retry_time = Duration::from_secs(settings.timeout);
    Schema::builder(model)
        .guard(settings.guard.limits())
        .limits(limits)
        .read_consistency(settings.read_consistency.into())
        .introspection(!settings.no_introspection)
        .suggestions(settings.mode == Mode::Development && !settings.no_introspection)
}

/// Refuses to serve everything to everybody in production, unless that is what the settings say.
fn check_exposure(settings: &Serve, has_policies: bool) -> Result<(), Failure> {
    match (has_policies, settings.public) {
        (true, true) => Err("--public contradicts the policies of the options file".into()),
        (false, false) if settings.mode == Mode::Production => Err(
            "without policies every caller may read and write everything. Write tables [roles.NAME.TYPE] with read and \
             columns into a file for --options, or state --public"
                .into(),
        ),
        _ => Ok(()),
    }
}

/// Returns the ways of sign-in.
fn sign_in(settings: &Serve, options: &Options, policies: Option<&Policies>) -> Result<SignIn, Failure> {
    let mut ways = SignIn::default();
    for secret in &settings.admin_secret {
        ways = ways.administrator(SignInSecret::new(secret)?);
    }
    for secret in &settings.trust_headers {
        ways = ways.proxy(SignInSecret::new(secret)?);
    }
    let has_tokens = !options.sign_in.is_empty() || options.sign_in_webhook.is_some();
    let has_secrets = !settings.admin_secret.is_empty() || !settings.trust_headers.is_empty();
    let Some(policies) = policies else {
        return match (has_tokens, has_secrets) {
            (true, _) => Err("[sign_in] has no effect without policies: write tables [roles.NAME.TYPE], too".into()),
            // Refused here already: the service migrates before it binds its address.
            (false, true) => Err(
                "--admin-secret and --trust-headers have no effect without policies: write tables [roles.NAME.TYPE] into a \
                 file for --options"
                    .into(),
            ),
            (false, false) if !options.database.is_empty() => {
                Err("[database] has no effect without policies: write tables [roles.NAME.TYPE], too".into())
            }
            (false, false) => Ok(ways),
        };
    };
    if !has_tokens {
        return match has_secrets {
            true => Ok(ways),
            false => Err(
                "policies need a way to sign in: write a table [sign_in] with the keys of tokens, or set \
                 CROWSFOOT_ADMIN_SECRET"
                    .into(),
            ),
        };
    }
    let mut tokens = Tokens::default();
    for issuer in &options.sign_in {
        tokens = tokens.issuer(Jwt::new(issuer, policies)?);
    }
    if let Some(webhook) = &options.sign_in_webhook {
        tokens = tokens.webhook(Webhook::new(webhook, policies)?);
    }
    Ok(ways.identify(tokens))
}
