//! The front door, knocked at by people's browsers and MCP clients: every test drives the real
//! router, with the clock moved by hand, on both engines. Letters with numbers name rows of
//! docs/SECURITY.md and docs/CONFORMANCE.md.

mod support;

mod account;
mod addresses;
mod administration;
mod assertions;
mod authorize;
mod branding;
mod code;
mod commands;
mod conformance;
mod consent;
mod cookies;
mod damage;
mod disconnecting;
mod documents;
mod earlier_release;
mod emails;
mod failover;
mod failures;
mod faults;
mod guessing;
mod hostile;
mod hosts;
mod introspection;
mod key_rotation;
mod key_sets;
mod lapsing;
mod management;
mod metadata;
mod names;
pub(crate) mod operator;
mod pages;
mod people;
mod pkce;
mod prompt;
mod published_documents;
mod real_client;
mod refresh;
mod registration;
mod registrations_of_real_clients;
mod remembered;
mod repeats;
mod replay;
mod resources;
mod revocation;
mod scopes;
mod settings;
mod stages;
mod step_up;
mod story;
mod token_endpoint;
mod tokens;
