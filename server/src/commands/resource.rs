//! `vestibule resource`: what protects a resource, from the configuration alone.

use std::process::ExitCode;

use access_token::{JWKS_PATH, KEYS_PATH};
use app::recipes::{Stack, name_of, recipe};
use clap::{Subcommand, builder::PossibleValuesParser};
use oauth::{Issuer, endpoint, resource::Resource};
use oauth_clients::{client::secret_digest, introspection};
use primitives::TokenFormat;
use provider::Environment;
use serde_json::{Value, json};

use super::output;
use crate::config::Flags;

#[derive(Debug, Subcommand)]
pub(super) enum ResourceCommand {
    /// List the configured MCP servers
    List,
    /// Print a complete example server or gateway for an MCP server
    Show {
        /// The ID of the resource, or its identifier
        id: String,
        /// The language, framework or gateway; without it, the addresses are printed
        #[arg(long = "for", value_name = "STACK", value_parser = PossibleValuesParser::new(Stack::NAMES))]
        stack: Option<String>,
    },
    /// Print a new introspection secret for an MCP server, and the line for its [[resource]] in
    /// the configuration file
    Secret,
}

pub(super) fn resource(
    flags: &Flags,
    command: &ResourceCommand,
    json: bool,
) -> Result<ExitCode, String> {
    let text = match command {
        ResourceCommand::Secret => fresh_secret(json),
        ResourceCommand::List => {
            let config = super::resolve(flags)?;
            list(&config.resources, json)
        }
        ResourceCommand::Show { id, stack } => {
            let config = super::resolve(flags)?;
            let resource = find(&config.resources, id)?;
            let stack = stack.as_deref().and_then(Stack::parse);
            show(resource, &config.issuer, stack, json)
        }
    };
    output::line(text.trim_end())?;
    Ok(ExitCode::SUCCESS)
}

fn fresh_secret(json: bool) -> String {
    let secret = introspection::secret_text(&Environment::system().entropy.secret());
    told_secret(&secret, json)
}

fn find<'a>(resources: &'a [Resource], id: &str) -> Result<&'a Resource, String> {
    let is_meant =
        |resource: &&Resource| name_of(resource) == id || resource.identifier.as_str() == id;
    resources.iter().find(is_meant).ok_or_else(|| {
        let known: Vec<_> = resources.iter().map(name_of).collect();
        match known.as_slice() {
            [] => "No [[resource]] is configured.".to_owned(),
            known => format!(
                "There is no resource {id:?}. Configured resources: {}.",
                known.join(", ")
            ),
        }
    })
}

fn list(resources: &[Resource], json: bool) -> String {
    if json {
        return resources
            .iter()
            .map(described)
            .collect::<Value>()
            .to_string();
    }
    let rows: Vec<_> = resources
        .iter()
        .map(|own| {
            let (name, token) = (name_of(own), token_of(own.token_format));
            format!("{name}  {}  {}  {token}", own.identifier, own.name)
        })
        .collect();
    rows.join("\n")
}

fn show(resource: &Resource, issuer: &Issuer, stack: Option<Stack>, json: bool) -> String {
    let text = stack.map(|stack| recipe(stack, resource, issuer));
    let addresses = addresses(resource, issuer);
    match (text, json) {
        (Some(text), false) => text,
        (Some(text), true) => json!({ "for": stack.map(Stack::name), "recipe": text }).to_string(),
        (None, true) => addresses.to_string(),
        (None, false) => serde_json::to_string_pretty(&addresses).unwrap_or_default(),
    }
}

fn addresses(resource: &Resource, issuer: &Issuer) -> Value {
    json!({
        "issuer": issuer.as_str(),
        "resource": described(resource),
        "metadata": resource.identifier.metadata_address(),
        "jwks": issuer.url(JWKS_PATH),
        "paseto_keys": issuer.url(KEYS_PATH),
        "introspection": issuer.url(endpoint::INTROSPECT),
    })
}

fn described(resource: &Resource) -> Value {
    let scopes: Vec<_> = resource
        .scopes
        .iter()
        .map(|own| own.name.as_str())
        .collect();
    json!({
        "id": resource.id,
        "identifier": resource.identifier.as_str(),
        "name": resource.name,
        "scopes": scopes,
        "token": token_of(resource.token_format),
    })
}

fn token_of(format: TokenFormat) -> &'static str {
    match format {
        TokenFormat::Paseto => "paseto",
        TokenFormat::Jwt { .. } => "jwt",
    }
}

/// An introspection secret, and the line that lets the resource show it.
fn told_secret(secret: &str, json: bool) -> String {
    let hash = secret_digest(secret);
    if json {
        return serde_json::json!({ "introspection_secret": secret, "introspection_secret_hash": hash.as_str() }).to_string();
    }
    let line = format!("introspection_secret_hash = \"{}\"", hash.as_str());
    format!(
        "{secret}\n\nCopy the secret now: it is shown only once. Add this line to the [[resource]] in the configuration \
         file:\n\n  {line}"
    )
}

#[cfg(test)]
mod tests {
    use oauth::resource::ResourceIdentifier;

    use super::*;

    fn notes(id: Option<&str>) -> Resource {
        let identifier = ResourceIdentifier::parse("https://notes.example.com/mcp");
        let mut notes = Resource::new(identifier.expect("valid"), "Notes", Vec::new());
        notes.id = id.map(str::to_owned);
        notes
    }

    #[test]
    fn a_resource_is_found_by_its_id_or_its_identifier() {
        let both = [notes(Some("notes"))];
        assert!(find(&both, "notes").is_ok());
        assert!(find(&both, "https://notes.example.com/mcp").is_ok());
        assert_eq!(
            find(&both, "other").expect_err("unknown"),
            "There is no resource \"other\". Configured resources: notes."
        );
        let known = find(&[notes(None)], "notes").expect_err("unknown");
        assert!(known.contains("https://notes.example.com/mcp"), "{known}");
        assert!(find(&[], "notes").is_err());
    }

    #[test]
    fn a_recipe_is_printed_as_text_or_in_json() {
        let issuer = Issuer::parse("https://auth.example.com").expect("valid");
        let notes = notes(Some("notes"));
        let text = show(&notes, &issuer, Some(Stack::Express), false);
        assert!(text.starts_with("// First add"), "{text}");
        let printed = show(&notes, &issuer, Some(Stack::Express), true);
        let printed: Value = serde_json::from_str(&printed).expect("JSON");
        assert_eq!(printed["recipe"], text);
        assert!(show(&notes, &issuer, None, false).contains("/introspect"));
        assert!(list(&[notes], false).starts_with("notes  https://"));
    }

    #[test]
    fn a_secret_is_told_with_the_line_for_the_file() {
        let hash = secret_digest("vis_abc");
        let text = told_secret("vis_abc", false);
        assert!(
            text.starts_with("vis_abc\n") && text.ends_with(&format!("\"{}\"", hash.as_str())),
            "{text}"
        );
        let json: serde_json::Value =
            serde_json::from_str(&told_secret("vis_abc", true)).expect("JSON");
        assert_eq!(json["introspection_secret_hash"], hash.as_str());
    }
}
