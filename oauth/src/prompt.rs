//! `prompt` (OpenID Connect Core section 3.1.2.1): how much of a user's attention a client asks
//! for.

use crate::{error::RedirectError, parameters::Parameters};

/// What a client wants a user to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// No page: a code or an error at once.
    None,
    /// The pages that are necessary, and these:
    Ask {
        /// the sign-in, although the user is signed in;
        sign_in: bool,
        /// the consent, although it was given before.
        consent: bool,
    },
}

impl Default for Prompt {
    /// What has to be asked anyway.
    fn default() -> Self {
        Self::Ask {
            sign_in: false,
            consent: false,
        }
    }
}

impl Prompt {
    /// Reads the words of the parameter. Unknown ones are ignored, since only a rule here could
    /// give them a meaning.
    ///
    /// # Errors
    /// `none` beside any other word, or the parameter twice.
    pub fn read(parameters: &Parameters) -> Result<Self, RedirectError> {
        let text = parameters.one("prompt")?.unwrap_or_default();
        let words = || text.split(' ').filter(|word| !word.is_empty());
        if words().any(|word| word == "none") {
            let alone = words().all(|word| word == "none");
            return if alone {
                Ok(Self::None)
            } else {
                Err(RedirectError::PromptNoneWithOthers)
            };
        }
        Ok(Self::Ask {
            sign_in: words().any(|word| word == "login"),
            // The consent page names the account and offers another one: an account is selected
            // there.
            consent: words().any(|word| word == "consent" || word == "select_account"),
        })
    }

    /// Whether only a sign-in from now on counts.
    pub const fn asks_to_sign_in(self) -> bool {
        matches!(self, Self::Ask { sign_in: true, .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ParameterError;

    fn read(query: &str) -> Result<Prompt, RedirectError> {
        Prompt::read(&Parameters::parse(query.as_bytes()))
    }

    #[test]
    fn r_o18_the_words_of_prompt_are_a_set() {
        let ask = |sign_in, consent| Ok(Prompt::Ask { sign_in, consent });
        for (query, prompt) in [
            ("", ask(false, false)),
            ("prompt=", ask(false, false)),
            ("prompt=consent", ask(false, true)),
            ("prompt=select_account", ask(false, true)),
            ("prompt=login", ask(true, false)),
            ("prompt=login+consent", ask(true, true)),
            ("prompt=consent++login+consent", ask(true, true)),
            ("prompt=create+Consent+LOGIN", ask(false, false)),
            ("prompt=none", Ok(Prompt::None)),
            ("prompt=none+none+", Ok(Prompt::None)),
            (
                "prompt=none+login",
                Err(RedirectError::PromptNoneWithOthers),
            ),
            (
                "prompt=consent+none",
                Err(RedirectError::PromptNoneWithOthers),
            ),
            (
                "prompt=none+create",
                Err(RedirectError::PromptNoneWithOthers),
            ),
            (
                "prompt=login&prompt=login",
                Err(ParameterError::Repeated("prompt").into()),
            ),
        ] {
            assert_eq!(read(query), prompt, "{query}");
        }
        assert_eq!(Ok(Prompt::default()), read(""));
        let sign_in: Vec<_> = ["login", "consent", "none", ""]
            .map(|word| read(&format!("prompt={word}")))
            .into();
        assert_eq!(
            sign_in
                .into_iter()
                .map(|prompt| prompt.is_ok_and(Prompt::asks_to_sign_in))
                .collect::<Vec<_>>(),
            [true, false, false, false]
        );
    }
}
