//! The provider through its front door: real stores, a clock moved by hand, chance that repeats.

mod administration;
mod authenticator;
mod connections;
mod faulty;
mod house;
mod invitations;
mod passkeys;
mod passwords;
mod sessions;
