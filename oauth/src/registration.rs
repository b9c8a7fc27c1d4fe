//! Dynamic client registration (RFC 7591, A3): which metadata is accepted, and what becomes of it.

use std::fmt;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use url::Url;

use crate::{
    client::{self, Authentication, Client, Origin},
    error::Reason,
    redirect::RedirectUri,
    secret::Secret,
    time::Timestamp,
};

const MOST_REDIRECT_URIS: usize = 20;
const LONGEST_TEXT: usize = 200;
const LONGEST_URL: usize = 2048;

/// Client metadata that this server accepts, in its effective form: what is unsupported has been dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    redirect_uris: Vec<RedirectUri>,
    token_endpoint_auth_method: Method,
    grant_types: Vec<String>,
    response_types: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logo_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tos_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    application_type: Option<ApplicationType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    software_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    software_version: Option<String>,
}

/// Ways to authenticate at the token endpoint that can be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Method {
    None,
    ClientSecretBasic,
    ClientSecretPost,
}

/// Native or web (K10): kept and repeated, and nothing is decided by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ApplicationType {
    Native,
    Web,
}

/// The answer to a registration (RFC 7591 section 3.2.1): effective metadata, nothing null.
#[derive(Clone, Serialize)]
pub struct ClientInformation {
    client_id: String,
    client_id_issued_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<u64>,
    #[serde(flatten)]
    metadata: Metadata,
}

impl fmt::Debug for ClientInformation {
    /// Without the secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ClientInformation({})", self.client_id)
    }
}

/// A refused registration (RFC 7591 section 3.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(pub Reason);

impl Refusal {
    /// The error code.
    pub const fn code(&self) -> &'static str {
        self.0.code().as_str()
    }

    /// The error description.
    pub fn description(&self) -> String {
        self.0.description()
    }
}

impl Metadata {
    /// Reads the body of a registration request.
    ///
    /// Null members and empty strings count as absent, unknown members are ignored, unsupported grant types are dropped.
    ///
    /// # Errors
    /// The reason of the first member that cannot be accepted.
    pub fn read(body: &[u8]) -> Result<Self, Reason> {
        let Ok(Value::Object(mut members)) = serde_json::from_slice(body) else { return Err(Reason::MalformedMetadata) };
        members.retain(|_, value| !(value.is_null() || value.as_str() == Some("")));
        let members = Members(members);
        Ok(Self {
            redirect_uris: redirect_uris(&members)?,
            token_endpoint_auth_method: members
                .read("token_endpoint_auth_method", "it is none of none, client_secret_basic and client_secret_post")?
                .unwrap_or(Method::ClientSecretBasic),
            grant_types: supported(&members, "grant_types", &["authorization_code", "refresh_token"], "authorization_code")?,
            response_types: supported(&members, "response_types", &["code"], "code")?,
            client_name: members.text("client_name", LONGEST_TEXT)?,
            client_uri: members.web_url("client_uri")?,
            logo_uri: members.web_url("logo_uri")?,
            policy_uri: members.web_url("policy_uri")?,
            tos_uri: members.web_url("tos_uri")?,
            scope: members.text("scope", LONGEST_URL)?,
            application_type: members.read("application_type", "it is neither native nor web")?,
            software_id: members.text("software_id", LONGEST_TEXT)?,
            software_version: members.text("software_version", LONGEST_TEXT)?,
        })
    }

    /// Turns accepted metadata into a client and the answer. `secret` is used by confidential clients alone.
    pub fn register(self, id: String, secret: &Secret, now: Timestamp) -> (Client, ClientInformation) {
        let client_secret = (self.token_endpoint_auth_method != Method::None).then(|| client::secret_text(secret));
        let client = Client {
            id: id.clone(),
            name: self.client_name.clone(),
            redirect_uris: self.redirect_uris.clone(),
            authentication: client_secret
                .as_deref()
                .map_or(Authentication::None, |text| Authentication::Secret(client::secret_digest(text))),
            refreshes: self.grant_types.iter().any(|name| name == "refresh_token"),
            origin: Origin::Registered,
            created_at: now,
        };
        let information = ClientInformation {
            client_id: id,
            client_id_issued_at: now,
            client_secret_expires_at: client_secret.as_ref().map(|_| 0),
            client_secret,
            metadata: self,
        };
        (client, information)
    }
}

fn redirect_uris(members: &Members) -> Result<Vec<RedirectUri>, Reason> {
    let texts: Vec<String> = members.read("redirect_uris", "it is not a list of strings")?.unwrap_or_default();
    match texts.len() {
        0 => Err(Reason::UnsafeRedirectUri("there is none")),
        1..=MOST_REDIRECT_URIS => texts.iter().map(|text| RedirectUri::register(text)).collect(),
        _ => Err(Reason::UnsafeRedirectUri("there are too many")),
    }
}

/// Keeps of a list what is supported. Absent means all of it; without `required` there is no flow left to run.
fn supported(members: &Members, member: &'static str, all: &[&str], required: &str) -> Result<Vec<String>, Reason> {
    let Some(asked) = members.read::<Vec<String>>(member, "it is not a list of strings")? else {
        return Ok(all.iter().map(|&name| name.to_owned()).collect());
    };
    let kept: Vec<String> = all.iter().filter(|name| asked.iter().any(|own| own == *name)).map(|&name| name.to_owned()).collect();
    if kept.iter().any(|name| name == required) {
        Ok(kept)
    } else {
        Err(Reason::UnacceptableMetadata { member, why: "it leaves out the authorization code flow" })
    }
}

struct Members(Map<String, Value>);

impl Members {
    fn read<T: DeserializeOwned>(&self, member: &'static str, why: &'static str) -> Result<Option<T>, Reason> {
        self.0.get(member).map(|value| T::deserialize(value)).transpose().map_err(|_| Reason::UnacceptableMetadata { member, why })
    }

    fn text(&self, member: &'static str, longest: usize) -> Result<Option<String>, Reason> {
        let text: Option<String> = self.read(member, "it is not a string")?;
        match text {
            Some(text) if text.len() > longest => Err(Reason::UnacceptableMetadata { member, why: "it is too long" }),
            text => Ok(text),
        }
    }

    /// Shown as a link one day, so nothing but the web's own schemes may pass.
    fn web_url(&self, member: &'static str) -> Result<Option<String>, Reason> {
        let Some(text) = self.text(member, LONGEST_URL)? else { return Ok(None) };
        let clean = text.bytes().all(|byte| byte.is_ascii_graphic());
        match Url::parse(&text) {
            Ok(url) if clean && matches!(url.scheme(), "https" | "http") => Ok(Some(text)),
            _ => Err(Reason::UnacceptableMetadata { member, why: "it is not a web address" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn register(metadata: &Value) -> Result<(Client, Value), Reason> {
        let metadata = Metadata::read(metadata.to_string().as_bytes())?;
        let (client, information) = metadata.register("id".to_owned(), &Secret::new([0; 32]), Timestamp::from_seconds(7));
        Ok((client, serde_json::to_value(information).expect("serialisable")))
    }

    #[test]
    fn a_public_native_client_gets_its_effective_metadata_and_nothing_null() {
        let (client, answer) = register(&json!({
            "redirect_uris": ["http://127.0.0.1:33418/", "https://vscode.dev/redirect"],
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
            "response_types": ["code"], "client_name": "Code", "application_type": "native", "scope": "", "logo_uri": null,
            "unknown": {"a": 1}
        }))
        .expect("accepted");
        assert_eq!(client.authentication, Authentication::None);
        assert!(client.refreshes);
        assert_eq!(
            answer,
            json!({
                "client_id": "id", "client_id_issued_at": 7,
                "redirect_uris": ["http://127.0.0.1:33418/", "https://vscode.dev/redirect"],
                "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"],
                "response_types": ["code"], "client_name": "Code", "application_type": "native"
            })
        );
    }

    #[test]
    fn a_confidential_client_gets_a_secret_that_does_not_expire() {
        let (client, answer) =
            register(&json!({"redirect_uris": ["https://a.example/cb"], "grant_types": ["authorization_code"]})).expect("accepted");
        let secret = answer["client_secret"].as_str().expect("a secret");
        assert_eq!(client.authentication, Authentication::Secret(client::secret_digest(secret)));
        assert_eq!(answer["client_secret_expires_at"], 0);
        assert_eq!(answer["token_endpoint_auth_method"], "client_secret_basic");
        assert!(!client.refreshes);
    }

    #[test]
    fn what_cannot_be_accepted_is_refused_by_its_name() {
        let uris = json!(["https://a.example/cb"]);
        for (metadata, code) in [
            (json!([]), "invalid_client_metadata"),
            (json!({}), "invalid_redirect_uri"),
            (json!({"redirect_uris": []}), "invalid_redirect_uri"),
            (json!({"redirect_uris": ["http://evil.example/cb"]}), "invalid_redirect_uri"),
            (json!({"redirect_uris": ["https://a.example/cb", "javascript:x"]}), "invalid_redirect_uri"),
            (json!({"redirect_uris": vec!["https://a.example/cb"; 21]}), "invalid_redirect_uri"),
            (json!({"redirect_uris": "https://a.example/cb"}), "invalid_client_metadata"),
            (json!({"redirect_uris": uris, "token_endpoint_auth_method": "tls_client_auth"}), "invalid_client_metadata"),
            (json!({"redirect_uris": uris, "grant_types": ["client_credentials"]}), "invalid_client_metadata"),
            (json!({"redirect_uris": uris, "grant_types": 1}), "invalid_client_metadata"),
            (json!({"redirect_uris": uris, "response_types": ["token"]}), "invalid_client_metadata"),
            (json!({"redirect_uris": uris, "client_name": ["x"]}), "invalid_client_metadata"),
            (json!({"redirect_uris": uris, "client_name": "x".repeat(201)}), "invalid_client_metadata"),
            (json!({"redirect_uris": uris, "logo_uri": "JavaScript:alert(1)"}), "invalid_client_metadata"),
            (json!({"redirect_uris": uris, "client_uri": "java\tscript:alert(1)"}), "invalid_client_metadata"),
            (json!({"redirect_uris": uris, "policy_uri": "\u{1}https://a.example"}), "invalid_client_metadata"),
            (json!({"redirect_uris": uris, "tos_uri": "data:text/html,x"}), "invalid_client_metadata"),
        ] {
            assert_eq!(register(&metadata).map_err(|reason| reason.code().as_str()).err(), Some(code), "{metadata}");
        }
        assert_eq!(Metadata::read(b"{"), Err(Reason::MalformedMetadata));
    }

    #[test]
    fn everything_that_may_be_registered_is_repeated() {
        let metadata = json!({
            "redirect_uris": ["https://a.example/cb"], "token_endpoint_auth_method": "client_secret_post",
            "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"], "client_name": "x".repeat(200),
            "client_uri": "https://a.example", "logo_uri": "https://a.example/logo.png", "policy_uri": "http://a.example/policy",
            "tos_uri": "https://a.example/?terms#x", "scope": "read write", "application_type": "web", "software_id": "s", "software_version": "1"
        });
        let (client, mut answer) = register(&metadata).expect("accepted");
        assert_eq!(client.name, Some("x".repeat(200)));
        let answer = answer.as_object_mut().expect("an object");
        for made_here in ["client_id", "client_id_issued_at", "client_secret", "client_secret_expires_at"] {
            assert!(answer.remove(made_here).is_some(), "{made_here}");
        }
        assert_eq!(json!(answer), metadata);
    }

    #[test]
    fn a_refusal_says_what_is_wrong() {
        let uris = json!(["https://a.example/cb"]);
        for (metadata, code, description) in [
            (json!({}), "invalid_redirect_uri", "A redirect URI is not acceptable: there is none."),
            (
                json!({"redirect_uris": vec![&uris[0]; 21]}),
                "invalid_redirect_uri",
                "A redirect URI is not acceptable: there are too many.",
            ),
            (
                json!({"redirect_uris": uris, "scope": 1}),
                "invalid_client_metadata",
                "The member scope is not acceptable: it is not a string.",
            ),
        ] {
            let refusal = Refusal(register(&metadata).expect_err("refused"));
            assert_eq!((refusal.code(), refusal.description().as_str()), (code, description));
        }
        assert!(register(&json!({"redirect_uris": vec![&uris[0]; 20]})).is_ok());
    }

    #[test]
    fn debug_output_of_an_answer_holds_no_secret() {
        let metadata = Metadata::read(br#"{"redirect_uris": ["https://a.example/cb"]}"#).expect("accepted");
        let (_, information) = metadata.register("id".to_owned(), &Secret::new([0; 32]), Timestamp::from_seconds(7));
        assert_eq!(format!("{information:?}"), "ClientInformation(id)");
    }
}
