//! Which scopes a call of a protected MCP server needs: the rules of a resource, judged by the
//! headers that mirror the call (SEP-2243) or by its body (JSON-RPC 2.0).
//!
//! Who sees the body judges the body, whatever the headers say: [`Rules::needed_by_body`]. Who sees
//! the headers alone uses [`Rules::needed_by_headers`], in front of a server that refuses a call
//! whose headers and body differ. Servers do so from the revision 2026-07-28 on, and only for
//! requests that name it, so labels count in those requests alone.
//!
//! ```
//! use guard::{Labels, Rule, Rules, Unlabelled};
//!
//! let rule = Rule::new(Some("tools/call"), Some("add_*"), "notes:write").expect("a rule");
//! let rules = Rules::new(vec![rule], Unlabelled::Refuse);
//! let body = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add_note"}}"#;
//! let needed = rules.needed_by_body(body).expect("JSON-RPC");
//! assert_eq!(needed.scopes(), ["notes:write"]);
//! assert!(!needed.is_met_by("notes:read"));
//!
//! let labels = Labels {
//!     verb: "POST",
//!     version: vec![b"2026-07-28"],
//!     method: vec![b"tools/call"],
//!     name: vec![b"list_notes"],
//! };
//! assert!(rules.needed_by_headers(&labels).expect("labels").scopes().is_empty());
//! ```

mod body;
mod call;
mod glob;
mod labels;
mod needed;
mod rule;
mod rules;

pub use body::BodyFault;
pub use call::RpcCall;
pub use glob::Glob;
pub use labels::{LabelFault, Labels, MCP_METHOD, MCP_NAME, MCP_PROTOCOL_VERSION};
pub use needed::Needed;
pub use rule::{Rule, RuleFault};
pub use rules::{Rules, Unlabelled};
