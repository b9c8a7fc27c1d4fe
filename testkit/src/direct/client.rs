//! A client without HTTP.

use std::net::{IpAddr, Ipv4Addr};

use oauth::Parameters;
use provider::{
    AuthorizeError, AuthorizeOutcome, BrowserContext, Decision, NextStep, RegisterError,
    TokenError, TokenResponse,
};

use super::TestProvider;
use crate::OAuthClient;

/// The redirect URI of a client on the web.
pub const ON_THE_WEB: &str = "https://app.example/callback";
/// The redirect URI of a native client.
pub const ON_THIS_COMPUTER: &str = "http://127.0.0.1/callback";
/// The network address of clients.
pub const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7));

/// A client that calls the provider directly.
pub struct TestClient {
    /// Its `client_id`.
    pub id: String,
    /// Its redirect URI.
    pub redirect_uri: String,
}

impl TestClient {
    /// A registered client.
    pub fn known(id: &str, redirect_uri: &str) -> Self {
        Self {
            id: id.to_owned(),
            redirect_uri: redirect_uri.to_owned(),
        }
    }

    /// A client that an administrator added.
    pub async fn added(server: &TestProvider, name: &str, redirect_uri: &str) -> Self {
        let added = server
            .provider
            .terminal()
            .clients()
            .add_client(name, &[redirect_uri.to_owned()], false)
            .await
            .expect("a client");
        Self::known(&added.client_id, redirect_uri)
    }

    /// A client that registers itself, and its registration access token.
    pub async fn registered(
        server: &TestProvider,
        redirect_uri: &str,
    ) -> Result<(Self, String), RegisterError> {
        let body = format!(
            r#"{{"client_name": "Registered", "redirect_uris": ["{redirect_uri}"], "token_endpoint_auth_method": "none",
                "grant_types": ["authorization_code", "refresh_token"]}}"#
        );
        let information = server
            .provider
            .clients()
            .register(body.as_bytes(), ADDRESS)
            .await?;
        let information = serde_json::to_value(&information).expect("it serialises");
        let text = |member: &str| information[member].as_str().expect("a text").to_owned();
        Ok((
            Self::known(&text("client_id"), redirect_uri),
            text("registration_access_token"),
        ))
    }

    /// Sends a browser to the authorization endpoint.
    pub async fn asks(
        &self,
        server: &TestProvider,
        context: &BrowserContext,
    ) -> Result<AuthorizeOutcome, AuthorizeError> {
        server
            .provider
            .authorization()
            .authorize(
                &Parameters::parse(self.request(server, "").as_bytes()),
                context,
            )
            .await
    }

    /// The parameters of its authorization request, followed by `more`. Nothing is percent-encoded
    /// here.
    pub fn request(&self, server: &TestProvider, more: &str) -> String {
        let query = self
            .oauth()
            .authorization(&resource(server), "")
            .without("state")
            .and("scope", "notes:read");
        format!("{}{more}", query.unencoded())
    }

    /// Sends an authorization request without a remembered consent. Returns the id of the pending
    /// request.
    pub async fn waits(&self, server: &TestProvider, context: &BrowserContext) -> String {
        let begun = self.asks(server, context).await.expect("a good request");
        let AuthorizeOutcome::Pending {
            request,
            next: NextStep::Consent,
        } = begun
        else {
            panic!("nothing was allowed before")
        };
        request
    }

    /// Sends an authorization request, which the user decides. Returns the parameters of the
    /// response.
    pub async fn is_answered(
        &self,
        server: &TestProvider,
        context: &BrowserContext,
        decision: Decision,
    ) -> Parameters {
        let id = self.waits(server, context).await;
        let location = server
            .provider
            .authorization()
            .decide(&id, context, decision, "form")
            .await
            .expect("decided");
        Parameters::parse(
            location
                .as_str()
                .split_once('?')
                .expect("an answer")
                .1
                .as_bytes(),
        )
    }

    /// The user allows the request. Returns the code.
    pub async fn is_allowed(&self, server: &TestProvider, context: &BrowserContext) -> String {
        let answer = self.is_answered(server, context, Decision::Allow).await;
        answer.one("code").expect("one").expect("a code").to_owned()
    }

    /// Exchanges a code.
    pub async fn redeems(
        &self,
        server: &TestProvider,
        code: &str,
    ) -> Result<TokenResponse, TokenError> {
        let form = self.oauth().code_form(code, &resource(server));
        self.token(server, &form.without("client_id").encode())
            .await
    }

    /// Refreshes.
    pub async fn refreshes(
        &self,
        server: &TestProvider,
        token: &str,
    ) -> Result<TokenResponse, TokenError> {
        let form = self.oauth().refresh_form(token);
        self.token(server, &form.without("client_id").encode())
            .await
    }

    /// Runs the whole flow up to the first tokens.
    pub async fn connects(&self, server: &TestProvider, context: &BrowserContext) -> Tokens {
        let code = self.is_allowed(server, context).await;
        let tokens = self.redeems(server, &code).await.expect("tokens");
        Tokens {
            code,
            access: tokens.access_token,
            refresh: tokens.refresh_token.expect("a refresh token"),
        }
    }

    /// A token request with this form and its `client_id`.
    pub async fn token(
        &self,
        server: &TestProvider,
        form: &str,
    ) -> Result<TokenResponse, TokenError> {
        let form = format!("{form}&client_id={}", self.id);
        server
            .provider
            .token_endpoint()
            .token(&Parameters::parse(form.as_bytes()), None, ADDRESS)
            .await
    }

    fn oauth(&self) -> OAuthClient {
        OAuthClient::new(&self.id, None, &self.redirect_uri)
    }
}

fn resource(server: &TestProvider) -> String {
    server.provider.settings().issuer.url("/mcp")
}

/// The code and tokens of a grant.
pub struct Tokens {
    /// The exchanged code.
    pub code: String,
    /// An access token.
    pub access: String,
    /// A refresh token.
    pub refresh: String,
}
