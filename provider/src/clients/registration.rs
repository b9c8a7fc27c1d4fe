//! Clients that register themselves (RFC 7591) and manage their registration (RFC 7592).

use std::{net::IpAddr, time::Duration};

use identity::RateLimit;
use oauth::error::{ProtocolError as _, RedirectUriError, RedirectUriFault};
use oauth_clients::{
    client::Client,
    error::{MetadataError, RegistrationError},
    registration::{
        AuthenticatedRegistration, ClientInformation, ClientMetadata, GeneratedSecrets,
    },
};
use thiserror::Error;

use crate::{
    clients::{
        ClientRegistry,
        lists::{list_client, unlist_client},
    },
    failures::{Counted, FailureCause, NewFailure},
    records::{self, Batch, Change, keys},
    state::failure::{FailedStep, RequestedParameters},
    step_error::StepError,
    unavailable::Unavailable,
};

const HOUR: Duration = Duration::from_hours(1);
/// The error for a redirect URI at a blocked host.
const KEPT_OUT: RedirectUriError = RedirectUriError::Unsafe(RedirectUriFault::HostBlocked);

/// Why a registration was not accepted, shown or changed.
#[derive(Debug, Error)]
pub enum RegisterError {
    /// The metadata is not acceptable.
    #[error("{}", .0.description())]
    Refused(RegistrationError),
    /// Registration is switched off.
    #[error("registration is turned off")]
    Closed,
    /// Too many from this address.
    #[error("too many registrations from this address")]
    TooMany {
        /// For `Retry-After`.
        retry_after: Duration,
    },
    /// The store did not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl<E: Into<RegistrationError>> From<E> for RegisterError {
    fn from(error: E) -> Self {
        Self::Refused(error.into())
    }
}

impl ClientRegistry {
    /// Registers a client.
    pub async fn register(
        &self,
        body: &[u8],
        address: IpAddr,
    ) -> Result<ClientInformation, RegisterError> {
        let registered = self.register_client(body, address).await;
        self.note_registration(&registered, "", body, address).await;
        registered
    }

    /// Records a failed registration or update.
    async fn note_registration<T>(
        &self,
        outcome: &Result<T, RegisterError>,
        client_id: &str,
        body: &[u8],
        address: IpAddr,
    ) {
        let refused;
        let cause = match outcome {
            Err(RegisterError::Refused(error)) => {
                refused = StepError::from(error.clone());
                FailureCause::Refused(&refused)
            }
            Err(RegisterError::Closed) => FailureCause::RegistrationClosed,
            Err(RegisterError::TooMany { .. }) => FailureCause::TooMany(Counted::Registrations),
            Err(RegisterError::Unavailable(_)) | Ok(_) => return,
        };
        let asked =
            RequestedParameters::of_registration(body, &self.context.settings().private_schemes);
        self.failures
            .note_failure(NewFailure {
                step: FailedStep::Register,
                client_id,
                client: None,
                cause,
                asked,
                address,
            })
            .await;
    }

    async fn register_client(
        &self,
        body: &[u8],
        address: IpAddr,
    ) -> Result<ClientInformation, RegisterError> {
        let policy = self.context.settings().registration;
        if !policy.open {
            return Err(RegisterError::Closed);
        }
        // A network that was refused lately is counted before anything else is done for it.
        let is_counted = self.limiter.was_refused(address);
        if is_counted {
            self.count_registration(address).await?;
        }
        let settings = self.context.settings();
        let accepted = ClientMetadata::accept(body, &settings.private_schemes)
            .map_err(RegisterError::from)
            .and_then(|(metadata, dropped)| {
                let (client, information) = self.named(metadata)?;
                Ok((client, information, dropped))
            });
        let (client, information, dropped) = match accepted {
            Ok(accepted) => accepted,
            Err(_) if !is_counted => {
                // The limit is the better answer.
                self.count_registration(address).await?;
                return accepted.map(|(_, information, _)| information);
            }
            Err(refused) => return Err(refused),
        };
        if is_counted {
            self.spend_registered(address, records::size(&client))
                .await?;
            self.keep_client(client.clone()).await?;
        } else {
            self.keep_within_limits(&client, address).await?;
        }
        for reason in dropped {
            tracing::info!(client = %client.id, %reason, "a part of a registration is ignored");
            // The client may still use that redirect URI, and an administrator may want to allow
            // it.
            let is_scheme = matches!(
                reason,
                MetadataError::RedirectUri(RedirectUriError::SchemeNotAllowed(_))
            );
            if is_scheme {
                let error = StepError::from(RegistrationError::from(reason));
                let step = FailedStep::Register;
                let cause = FailureCause::Refused(&error);
                let asked = RequestedParameters::of_registration(body, &settings.private_schemes);
                self.failures
                    .note_failure(NewFailure {
                        step,
                        client_id: &client.id,
                        client: Some(&client),
                        cause,
                        asked,
                        address,
                    })
                    .await;
            }
        }
        Ok(information)
    }

    /// A client with a new id and new secrets, unless its hosts are blocked.
    fn named(
        &self,
        metadata: ClientMetadata,
    ) -> Result<(Client, ClientInformation), RegisterError> {
        let fresh = GeneratedSecrets {
            secret: self.context.entropy().secret(),
            token: self.context.entropy().secret(),
        };
        let (client, information) = metadata.register(
            self.new_client_id(),
            &fresh,
            &self.context.settings().issuer,
            self.context.now(),
            records::size,
        )?;
        if self.blocked.blocks(&client) {
            return Err(KEPT_OUT.into());
        }
        Ok((client, information))
    }

    /// Counts a registration and its bytes, and stores and lists the client, in one round trip.
    /// Beyond a limit the client is removed again, whose id was never sent.
    async fn keep_within_limits(
        &self,
        client: &Client,
        address: IpAddr,
    ) -> Result<(), RegisterError> {
        let limits = [
            Some(self.limiter.address_counters(self.registrations(), address)),
            self.budget
                .registration_counters(address, records::size(client)),
        ];
        let mut batch = Batch::default();
        let counted: Vec<_> = limits
            .iter()
            .flatten()
            .map(|counters| (counters, counters.count(&mut batch)))
            .collect();
        let (record, ttl) = self.client_with_ttl(client.clone());
        let key = keys::client(&client.id);
        batch.insert(&key, &record, ttl);
        list_client(&mut batch, client);
        let mut results = batch.run(self.context.store()).await?;
        let mut wait = None;
        for (counters, tickets) in counted {
            let exceeded = self
                .limiter
                .exceeded(counters, &tickets, &mut results)
                .await?;
            wait = wait.max(exceeded);
        }
        let Some(retry_after) = wait else {
            self.sweep_clients(client).await;
            return Ok(());
        };
        self.limiter.note_refused(address, retry_after);
        let mut undo = Batch::default();
        undo.remove(&key);
        unlist_client(&mut undo, client);
        undo.run(self.context.store()).await?;
        Err(RegisterError::TooMany { retry_after })
    }

    fn registrations(&self) -> RateLimit {
        RateLimit {
            name: "register",
            max: self.context.settings().registration.limit_per_hour.into(),
            window: HOUR,
        }
    }

    /// The response to a client about its registration; `token` is its registration access token
    /// (RFC 7592 section 2.1).
    pub async fn registration(
        &self,
        client_id: &str,
        token: Option<&str>,
    ) -> Result<ClientInformation, RegisterError> {
        let managed =
            AuthenticatedRegistration::authenticate(self.client(client_id).await?, token)?;
        Ok(managed.information(&self.context.settings().issuer))
    }

    /// Counts a registration or an update, since each may name another URL from which keys are
    /// fetched (T-E37).
    async fn count_registration(&self, address: IpAddr) -> Result<(), RegisterError> {
        let limit = self.registrations();
        within_limit(self.limiter.count_from(limit, address).await?)
    }

    /// Counts the stored bytes of a registration.
    async fn spend_registered(&self, address: IpAddr, bytes: usize) -> Result<(), RegisterError> {
        within_limit(self.budget.spend_on_registrations(address, bytes).await?)
    }

    /// Replaces the metadata of a client (RFC 7592 section 2.2). It counts as a registration, by
    /// the size of the request.
    pub async fn update_registration(
        &self,
        client_id: &str,
        token: Option<&str>,
        body: &[u8],
        address: IpAddr,
    ) -> Result<ClientInformation, RegisterError> {
        let updated = self.update_client(client_id, token, body, address).await;
        self.note_registration(&updated, client_id, body, address)
            .await;
        updated
    }

    async fn update_client(
        &self,
        client_id: &str,
        token: Option<&str>,
        body: &[u8],
        address: IpAddr,
    ) -> Result<ClientInformation, RegisterError> {
        let settings = self.context.settings();
        if !settings.registration.open {
            return Err(RegisterError::Closed);
        }
        self.count_registration(address).await?;
        AuthenticatedRegistration::authenticate(self.client(client_id).await?, token)?;
        self.spend_registered(address, body.len()).await?;
        let fresh = self.context.entropy().secret();
        let update = |client: Option<Client>| {
            let managed = AuthenticatedRegistration::authenticate(
                client.filter(|client| self.is_registered(client)),
                token,
            )?;
            managed.update(
                body,
                &fresh,
                &settings.private_schemes,
                &settings.issuer,
                records::size,
            )
        };
        let change = |client: Option<Client>| match update(client) {
            Ok((client, _)) if self.blocked.blocks(&client) => Change::refuse(KEPT_OUT.into()),
            Ok((client, information)) => Change {
                next: Some(self.client_with_ttl(client)),
                answer: Ok(information),
            },
            Err(reason) => Change::refuse(reason),
        };
        Ok(self.change_client(client_id, change).await??)
    }

    /// Deletes a registration (RFC 7592 section 2.3). Its grants are invalid without it.
    pub async fn end_registration(
        &self,
        client_id: &str,
        token: Option<&str>,
    ) -> Result<(), RegisterError> {
        let client = self.client(client_id).await?;
        // An administrator could reuse the id for another client. A client without consents has
        // nothing to end.
        let was_used = client
            .as_ref()
            .is_some_and(|client| client.used_at.is_some());
        AuthenticatedRegistration::authenticate(client, token)?;
        if was_used {
            self.begin_epoch(client_id).await?;
        }
        self.forget_client(client_id).await?;
        Ok(())
    }
}

/// The error of a limit, with the waiting time if it is reached.
fn within_limit(retry_after: Option<Duration>) -> Result<(), RegisterError> {
    match retry_after {
        Some(retry_after) => Err(RegisterError::TooMany { retry_after }),
        None => Ok(()),
    }
}
