//! Clients: looking them up, letting them register (RFC 7591) and manage their registration (RFC
//! 7592), and forgetting them.

use crate::step_error::StepError;
use oauth::client::ClientId;
use oauth::error::{LocalError, ProtocolError as _, RedirectUriError, RedirectUriFault};
use oauth_clients::error::{MetadataError, RegistrationError};
use std::{net::IpAddr, time::Duration};

use identity::RateLimit;
use oauth_clients::{
    client::{CLIENT_PREFIX, Client, ClientSource},
    document::DocumentUrl,
    registration::{
        AuthenticatedRegistration, ClientInformation, ClientMetadata, GeneratedSecrets,
    },
};
use store::Ttl;
use thiserror::Error;

use crate::{
    Provider,
    failures::{Asked, Cause, Failed, FailedStep},
    keys,
    problem::Unavailable,
    records::{self, Change, Collection, Versioned},
};

const HOUR: Duration = Duration::from_hours(1);
/// Said of a redirect URI at a host that is blocked.
const KEPT_OUT: RedirectUriError = RedirectUriError::Unsafe(RedirectUriFault::HostBlocked);

/// Why a registration was not accepted, shown or changed.
#[derive(Debug, Error)]
pub enum RegisterError {
    /// The metadata is not acceptable.
    #[error("{}", .0.description())]
    Refused(RegistrationError),
    /// Registration is switched off.
    #[error("registration is switched off")]
    Closed,
    /// Too many from this address.
    #[error("too many registrations from this address")]
    TooMany {
        /// When trying again makes sense.
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

impl Provider {
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

    /// Notes a registration, or a change of one, that came to nothing.
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
                Cause::Refused(&refused)
            }
            Err(RegisterError::Closed) => Cause::RegistrationClosed,
            Err(RegisterError::TooMany { .. }) => Cause::TooMany("registrations from this address"),
            Err(RegisterError::Unavailable(_)) | Ok(_) => return,
        };
        let asked = Asked::of_registration(body, &self.settings().private_schemes);
        self.note_failure(Failed {
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
        let policy = self.settings().registration;
        if !policy.open {
            return Err(RegisterError::Closed);
        }
        self.count_registration(address).await?;
        let settings = self.settings();
        let (metadata, dropped) = ClientMetadata::accept(body, &settings.private_schemes)?;
        let fresh = GeneratedSecrets {
            secret: self.entropy().secret(),
            token: self.entropy().secret(),
        };
        let (client, information) = metadata.register(
            self.new_client_id(),
            &fresh,
            &settings.issuer,
            self.now(),
            records::size,
        )?;
        if self.blocks(&client) {
            return Err(KEPT_OUT.into());
        }
        self.spend_registered(address, records::size(&client))
            .await?;
        self.keep_client(client.clone()).await?;
        for reason in dropped {
            tracing::info!(client = %client.id, %reason, "a part of a registration is not used");
            // The client may come with that redirect URI all the same, and whoever runs the server
            // may want to let it in.
            let is_scheme = matches!(
                reason,
                MetadataError::RedirectUri(RedirectUriError::SchemeNotAllowed(_))
            );
            if is_scheme {
                let error = StepError::from(RegistrationError::from(reason));
                let (step, cause) = (FailedStep::Register, Cause::Refused(&error));
                let asked = Asked::of_registration(body, &settings.private_schemes);
                self.note_failure(Failed {
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

    /// What a client is told of its registration; `token` is its registration access token (RFC
    /// 7592 section 2.1).
    pub async fn registration(
        &self,
        client_id: &str,
        token: Option<&str>,
    ) -> Result<ClientInformation, RegisterError> {
        let managed =
            AuthenticatedRegistration::authenticate(self.client(client_id).await?, token)?;
        Ok(managed.information(&self.settings().issuer))
    }

    /// Counts what a client says of itself, anew or again: each may name another address to fetch
    /// keys from (T-E37).
    async fn count_registration(&self, address: IpAddr) -> Result<(), RegisterError> {
        let max = self.settings().registration.limit_per_hour.into();
        let limit = RateLimit {
            name: "register",
            max,
            window: HOUR,
        };
        within_limit(self.limiter().count_from(limit, address).await?)
    }

    /// Counts what a registration takes in the store.
    async fn spend_registered(&self, address: IpAddr, bytes: usize) -> Result<(), RegisterError> {
        within_limit(self.spend_on_registrations(address, bytes).await?)
    }

    /// Replaces what a client says of itself (RFC 7592 section 2.2). It counts as a registration,
    /// by the size of what is sent.
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
        let settings = self.settings();
        if !settings.registration.open {
            return Err(RegisterError::Closed);
        }
        self.count_registration(address).await?;
        AuthenticatedRegistration::authenticate(self.client(client_id).await?, token)?;
        self.spend_registered(address, body.len()).await?;
        let fresh = self.entropy().secret();
        let update = |client: Option<Client>| {
            let managed = AuthenticatedRegistration::authenticate(
                client.filter(|client| self.knows(client)),
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
            Ok((client, _)) if self.blocks(&client) => Change::refuse(KEPT_OUT.into()),
            Ok((client, information)) => Change {
                next: Some(self.client_with_ttl(client)),
                answer: Ok(information),
            },
            Err(reason) => Change::refuse(reason),
        };
        Ok(records::change(self.store(), &keys::client(client_id), change).await??)
    }

    /// Ends a registration (RFC 7592 section 2.3). What people allowed the client is worth nothing
    /// without it.
    pub async fn end_registration(
        &self,
        client_id: &str,
        token: Option<&str>,
    ) -> Result<(), RegisterError> {
        let client = self.client(client_id).await?;
        // The id could be given to another client by hand. Of a client that nobody has allowed
        // anything, there is nothing to end.
        let was_used = client
            .as_ref()
            .is_some_and(|client| client.last_used_at().is_some());
        AuthenticatedRegistration::authenticate(client, token)?;
        if was_used {
            self.begin_epoch(client_id).await?;
        }
        self.forget_client(client_id).await?;
        Ok(())
    }

    /// The list of clients.
    pub(crate) fn all_clients(&self) -> Collection<'_, Client> {
        Collection::new(self.store(), keys::clients())
    }

    /// The client of this id, if it is known today.
    pub(crate) async fn client(&self, id: &str) -> Result<Option<Client>, Unavailable> {
        let client: Option<Client> = records::read(self.store(), &keys::client(id)).await?;
        Ok(client.filter(|client| self.knows(client)))
    }

    /// The client of this id, if it is known today and its record can be read: for those who only
    /// want its name.
    pub(crate) async fn readable_client(&self, id: &str) -> Result<Option<Client>, Unavailable> {
        let client: Option<Client> = records::find(self.store(), &keys::client(id))
            .await?
            .record();
        Ok(client.filter(|client| self.knows(client)))
    }

    /// Whether a client that is stored counts: it has not lapsed, and the settings would still let
    /// it in (T-E38).
    pub(crate) fn knows(&self, client: &Client) -> bool {
        let settings = self.settings();
        if self.blocks(client) {
            return false;
        }
        if matches!(client.source, ClientSource::Document { .. })
            && self.allowed_document(&client.id).is_none()
        {
            return false;
        }
        client.is_valid(
            self.now(),
            &settings.private_schemes,
            settings.lifetimes.refresh_token,
        )
    }

    /// Why a client is not known, where it is stored nevertheless: for whoever runs the server.
    pub(crate) fn why_unknown(&self, stored: Option<&Client>) -> LocalError {
        let scheme =
            stored.and_then(|client| client.disallowed_scheme(&self.settings().private_schemes));
        scheme.map_or(LocalError::UnknownClient, |scheme| {
            RedirectUriError::SchemeNotAllowed(scheme.to_owned()).into()
        })
    }

    /// An id that no URL can be confused with, in characters that need no escaping anywhere.
    pub(crate) fn new_client_id(&self) -> ClientId {
        ClientId::of(format!("{CLIENT_PREFIX}{}", self.entropy().id()))
    }

    /// Stores a client, then lists it: others who look for lapsed names drop one without a record.
    /// A failure between the two leaves a client whose id nobody was told. `false` when there is a
    /// client of this id, which is not changed.
    pub(crate) async fn keep_client(&self, client: Client) -> Result<bool, Unavailable> {
        let (client, ttl) = self.client_with_ttl(client);
        self.all_clients().add(&client.id, &client, ttl).await
    }

    /// Removes a client for good. `false` when there was none.
    pub(crate) async fn forget_client(&self, id: &str) -> Result<bool, Unavailable> {
        let removed = records::remove(self.store(), &keys::client(id)).await?;
        match self.all_clients().unlist_name(id).await {
            // The deed is done: a name without a record is passed over.
            Err(_) if removed => Ok(true),
            listed => Ok(listed? || removed),
        }
    }

    /// Notes that somebody allows a client something. `false` when it is not known any more.
    pub(crate) async fn settle_client(&self, id: &str) -> Result<bool, Unavailable> {
        let settle = |client: Option<Client>| match client.filter(|client| self.knows(client)) {
            None => Change {
                next: None,
                answer: false,
            },
            Some(client) => Change {
                next: client
                    .touched(self.now())
                    .map(|client| self.client_with_ttl(client)),
                answer: true,
            },
        };
        let settled = records::change(self.store(), &keys::client(id), settle).await?;
        if settled && DocumentUrl::is_meant(id) {
            // One that registered itself, or was added, is listed already.
            self.all_clients().list_name(id).await?;
        }
        Ok(settled)
    }

    /// Notes that a client got a token: once a day, so that it costs the other requests nothing. A
    /// failure costs this request nothing either, for the next one tries again.
    pub(crate) async fn note_client_use(&self, client: &Client) {
        self.renew_behind(client);
        if client.touched(self.now()).is_none() {
            return;
        }
        let note = |client: Option<Client>| {
            let used = client.and_then(|client| client.touched(self.now()));
            Change {
                next: used.map(|client| self.client_with_ttl(client)),
                answer: (),
            }
        };
        let key = keys::client(&client.id);
        let supposed = Some(Versioned::supposed(client.clone()));
        let noted = records::change_from(self.plain_store(), &key, supposed, note);
        if let Err(error) = noted.await {
            tracing::warn!(client = %client.id, %error, "the use of a client was not noted");
        }
    }

    /// A client, and how long its record is of use.
    pub(crate) fn client_with_ttl(&self, client: Client) -> (Client, Ttl) {
        let end = client.expires_at(self.settings().lifetimes.refresh_token);
        let ttl = end.map_or(Ttl::Forever, |end| records::ttl(self.now().until(end)));
        (client, ttl)
    }
}

/// The answer to a limit, which says how long to wait where it is reached.
fn within_limit(retry_after: Option<Duration>) -> Result<(), RegisterError> {
    match retry_after {
        Some(retry_after) => Err(RegisterError::TooMany { retry_after }),
        None => Ok(()),
    }
}
