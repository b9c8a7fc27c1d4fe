//! A software authenticator, with the CBOR that a registration needs (WebAuthn sections 6.1 and
//! 6.5).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use p256::ecdsa::{Signature, SigningKey, signature::Signer as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use webauthn_rs_proto::{
    CreationChallengeResponse, PublicKeyCredential, RegisterPublicKeyCredential,
    RequestChallengeResponse,
};

use provider::{AccountError, BrowserContext, EnrolError, EnrolmentSource, SignInError, SignedIn};

use super::{ADA, ISSUER, TestProvider};

const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const HAS_CREDENTIAL: u8 = 0x40;

/// An authenticator with one passkey.
pub struct Authenticator {
    key: SigningKey,
    id: [u8; 16],
    user: Vec<u8>,
    counter: u32,
    /// The origin in the client data.
    pub origin: &'static str,
    /// Whether it verifies the user.
    pub verifies: bool,
}

impl Authenticator {
    /// A passkey from a number, not registered yet.
    pub fn new(number: u8) -> Self {
        let key = SigningKey::from_slice(&[number; 32]).expect("a key");
        Self {
            key,
            id: [number; 16],
            user: Vec::new(),
            counter: 0,
            origin: ISSUER,
            verifies: true,
        }
    }

    /// Answers `navigator.credentials.create`.
    pub fn create(&mut self, options: &CreationChallengeResponse) -> RegisterPublicKeyCredential {
        let options = &options.public_key;
        let selection = options
            .authenticator_selection
            .as_ref()
            .expect("a selection");
        assert!(selection.require_resident_key, "it must be discoverable");
        self.user.clone_from(&options.user.id);
        let mut data = self.data(HAS_CREDENTIAL);
        data.extend([0; 16]); // no make and model
        data.extend([0, 16]);
        data.extend(self.id);
        data.extend(self.public_key());
        let mut object = vec![0xa3]; // a map of three
        object.extend(text("fmt"));
        object.extend(text("none"));
        object.extend(text("attStmt"));
        object.push(0xa0);
        object.extend(text("authData"));
        object.extend([0x58, u8::try_from(data.len()).expect("short")]);
        object.extend(data);
        let client = self.client_data(
            "webauthn.create",
            &json!(options_json(options)["challenge"]),
        );
        let response =
            json!({ "attestationObject": base64(&object), "clientDataJSON": base64(&client) });
        let id = base64(&self.id);
        let credential = json!({ "id": id, "rawId": id, "type": "public-key", "extensions": {}, "response": response });
        serde_json::from_value(credential).expect("a credential")
    }

    /// Answers `navigator.credentials.get`.
    pub fn get(&mut self, options: &RequestChallengeResponse) -> PublicKeyCredential {
        assert!(
            options.mediation.is_none() && options.public_key.allow_credentials.is_empty(),
            "a sign-in without an email address"
        );
        self.counter += 1;
        let client = self.client_data(
            "webauthn.get",
            &json!(options_json(&options.public_key)["challenge"]),
        );
        let data = self.data(0);
        let signed = [data.as_slice(), Sha256::digest(&client).as_slice()].concat();
        let signature: Signature = self.key.sign(&signed);
        let response = json!({
            "authenticatorData": base64(&data),
            "clientDataJSON": base64(&client),
            "signature": base64(signature.to_der().as_bytes()),
            "userHandle": base64(&self.user),
        });
        let id = base64(&self.id);
        let credential = json!({ "id": id, "rawId": id, "type": "public-key", "extensions": {}, "response": response });
        serde_json::from_value(credential).expect("a credential")
    }

    /// Enrols an account, by a link or by signing up.
    pub async fn comes_in(
        &mut self,
        server: &TestProvider,
        browser: &BrowserContext,
        entry: EnrolmentSource<'_>,
        email: &str,
    ) -> Result<SignedIn, EnrolError> {
        let ceremony = server
            .provider
            .enrolment()
            .start_accept_with_passkey(browser, entry, email)
            .await?;
        let credential = self.create(&ceremony.options);
        server
            .provider
            .enrolment()
            .finish_accept_with_passkey(browser, entry, &ceremony.id, &credential)
            .await
    }

    /// Whether it has been registered for an account.
    pub const fn knows_somebody(&self) -> bool {
        !self.user.is_empty()
    }

    /// Signs a browser in.
    pub async fn signs_in(
        &mut self,
        server: &TestProvider,
        browser: &BrowserContext,
    ) -> Result<SignedIn, SignInError> {
        let ceremony = server
            .provider
            .sign_in()
            .start_passkey_sign_in(browser, false)
            .await?;
        let credential = self.get(&ceremony.options);
        server
            .provider
            .sign_in()
            .finish_passkey_sign_in(browser, &ceremony.id, &credential)
            .await
    }

    /// Adds the passkey to the account that is signed in.
    pub async fn is_added(
        &mut self,
        server: &TestProvider,
        browser: &BrowserContext,
    ) -> Result<(), AccountError> {
        let ceremony = server
            .provider
            .credentials()
            .start_adding_passkey(browser)
            .await?;
        let credential = self.create(&ceremony.options);
        server
            .provider
            .credentials()
            .finish_adding_passkey(browser, &ceremony.id, &credential)
            .await
    }

    /// Decrements the counter, as in a copy of the passkey.
    pub fn forget_a_use(&mut self) {
        self.counter -= 1;
    }

    fn data(&self, flags: u8) -> Vec<u8> {
        let verified = if self.verifies { USER_VERIFIED } else { 0 };
        let mut data = Sha256::digest("auth.example.com").to_vec();
        data.push(USER_PRESENT | verified | flags);
        data.extend(self.counter.to_be_bytes());
        data
    }

    /// The public key as COSE: {1: 2, 3: -7, -1: 1, -2: x, -3: y}.
    fn public_key(&self) -> Vec<u8> {
        let point = self.key.verifying_key().to_sec1_point(false);
        let point = point.as_bytes();
        let mut key = vec![0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 32];
        key.extend(&point[1..33]);
        key.extend([0x22, 0x58, 32]);
        key.extend(&point[33..]);
        key
    }

    fn client_data(&self, kind: &str, challenge: &Value) -> Vec<u8> {
        json!({ "type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false })
            .to_string()
            .into_bytes()
    }
}

/// A server whose first account, [`ADA`], has a passkey, and a browser in which she is signed in.
pub async fn with_passkey() -> (TestProvider, Authenticator, BrowserContext) {
    let server = TestProvider::new().await;
    let (authenticator, ada) = settled(&server).await;
    (server, authenticator, ada)
}

/// Like [`with_passkey`], for a given server.
pub async fn settled(server: &TestProvider) -> (Authenticator, BrowserContext) {
    let mut authenticator = Authenticator::new(1);
    let token = server.first_account_token().await;
    let signed_in = authenticator
        .comes_in(
            server,
            &server.browser(),
            EnrolmentSource::Link(&token),
            ADA,
        )
        .await
        .expect("accepted");
    (authenticator, server.holding(&signed_in))
}

fn options_json(options: &impl serde::Serialize) -> Value {
    serde_json::to_value(options).expect("options serialise")
}

/// A short CBOR text.
fn text(text: &str) -> Vec<u8> {
    let mut bytes = vec![0x60 + u8::try_from(text.len()).expect("short")];
    bytes.extend(text.bytes());
    bytes
}

fn base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
