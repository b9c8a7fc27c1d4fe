//! The provider through its front door: real stores, a clock moved by hand, random bytes that repeat.

mod addresses;
mod administration;
mod audit;
mod audit_batches;
mod backup;
mod blocked;
mod chain;
mod connections;
mod credentials;
mod failures;
mod identity;
mod invitations;
mod passkeys;
mod passwords;
mod recovery;
mod resets;
mod secrets;
mod sessions;
mod sign_up;
mod sort_orders;
mod sorted_clients;
mod sorted_lists;
mod versions;
