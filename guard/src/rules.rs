//! The rules of a resource.

use crate::{BodyFault, LabelFault, Labels, Needed, RpcCall, Rule, body, labels::Labelled};

/// What happens to a request whose headers do not say what it calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unlabelled {
    /// It is refused.
    #[default]
    Refuse,
    /// It needs the scopes of all rules: a client buys nothing by leaving the headers out.
    AllScopes,
}

impl Unlabelled {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Refuse, Self::AllScopes];

    /// Its name in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::AllScopes => "all-scopes",
        }
    }
}

/// The rules of a resource: which scopes which calls need. The scopes of all rules that match a call
/// are needed together. A resource without rules needs a valid token alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    rules: Vec<Rule>,
    unlabelled: Unlabelled,
}

impl Rules {
    /// Rules in the order in which their scopes are named.
    pub fn new(rules: Vec<Rule>, unlabelled: Unlabelled) -> Self {
        Self { rules, unlabelled }
    }

    /// Whether there are none, so that nothing of a call has to be known.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The scopes of all rules.
    pub fn all(&self) -> Needed<'_> {
        self.rules.iter().flat_map(Rule::scopes).collect()
    }

    /// The scopes that calls need together.
    pub fn needed_by(&self, calls: &[RpcCall]) -> Needed<'_> {
        let is_needed = |rule: &&Rule| calls.iter().any(|call| rule.matches(call));
        let rules = self.rules.iter().filter(is_needed);
        rules.flat_map(Rule::scopes).collect()
    }

    /// The scopes that a request needs by its headers, for those who do not see its body. Event
    /// streams and the ends of sessions need none. The server behind has to refuse a call whose
    /// headers and body differ (SEP-2243).
    pub fn needed_by_headers(&self, labels: &Labels<'_>) -> Result<Needed<'_>, LabelFault> {
        if self.is_empty() {
            return Ok(Needed::default());
        }
        match (labels.read()?, self.unlabelled) {
            (Labelled::NoCall, _) => Ok(Needed::default()),
            (Labelled::Calls(calls), _) => Ok(self.needed_by(&calls)),
            (Labelled::Unknown, Unlabelled::AllScopes) => Ok(self.all()),
            (Labelled::Unknown, Unlabelled::Refuse) => Err(LabelFault::Missing),
        }
    }

    /// The scopes that a request needs by its body, which is a message of JSON-RPC 2.0 or a list of
    /// them. Responses need none. Without rules, the body is not read.
    pub fn needed_by_body(&self, body: &[u8]) -> Result<Needed<'_>, BodyFault> {
        if self.is_empty() {
            return Ok(Needed::default());
        }
        Ok(self.needed_by(&body::calls(body)?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn rules(unlabelled: Unlabelled) -> Rules {
        let rule = |method, name, scope| Rule::new(method, name, scope).expect("a rule");
        Rules::new(
            vec![
                rule(Some("tools/call"), Some("add_*"), "write"),
                rule(Some("tools/call"), Some("*_all"), "admin write"),
                rule(Some("resources/read"), None, "read"),
            ],
            unlabelled,
        )
    }

    fn body(method: &str, name: &str) -> String {
        let params = json!({"name": name, "uri": name});
        json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string()
    }

    fn labels<'a>(method: &'a str, name: &'a str) -> Labels<'a> {
        Labels {
            verb: "POST",
            version: vec![b"2026-07-28"],
            method: vec![method.as_bytes()],
            name: vec![name.as_bytes()],
        }
    }

    #[test]
    fn all_matching_rules_count_in_their_order_and_each_scope_once() {
        let rules = rules(Unlabelled::Refuse);
        for (method, name, needed) in [
            ("tools/call", "add_note", &["write"][..]),
            ("tools/call", "drop_all", &["admin", "write"]),
            ("tools/call", "add_all", &["write", "admin"]),
            ("tools/call", "whoami", &[]),
            ("resources/read", "file:///x", &["read"]),
            ("prompts/get", "add_note", &[]),
            ("ping", "add_note", &[]),
        ] {
            let by_body = rules.needed_by_body(body(method, name).as_bytes());
            assert_eq!(by_body.expect("a call").scopes(), needed);
            let by_headers = rules.needed_by_headers(&labels(method, name));
            assert_eq!(by_headers.expect("labels").scopes(), needed);
        }
        assert_eq!(rules.all().scopes(), ["write", "admin", "read"]);
        let batch = format!(
            "[{},{}]",
            body("resources/read", "x"),
            body("tools/call", "add_x")
        );
        let needed = rules.needed_by_body(batch.as_bytes()).expect("a batch");
        assert_eq!(needed.scopes(), ["write", "read"]);
        assert!(needed.is_met_by("read x write") && needed.is_met_by("write read"));
        assert!(
            !needed.is_met_by("write") && !needed.is_met_by("") && !needed.is_met_by("writeread")
        );
        assert!(Needed::default().is_met_by(""));
    }

    #[test]
    fn leaving_the_labels_out_buys_nothing() {
        let unlabelled = Labels {
            verb: "POST",
            ..Labels::default()
        };
        let old = Labels {
            version: vec![b"2025-11-25"],
            ..labels("ping", "x")
        };
        for labels in [unlabelled, old] {
            let needed = rules(Unlabelled::Refuse).needed_by_headers(&labels).err();
            assert_eq!(needed, Some(LabelFault::Missing));
            let rules = rules(Unlabelled::AllScopes);
            assert_eq!(rules.needed_by_headers(&labels), Ok(rules.all()));
        }
        // Malformed ones are refused either way.
        let rules = rules(Unlabelled::AllScopes);
        let malformed = labels("tools/call", "=?base64?!?=");
        assert_eq!(
            rules.needed_by_headers(&malformed),
            Err(LabelFault::Malformed)
        );
        let joined = labels("tools/call", "whoami, add_note");
        let needed = rules.needed_by_headers(&joined).expect("labels");
        assert_eq!(needed.scopes(), ["write"]);
        let stream = Labels {
            verb: "GET",
            ..Labels::default()
        };
        assert_eq!(rules.needed_by_headers(&stream), Ok(Needed::default()));
    }

    #[test]
    fn without_rules_nothing_is_read() {
        let rules = Rules::default();
        assert!(rules.is_empty() && rules.all().scopes().is_empty());
        assert_eq!(rules.needed_by_body(b"{"), Ok(Needed::default()));
        let twice = Labels {
            verb: "POST",
            method: vec![b"a", b"b"],
            ..Labels::default()
        };
        assert_eq!(rules.needed_by_headers(&twice), Ok(Needed::default()));
        assert_eq!(
            Unlabelled::ALL.map(Unlabelled::as_str),
            ["refuse", "all-scopes"]
        );
    }

    proptest! {
        #[test]
        fn headers_that_mirror_the_body_need_what_the_body_needs(
            method in "tools/call|prompts/get|resources/read", name in "[a-d_]{0,3}(add_|_all)[a-d]{0,2}"
        ) {
            let rules = rules(Unlabelled::Refuse);
            let by_body = rules.needed_by_body(body(&method, &name).as_bytes());
            let by_headers = rules.needed_by_headers(&labels(&method, &name));
            prop_assert_eq!(by_body.expect("a call"), by_headers.expect("labels"));
        }

        #[test]
        fn a_batch_needs_what_its_messages_need(names in prop::collection::vec("[a-c]?(add_|_all)?", 1..6)) {
            let rules = rules(Unlabelled::Refuse);
            let bodies: Vec<_> = names.iter().map(|name| body("tools/call", name)).collect();
            let batch = format!("[{}]", bodies.join(","));
            let needed = rules.needed_by_body(batch.as_bytes()).expect("a batch");
            for body in &bodies {
                let one = rules.needed_by_body(body.as_bytes()).expect("a call");
                prop_assert!(one.scopes().iter().all(|scope| needed.scopes().contains(scope)));
            }
        }
    }
}
