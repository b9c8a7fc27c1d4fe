//! The protected resources, which only the file can hold.

use oauth::{
    Digest, Issuer,
    resource::{Resource, ResourceIdentifier, ScopeDescription},
    scope::{OFFLINE_ACCESS, is_scope_word},
};
use primitives::web_address::AddressParts;
use provider::Settings;

use super::{
    file::{ResourceEntry, ScopeEntry},
    reader::Reader,
};

impl Reader {
    /// The resources of the file, which replace the demonstration's, and the one among them that is
    /// the default.
    pub(super) fn resources(&mut self) -> (Vec<Resource>, Option<ResourceIdentifier>) {
        let Some(entries) = self.values.resources.take() else {
            return (included(&self.issuer), None);
        };
        let default = self.default_resource(&entries);
        let mut sources: Vec<(String, String)> = Vec::new();
        let mut resources = Vec::new();
        for entry in entries {
            let is_same = |(identifier, _): &&(String, String)| *identifier == entry.identifier;
            if let Some((_, earlier)) = sources.iter().find(is_same) {
                let fault = format!("{}: the identifier is that of {earlier}.", entry.source);
                self.faults.push(fault);
            }
            sources.push((entry.identifier.clone(), entry.source.clone()));
            match resource(entry) {
                Ok(resource) => resources.push(resource),
                Err(faults) => self.faults.extend(faults),
            }
        }
        (resources, default)
    }

    /// The resource with `default = true`, of which there may be one.
    fn default_resource(&mut self, entries: &[ResourceEntry]) -> Option<ResourceIdentifier> {
        let mut defaults = entries.iter().filter(|entry| entry.default);
        let first = defaults.next()?;
        if let Some(second) = defaults.next() {
            let fault = format!(
                "{}: {} is the default already, and only one can be.",
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

/// The resource, or everything that is wrong with it.
fn resource(entry: ResourceEntry) -> Result<Resource, Vec<String>> {
    let mut faults: Vec<_> = faults(&entry)
        .into_iter()
        .map(|fault| format!("{}: {fault}.", entry.source))
        .collect();
    let ResourceEntry {
        identifier,
        name,
        introspection_secret_hash: hash,
        scopes,
        ..
    } = entry;
    faults.extend(scopes.as_deref().map(scope_faults).unwrap_or_default());
    // What is absent here was a fault of the file, which is told already.
    match (ResourceIdentifier::parse(&identifier), name, scopes) {
        (Some(identifier), Some(name), Some(scopes)) if faults.is_empty() => {
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
        faults.push("its name is empty".to_owned());
    }
    let hash = entry.introspection_secret_hash.as_deref();
    if hash.is_some_and(|hash| Digest::parse(hash).is_none()) {
        faults.push(WRONG_HASH.to_owned());
    }
    let scopes = entry.scopes.as_deref().and_then(fault_of_all_scopes);
    faults.extend(scopes.map(str::to_owned));
    faults
}

const WRONG_HASH: &str = "its introspection_secret_hash is no SHA-256 digest in base64url; \"vestibule resource secret\" prints a secret and the \
     line for this file";

fn fault_of_all_scopes(scopes: &[ScopeEntry]) -> Option<&'static str> {
    if scopes.is_empty() {
        Some("it has no [[resource.scope]]")
    } else if scopes.iter().any(|scope| scope.default) {
        None
    } else {
        Some("no scope is left as default = true, so who asks for none gets none")
    }
}

fn identifier_fault(text: &str) -> Option<&'static str> {
    let Some(identifier) = ResourceIdentifier::parse(text) else {
        return Some("the identifier is not an absolute http or https URI without fragment");
    };
    // What is true of an issuer is true of the origin of a resource: tokens travel there too.
    let parts = AddressParts::split(identifier.as_str());
    let refused = Issuer::parse(&format!("{}://{}", parts.scheme, parts.authority)).is_err();
    refused.then_some("the identifier must be https; http is for this computer only")
}

fn scope_faults(scopes: &[ScopeEntry]) -> Vec<String> {
    let of_scope = |(index, scope): (usize, &ScopeEntry)| {
        let is_repeated = scopes[..index]
            .iter()
            .any(|earlier| earlier.name == scope.name);
        let faults = own_faults(scope)
            .into_iter()
            .chain(is_repeated.then_some("a scope of this name is listed already"));
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
            "its name must be a word without spaces, quotes and backslashes",
        ),
        (scope.sentence.trim().is_empty(), "its sentence is empty"),
        (
            scope.name == OFFLINE_ACCESS,
            "offline_access is this server's own scope, and no resource's",
        ),
    ];
    checks
        .into_iter()
        .filter_map(|(is_wrong, fault)| is_wrong.then_some(fault))
        .collect()
}
