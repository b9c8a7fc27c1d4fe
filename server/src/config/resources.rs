//! The protected resources, which only the file can hold.

use oauth::resource::{Resource, ResourceIdentifier, ScopeDescription};
use oauth::scope::{OFFLINE_ACCESS, is_scope_word};
use oauth::{Digest, Issuer};
use provider::Settings;
use url::Url;

use super::Reader;
use super::settings::{ResourceEntry, ScopeEntry};

impl Reader {
    /// The resources of the file, which replace the demonstration's.
    pub(super) fn resources(&mut self, issuer: &Issuer) -> Vec<Resource> {
        let Some(entries) = self.values.resources.take() else {
            return Settings::new(issuer.clone()).resources;
        };
        let mut resources: Vec<Resource> = Vec::new();
        for entry in entries {
            match resource(entry) {
                Err(fault) => self.faults.push(fault),
                Ok(twice) if resources.iter().any(|known| known.identifier == twice.identifier) => {
                    self.faults.push(format!("[[resource]] \"{}\" is listed twice.", twice.identifier));
                }
                Ok(resource) => resources.push(resource),
            }
        }
        resources
    }
}

fn resource(entry: ResourceEntry) -> Result<Resource, String> {
    let ResourceEntry { identifier: text, name, introspection_secret_hash: hash, scopes } = entry;
    let Some(identifier) = ResourceIdentifier::parse(&text) else {
        return Err(format!("[[resource]] \"{text}\": the identifier is not an absolute http or https URI without fragment."));
    };
    // What is true of an issuer is true of the origin of a resource: tokens travel there too.
    if Url::parse(identifier.as_str()).is_ok_and(|url| Issuer::parse(&url.origin().ascii_serialization()).is_err()) {
        return Err(format!("[[resource]] \"{text}\": the identifier must be https; http is for this computer only."));
    }
    if name.trim().is_empty() {
        return Err(format!("[[resource]] \"{text}\": it has no name."));
    }
    let introspection_secret = hash.as_deref().and_then(Digest::parse);
    if hash.is_some() != introspection_secret.is_some() {
        let remedy = "is no SHA-256 digest in base64url; \"vestibule resource secret\" prints a secret and the line for this file";
        return Err(format!("[[resource]] \"{text}\": its introspection_secret_hash {remedy}."));
    }
    if scopes.is_empty() {
        return Err(format!("[[resource]] \"{text}\": it has no [[resource.scope]]."));
    }
    for (index, scope) in scopes.iter().enumerate() {
        if !is_scope_word(&scope.name) || scope.sentence.trim().is_empty() {
            return Err(format!("[[resource]] \"{text}\": scope \"{}\" needs a name without spaces and a sentence.", scope.name));
        }
        if scope.name == OFFLINE_ACCESS {
            return Err(format!("[[resource]] \"{text}\": scope \"{OFFLINE_ACCESS}\" is this server's own, and no resource's."));
        }
        if scopes[..index].iter().any(|earlier| earlier.name == scope.name) {
            return Err(format!("[[resource]] \"{text}\": scope \"{}\" is listed twice.", scope.name));
        }
    }
    if !scopes.iter().any(|scope| scope.default) {
        return Err(format!("[[resource]] \"{text}\": no scope is left as default = true, so who asks for none gets none."));
    }
    let described = |scope: ScopeEntry| ScopeDescription { name: scope.name, sentence: scope.sentence, default: scope.default };
    Ok(Resource { identifier, name, introspection_secret, scopes: scopes.into_iter().map(described).collect() })
}
