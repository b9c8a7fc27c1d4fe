//! What a page for whoever runs the server says after something was posted there.

use provider::AdministrationError;
use serde::{Deserialize, Serialize};

use crate::{clean, messages::Message};

/// Most bytes of what was typed that a flash gives back, as JSON: it has to fit into a cookie.
const MOST_OF_A_LINE: usize = 300;
const MOST_OF_SEVERAL: usize = 1500;
const MOST_OF_A_REASON: usize = 600;

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FlashMessage {
    Invited { email: String },
    ResetLinkMade { email: String },
    LinkWithdrawn { email: String },
    AccountDisabled { email: String },
    AccountEnabled { email: String },
    AccountRemoved { email: String },
    RoleSet { email: String, administrator: bool },
    ClientAdded { client_id: String },
    RedirectUriAdded { redirect_uri: String },
    ClientRemoved,
    ClientDisconnected,
    HostBlocked { host: String },
    HostUnblocked { host: String },
    KeysRotated,
    KeyRevoked,
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

/// Why it came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fault {
    /// For a reason that other pages know too.
    Plain(Message),
    /// It was the administrator's own account.
    Own,
    /// For this one.
    Said(String),
    /// What holds, and what is missing of it, as a clause.
    Unfinished(String),
}

impl FlashMessage {
    /// The words.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Invited { email } if provider::has_local_domain(email) => {
                format!(
                    "{} is invited. What follows the @ has no dot: make sure that it is no slip.",
                    shown(email)
                )
            }
            Self::Invited { email } => format!("{} is invited.", shown(email)),
            Self::LinkWithdrawn { email } => {
                format!("No link to {} opens anything any more.", shown(email))
            }
            Self::ResetLinkMade { email } => {
                format!(
                    "Whoever has this link chooses a new way to sign in as {}. Until then the present ones work.",
                    shown(email)
                )
            }
            Self::AccountDisabled { email } => format!("{} is disabled.", shown(email)),
            Self::AccountEnabled { email } => format!("{} may sign in again.", shown(email)),
            Self::AccountRemoved { email } => format!("{} is removed.", shown(email)),
            Self::RoleSet {
                email,
                administrator: true,
            } => format!("{} is an administrator now.", shown(email)),
            Self::RoleSet {
                email,
                administrator: false,
            } => format!("{} is no administrator any more.", shown(email)),
            Self::ClientAdded { .. } => {
                "The application is added. Give it what stands here.".to_owned()
            }
            Self::ClientRemoved => {
                "The application is removed, and everything that people allowed it has ended."
                    .to_owned()
            }
            Self::ClientDisconnected => "Every connection of the application has ended.".to_owned(),
            Self::RedirectUriAdded { redirect_uri } => format!(
                "Added {}. Connect the application again.",
                shown(redirect_uri)
            ),
            Self::HostBlocked { host } => format!("{} is blocked.", shown(host)),
            Self::HostUnblocked { host } => format!("{} is let in again.", shown(host)),
            Self::KeysRotated => "A new key signs from now on.".to_owned(),
            Self::KeyRevoked => {
                "The key is revoked: what it signed is refused from now on.".to_owned()
            }
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
        let (name, redirect_uris) = (
            whole(name, MOST_OF_A_LINE),
            whole(redirect_uris, MOST_OF_SEVERAL),
        );
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

    /// The words.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Plain(message) => message.text(),
            Self::Own => crate::admin::accounts::messages::OWN.to_owned(),
            Self::Said(why) => format!("Nothing was done: {}.", why.trim_end_matches('.')),
            Self::Unfinished(what) => {
                format!("Not everything was done: {}.", what.trim_end_matches('.'))
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
        match error {
            AdministrationError::Unavailable => Self::Plain(Message::Unavailable),
            AdministrationError::Own => Self::Own,
            AdministrationError::Unfinished(what) => Self::Unfinished(Self::bounded(&what)),
            AdministrationError::NotFound(why)
            | AdministrationError::Invalid(why)
            | AdministrationError::Conflict(why) => Self::said(&why),
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

fn shown(outside: &str) -> String {
    clean::sentence(outside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_a_sentence() {
        let conflict = AdministrationError::Conflict(
            "bob@example.com has an account and can sign in already".to_owned(),
        );
        assert_eq!(
            Fault::from(conflict).text(),
            "Nothing was done: bob@example.com has an account and can sign in already."
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
    fn t_d30_news_repeat_names_clean() {
        let news = FlashMessage::AccountDisabled {
            email: "al\u{202e}ice@example.com\u{200b}".to_owned(),
        };
        assert_eq!(news.text(), "alice@example.com is disabled.");
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
