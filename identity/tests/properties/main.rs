//! What holds for every account and every sequence of transitions, not only for those that someone
//! thought of.

mod accounts;
mod limits;
mod links;
mod sessions;

use identity::{Account, Email, NewPassword, Passkey, Role};
use primitives::{Digest, Id, Timestamp};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const ADA: Id = Id::new([1; 16]);

/// A passkey; a number stands for what verifies it.
fn passkey(number: u8) -> Passkey<u8> {
    Passkey {
        id: passkey_id(number),
        name: format!("Passkey {number}"),
        created_at: NOW,
        last_used_at: None,
        key: number,
    }
}

fn passkey_id(number: u8) -> Digest {
    Digest::of(&[number])
}

fn password(number: u8, is_long: bool) -> NewPassword {
    NewPassword {
        hash: format!("hash {number}"),
        is_long,
    }
}

fn email(text: &str) -> Email {
    Email::parse(text).expect("an address")
}

/// An account that waits for its user.
fn pending(role: Role) -> Account<u8> {
    Account::new(ADA, &email("ada@example.com"), role, NOW)
}

/// An account with a password.
fn with_password(role: Role, is_long: bool) -> Account<u8> {
    pending(role).given_password(password(0, is_long), NOW)
}
