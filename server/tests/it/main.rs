//! The front door, knocked at by people's browsers and MCP clients: every test drives the real router, with the clock moved
//! by hand, on both engines. Letters with numbers name rows of docs/SECURITY.md and docs/CONFORMANCE.md.

mod support;

mod authorize;
mod code;
mod consent;
mod faults;
mod hostile;
mod metadata;
mod pages;
mod people;
mod pkce;
mod real_client;
mod refresh;
mod registration;
mod story;
mod token_endpoint;
mod tokens;
