//! A call, as far as rules look at it.

/// What a method acts on, in the member of `params` that has the name of it (SEP-2243 for the
/// first three lines; the tasks extension for the last).
const NAMED_BY: [(&str, &[&str]); 3] = [
    ("name", &["tools/call", "prompts/get"]),
    (
        "uri",
        &[
            "resources/read",
            "resources/subscribe",
            "resources/unsubscribe",
        ],
    ),
    ("taskId", &["tasks/get", "tasks/update", "tasks/cancel"]),
];

/// A call of an MCP server: its JSON-RPC method, and the name of the tool or prompt, or the URI of
/// the resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RpcCall {
    /// The method, such as `tools/call`.
    pub method: String,
    /// The name, of a method that has one.
    pub name: Option<String>,
}

/// The member of `params` that names what this method acts on. `None` of a method without.
pub(crate) fn name_member(method: &str) -> Option<&'static str> {
    let mut members = NAMED_BY.iter();
    let found = members.find(|(_, methods)| methods.contains(&method));
    found.map(|(member, _)| *member)
}
