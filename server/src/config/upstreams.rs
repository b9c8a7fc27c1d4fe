//! The servers behind the reverse proxy.

use std::path::Path;

use http::HeaderValue;
use oauth::{Issuer, resource::ResourceIdentifier};

use super::{
    file::ResourceEntry,
    own_address::is_own,
    parse::{self, ListenAddress},
    reader::{Reader, listen_for},
};
use crate::{
    endpoints::Endpoint,
    reverse_proxy::{Upstream, UpstreamServer},
};

/// Where the files of the pages are, and their server functions.
const FILES: [&str; 3] = ["/pkg", "/brand", "/actions"];

impl Reader {
    /// The upstreams of the resources, before those are taken.
    pub(super) fn upstreams(&mut self) -> Vec<Upstream> {
        let entries = self.values.resources.clone().unwrap_or_default();
        let listen = self.values.value("listen");
        let listen = listen.and_then(|given| parse::listen(&given.text).ok());
        let listen = listen.unwrap_or_else(|| listen_for(&self.issuer));
        let issuer = self.issuer.clone();
        // A resource that is behind this server is no server behind it.
        let is_behind = |entry: &&ResourceEntry| entry.upstream.is_some();
        let own = entries.iter().filter(is_behind);
        let own: Vec<_> = own.map(|entry| entry.identifier.clone()).collect();
        let mut upstreams = Vec::new();
        for entry in entries {
            match upstream(&entry, &issuer, &listen, &own) {
                Ok(found) => upstreams.extend(found),
                Err(fault) => self.faults.push(format!("{}: {fault}.", entry.source)),
            }
        }
        upstreams
    }
}

/// The upstream of a resource, if it has one.
fn upstream(
    entry: &ResourceEntry,
    issuer: &Issuer,
    listen: &[ListenAddress],
    own: &[String],
) -> Result<Option<Upstream>, String> {
    let identifier = ResourceIdentifier::parse(&entry.identifier);
    let is_behind = entry.command.is_some() || entry.upstream.is_some();
    if let Some(taken) = identifier
        .as_ref()
        .and_then(|resource| taken_path(resource, issuer))
        && is_behind
    {
        return Err(format!(
            "{taken} is used by Vestibule itself; choose another path for a resource with an upstream"
        ));
    }
    if let (Some(resource), Some(command)) = (&identifier, &entry.command) {
        return Ok(Some(Upstream::stdio(resource.clone(), command.clone())));
    }
    let Some(address) = &entry.upstream else {
        return match entry.upstream_authorization_file {
            Some(_) => Err("upstream_authorization_file requires upstream".to_owned()),
            None => Ok(None),
        };
    };
    // A fault of the identifier is told where resources are read.
    let Some(resource) = identifier else {
        return Ok(None);
    };
    let mut upstream = Upstream::parse(resource, address)
        .map_err(|fault| format!("cannot use upstream \"{address}\": {fault}"))?;
    let is_own = match &upstream.server {
        UpstreamServer::Http(address) => {
            is_own(address, issuer, listen) || own.contains(&address.to_string())
        }
        UpstreamServer::Stdio(_) => false,
    };
    if is_own {
        return Err(format!(
            "upstream \"{address}\" is an address of Vestibule itself"
        ));
    }
    if let Some(path) = &entry.upstream_authorization_file {
        upstream.authorization = Some(authorization(Path::new(path))?);
    }
    Ok(Some(upstream))
}

/// The path of a resource on the issuer's origin that begins like one of this server's own: pages,
/// endpoints, and the files of the pages.
fn taken_path(resource: &ResourceIdentifier, issuer: &Issuer) -> Option<String> {
    let text = resource.as_str();
    let path = match text.strip_prefix(issuer.origin())? {
        "" => "/",
        path if path.starts_with('/') => path,
        _ => return None,
    };
    let first = |path: &'static str| path.split('/').nth(1).unwrap_or_default();
    let endpoints = Endpoint::ALL.map(Endpoint::path);
    let own = endpoints.iter().chain(app::pages::PATHS).chain(&FILES);
    let segment = path.split('/').nth(1).unwrap_or_default();
    let is_taken = own.into_iter().any(|own| first(own) == segment);
    is_taken.then(|| path.to_owned())
}

/// The value of a header, from a file.
fn authorization(path: &Path) -> Result<HeaderValue, String> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("cannot read upstream_authorization_file {shown}: {error}"))?;
    let mut value = HeaderValue::from_str(text.trim()).map_err(|_| {
        format!("upstream_authorization_file {shown} must contain one line of text")
    })?;
    if value.is_empty() {
        return Err(format!("upstream_authorization_file {shown} is empty"));
    }
    value.set_sensitive(true);
    Ok(value)
}
