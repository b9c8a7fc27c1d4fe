//! One rule of a resource.

use primitives::faults;

use crate::{Glob, RpcCall, call::name_member};

/// The longest method in bytes.
const LONGEST_METHOD: usize = 128;

/// A rule: calls that match it need its scopes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    method: Option<String>,
    name: Option<Glob>,
    scopes: Vec<String>,
}

faults! {
    /// Why a rule is not accepted.
    RuleFault {
        Empty: "method or name is required",
        Method: "the method is not a JSON-RPC method such as tools/call",
        NamelessMethod: "calls of this method have no name that a rule can check",
        Name: "the name must be a pattern of 1 to 256 characters, in which * stands for any characters",
        Scope: "the scope is empty",
    }
}

impl Rule {
    /// A rule for calls of this method (exact) and with a name that fits this pattern; one of the
    /// two can be absent, and then counts for every call that has the other. `scope` is one scope or
    /// several, separated by spaces.
    pub fn new(method: Option<&str>, name: Option<&str>, scope: &str) -> Result<Self, RuleFault> {
        check(method, name)?;
        let glob = name.map(|name| Glob::parse(name).ok_or(RuleFault::Name));
        let scopes: Vec<_> = words(scope).map(str::to_owned).collect();
        if scopes.is_empty() {
            return Err(RuleFault::Scope);
        }
        Ok(Self {
            method: method.map(str::to_owned),
            name: glob.transpose()?,
            scopes,
        })
    }

    /// The scopes that matching calls need, in their order.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scopes.iter().map(String::as_str)
    }

    /// Whether a call needs the scopes of this rule.
    pub fn matches(&self, call: &RpcCall) -> bool {
        let is_method = |method: &String| *method == call.method;
        let fits = |glob: &Glob| call.name.as_deref().is_some_and(|name| glob.matches(name));
        self.method.as_ref().is_none_or(is_method) && self.name.as_ref().is_none_or(fits)
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(' ').filter(|word| !word.is_empty())
}

/// Whether a text can be a method: visible ASCII without a comma, by which proxies join headers.
pub(crate) fn is_method(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b",*".contains(&byte);
    (1..=LONGEST_METHOD).contains(&text.len()) && text.bytes().all(is_plain)
}

/// A rule has a method or a name, and a method whose calls have names if it has both.
fn check(method: Option<&str>, name: Option<&str>) -> Result<(), RuleFault> {
    let Some(method) = method else {
        return name.map(drop).ok_or(RuleFault::Empty);
    };
    if !is_method(method) {
        return Err(RuleFault::Method);
    }
    if name.is_some() && name_member(method).is_none() {
        return Err(RuleFault::NamelessMethod);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_says_what_it_is_about() {
        let refused = |method, name, scope| Rule::new(method, name, scope).err();
        let tools = Some("tools/call");
        for (fault, expected) in [
            (refused(None, None, "a"), RuleFault::Empty),
            (refused(Some(""), None, "a"), RuleFault::Method),
            (refused(Some("tools/*"), None, "a"), RuleFault::Method),
            (refused(Some("a b"), None, "a"), RuleFault::Method),
            (refused(Some("a,b"), None, "a"), RuleFault::Method),
            (
                refused(Some("tools/list"), Some("x"), "a"),
                RuleFault::NamelessMethod,
            ),
            (refused(tools, Some("a**"), "a"), RuleFault::Name),
            (refused(tools, Some(""), "a"), RuleFault::Name),
            (refused(tools, None, ""), RuleFault::Scope),
            (refused(tools, None, "  "), RuleFault::Scope),
        ] {
            assert_eq!(fault, Some(expected));
        }
    }

    #[test]
    fn a_rule_matches_method_and_name() {
        let call = |method: &str, name: Option<&str>| RpcCall {
            method: method.to_owned(),
            name: name.map(str::to_owned),
        };
        let rule = |method, name| Rule::new(method, name, "a  b").expect("a rule");
        let both = rule(Some("tools/call"), Some("add_*"));
        assert!(both.scopes().eq(["a", "b"]));
        assert!(both.matches(&call("tools/call", Some("add_note"))));
        assert!(!both.matches(&call("prompts/get", Some("add_note"))));
        assert!(!both.matches(&call("tools/call", Some("whoami"))));
        assert!(!both.matches(&call("tools/call", None)));
        let by_method = rule(Some("tools/list"), None);
        assert!(by_method.matches(&call("tools/list", None)));
        assert!(!by_method.matches(&call("Tools/list", None)));
        let by_name = rule(None, Some("add_*"));
        assert!(by_name.matches(&call("prompts/get", Some("add_note"))));
        assert!(!by_name.matches(&call("tools/list", None)));
    }
}
