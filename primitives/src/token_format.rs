//! The formats of access tokens.

/// The format of the access tokens of a resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenFormat {
    /// PASETO v4.public.
    #[default]
    Paseto,
    /// A JWT access token (RFC 9068).
    Jwt {
        /// How it is signed.
        algorithm: SigningAlgorithm,
        /// What its header calls it.
        jwt_type: JwtType,
    },
}

impl TokenFormat {
    /// The algorithm of a JWT; `None` of PASETO.
    pub const fn algorithm(self) -> Option<SigningAlgorithm> {
        match self {
            Self::Paseto => None,
            Self::Jwt { algorithm, .. } => Some(algorithm),
        }
    }
}

/// The `typ` in the header of a JWT access token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JwtType {
    /// `at+jwt` (RFC 9068 section 2.1), which no other JWT has.
    #[default]
    AccessToken,
    /// `JWT`, for libraries that refuse `at+jwt`.
    Jwt,
}

impl JwtType {
    /// Both.
    pub const ALL: [Self; 2] = [Self::AccessToken, Self::Jwt];

    /// The value of `typ`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccessToken => "at+jwt",
            Self::Jwt => "JWT",
        }
    }

    /// Reads a value of `typ`: a media type, whose case does not count and whose `application/` may
    /// be left out (RFC 7515 section 4.1.9).
    pub fn parse(typ: &str) -> Option<Self> {
        let typ = typ.to_ascii_lowercase();
        let typ = typ.strip_prefix("application/").unwrap_or(&typ);
        Self::ALL
            .into_iter()
            .find(|own| own.as_str().eq_ignore_ascii_case(typ))
    }
}

/// The algorithms of JWT signatures: each is that of one kind of key (RFC 7518 section 3, RFC 8037).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SigningAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl SigningAlgorithm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Rs256, Self::Es256, Self::EdDsa];
    /// The names that metadata lists (RFC 8414 section 2).
    pub const NAMES: [&'static str; 3] = ["RS256", "ES256", "EdDSA"];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// Reads the `alg` of a header. `Ed25519` is the name that RFC 9864 gives to what `EdDSA` means
    /// here.
    pub fn parse(name: &str) -> Option<Self> {
        let name = if name == "Ed25519" { "EdDSA" } else { name };
        Self::ALL.into_iter().find(|own| own.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        assert_eq!(
            SigningAlgorithm::ALL.map(SigningAlgorithm::as_str),
            SigningAlgorithm::NAMES
        );
        for algorithm in SigningAlgorithm::ALL {
            assert_eq!(SigningAlgorithm::parse(algorithm.as_str()), Some(algorithm));
        }
        assert_eq!(
            SigningAlgorithm::parse("Ed25519"),
            Some(SigningAlgorithm::EdDsa)
        );
        for other in ["", "none", "None", "HS256", "RS512", "PS256", "rs256"] {
            assert_eq!(SigningAlgorithm::parse(other), None, "{other}");
        }
    }

    #[test]
    fn types_are_media_types() {
        for (text, read) in [
            ("at+jwt", Some(JwtType::AccessToken)),
            ("application/AT+JWT", Some(JwtType::AccessToken)),
            ("JWT", Some(JwtType::Jwt)),
            ("jwt", Some(JwtType::Jwt)),
            ("", None),
            ("application/", None),
            ("application/application/jwt", None),
            ("secevent+jwt", None),
        ] {
            assert_eq!(JwtType::parse(text), read, "{text}");
        }
    }

    #[test]
    fn only_a_jwt_has_an_algorithm() {
        assert_eq!(TokenFormat::default().algorithm(), None);
        let algorithm = SigningAlgorithm::Es256;
        let jwt = TokenFormat::Jwt {
            algorithm,
            jwt_type: JwtType::default(),
        };
        assert_eq!(jwt.algorithm(), Some(algorithm));
    }
}
