//! Why an administrative operation was not carried out, as a clause without a capital and without a
//! full stop. The pages and the command line share these texts.

use provider::{
    AdministrationError, InvalidInput, MissingTarget, PasswordError, SigningKeyFault,
    StateConflict, UnfinishedOperation,
};

use crate::time_format::exactly;

const OWN: &str = "this is your own account; another administrator, or the terminal, can do this";
const UNAVAILABLE: &str = "the store does not answer; look whether it was done, and try again";

/// The text for an error of an administrative operation.
pub fn administration_error_text(error: &AdministrationError) -> String {
    match error {
        AdministrationError::NotFound(missing) => missing_target(missing),
        AdministrationError::Invalid(invalid) => invalid_input(invalid),
        AdministrationError::Conflict(conflict) => state_conflict(conflict),
        AdministrationError::Own => OWN.to_owned(),
        AdministrationError::Unfinished(unfinished) => unfinished_operation(unfinished),
        AdministrationError::Unavailable => UNAVAILABLE.to_owned(),
    }
}

fn missing_target(missing: &MissingTarget) -> String {
    match missing {
        MissingTarget::Account(email) => format!("there is no account {email:?}"),
        MissingTarget::Client(id) => format!("there is no client {id:?}"),
        MissingTarget::SigningKey(kid) => format!("there is no signing key {kid:?}"),
        MissingTarget::SigningKeys => {
            "there are no signing keys yet; start the server once".to_owned()
        }
        MissingTarget::BlockedHost(host) => format!("{host} is not blocked"),
    }
}

fn invalid_input(invalid: &InvalidInput) -> String {
    match invalid {
        InvalidInput::Email(email) => format!("{email:?} is not an e-mail address"),
        InvalidInput::DisplayName { maximum } => {
            format!("a name has at most {maximum} characters, and none that is invisible")
        }
        InvalidInput::Password(error) => password(*error),
        InvalidInput::ClientId { client_id, fault } => {
            format!("{client_id:?} cannot be a client id: {fault}")
        }
        InvalidInput::ReservedClientId { client_id, prefix } => format!(
            "{client_id:?} cannot be a client id: identifiers that begin with {prefix} are made by the server"
        ),
        InvalidInput::ClientName { maximum } => {
            format!("a client's name has 1 to {maximum} bytes and no control characters")
        }
        InvalidInput::NoRedirectUri => "a client needs at least one redirect URI".to_owned(),
        InvalidInput::SeveralRedirectUris => "it is not one redirect URI".to_owned(),
        InvalidInput::RedirectUri {
            redirect_uri,
            fault,
        } => format!("{redirect_uri:?}: {fault}"),
        InvalidInput::NoChange => "nothing is named that is to change".to_owned(),
        InvalidInput::Host(host) => format!("{host:?} is not a host such as app.example.com"),
    }
}

fn password(error: PasswordError) -> String {
    match error {
        PasswordError::TooShort { minimum } => {
            format!("a password needs at least {minimum} characters")
        }
        PasswordError::TooLong { maximum } => format!("a password has at most {maximum} bytes"),
        PasswordError::Common => {
            "the password is one of those that are guessed first; several words that do not belong together are better"
                .to_owned()
        }
        PasswordError::FromName => {
            "the password can be guessed from the address or the name of the server".to_owned()
        }
    }
}

fn state_conflict(conflict: &StateConflict) -> String {
    match conflict {
        StateConflict::AccountExists(email) => format!(
            "{email} has an account already, which is not changed; \"account password\" sets its password, and \"account \
             reset\" makes a link to a new way to sign in"
        ),
        StateConflict::AccountHasOtherRole(email) => format!(
            "{email} has an account that waits for its person with another role; \"account role\" changes that"
        ),
        StateConflict::AccountCanSignIn(email) => {
            format!("{email} has an account and can sign in already")
        }
        StateConflict::AccountDisabled(email) => {
            format!("{email} has an account that is disabled: enable it first")
        }
        StateConflict::AddressTaken(email) => format!("{email} belongs to another account"),
        StateConflict::AccountJustAdded(email) => {
            format!("{email} has just been added by someone else")
        }
        StateConflict::ShortPasswordAlone(email) => format!(
            "{email} has no passkey, and a password that may be shorter than the 12 characters which an administrator's needs: \
             a passkey or a longer password comes first; if it is longer, signing in with it once is enough"
        ),
        StateConflict::NoLongerAdministrator => {
            "you are no administrator any more, so this was not done".to_owned()
        }
        StateConflict::ClientDiffers(id) => format!(
            "there is a client {id:?} with other values, which is not changed; \"client set\" changes it"
        ),
        StateConflict::ClientIsPublic(id) => {
            format!("the client {id:?} is public: make it confidential first")
        }
        StateConflict::ClientUsesKeys(id) => {
            format!("the client {id:?} proves itself by its keys and has no secret")
        }
        StateConflict::ClientRegisteredItself(id) => {
            format!("the client {id:?} registered itself, so only it can change what it said")
        }
        StateConflict::ClientHasDocument(id) => format!(
            "the client {id:?} is described by its metadata document, so only that can be changed"
        ),
        StateConflict::RedirectUrisNotEditable => {
            "this client says itself where its answers go".to_owned()
        }
        StateConflict::TooManyRedirectUris { maximum } => {
            format!("a client has at most {maximum} redirect URIs")
        }
        StateConflict::SigningKeys(fault) => signing_keys(fault),
        StateConflict::OtherIssuer { configured, named } => {
            format!("the configured issuer is {configured}, not {named:?}; configure it first")
        }
    }
}

fn unfinished_operation(unfinished: &UnfinishedOperation) -> String {
    match unfinished {
        UnfinishedOperation::PasswordSet(email) => format!(
            "{email} has the new password and its sessions have ended, but not all that it allowed could be ended; set it again"
        ),
        UnfinishedOperation::StaysDisabled(email) => format!(
            "{email} stays disabled, since not everything of before could be cleared away; try again"
        ),
        UnfinishedOperation::NotRemoved(email) => {
            format!("{email} is disabled, but could not be removed; remove it again")
        }
    }
}

fn signing_keys(fault: &SigningKeyFault) -> String {
    match fault {
        SigningKeyFault::OtherSealingKey {
            sealed_under,
            given,
        } => format!(
            "the signing keys are sealed under {sealed_under}, and the sealing key given is {given}"
        ),
        SigningKeyFault::Damaged => "the sealed signing keys are damaged, or were changed by something that has no sealing key".to_owned(),
        SigningKeyFault::NotMade => "the key ring could not be sealed".to_owned(),
        SigningKeyFault::TooEarly { from } => format!(
            "servers that check JWTs may not have the next keys before {}; rotate then, or at once with \"vestibule key rotate --urgent\"",
            exactly(*from)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_clauses_with_their_data() {
        let unknown = MissingTarget::Account("x@example.com".to_owned());
        assert_eq!(
            administration_error_text(&unknown.into()),
            "there is no account \"x@example.com\""
        );
        let short = InvalidInput::Password(PasswordError::TooShort { minimum: 12 });
        assert_eq!(
            administration_error_text(&short.into()),
            "a password needs at least 12 characters"
        );
        let exists = StateConflict::AccountExists("ada@example.com".to_owned());
        let text = administration_error_text(&exists.into());
        assert!(
            text.contains("\"account password\"") && text.contains("\"account reset\""),
            "{text}"
        );
        let differs = StateConflict::ClientDiffers("app".to_owned());
        let text = administration_error_text(&differs.into());
        assert!(text.contains("\"client set\" changes it"), "{text}");
    }
}
