//! Proof Key for Code Exchange (RFC 7636), method S256 only (R-O3, R-O4).

use primitives::Digest;

use crate::{
    error::{CodeError, RedirectError},
    parameters::Parameters,
};

/// A `code_challenge` made with S256: the base64url of a SHA-256 digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeChallenge(Digest);

impl CodeChallenge {
    /// Reads the challenge of an authorization request. There is no way to leave it out, and no
    /// other method (RFC 9700 section 2.1.1).
    ///
    /// # Errors
    /// The reason for every way to omit, repeat or weaken it.
    pub fn read(parameters: &Parameters) -> Result<Self, RedirectError> {
        let challenge = parameters.required("code_challenge")?;
        if parameters.one("code_challenge_method")? != Some("S256") {
            return Err(RedirectError::UnsupportedChallengeMethod);
        }
        let digest = Digest::parse(challenge).ok_or(RedirectError::MalformedChallenge)?;
        Ok(Self(digest))
    }

    /// The challenge of a digest, as a record has it.
    pub const fn from_digest(digest: Digest) -> Self {
        Self(digest)
    }

    /// The digest of the verifier.
    pub const fn digest(&self) -> &Digest {
        &self.0
    }

    /// Validates the verifier of a token request.
    ///
    /// # Errors
    /// [`CodeError::MalformedVerifier`] or [`CodeError::VerifierMismatch`].
    pub fn check(&self, verifier: &str) -> Result<(), CodeError> {
        if !is_verifier(verifier) {
            return Err(CodeError::MalformedVerifier);
        }
        if Digest::of(verifier.as_bytes()) == self.0 {
            Ok(())
        } else {
            Err(CodeError::VerifierMismatch)
        }
    }
}

/// 43 to 128 unreserved characters (RFC 7636 section 4.1).
fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ParameterError;

    /// RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn read(query: &str) -> Result<CodeChallenge, RedirectError> {
        CodeChallenge::read(&Parameters::parse(query.as_bytes()))
    }

    #[test]
    fn the_vector_of_rfc_7636_passes() {
        let challenge = read(&format!(
            "code_challenge={CHALLENGE}&code_challenge_method=S256"
        ));
        assert_eq!(
            challenge.map(|challenge| challenge.check(VERIFIER)),
            Ok(Ok(()))
        );
    }

    #[test]
    fn every_way_to_omit_or_weaken_the_challenge_is_refused() {
        for (query, reason) in [
            (
                "code_challenge_method=S256".to_owned(),
                ParameterError::Missing("code_challenge").into(),
            ),
            (
                "code_challenge=&code_challenge_method=S256".to_owned(),
                ParameterError::Missing("code_challenge").into(),
            ),
            (
                format!("code_challenge={CHALLENGE}"),
                RedirectError::UnsupportedChallengeMethod,
            ),
            (
                format!("code_challenge={CHALLENGE}&code_challenge_method="),
                RedirectError::UnsupportedChallengeMethod,
            ),
            (
                format!("code_challenge={VERIFIER}&code_challenge_method=plain"),
                RedirectError::UnsupportedChallengeMethod,
            ),
            (
                format!("code_challenge={CHALLENGE}&code_challenge_method=s256"),
                RedirectError::UnsupportedChallengeMethod,
            ),
            (
                format!(
                    "code_challenge={CHALLENGE}&code_challenge_method=S256&code_challenge_method=plain"
                ),
                ParameterError::Repeated("code_challenge_method").into(),
            ),
            (
                format!(
                    "code_challenge={CHALLENGE}&code_challenge={CHALLENGE}&code_challenge_method=S256"
                ),
                ParameterError::Repeated("code_challenge").into(),
            ),
            (
                format!("code_challenge={CHALLENGE}%3D&code_challenge_method=S256"),
                RedirectError::MalformedChallenge,
            ),
            (
                "code_challenge=abc&code_challenge_method=S256".to_owned(),
                RedirectError::MalformedChallenge,
            ),
        ] {
            assert_eq!(read(&query), Err(reason), "{query}");
        }
    }

    #[test]
    fn verifiers_keep_their_length_and_alphabet() {
        for length in [43, 128] {
            let verifier = "~".repeat(length);
            let challenge = CodeChallenge(Digest::of(verifier.as_bytes()));
            assert_eq!(challenge.check(&verifier), Ok(()));
        }
        for bad in [
            "a".repeat(42),
            "a".repeat(129),
            format!("{}+", "a".repeat(43)),
            format!("{}é", "a".repeat(43)),
            String::new(),
        ] {
            assert_eq!(
                CodeChallenge(Digest::of(bad.as_bytes())).check(&bad),
                Err(CodeError::MalformedVerifier),
                "{bad}"
            );
        }
        assert_eq!(
            CodeChallenge(Digest::of(b"another")).check(VERIFIER),
            Err(CodeError::VerifierMismatch)
        );
    }
}
