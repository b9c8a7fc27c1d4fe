//! The pages of Vestibule.
//!
//! Pages are rendered in the server and work without script ([`App`], [`shell`], feature `ssr`).
//! Only the passkey buttons run in the browser ([`islands`], feature `hydrate`), because only
//! script reaches its credential API. Islands and plain forms call the server functions in the
//! `actions` module of each feature.
//!
//! A feature is a directory with its page, its server functions and its texts. [`pages`] lists all
//! pages with their paths.

#![cfg_attr(
    feature = "ssr",
    expect(
        unreachable_pub,
        reason = "the component macro makes public what is public to this crate alone"
    )
)]
#![cfg_attr(
    feature = "ssr",
    deny(
        dead_code,
        reason = "a page that is in no row of the table is an error"
    )
)]

pub mod islands;
pub mod messages;
pub mod model;

#[cfg(feature = "ssr")]
pub mod actions;
#[cfg(feature = "ssr")]
mod brand;
#[cfg(feature = "ssr")]
mod clean;
#[cfg(feature = "ssr")]
mod components;
#[cfg(feature = "ssr")]
pub mod context;
#[cfg(feature = "ssr")]
pub mod cookies;
#[cfg(feature = "ssr")]
mod document;
#[cfg(feature = "ssr")]
pub mod error_page;
#[cfg(feature = "ssr")]
mod flash;
#[cfg(feature = "ssr")]
mod page;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
pub mod recipes;
#[cfg(feature = "ssr")]
mod time_format;

/// Passkey ceremonies.
pub mod passkeys {
    pub mod actions;
    #[cfg(feature = "ssr")]
    pub(crate) mod ceremonies;
}

/// Signing in and out.
pub mod login {
    pub mod actions;
    #[cfg(feature = "ssr")]
    pub(crate) mod arrival;
    #[cfg(feature = "ssr")]
    pub(crate) mod messages;
    #[cfg(feature = "ssr")]
    pub(crate) mod page;
}

/// Showing a credential again.
#[cfg(feature = "ssr")]
mod confirm {
    pub(crate) mod messages;
    pub(crate) mod page;
}

/// Recovery codes: signing in with one, and new ones.
#[cfg(feature = "ssr")]
mod recovery {
    pub(crate) mod codes;
    pub(crate) mod messages;
    pub(crate) mod page;
}

/// One-time links to an account.
pub mod enrolment {
    pub mod actions;
    #[cfg(feature = "ssr")]
    pub(crate) mod messages;
    #[cfg(feature = "ssr")]
    pub(crate) mod page;
}

/// Creating an account without a link.
#[cfg(feature = "ssr")]
mod sign_up {
    pub(crate) mod messages;
    pub(crate) mod page;
}

/// The offer of a passkey after a sign-in without one.
#[cfg(feature = "ssr")]
mod passkey_offer {
    pub(crate) mod messages;
    pub(crate) mod page;
}

/// The decision about an authorization request.
pub mod consent {
    pub mod actions;
    #[cfg(feature = "ssr")]
    pub(crate) mod messages;
    #[cfg(feature = "ssr")]
    pub(crate) mod page;
}

/// The page of the signed-in user.
pub mod account {
    pub mod actions;
    #[cfg(feature = "ssr")]
    mod activity;
    #[cfg(feature = "ssr")]
    mod answer;
    pub mod connection_actions;
    #[cfg(feature = "ssr")]
    mod connections;
    #[cfg(feature = "ssr")]
    mod email;
    #[cfg(feature = "ssr")]
    pub(crate) mod messages;
    #[cfg(feature = "ssr")]
    mod name;
    #[cfg(feature = "ssr")]
    pub(crate) mod page;
    #[cfg(feature = "ssr")]
    mod passkeys;
    #[cfg(feature = "ssr")]
    mod password;
    #[cfg(feature = "ssr")]
    mod recovery;
    #[cfg(feature = "ssr")]
    mod sessions;
    #[cfg(all(test, feature = "ssr"))]
    mod tests;
}

/// The pages for administrators.
pub mod admin {
    pub mod actions;
    #[cfg(feature = "ssr")]
    pub(crate) mod context;
    #[cfg(feature = "ssr")]
    pub(crate) mod flash;
    #[cfg(feature = "ssr")]
    pub(crate) mod messages;
    #[cfg(feature = "ssr")]
    pub(crate) mod pagination;
    #[cfg(feature = "ssr")]
    pub(crate) mod parts;
    #[cfg(feature = "ssr")]
    pub(crate) mod resource_guide;
    #[cfg(feature = "ssr")]
    mod sections;
    #[cfg(all(test, feature = "ssr"))]
    mod tests;

    #[cfg(feature = "ssr")]
    pub(crate) mod accounts {
        pub(crate) mod messages;
        pub(crate) mod page;
    }
    #[cfg(feature = "ssr")]
    pub(crate) mod applications {
        pub(crate) mod forms;
        pub(crate) mod messages;
        pub(crate) mod page;
    }
    #[cfg(feature = "ssr")]
    pub(crate) mod audit {
        pub(crate) mod filter;
        pub(crate) mod messages;
        pub(crate) mod page;
    }
    #[cfg(feature = "ssr")]
    pub(crate) mod failures {
        mod difference;
        pub(crate) mod messages;
        pub(crate) mod page;
    }
    #[cfg(feature = "ssr")]
    pub(crate) mod keys {
        pub(crate) mod messages;
        pub(crate) mod page;
    }
    #[cfg(feature = "ssr")]
    pub(crate) mod resources {
        pub(crate) mod messages;
        pub(crate) mod page;
    }
}

#[cfg(feature = "ssr")]
pub use admin::audit::filter::audit_filter;
#[cfg(feature = "ssr")]
pub use admin::messages::errors::administration_error_text;
#[cfg(feature = "ssr")]
pub use brand::Brand;
#[cfg(feature = "ssr")]
pub use document::{App, problem_response, render_problem, shell};
#[cfg(feature = "ssr")]
pub use error_page::ErrorPage;

/// Where the server gives the whole audit log to programs; the page of the log links to it.
#[cfg(feature = "ssr")]
pub const AUDIT_EXPORT: &str = "/admin/audit.jsonl";
/// Where the server gives a recipe as plain text; the page of the resources links to it.
#[cfg(feature = "ssr")]
pub const RECIPE: &str = "/admin/resources/recipe";
