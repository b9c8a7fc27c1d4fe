//! The issuer identifier (RFC 8414 section 2): the one name of this server, compared byte for byte
//! by clients (R-A18).

use std::fmt;

use primitives::web_address::is_loopback;
use url::Url;

/// The issuer: `scheme://host[:port]`, https unless the host is a loopback name, with neither path
/// nor trailing slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    text: String,
    url: Url,
}

/// Why a text is no issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IssuerError {
    /// It is not a URL.
    NotUrl(url::ParseError),
    /// It is http, and not on loopback.
    PublicHttp,
    /// It has this scheme, which is not of the web.
    Scheme(String),
    /// It says more than this origin.
    NotOrigin(String),
}

impl Issuer {
    /// Reads an issuer from the configuration.
    ///
    /// # Errors
    /// What is wrong.
    pub fn parse(text: &str) -> Result<Self, IssuerError> {
        let url = Url::parse(text).map_err(IssuerError::NotUrl)?;
        match url.scheme() {
            "https" => {}
            "http" if has_loopback_host(&url) => {}
            "http" => return Err(IssuerError::PublicHttp),
            other => return Err(IssuerError::Scheme(other.to_owned())),
        }
        let origin = url.origin().ascii_serialization();
        if text != origin {
            return Err(IssuerError::NotOrigin(origin));
        }
        Ok(Self { text: origin, url })
    }

    /// The identifier, exactly as it appears in metadata, `iss` parameters and tokens.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The web origin of this server's pages; the same text as the issuer, which has no path.
    pub fn origin(&self) -> &str {
        &self.text
    }

    /// The host name, without port.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// The identifier as a URL, which has the path `/`.
    pub const fn as_url(&self) -> &Url {
        &self.url
    }

    /// Whether the server is meant for this computer alone.
    pub fn is_loopback(&self) -> bool {
        has_loopback_host(&self.url)
    }

    /// Whether pages are served over TLS.
    pub fn is_https(&self) -> bool {
        self.text.starts_with("https:")
    }

    /// The absolute URL of a path that starts with `/`.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }
}

fn has_loopback_host(url: &Url) -> bool {
    url.host().is_some_and(|host| is_loopback(&host))
}

impl fmt::Display for Issuer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_an_origin_over_https_or_on_loopback() {
        for good in [
            "https://auth.example.com",
            "https://auth.example.com:8443",
            "http://localhost:3000",
            "http://127.0.0.1:3000",
            "http://[::1]:3000",
        ] {
            assert_eq!(
                Issuer::parse(good).map(|issuer| issuer.as_str().to_owned()),
                Ok(good.to_owned())
            );
        }
        for bad in [
            "",
            "auth.example.com",
            "http://auth.example.com",
            "https://auth.example.com/",
            "https://auth.example.com/a",
            "https://a@b.example",
            "https://auth.example.com?x",
            "https://auth.example.com#x",
            "https://AUTH.example.com",
            "https://auth.example.com:443",
            "ftp://auth.example.com",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "javascript:alert(1)",
            "https://",
        ] {
            assert!(Issuer::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_issuer_tells_its_parts() {
        let issuer = |text| Issuer::parse(text).expect("a valid issuer");
        let (public, local) = (
            issuer("https://auth.example.com:8443"),
            issuer("http://localhost:3000"),
        );
        assert_eq!(
            (public.origin(), public.host(), public.to_string().as_str()),
            (public.as_str(), "auth.example.com", public.as_str())
        );
        assert_eq!((public.is_https(), public.is_loopback()), (true, false));
        assert_eq!(
            (
                local.origin(),
                local.host(),
                local.is_https(),
                local.is_loopback()
            ),
            (local.as_str(), "localhost", false, true)
        );
        assert_eq!(public.url("/token"), "https://auth.example.com:8443/token");
    }

    #[test]
    fn what_is_wrong_with_an_issuer_is_told() {
        let fault = |text| Issuer::parse(text).expect_err("an issuer that is not one");
        assert!(matches!(fault("auth"), IssuerError::NotUrl(_)));
        for (text, expected) in [
            ("http://auth.example.com", IssuerError::PublicHttp),
            (
                "ftp://auth.example.com",
                IssuerError::Scheme("ftp".to_owned()),
            ),
            (
                "https://auth.example.com/",
                IssuerError::NotOrigin("https://auth.example.com".to_owned()),
            ),
        ] {
            assert_eq!(fault(text), expected);
        }
    }
}
