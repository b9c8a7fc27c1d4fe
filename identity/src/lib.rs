//! The rules about users: every decision about accounts, sessions, one-time links, recovery codes,
//! roles, sign-up and rate limits as a pure function.
//!
//! Nothing here does input or output, reads a clock or draws a random number. Stored state,
//! request, time and new secrets are arguments; the next state and the answer are returned. A
//! refusal changes nothing, so the next state is inside the `Ok` of a transition:
//! `Result<(Account, Answer), Refusal>`. The caller stores it by compare-and-swap against the state
//! from which the transition started, and repeats the transition if another writer was faster.

pub mod account;
pub mod attempt;
pub mod audit_chain;
pub mod deceptive;
pub mod display_name;
pub mod email;
pub mod enrolment;
pub mod first_account;
pub mod known_browser;
pub mod link;
pub mod password;
pub mod rate_limit;
pub mod recovery;
pub mod rights;
pub mod role;
pub mod session;
pub mod session_epoch;
pub mod sign_up;

pub use account::{Account, AccountFields, Passkey};
pub use display_name::DisplayName;
pub use email::Email;
pub use enrolment::EnrolmentTarget;
pub use first_account::FirstAccount;
pub use link::{CurrentLink, LinkTarget, OneTimeLink, Purpose};
pub use password::{NewPassword, PasswordError};
pub use rate_limit::RateLimit;
pub use recovery::RecoveryCodes;
pub use rights::Rights;
pub use role::Role;
pub use session::{Session, SignInMethod};
pub use session_epoch::SessionEpoch;
pub use sign_up::SignUpPolicy;
