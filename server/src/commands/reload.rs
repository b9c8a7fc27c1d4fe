//! Reading the configuration again while the server runs (SIGHUP).

use std::net::SocketAddr;

use axum::Router;
use provider::Provider;
use tokio::signal::unix::Signal;

use super::warnings;
use crate::{
    config::{Config, Faults, Flags},
    overload::Load,
    proxies::Proxies,
    reverse_proxy::StdioServers,
    router::{self, Options},
    site::EmbeddedSite,
    swap::Current,
};

/// What is replaced when the configuration has changed, and what the new one is compared with.
pub(super) struct Reloading {
    pub(super) provider: Current<Provider>,
    pub(super) router: Current<Router>,
    pub(super) stdio: StdioServers,
    pub(super) load: Load,
    pub(super) listening: Vec<SocketAddr>,
    /// The configuration at the start: what it says of the settings that need a restart still
    /// holds.
    pub(super) config: Config,
    pub(super) flags: Flags,
    pub(super) embedded: Option<EmbeddedSite>,
}

impl Reloading {
    /// Reads the configuration again at each signal.
    pub(super) async fn follow(self, mut hangup: Signal) {
        while hangup.recv().await.is_some() {
            match Config::resolve(&self.flags, &super::variable) {
                Ok(config) => self.apply(&config).await,
                Err(Faults(faults)) => {
                    for fault in faults {
                        tracing::error!(fault, "the configuration was not reloaded");
                    }
                }
            }
        }
    }

    /// Uses a sound configuration from the next request on.
    async fn apply(&self, config: &Config) {
        let needing = config.needing_a_restart(&self.config);
        if !needing.is_empty() {
            tracing::warn!(
                settings = needing.join(","),
                "changed settings need a restart"
            );
        }
        if config.issuer != self.config.issuer {
            return tracing::error!(
                "the configuration was not reloaded: a changed issuer needs a restart"
            );
        }
        let settings = config.settings();
        let provider = self.provider.get();
        let algorithms = settings.jwt_algorithms();
        if let Err(error) = provider.signing_keys().prepare_keys(&algorithms).await {
            return tracing::error!(%error, "the configuration was not reloaded: signing keys are unavailable");
        }
        let provider = provider.with_settings(settings);
        let site = warnings::site(config, self.embedded);
        for warning in warnings::of(config, &site) {
            tracing::warn!(warning, "configuration warning");
        }
        let proxies = Proxies::of_listeners(&config.trusted_proxies, &self.listening);
        let options = Options {
            proxies,
            site,
            upstreams: config.upstreams.clone(),
            guards: config.guards.clone(),
            stdio: self.stdio.clone(),
            load: self.load.clone(),
        };
        self.router.set(router::router(provider.clone(), options));
        self.provider.set(provider);
        tracing::info!("the configuration was reloaded");
    }
}
