//! Passkey ceremonies as they travel. The browser's side is in `islands`.

use provider::EnrolmentSource;
use serde::{Serialize, de::DeserializeOwned};

use crate::{context::PageContext, messages::Message, model::CeremonyOptions};

/// The `autocomplete` of an e-mail box, which offers passkeys too where there are any (WebAuthn
/// Level 3 section 5.1.7).
pub(crate) const fn autocomplete(has_passkeys: bool) -> &'static str {
    if has_passkeys {
        "username webauthn"
    } else {
        "username"
    }
}

/// The context of a ceremony that begins or ends, from a page made for this browser and session,
/// where there are passkeys at all.
pub(crate) fn trusted(form_token: &str) -> Result<PageContext, Message> {
    let context = PageContext::trusted(form_token)?;
    if context.provider.sign_in().has_passkeys() {
        Ok(context)
    } else {
        Err(Message::NoPasskeysHere)
    }
}

/// A ceremony for the browser.
pub(crate) fn sent<T: Serialize>(
    ceremony: provider::Ceremony<T>,
) -> Result<CeremonyOptions, Message> {
    let options = serde_json::to_string(&ceremony.options).map_err(|_| Message::PasskeyRefused)?;
    Ok(CeremonyOptions {
        id: ceremony.id,
        options,
    })
}

/// The authenticator's answer, as the provider takes it.
pub(crate) fn received<T: DeserializeOwned>(credential: &str) -> Result<T, Message> {
    serde_json::from_str(credential).map_err(|_| Message::PasskeyRefused)
}

/// How a user gets an account: by the link of this token, or without one by signing up.
pub(crate) const fn enrolment_source(token: &str) -> EnrolmentSource<'_> {
    if token.is_empty() {
        EnrolmentSource::SignUp
    } else {
        EnrolmentSource::Link(token)
    }
}
