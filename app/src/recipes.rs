//! Servers and gateways for each stack, complete and filled in for a resource. The command line and
//! the pages for administrators show the same texts.

mod facts;
mod messages;
mod stack;

use oauth::{Issuer, resource::Resource};
use oauth_clients::discovery::ProtectedResource;
use primitives::{JwtType, TokenFormat};

use facts::Facts;
pub use stack::Stack;
use stack::{Demand, Text};

/// The constants of the program in Rust begin like this, and the two lines about its keys like
/// those.
const DOCUMENT: &str = "const DOCUMENT: &str";
const KEYS: &str = "    let keys = ";
const VERIFIER: &str = "    let verifier = ";

/// What protects `resource` on a stack. Its first lines say what the configuration lacks for it.
pub fn recipe(stack: Stack, resource: &Resource, issuer: &Issuer) -> String {
    let format = wanted_format(stack, resource.token_format);
    let facts = Facts::of(resource, issuer, format);
    let text = match stack.text() {
        Text::Template(template) => fill(template, &facts),
        Text::Program(program) => fill_program(program, &facts, resource, issuer, format),
    };
    let missing = missing_lines(stack, resource, &facts);
    if missing.is_empty() {
        return text;
    }
    after_missing_lines(&missing, stack, resource, &text)
}

/// The text of a recipe after what the configuration lacks for it.
fn after_missing_lines(
    missing: &[String],
    stack: Stack,
    resource: &Resource,
    text: &str,
) -> String {
    let mark = stack.comment();
    let lines = missing.iter().map(|line| format!("{mark}     {line}\n"));
    let lines: String = lines.collect();
    format!(
        "{mark} {}\n{lines}{mark} {}\n{mark}\n{text}",
        messages::first_add(resource.identifier.as_str()),
        messages::THEN
    )
}

/// The name under which a resource is asked for: its id, or else its identifier.
pub fn name_of(resource: &Resource) -> &str {
    resource
        .id
        .as_deref()
        .unwrap_or(resource.identifier.as_str())
}

/// The format of its tokens when the missing lines are there.
fn wanted_format(stack: Stack, format: TokenFormat) -> TokenFormat {
    let Demand::Jwt {
        algorithms,
        jwt_type: demanded,
    } = stack.demand()
    else {
        return format;
    };
    let (algorithm, jwt_type) = match format {
        TokenFormat::Paseto => (None, JwtType::default()),
        TokenFormat::Jwt {
            algorithm,
            jwt_type,
        } => (Some(algorithm), jwt_type),
    };
    let first = algorithms.first().copied();
    let accepted = algorithm.filter(|own| algorithms.contains(own)).or(first);
    accepted.map_or(format, |algorithm| TokenFormat::Jwt {
        algorithm,
        jwt_type: demanded.unwrap_or(jwt_type),
    })
}

/// The lines that the entry of a resource lacks.
fn missing_lines(stack: Stack, resource: &Resource, facts: &Facts) -> Vec<String> {
    let mut lines = Vec::new();
    let own = resource.token_format;
    if let TokenFormat::Jwt {
        algorithm,
        jwt_type,
    } = wanted_format(stack, own)
    {
        if own == TokenFormat::Paseto {
            lines.push("token = \"jwt\"".to_owned());
        }
        if own.algorithm().is_some_and(|own| own != algorithm) {
            lines.push(format!("jwt_algorithm = \"{}\"", algorithm.as_str()));
        }
        let own_type = match own {
            TokenFormat::Paseto => JwtType::default(),
            TokenFormat::Jwt { jwt_type, .. } => jwt_type,
        };
        if own_type != jwt_type {
            lines.push(format!("jwt_type = \"{}\"", jwt_type.as_str()));
        }
    }
    if stack.needs_id() && resource.id.is_none() {
        lines.push(format!("id = \"{}\"", facts.id()));
    }
    if stack.demand() == Demand::Secret && resource.introspection_secret.is_none() {
        lines.push(messages::SECRET.to_owned());
    }
    lines
}

/// The lines of a template, of those that begin with `{{if name}}` only where that is so.
fn chosen(template: &str, facts: &Facts) -> String {
    let chosen = |line: &str| {
        let condition = line.strip_prefix("{{if ");
        match condition.and_then(|rest| rest.split_once("}}")) {
            Some((name, line)) => facts.is(name).then(|| format!("{line}\n")),
            None => Some(format!("{line}\n")),
        }
    };
    template.lines().filter_map(chosen).collect()
}

/// A template with the values of a resource in place of `{{name}}`. A name that is unknown stays.
fn fill(template: &str, facts: &Facts) -> String {
    let template = chosen(template, facts);
    let mut parts = template.split("{{");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part
            .split_once("}}")
            .and_then(|(name, rest)| Some((facts.value(name)?, rest)))
        {
            Some((value, rest)) => filled.extend([value, rest]),
            None => filled.extend(["{{", part]),
        }
    }
    filled
}

/// The protected resource metadata as a raw string literal.
fn document_literal(resource: &Resource, issuer: &Issuer) -> String {
    let document = serde_json::to_string(&ProtectedResource::describe(issuer, resource));
    format!("r##\"{}\"##;", document.unwrap_or_default())
}

/// The example of the crate with the constants of a resource.
fn fill_program(
    program: &str,
    facts: &Facts,
    resource: &Resource,
    issuer: &Issuer,
    format: TokenFormat,
) -> String {
    let mut lines = facts.constants();
    lines.push((DOCUMENT.to_owned(), document_literal(resource, issuer)));
    let replaced = |line: &str| {
        let constant = lines.iter().find(|(name, _)| line.starts_with(name));
        match (constant, format) {
            (Some((name, value)), _) => format!("{name} = {value}\n"),
            (None, TokenFormat::Jwt { jwt_type, .. }) => as_jwt(line, jwt_type),
            (None, TokenFormat::Paseto) => format!("{line}\n"),
        }
    };
    program.lines().map(replaced).collect()
}

/// A line of the program for a resource that gets JWTs.
fn as_jwt(line: &str, jwt_type: JwtType) -> String {
    if line.starts_with(KEYS) {
        return format!(
            "{}\n",
            line.replace("RemoteKeys::new(", "RemoteKeys::jwks(")
        );
    }
    if !line.starts_with(VERIFIER) {
        return format!("{line}\n");
    }
    let line = line.replace("Verifier::new(", "Verifier::jwt(");
    match jwt_type {
        JwtType::AccessToken => format!("{line}\n"),
        JwtType::Jwt => {
            let of_type = ".of_type(access_token::JwtType::Jwt);";
            format!("{}{of_type}\n", line.trim_end_matches(';'))
        }
    }
}

#[cfg(test)]
mod tests;
