//! An application at the doors of the server.

use std::net::{IpAddr, Ipv4Addr};

use oauth::{Parameters, token::TokenResponse};
use provider::{AuthorizeError, Begun, BrowserContext, Decision, RegisterError, TokenError};

use crate::test_server::TestServer;

/// The example of RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub(crate) const ON_THE_WEB: &str = "https://app.example/callback";
pub(crate) const ON_THIS_COMPUTER: &str = "http://127.0.0.1/callback";
/// Where it runs.
pub(crate) const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7));

pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) redirect_uri: String,
}

impl Client {
    pub(crate) fn known(id: &str, redirect_uri: &str) -> Self {
        Self {
            id: id.to_owned(),
            redirect_uri: redirect_uri.to_owned(),
        }
    }

    /// One that was added by hand.
    pub(crate) async fn added(server: &TestServer, name: &str, redirect_uri: &str) -> Self {
        let added = server
            .provider
            .terminal()
            .add_client(name, &[redirect_uri.to_owned()], false)
            .await
            .expect("a client");
        Self::known(&added.client_id, redirect_uri)
    }

    /// One that registers itself; with its registration access token.
    pub(crate) async fn registered(
        server: &TestServer,
        redirect_uri: &str,
    ) -> Result<(Self, String), RegisterError> {
        let body = format!(
            r#"{{"client_name": "Registered", "redirect_uris": ["{redirect_uri}"], "token_endpoint_auth_method": "none",
                "grant_types": ["authorization_code", "refresh_token"]}}"#
        );
        let information = server.provider.register(body.as_bytes(), ADDRESS).await?;
        let information = serde_json::to_value(&information).expect("it serialises");
        let text = |member: &str| information[member].as_str().expect("a text").to_owned();
        Ok((
            Self::known(&text("client_id"), redirect_uri),
            text("registration_access_token"),
        ))
    }

    /// Sends a person's browser to the authorization endpoint.
    pub(crate) async fn asks(
        &self,
        server: &TestServer,
        context: &BrowserContext,
    ) -> Result<Begun, AuthorizeError> {
        server
            .provider
            .begin(
                &Parameters::parse(self.request(server, "").as_bytes()),
                context,
            )
            .await
    }

    /// The request of [`Self::asks`], with more at its end.
    pub(crate) fn request(&self, server: &TestServer, more: &str) -> String {
        let (Self { id, redirect_uri }, issuer) =
            (self, server.provider.settings().issuer.as_str());
        format!(
            "response_type=code&client_id={id}&redirect_uri={redirect_uri}&code_challenge={CHALLENGE}&code_challenge_method=S256\
             &resource={issuer}/mcp&scope=notes:read{more}"
        )
    }

    /// The same, where nothing was allowed before. Gives the id of the request that waits.
    pub(crate) async fn waits(&self, server: &TestServer, context: &BrowserContext) -> String {
        let begun = self.asks(server, context).await.expect("a good request");
        let Begun::Waiting(page) = begun else {
            panic!("nothing was allowed before")
        };
        page.strip_prefix("/consent?request=")
            .expect("the consent page")
            .to_owned()
    }

    /// The same, and the person decides. Gives what the answer says.
    pub(crate) async fn is_answered(
        &self,
        server: &TestServer,
        context: &BrowserContext,
        decision: Decision,
    ) -> Parameters {
        let id = self.waits(server, context).await;
        let location = server
            .provider
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

    /// The person allows what it asks for. Gives a code.
    pub(crate) async fn is_allowed(&self, server: &TestServer, context: &BrowserContext) -> String {
        let answer = self.is_answered(server, context, Decision::Allow).await;
        answer.one("code").expect("one").expect("a code").to_owned()
    }

    pub(crate) async fn redeems(
        &self,
        server: &TestServer,
        code: &str,
    ) -> Result<TokenResponse, TokenError> {
        self.token(
            server,
            &format!("grant_type=authorization_code&code={code}&code_verifier={VERIFIER}"),
        )
        .await
    }

    pub(crate) async fn refreshes(
        &self,
        server: &TestServer,
        token: &str,
    ) -> Result<TokenResponse, TokenError> {
        self.token(
            server,
            &format!("grant_type=refresh_token&refresh_token={token}"),
        )
        .await
    }

    /// Everything up to the first tokens.
    pub(crate) async fn connects(&self, server: &TestServer, context: &BrowserContext) -> Tokens {
        let code = self.is_allowed(server, context).await;
        let tokens = self.redeems(server, &code).await.expect("tokens");
        Tokens {
            code,
            access: tokens.access_token,
            refresh: tokens.refresh_token.expect("a refresh token"),
        }
    }

    pub(crate) async fn token(
        &self,
        server: &TestServer,
        form: &str,
    ) -> Result<TokenResponse, TokenError> {
        let form = format!("{form}&client_id={}", self.id);
        server
            .provider
            .token(&Parameters::parse(form.as_bytes()), None, ADDRESS)
            .await
    }
}

/// What an application holds of somebody.
pub(crate) struct Tokens {
    pub(crate) code: String,
    pub(crate) access: String,
    pub(crate) refresh: String,
}
