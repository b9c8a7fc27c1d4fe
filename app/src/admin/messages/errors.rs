//! Why an administrative operation was not carried out, as a clause without a capital and without a
//! full stop. The pages and the command line share these texts.

use provider::{
    AdministrationError, InvalidInput, MissingTarget, PasswordError, SigningKeyFault,
    StateConflict, UnfinishedOperation,
};

use crate::time_format::exactly;

const OWN: &str = "this is your own account; ask another administrator, or use the command line";
const UNAVAILABLE: &str =
    "the store is unavailable; check whether the change was made, then try again";

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
        InvalidInput::Email(email) => format!("{email:?} is not an email address"),
        InvalidInput::DisplayName { maximum } => {
            format!("a name can have at most {maximum} characters and no invisible ones")
        }
        InvalidInput::Password(error) => password(*error),
        InvalidInput::ClientId { client_id, fault } => {
            format!("{client_id:?} cannot be a client ID: {fault}")
        }
        InvalidInput::ReservedClientId { client_id, prefix } => format!(
            "{client_id:?} cannot be a client ID: IDs that start with {prefix} are reserved"
        ),
        InvalidInput::ClientName { maximum } => {
            format!("a client name must have 1 to {maximum} bytes and no control characters")
        }
        InvalidInput::NoRedirectUri => "a client needs at least one redirect URI".to_owned(),
        InvalidInput::SeveralRedirectUris => "enter exactly one redirect URI".to_owned(),
        InvalidInput::RedirectUri {
            redirect_uri,
            fault,
        } => format!("{redirect_uri:?}: {fault}"),
        InvalidInput::NoChange => "name at least one value to change".to_owned(),
        InvalidInput::Host(host) => format!("{host:?} is not a host such as app.example.com"),
    }
}

fn password(error: PasswordError) -> String {
    match error {
        PasswordError::TooShort { minimum } => {
            format!("the password must have at least {minimum} characters")
        }
        PasswordError::TooLong { maximum } => {
            format!("the password can have at most {maximum} bytes")
        }
        PasswordError::Common => {
            "the password is too common; a few random words make a strong password".to_owned()
        }
        PasswordError::FromName => {
            "the password is too similar to the email address or the server name".to_owned()
        }
    }
}

fn state_conflict(conflict: &StateConflict) -> String {
    match conflict {
        StateConflict::AccountExists(email) => format!(
            "{email} already has an account, which was not changed; use \"account password\" to set its password, or \
             \"account reset\" to create a reset link"
        ),
        StateConflict::AccountHasOtherRole(email) => format!(
            "{email} was already invited with a different role; use \"account role\" to change it"
        ),
        StateConflict::AccountCanSignIn(email) => {
            format!("{email} already has an account and can sign in")
        }
        StateConflict::AccountDisabled(email) => {
            format!("the account {email} is disabled; enable it first")
        }
        StateConflict::AddressTaken(email) => format!("{email} belongs to another account"),
        StateConflict::AccountJustAdded(email) => {
            format!("{email} was just added by someone else")
        }
        StateConflict::ShortPasswordAlone(email) => format!(
            "administrators need a passkey or a password of at least 12 characters, and the password of {email} may be \
             shorter; add a passkey, set a longer password, or sign in once if the password is long enough"
        ),
        StateConflict::NoLongerAdministrator => "you are no longer an administrator".to_owned(),
        StateConflict::ClientDiffers(id) => format!(
            "the client {id:?} already exists with other values and was not changed; use \"client set\" to change it"
        ),
        StateConflict::ClientIsPublic(id) => {
            format!("the client {id:?} is public; make it confidential first")
        }
        StateConflict::ClientUsesKeys(id) => {
            format!("the client {id:?} authenticates with keys and has no client secret")
        }
        StateConflict::ClientRegisteredItself(id) => {
            format!(
                "the client {id:?} registered itself; only the client can change its registration"
            )
        }
        StateConflict::ClientHasDocument(id) => format!(
            "the client {id:?} is described by its client metadata document; change that document instead"
        ),
        StateConflict::RedirectUrisNotEditable => {
            "this client manages its own redirect URIs".to_owned()
        }
        StateConflict::TooManyRedirectUris { maximum } => {
            format!("a client can have at most {maximum} redirect URIs")
        }
        StateConflict::SigningKeys(fault) => signing_keys(fault),
        StateConflict::OtherIssuer { configured, named } => {
            format!(
                "the configured issuer is {configured}, not {named:?}; change the configuration first"
            )
        }
    }
}

fn unfinished_operation(unfinished: &UnfinishedOperation) -> String {
    match unfinished {
        UnfinishedOperation::PasswordSet(email) => format!(
            "{email} has the new password and was signed out everywhere, but some applications could not be disconnected; \
             set the password again"
        ),
        UnfinishedOperation::StaysDisabled(email) => format!(
            "{email} is still disabled, because some of its earlier connections could not be removed; try again"
        ),
        UnfinishedOperation::NotRemoved(email) => {
            format!("{email} was disabled, but could not be removed; try again")
        }
    }
}

fn signing_keys(fault: &SigningKeyFault) -> String {
    match fault {
        SigningKeyFault::OtherSealingKey {
            sealed_under,
            given,
        } => format!(
            "the signing keys are encrypted with the sealing key {sealed_under}, but the configured one is {given}"
        ),
        SigningKeyFault::Damaged => {
            "the encrypted signing keys are damaged or were changed without the sealing key"
                .to_owned()
        }
        SigningKeyFault::NotMade => "the signing keys could not be encrypted".to_owned(),
        SigningKeyFault::TooEarly { from } => format!(
            "MCP servers that check JWTs may not have the next keys before {}; rotate after that, or use \"vestibule key \
             rotate --urgent\" to rotate now",
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
            "the password must have at least 12 characters"
        );
        let exists = StateConflict::AccountExists("ada@example.com".to_owned());
        let text = administration_error_text(&exists.into());
        assert!(
            text.contains("\"account password\"") && text.contains("\"account reset\""),
            "{text}"
        );
        let differs = StateConflict::ClientDiffers("app".to_owned());
        let text = administration_error_text(&differs.into());
        assert!(text.contains("use \"client set\""), "{text}");
    }
}
