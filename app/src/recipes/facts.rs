//! The values of a resource in its recipes.

use access_token::JWKS_PATH;
use oauth::{Issuer, endpoint, resource::Resource};
use oauth_clients::discovery::ProtectedResource;
use primitives::{JwtType, SigningAlgorithm, TokenFormat, web_address::AddressParts};
use serde_json::Value;

/// Where a server listens unless its identifier names a port of this computer.
const PORT: &str = "8000";
/// Lines that both recipes in Python have.
const PYTHON_STEP_UP: &str = include_str!("../../recipes/python-step-up.txt");

/// The values of a resource by their names in templates, each as it stands between the quotation
/// marks of a program, and the lists as programs write them.
pub(super) struct Facts {
    values: Vec<(&'static str, String)>,
    scopes: Vec<String>,
    step_up: Vec<String>,
}

impl Facts {
    /// Of a resource that gets tokens of this format.
    pub(super) fn of(resource: &Resource, issuer: &Issuer, format: TokenFormat) -> Self {
        let scopes: Vec<_> = resource.default_scopes().map(str::to_owned).collect();
        let more = resource.scopes.iter().find(|scope| !scope.default);
        let more: Vec<_> = more.map(|scope| scope.name.clone()).into_iter().collect();
        let mut facts = Self {
            values: Vec::new(),
            step_up: scopes.iter().chain(&more).cloned().collect(),
            scopes,
        };
        facts.describe_place(resource, issuer);
        facts.describe_issuer(issuer);
        facts.describe_tokens(format);
        facts.describe_scopes(&more);
        let document = serde_json::to_string(&ProtectedResource::describe(issuer, resource));
        let document = document.unwrap_or_default();
        facts.values.push(("document", document));
        facts
    }

    /// The value of this name.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let mut values = self.values.iter();
        values
            .find(|(own, _)| *own == name)
            .map(|(_, value)| value.as_str())
    }

    /// The id of the resource, or the one that its identifier suggests.
    pub(super) fn id(&self) -> &str {
        self.value("id").unwrap_or_default()
    }

    /// The constants of the program in Rust, and what they are.
    pub(super) fn constants(&self) -> Vec<(String, String)> {
        let text = |constant: &str, name| {
            let value = self.value(name).unwrap_or_default();
            (format!("const {constant}: &str"), format!("\"{value}\";"))
        };
        let list = |constant: &str, list: &[String]| {
            (format!("const {constant}: &[&str]"), format!("&{list:?};"))
        };
        let port = self.value("port").unwrap_or_default();
        let listen = format!("\"127.0.0.1:{port}\";");
        vec![
            text("ISSUER", "issuer"),
            text("RESOURCE", "resource"),
            text("METADATA", "metadata"),
            text("METADATA_PATH", "metadata_path"),
            text("PATH", "path"),
            text("HOSTNAME", "hostname"),
            ("const LISTEN: &str".to_owned(), listen),
            list("SCOPES", &self.scopes),
            list("SCOPES_TO_ADD", &self.step_up),
        ]
    }

    fn quoted(&mut self, name: &'static str, value: &str) {
        self.values.push((name, quotable(value)));
    }

    fn answer(&mut self, name: &'static str, answer: bool) {
        self.values.push((name, answer.to_string()));
    }

    /// Whether the value of this name is a yes.
    pub(super) fn is(&self, name: &str) -> bool {
        self.value(name) == Some("true")
    }

    fn describe_place(&mut self, resource: &Resource, issuer: &Issuer) {
        let identifier = &resource.identifier;
        let parts = AddressParts::split(identifier.as_str());
        self.quoted("resource", identifier.as_str());
        self.quoted("name", &resource.name);
        self.quoted("id", &id_of(resource));
        self.describe_paths(parts.path, &identifier.metadata_address());
        self.describe_listener(parts.scheme, identifier.host(), issuer);
    }

    fn describe_paths(&mut self, path: &str, metadata: &str) {
        let path = if path.is_empty() { "/" } else { path };
        self.quoted("path", path);
        self.answer("below_root", path != "/");
        self.quoted("metadata_path", AddressParts::split(metadata).path);
        self.quoted("metadata", metadata);
    }

    fn describe_listener(&mut self, scheme: &str, host: &str, issuer: &Issuer) {
        let is_local = matches!(host_name(host), "localhost" | "127.0.0.1" | "[::1]");
        let own_port = port_of(host).filter(|_| is_local && host != authority(issuer));
        self.quoted("host", host);
        self.quoted("hostname", host_name(host));
        self.quoted("origin", &format!("{scheme}://{host}"));
        self.quoted("port", own_port.unwrap_or(PORT));
        self.quoted("tls_port", port_of(host).unwrap_or("443"));
        self.answer("tls", scheme == "https");
        self.answer("plain", scheme != "https");
    }

    fn describe_issuer(&mut self, issuer: &Issuer) {
        let host = authority(issuer);
        let scheme_port = if issuer.is_https() { "443" } else { "80" };
        self.quoted("issuer", issuer.as_str());
        self.quoted("issuer_host", host);
        self.quoted("issuer_hostname", host_name(host));
        self.quoted("issuer_port", port_of(host).unwrap_or(scheme_port));
        self.quoted("jwks", &issuer.url(JWKS_PATH));
        self.quoted("introspection", &issuer.url(endpoint::INTROSPECT));
        self.answer("https", issuer.is_https());
        self.answer("http", !issuer.is_https());
    }

    fn describe_tokens(&mut self, format: TokenFormat) {
        let (algorithm, jwt_type) = match format {
            TokenFormat::Paseto => (SigningAlgorithm::Rs256, JwtType::default()),
            TokenFormat::Jwt {
                algorithm,
                jwt_type,
            } => (algorithm, jwt_type),
        };
        self.quoted("algorithm", algorithm.as_str());
        self.quoted("type", jwt_type.as_str());
    }

    fn describe_scopes(&mut self, more: &[String]) {
        let scopes = list(&self.scopes);
        let step_up = list(&self.step_up);
        let names = scopes.trim_matches(['[', ']']).to_owned();
        let authorities: Vec<_> = self
            .scopes
            .iter()
            .map(|scope| format!("SCOPE_{scope}"))
            .collect();
        let authorities = list(&authorities).trim_matches(['[', ']']).to_owned();
        let for_shells: Vec<_> = self.scopes.iter().map(|own| format!("'{own}'")).collect();
        self.values.extend([
            ("scope", self.scopes.join(" ")),
            ("scopes", scopes),
            ("more", list(more)),
            ("step_up", step_up),
            ("braced_scopes", format!("{{ {names} }}")),
            ("authorities", authorities),
            ("shell_scopes", for_shells.join(" ")),
            ("python_step_up", PYTHON_STEP_UP.trim_end().to_owned()),
        ]);
    }
}

/// A text between the quotation marks of a program: JSON, TypeScript, Python, Go, C#, YAML and Rust
/// agree on it.
fn quotable(text: &str) -> String {
    let text = text.replace(|character: char| character.is_control(), " ");
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn list(words: &[String]) -> String {
    let words: Vec<_> = words
        .iter()
        .map(|word| format!("\"{}\"", quotable(word)))
        .collect();
    format!("[{}]", words.join(", "))
}

/// The id, or a word for it from the identifier.
fn id_of(resource: &Resource) -> String {
    if let Some(id) = &resource.id {
        return id.clone();
    }
    let is_of_ids =
        |letter: &char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || *letter == '-';
    let name = resource.name.to_lowercase().replace(' ', "-");
    let id: String = name.chars().filter(is_of_ids).take(32).collect();
    if id.is_empty() {
        "server".to_owned()
    } else {
        id
    }
}

/// The host of the issuer, with its port if that is not the scheme's own.
fn authority(issuer: &Issuer) -> &str {
    AddressParts::split(issuer.as_str()).authority
}

/// A host without its port.
fn host_name(host: &str) -> &str {
    port_of(host).map_or(host, |port| &host[..host.len() - port.len() - 1])
}

/// The port of a host, if it has one.
fn port_of(host: &str) -> Option<&str> {
    let (_, port) = host.rsplit_once(':')?;
    let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some(port)
}
