//! What a page for administrators says after something was posted there.

use provider::{AdministrationError, InvalidInput};
use serde::{Deserialize, Serialize};

use crate::{admin::messages::errors::administration_error_text, clean, messages::Message};

/// Most bytes of what was typed that a flash gives back, as JSON: it has to fit into a cookie.
const MOST_OF_A_LINE: usize = 300;
const MOST_OF_SEVERAL: usize = 1500;
const MOST_OF_A_REASON: usize = 600;

/// What a page says after an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FlashMessage {
    /// The operation was carried out, with its outcome in words.
    Done(String),
    /// A one-time link was made for this address.
    LinkMade { outcome: String, email: String },
    /// A client was added.
    ClientAdded { outcome: String, client_id: String },
    /// The operation was not carried out.
    Refused { attempt: Attempt, why: Fault },
}

/// What was attempted, with what was typed, so that it need not be typed again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Attempt {
    /// A button of a row was pressed.
    Button,
    Invite {
        email: String,
        administrator: bool,
    },
    AddClient {
        name: String,
        redirect_uris: String,
        confidential: bool,
    },
    BlockHost {
        host: String,
    },
}

/// Why it failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fault {
    /// For a reason that other pages share.
    Plain(Message),
    /// It was the administrator's own account.
    Own,
    /// For this reason.
    Said(String),
    /// What was done and what was not, as a clause.
    Unfinished(String),
}

impl FlashMessage {
    /// The operation was carried out.
    pub(crate) fn done(outcome: &str) -> Self {
        Self::Done(clean::sentence(outcome))
    }

    /// The text.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Done(outcome)
            | Self::LinkMade { outcome, .. }
            | Self::ClientAdded { outcome, .. } => outcome.clone(),
            Self::Refused { why, .. } => why.text(),
        }
    }
}

impl Attempt {
    pub(crate) fn invite(email: &str, role: &str) -> Self {
        Self::Invite {
            email: whole(email, MOST_OF_A_LINE),
            administrator: role == provider::Role::Administrator.as_str(),
        }
    }

    pub(crate) fn add_client(name: &str, redirect_uris: &str, confidential: bool) -> Self {
        let name = whole(name, MOST_OF_A_LINE);
        let redirect_uris = whole(redirect_uris, MOST_OF_SEVERAL);
        Self::AddClient {
            name,
            redirect_uris,
            confidential,
        }
    }

    pub(crate) fn block_host(host: &str) -> Self {
        Self::BlockHost {
            host: whole(host, MOST_OF_A_LINE),
        }
    }
}

impl Fault {
    /// For a reason that was given as a clause, without a capital and without a full stop.
    pub(crate) fn said(why: &str) -> Self {
        Self::Said(Self::bounded(why))
    }

    fn bounded(why: &str) -> String {
        let mut room = MOST_OF_A_REASON;
        let fits = |letter: &char| {
            let needs = letter.len_utf8() * 2;
            room = room.saturating_sub(needs);
            room > 0
        };
        clean::sentence(why).chars().take_while(fits).collect()
    }

    /// The text.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Plain(message) => message.text(),
            Self::Own => crate::admin::accounts::messages::OWN.to_owned(),
            Self::Said(why) => format!("Nothing was changed: {}.", why.trim_end_matches('.')),
            Self::Unfinished(what) => {
                format!("This was only partly done: {}.", what.trim_end_matches('.'))
            }
        }
    }
}

impl From<Message> for Fault {
    fn from(message: Message) -> Self {
        Self::Plain(message)
    }
}

impl From<AdministrationError> for Fault {
    fn from(error: AdministrationError) -> Self {
        let text = administration_error_text(&error);
        match error {
            AdministrationError::Unavailable => Self::Plain(Message::Unavailable),
            AdministrationError::Own => Self::Own,
            AdministrationError::Invalid(InvalidInput::Email(_)) => {
                Self::Plain(Message::EmailInvalid)
            }
            AdministrationError::Unfinished(_) => Self::Unfinished(Self::bounded(&text)),
            AdministrationError::NotFound(_)
            | AdministrationError::Invalid(_)
            | AdministrationError::Conflict(_) => Self::said(&text),
        }
    }
}

/// What was typed, or nothing: a part of it would mislead.
fn whole(typed: &str, most: usize) -> String {
    let fits = serde_json::to_string(typed).is_ok_and(|json| json.len() <= most);
    if fits {
        typed.to_owned()
    } else {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use provider::StateConflict;

    use super::*;
    use crate::admin::accounts;

    #[test]
    fn a_refusal_is_a_sentence() {
        let conflict = AdministrationError::Conflict(StateConflict::AccountCanSignIn(
            "bob@example.com".to_owned(),
        ));
        assert_eq!(
            Fault::from(conflict).text(),
            "Nothing was changed: bob@example.com already has an account and can sign in."
        );
        assert_eq!(
            Fault::from(AdministrationError::Unavailable).text(),
            Message::Unavailable.text()
        );
        assert!(
            Fault::from(AdministrationError::Own)
                .text()
                .contains("your own account")
        );
    }

    #[test]
    fn t_d30_outcomes_repeat_names_clean() {
        let email = "al\u{202e}ice@example.com\u{200b}";
        let message = FlashMessage::done(&accounts::messages::account_disabled(email));
        assert_eq!(message.text(), "alice@example.com is disabled.");
    }

    #[test]
    fn what_does_not_fit_is_not_given_back_in_part() {
        let uris = "https://a.example/cb\n".repeat(30);
        assert_eq!(
            Attempt::add_client("App", &uris, true),
            Attempt::AddClient {
                name: "App".to_owned(),
                redirect_uris: uris.clone(),
                confidential: true
            }
        );
        let Attempt::AddClient { redirect_uris, .. } =
            Attempt::add_client("App", &uris.repeat(10), true)
        else {
            panic!("another attempt")
        };
        assert_eq!(redirect_uris, "");
    }
}
