//! Settings that work but should be changed: "serve" warns about them at the start, "check" lists them.

use std::{net::IpAddr, os::unix::fs::PermissionsExt as _, path::Path};

use store::StoreLocation;

use crate::{
    config::{Config, ListenAddress, SealingKeySource, unknown_variables},
    files, sealing,
    site::{EmbeddedSite, PageFiles},
};

const WITHOUT_LIMITS: &str =
    "All rate limits are off (rate_limits = off). Use this only for tests.";

const NO_RESOURCE: &str = "No [[resource]] is configured, so no application can get a token.";

/// Sentences about a configuration and its surroundings, the store's content aside.
pub(super) fn of(config: &Config, site: &PageFiles) -> Vec<String> {
    let mut warnings =
        unknown_variables(std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()));
    warnings.extend((!config.rate_limits).then(|| WITHOUT_LIMITS.to_owned()));
    warnings.extend(config.resources.is_empty().then(|| NO_RESOURCE.to_owned()));
    warnings.extend((!site.is_built()).then(|| missing_files(site)));
    warnings.extend(sealing_key(config));
    warnings.extend(files::warnings(&config.store));
    warnings.extend(proxies(config));
    warnings.extend(everybody_as_proxy(config));
    warnings
}

fn missing_files(site: &PageFiles) -> String {
    let root = &site.options().site_root;
    format!(
        "The files of the pages are missing in {root}: pages have no style, and passkeys do not work."
    )
}

const NO_PROXY: &str = "trusted_proxies is empty, although the issuer is https: all users behind the proxy share its address and its rate \
     limits, so one of them can lock out everyone. Set trusted_proxies to the address of the proxy. If the proxy is on this \
     computer, you can listen on 127.0.0.1 only instead.";

/// An https issuer is behind a proxy, since this server speaks no TLS. If the proxy is not trusted,
/// all users have its address.
fn proxies(config: &Config) -> Option<String> {
    let is_public = config.issuer.is_https() && !config.issuer.is_loopback();
    // Then a proxy on this computer is trusted by itself.
    let is_here_only = config.listen.iter().all(listens_here_only);
    (is_public && config.trusted_proxies.is_empty() && !is_here_only).then(|| NO_PROXY.to_owned())
}

/// With a range that holds every address, anyone can forge forwarded headers.
fn everybody_as_proxy(config: &Config) -> Option<String> {
    let everybody = config
        .trusted_proxies
        .iter()
        .find(|network| network.prefix_len() == 0)?;
    Some(format!(
        "trusted_proxies contains {everybody}, which is every address: anyone can send X-Forwarded-For and evade all rate limits. \
         List only the addresses of your proxies."
    ))
}

fn listens_here_only(address: &ListenAddress) -> bool {
    let ip: Option<IpAddr> = address.host.parse().ok();
    ip.map_or(address.host.eq_ignore_ascii_case("localhost"), |ip| {
        ip.to_canonical().is_loopback()
    })
}

/// The site that a configuration leads to.
pub(super) fn site(config: &Config, embedded: Option<EmbeddedSite>) -> PageFiles {
    PageFiles::new(config.site.as_deref(), embedded, &config.server_name)
        .with_branding(config.branding())
}

/// The sealing key opens every signing key: only its owner should read it.
fn sealing_key(config: &Config) -> Option<String> {
    match (&config.sealing_key, &config.store) {
        (Some(SealingKeySource::File(path)), _) => readable_by_others(path),
        (None, StoreLocation::File(folder)) => readable_by_others(&folder.join(sealing::FILE)),
        (Some(SealingKeySource::Given(_)), _)
        | (None, StoreLocation::Redis(_) | StoreLocation::Memory) => None,
    }
}

fn readable_by_others(path: &Path) -> Option<String> {
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    let shown = path.display();
    (mode & 0o077 != 0)
        .then(|| format!("The sealing key in {shown} can be read by other users (mode {mode:03o}). Run: chmod 600 {shown}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_others_can_read_is_named_with_the_remedy() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let with = |mode| {
            std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode))
                .expect("changed");
            readable_by_others(file.path())
        };
        assert_eq!((with(0o600), with(0o400)), (None, None));
        for mode in [0o644, 0o640, 0o604, 0o666] {
            assert!(
                with(mode).is_some_and(|hazard| hazard.contains("chmod 600")),
                "{mode:o}"
            );
        }
        assert_eq!(readable_by_others(Path::new("/nowhere/sealing.key")), None);
    }
}
