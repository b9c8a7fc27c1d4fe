//! The protected resources, which only the file can hold.

use guard::Rules;
use oauth::{
    Digest, Issuer,
    resource::{Disclosed, Resource, ResourceIdentifier, ScopeDescription},
    scope::{self, EMAIL, NAME, is_scope_word},
};
use primitives::{JwtType, SigningAlgorithm, TokenFormat, web_address::AddressParts};
use provider::Settings;

use super::{
    file::{ResourceEntry, ScopeEntry},
    reader::Reader,
    rules,
};
use crate::guards::Guards;

/// What is protected, and how.
#[derive(Default)]
pub(super) struct Protected {
    pub(super) resources: Vec<Resource>,
    /// The one among them that is the default.
    pub(super) default_resource: Option<ResourceIdentifier>,
    /// Their rules.
    pub(super) guards: Guards,
}

impl Protected {
    fn with(mut self, resource: Resource, rules: Rules) -> Self {
        let identifier = resource.identifier.clone();
        self.guards = self.guards.with(identifier, rules);
        self.resources.push(resource);
        self
    }
}

impl Reader {
    /// The resources of the file, which replace the demonstration's.
    pub(super) fn resources(&mut self) -> Protected {
        let Some(entries) = self.values.resources.take() else {
            return Protected {
                resources: included(&self.issuer),
                ..Protected::default()
            };
        };
        let default_resource = self.default_resource(&entries);
        self.repeated(&entries);
        let mut protected = Protected {
            default_resource,
            ..Protected::default()
        };
        for entry in entries {
            match read(entry) {
                Ok((resource, rules)) => protected = protected.with(resource, rules),
                Err(faults) => self.faults.extend(faults),
            }
        }
        protected
    }

    /// Names the identifiers and ids that are there twice.
    fn repeated(&mut self, entries: &[ResourceEntry]) {
        for (index, entry) in entries.iter().enumerate() {
            let earlier = &entries[..index];
            let fault = |what: &str, known: &ResourceEntry| {
                format!(
                    "{}: {what} is already used by {}.",
                    entry.source, known.source
                )
            };
            let same = |known: &&ResourceEntry| known.identifier == entry.identifier;
            let same = earlier.iter().find(same);
            self.faults
                .extend(same.map(|known| fault("the identifier", known)));
            let same = |known: &&ResourceEntry| known.id.is_some() && known.id == entry.id;
            let same = earlier.iter().find(same);
            self.faults.extend(same.map(|known| fault("the id", known)));
        }
    }

    /// The resource with `default = true`, of which there may be one.
    fn default_resource(&mut self, entries: &[ResourceEntry]) -> Option<ResourceIdentifier> {
        let mut defaults = entries.iter().filter(|entry| entry.default);
        let first = defaults.next()?;
        if let Some(second) = defaults.next() {
            let fault = format!(
                "{}: {} is already the default, and there can be only one.",
                second.source, first.source
            );
            self.faults.push(fault);
        }
        ResourceIdentifier::parse(&first.identifier)
    }
}

/// What is protected while the file names nothing: the demonstration, in a build that has it.
fn included(issuer: &Issuer) -> Vec<Resource> {
    if cfg!(feature = "demonstration") {
        Settings::new(issuer.clone(), app::pages::link_pages()).resources
    } else {
        Vec::new()
    }
}

/// A resource and its rules, or everything that is wrong with them.
fn read(entry: ResourceEntry) -> Result<(Resource, Rules), Vec<String>> {
    let rules = rules::read(&entry);
    match (resource(entry), rules) {
        (Ok(resource), Ok(rules)) => Ok((resource, rules)),
        (resource, rules) => {
            let faults = resource.err().into_iter().chain(rules.err());
            Err(faults.flatten().collect())
        }
    }
}

/// The resource, or everything that is wrong with it.
fn resource(entry: ResourceEntry) -> Result<Resource, Vec<String>> {
    let mut faults: Vec<_> = faults(&entry)
        .into_iter()
        .map(|fault| format!("{}: {fault}.", entry.source))
        .collect();
    let token_format = token_format(&entry);
    let disclosed = disclosed(&entry.claims);
    let more = [token_format.as_ref().err(), disclosed.as_ref().err()];
    let more = more.into_iter().flatten();
    faults.extend(more.map(|fault| format!("{}: {fault}.", entry.source)));
    let ResourceEntry {
        identifier,
        id,
        name,
        introspection_secret_hash: hash,
        scopes,
        ..
    } = entry;
    faults.extend(scopes.as_deref().map(scope_faults).unwrap_or_default());
    // What is absent here was a fault of the file, which is told already.
    let identifier = ResourceIdentifier::parse(&identifier);
    match (identifier, name, scopes, token_format, disclosed) {
        (Some(identifier), Some(name), Some(scopes), Ok(token_format), Ok(disclosed))
            if faults.is_empty() =>
        {
            let described = |scope: ScopeEntry| ScopeDescription {
                name: scope.name,
                sentence: scope.sentence,
                default: scope.default,
            };
            let scopes = scopes.into_iter().map(described).collect();
            Ok(Resource {
                identifier,
                name,
                introspection_secret: hash.as_deref().and_then(Digest::parse),
                scopes,
                id,
                token_format,
                disclosed,
            })
        }
        _ => Err(faults),
    }
}

/// What is wrong with a resource, its scopes aside.
fn faults(entry: &ResourceEntry) -> Vec<String> {
    let mut faults: Vec<_> = identifier_fault(&entry.identifier)
        .into_iter()
        .map(str::to_owned)
        .collect();
    if entry
        .name
        .as_ref()
        .is_some_and(|name| name.trim().is_empty())
    {
        faults.push("the name is empty".to_owned());
    }
    let hash = entry.introspection_secret_hash.as_deref();
    if hash.is_some_and(|hash| Digest::parse(hash).is_none()) {
        faults.push(WRONG_HASH.to_owned());
    }
    if entry.id.as_deref().is_some_and(|id| !is_id(id)) {
        faults.push(WRONG_ID.to_owned());
    }
    let scopes = entry.scopes.as_deref().and_then(fault_of_all_scopes);
    faults.extend(scopes.map(str::to_owned));
    faults
}

const WRONG_ID: &str =
    "the id must be 1 to 64 lowercase letters, digits, dots, hyphens or underscores";

/// What stands in a path and in Basic credentials as it is.
fn is_id(id: &str) -> bool {
    let is_plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    (1..=64).contains(&id.len())
        && id.bytes().all(is_plain)
        && id.bytes().any(|byte| byte.is_ascii_alphanumeric())
}

/// What a resource may know about a user, or what is wrong with the list.
fn disclosed(claims: &[String]) -> Result<Disclosed, String> {
    let mut disclosed = Disclosed::default();
    for claim in claims {
        let place = match claim.as_str() {
            EMAIL => &mut disclosed.email,
            NAME => &mut disclosed.name,
            other => {
                return Err(format!(
                    "claims must not contain \"{other}\", only \"{EMAIL}\" and \"{NAME}\""
                ));
            }
        };
        if std::mem::replace(place, true) {
            return Err(format!("claims contain \"{claim}\" twice"));
        }
    }
    Ok(disclosed)
}

/// The format of the tokens of a resource, or what is wrong with it.
fn token_format(entry: &ResourceEntry) -> Result<TokenFormat, String> {
    match entry.token.as_deref() {
        None | Some("paseto") => {
            let for_jwts = [
                ("jwt_algorithm", &entry.jwt_algorithm),
                ("jwt_type", &entry.jwt_type),
            ];
            match for_jwts.into_iter().find(|(_, value)| value.is_some()) {
                Some((key, _)) => Err(format!("{key} requires token = \"jwt\"")),
                None => Ok(TokenFormat::Paseto),
            }
        }
        Some("jwt") => Ok(TokenFormat::Jwt {
            algorithm: one_of(
                "jwt_algorithm",
                entry.jwt_algorithm.as_deref(),
                SigningAlgorithm::Rs256,
                &SigningAlgorithm::ALL.map(|algorithm| (algorithm.as_str(), algorithm)),
            )?,
            jwt_type: one_of(
                "jwt_type",
                entry.jwt_type.as_deref(),
                JwtType::AccessToken,
                &JwtType::ALL.map(|jwt_type| (jwt_type.as_str(), jwt_type)),
            )?,
        }),
        Some(other) => Err(format!(
            "token must be \"paseto\" or \"jwt\", not \"{other}\""
        )),
    }
}

/// The value of a name; `absent` without one.
pub(super) fn one_of<T: Copy>(
    key: &str,
    name: Option<&str>,
    absent: T,
    values: &[(&str, T)],
) -> Result<T, String> {
    let Some(name) = name else {
        return Ok(absent);
    };
    let found = values.iter().find(|(known, _)| *known == name);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let known: Vec<_> = values
            .iter()
            .map(|(known, _)| format!("\"{known}\""))
            .collect();
        format!("{key} must be one of {}, not \"{name}\"", known.join(", "))
    })
}

const WRONG_HASH: &str = "introspection_secret_hash is not a SHA-256 digest in base64url; \"vestibule resource secret\" prints a secret and \
     the line for this file";

fn fault_of_all_scopes(scopes: &[ScopeEntry]) -> Option<&'static str> {
    if scopes.is_empty() {
        Some("[[resource.scope]] is missing")
    } else if scopes.iter().any(|scope| scope.default) {
        None
    } else {
        Some("at least one scope must have default = true")
    }
}

fn identifier_fault(text: &str) -> Option<&'static str> {
    let Some(identifier) = ResourceIdentifier::parse(text) else {
        return Some("the identifier must be an absolute http or https URI without a fragment");
    };
    // What is true of an issuer is true of the origin of a resource: tokens travel there too.
    let parts = AddressParts::split(identifier.as_str());
    let refused = Issuer::parse(&format!("{}://{}", parts.scheme, parts.authority)).is_err();
    refused.then_some("the identifier must use https; http is only allowed for localhost")
}

fn scope_faults(scopes: &[ScopeEntry]) -> Vec<String> {
    let of_scope = |(index, scope): (usize, &ScopeEntry)| {
        let is_repeated = scopes[..index]
            .iter()
            .any(|earlier| earlier.name == scope.name);
        let faults = own_faults(scope)
            .into_iter()
            .chain(is_repeated.then_some("another scope has the same name"));
        let source = &scope.source;
        faults
            .map(|fault| format!("{source}: {fault}."))
            .collect::<Vec<_>>()
    };
    scopes.iter().enumerate().flat_map(of_scope).collect()
}

fn own_faults(scope: &ScopeEntry) -> Vec<&'static str> {
    let checks = [
        (
            !is_scope_word(&scope.name),
            "the name must not contain spaces, quotes or backslashes",
        ),
        (scope.sentence.trim().is_empty(), "the sentence is empty"),
        (
            scope::OWN.contains(&scope.name.as_str()),
            "offline_access, email and name are reserved scopes",
        ),
    ];
    checks
        .into_iter()
        .filter_map(|(is_wrong, fault)| is_wrong.then_some(fault))
        .collect()
}
