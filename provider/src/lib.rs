//! The operations of Vestibule: the authorization server without HTTP and HTML.
//!
//! Each operation reads as a numbered list: read the store, call a rule, store the result in one
//! atomic step, answer. `server` and `app` are HTTP and HTML for [`Provider`].

mod accounts;
mod administration;
mod audit;
mod authorization;
mod background;
pub mod backup;
mod browser_context;
mod clients;
mod connections;
mod context;
mod environment;
mod failures;
mod fetch_fault;
mod grants;
mod introspection_response;
mod key_ring;
mod limits;
mod presence;
mod provider;
mod readiness;
mod records;
mod repeats;
mod request;
mod settings;
mod state;
mod step_error;
mod store_identity;
mod token_response;
mod tokens;
mod unavailable;
mod values;

pub use accounts::{
    AccountCredentials, AccountError, AccountView, Busy, Ceremony, EnrolError, Enrolment,
    EnrolmentSource, Invitation, PasskeyView, RemainingCodes, SessionView, Sessions, SignIn,
    SignInError, SignedIn, SignedInUser,
};
pub use administration::{
    AccountAdministration, AccountSummary, AddedAccount, AddedClient, AdminCommand, AdminReply,
    Administration, AdministrationError, ChangedClient, ClientAdministration, ClientChanges,
    ClientKind, ClientProof, ClientSummary, InvalidInput, MissingTarget, NewAccount, NewClient,
    NotAdministrator, SigningKeyFault, StateConflict, UnfinishedOperation,
};
pub use audit::{AuditFilter, AuditLog, AuditPage, AuditReport};
pub use authorization::{
    Authorization, AuthorizeError, AuthorizeOutcome, ConsentError, ConsentView, Identity, NextStep,
    Permission, Problem, ProblemKind, RequestError, RequestView,
};
pub use browser_context::{BrowserContext, BrowserState, BrowserUpdate};
pub use clients::{BlockedHosts, ClientRegistry, FailureView, RegisterError};
pub use connections::{
    AccountOverview, ConnectedClient, ConnectedClients, Connection, Connections, LastUseView,
    ReplayedConnection,
};
pub use environment::{Clock, Entropy, Environment, Names, Web};
pub use identity::{
    PasswordError, Purpose, Role, SignInMethod, SignUpPolicy,
    deceptive::is_deceptive_char,
    email::{domain_in_ascii, domain_in_unicode, has_local_domain},
    password::MIN_PASSWORD_LENGTH,
};
pub use introspection_response::{ActiveToken, Introspection};
pub use key_ring::{KeySummary, OpenError, SigningKeyState, SigningKeys, opens_key_ring};
pub use presence::Presence;
pub use provider::Provider;
pub use records::{Listing, PageRequest, SortOrder, SortedPage};
pub use repeats::{ClaimResult, PostAnswer, PostClaim, RepeatedPosts};
pub use request::RequestId;
pub use settings::{DEMONSTRATION, Lifetimes, LinkPages, RegistrationPolicy, Settings};
pub use state::{
    BlockedHost, Decision, StoreIdentity,
    audit::{
        AccountName, Actor, AuditAction, AuditEntry, Category, ClientName, Event, RequestSource,
        UnknownAction,
    },
    failure::{
        Attempt, FailedRequest, FailedStep, FailureKind, RequestedParameters, RequestedText,
        Standing as ClientStanding,
    },
};
pub use step_error::{LocalFault, StepError, TokenError};
pub use store_identity::{IssuerChange, IssuerRecord, IssuerReport, is_in_use, recorded_issuer};
pub use token_response::TokenResponse;
pub use tokens::{TokenEndpoint, Vouched};
pub use unavailable::Unavailable;
