//! The body of a call (JSON-RPC 2.0).

use std::fmt;

use primitives::faults;
use serde::{
    Deserialize,
    de::{Deserializer, IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::{RpcCall, call::name_member};

/// The most messages of a batch.
const LARGEST_BATCH: usize = 100;

/// The members that decide what is called. Each is there once, in this spelling: some parsers take
/// the first of two, some the last, and some ignore case.
const TELLING: [&str; 8] = [
    "jsonrpc", "method", "params", "result", "error", "name", "uri", "taskId",
];

faults! {
    /// Why a body does not say what it calls.
    BodyFault {
        NotJson: "the body is not JSON",
        NotAMessage: "the body is not a JSON-RPC 2.0 message or a list of up to 100 messages",
        Ambiguous: "a message has a duplicate or misspelled member",
        NoName: "the params of a call do not contain its name",
    }
}

impl BodyFault {
    /// The code of the error of JSON-RPC 2.0 (section 5.1).
    pub const fn code(self) -> i32 {
        match self {
            Self::NotJson => -32700,
            Self::NotAMessage | Self::Ambiguous => -32600,
            Self::NoName => -32602,
        }
    }

    /// A response of JSON-RPC that says so, for a request whose id cannot be read.
    pub fn response(self) -> String {
        let error = serde_json::json!({ "code": self.code(), "message": self.words() });
        serde_json::json!({ "jsonrpc": "2.0", "id": null, "error": error }).to_string()
    }
}

/// The calls of a body: none in a response, several in a batch.
pub(crate) fn calls(body: &[u8]) -> Result<Vec<RpcCall>, BodyFault> {
    let body: &RawValue = serde_json::from_slice(body).map_err(|_| BodyFault::NotJson)?;
    if !body.get().starts_with('[') {
        return Ok(message(body)?.into_iter().collect());
    }
    let messages: Vec<&RawValue> = read(body)?;
    if !(1..=LARGEST_BATCH).contains(&messages.len()) {
        return Err(BodyFault::NotAMessage);
    }
    let calls: Result<Vec<_>, _> = messages.into_iter().map(message).collect();
    Ok(calls?.into_iter().flatten().collect())
}

/// The call of one message, a request or a notification. `None` of a response.
fn message(message: &RawValue) -> Result<Option<RpcCall>, BodyFault> {
    let message = Members::read(message)?;
    if message.text("jsonrpc")?.as_deref() != Some("2.0") {
        return Err(BodyFault::NotAMessage);
    }
    let Some(method) = message.text("method")? else {
        let is_response = ["result", "error"].map(|name| message.raw(name).is_some());
        return match is_response {
            [false, false] => Err(BodyFault::NotAMessage),
            _ => Ok(None),
        };
    };
    let Some(member) = name_member(&method) else {
        return Ok(Some(RpcCall { method, name: None }));
    };
    let params = message.raw("params").ok_or(BodyFault::NoName)?;
    let name = Members::read(params)?.text(member)?;
    let name = Some(name.ok_or(BodyFault::NoName)?);
    Ok(Some(RpcCall { method, name }))
}

fn read<'a, T: Deserialize<'a>>(value: &'a RawValue) -> Result<T, BodyFault> {
    serde_json::from_str(value.get()).map_err(|_| BodyFault::NotAMessage)
}

/// The telling members of an object, each as it was written. Others, such as the arguments of a
/// tool, are skipped unread.
struct Members<'a>(Vec<Member<'a>>);

struct Member<'a> {
    name: String,
    value: &'a RawValue,
}

impl<'a> Members<'a> {
    fn read(object: &'a RawValue) -> Result<Self, BodyFault> {
        let members: Self = read(object)?;
        let is_exact = |member: &Member<'_>| TELLING.contains(&member.name.as_str());
        let is_once = |member: &Member<'_>| {
            let mut others = members.0.iter().filter(|other| other.name == member.name);
            others.nth(1).is_none()
        };
        // The first check bounds the second, which compares each member with all.
        let is_clear = members.0.len() <= TELLING.len()
            && members
                .0
                .iter()
                .all(|member| is_exact(member) && is_once(member));
        is_clear.then_some(members).ok_or(BodyFault::Ambiguous)
    }

    fn raw(&self, name: &str) -> Option<&'a RawValue> {
        let mut members = self.0.iter();
        let found = members.find(|member| member.name == name);
        found.map(|member| member.value)
    }

    /// A member that has to be a text where it is there.
    fn text(&self, name: &str) -> Result<Option<String>, BodyFault> {
        self.raw(name).map(read).transpose()
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if is_telling(&name) {
                let value = map.next_value()?;
                members.push(Member { name, value });
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Members(members))
    }
}

/// Whether a parser that ignores case takes it for a telling member.
fn is_telling(name: &str) -> bool {
    let longest = 16;
    name.len() <= longest && {
        let folded = folded(name);
        TELLING
            .iter()
            .any(|telling| folded == telling.to_lowercase())
    }
}

/// A name without case, also of letters beyond ASCII that fold to ASCII, as Go compares names.
fn folded(name: &str) -> String {
    name.chars()
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn call(method: &str, name: Option<&str>) -> RpcCall {
        RpcCall {
            method: method.to_owned(),
            name: name.map(str::to_owned),
        }
    }

    fn of(body: &Value) -> Result<Vec<RpcCall>, BodyFault> {
        calls(body.to_string().as_bytes())
    }

    #[test]
    fn a_request_names_its_call() {
        for (method, params, name) in [
            (
                "tools/call",
                json!({"name": "add", "arguments": {"name": 1}}),
                Some("add"),
            ),
            ("prompts/get", json!({"uri": 3, "name": "p"}), Some("p")),
            (
                "resources/read",
                json!({"uri": "file:///x"}),
                Some("file:///x"),
            ),
            ("resources/subscribe", json!({"uri": "u"}), Some("u")),
            ("tasks/cancel", json!({"taskId": "t"}), Some("t")),
            ("tools/list", json!({"name": "x"}), None),
            ("notifications/cancelled", json!({}), None),
        ] {
            let body = json!({"jsonrpc": "2.0", "params": params, "id": 1, "method": method});
            assert_eq!(of(&body), Ok(vec![call(method, name)]));
        }
        let without = json!({"jsonrpc": "2.0", "method": "ping", "id": "x"});
        assert_eq!(of(&without), Ok(vec![call("ping", None)]));
        let escaped =
            br#" {"jsonrpc":"2.0","\u006dethod":"tools\/call","params":{"n\u0061me":"\u0061"}} "#;
        assert_eq!(calls(escaped), Ok(vec![call("tools/call", Some("a"))]));
    }

    #[test]
    fn responses_call_nothing_and_batches_all_they_hold() {
        let result = json!({"jsonrpc": "2.0", "id": 1, "result": {"method": "tools/call"}});
        assert_eq!(of(&result), Ok(Vec::new()));
        let error = json!({"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "x"}});
        assert_eq!(of(&error), Ok(Vec::new()));
        let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
        let both = json!({"jsonrpc": "2.0", "id": 1, "method": "ping", "result": 1});
        assert_eq!(
            of(&json!([ping, result, both])),
            Ok(vec![call("ping", None), call("ping", None)])
        );
        assert_eq!(of(&json!([])), Err(BodyFault::NotAMessage));
        assert_eq!(of(&json!([[ping]])), Err(BodyFault::NotAMessage));
        assert_eq!(of(&json!([ping, 1])), Err(BodyFault::NotAMessage));
        let many = |count| Value::Array(vec![ping.clone(); count]);
        assert_eq!(of(&many(100)).map(|calls| calls.len()), Ok(100));
        assert_eq!(of(&many(101)), Err(BodyFault::NotAMessage));
    }

    #[test]
    fn what_parsers_read_differently_is_refused() {
        let with = |member: &str| {
            let rest = r#""id":1,"method":"tools/call","params":{"name":"a"}"#;
            calls(format!(r#"{{"jsonrpc":"2.0",{member},{rest}}}"#).as_bytes())
        };
        for member in [
            r#""method":"ping""#,
            r#""method":"tools/call""#,
            r#""m\u0065thod":"ping""#,
            r#""Method":"ping""#,
            r#""params":{"name":"b"}"#,
            r#""PARAMS":{}"#,
            r#""param\u017f":{}"#,
            r#""jsonrpc":"2.0""#,
        ] {
            assert_eq!(with(member), Err(BodyFault::Ambiguous), "{member}");
        }
        assert!(with(r#""methods":1,"id":1"#).is_ok());
        let params = |params: &str| {
            let head = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":"#;
            calls(format!("{head}{params}}}").as_bytes())
        };
        for members in [
            r#"{"name":"a","name":"b"}"#,
            r#"{"name":"a","Name":"b"}"#,
            r#"{"NAME":"b"}"#,
            r#"{"name":"a","taskid":"b"}"#,
        ] {
            assert_eq!(params(members), Err(BodyFault::Ambiguous), "{members}");
        }
        for members in ["{}", r#"{"uri":"x"}"#] {
            assert_eq!(params(members), Err(BodyFault::NoName), "{members}");
        }
        for members in [
            r#"["a"]"#,
            "null",
            r#""a""#,
            r#"{"name":["a"]}"#,
            r#"{"name":null}"#,
        ] {
            assert_eq!(params(members), Err(BodyFault::NotAMessage), "{members}");
        }
        let without = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call"});
        assert_eq!(of(&without), Err(BodyFault::NoName));
    }

    #[test]
    fn what_is_no_json_rpc_is_refused_with_its_code() {
        for body in [
            &b""[..],
            b"{",
            b"\xef\xbb\xbf{}",
            b"\xff",
            b"{} {}",
            b"tools/call",
            b"\x1f\x8b\x08",
        ] {
            assert_eq!(calls(body), Err(BodyFault::NotJson), "{body:?}");
        }
        for body in [
            json!(1),
            json!("x"),
            json!(null),
            json!({}),
            json!({"jsonrpc": "2.0", "id": 1}),
            json!({"jsonrpc": "1.0", "id": 1, "method": "ping"}),
            json!({"id": 1, "method": "ping"}),
            json!({"jsonrpc": "2.0", "id": 1, "method": 7}),
            json!({"jsonrpc": "2.0", "id": 1, "method": null, "result": 1}),
        ] {
            assert_eq!(of(&body), Err(BodyFault::NotAMessage), "{body}");
        }
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(calls(deep.as_bytes()).is_err());
        let response: Value = serde_json::from_str(&BodyFault::NotJson.response()).expect("JSON");
        assert_eq!(response["error"]["code"], -32700);
        assert_eq!(response["id"], Value::Null);
        let codes = BodyFault::ALL.iter().map(|fault| fault.code());
        assert!(codes.eq([-32700, -32600, -32600, -32602]));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(body in any::<Vec<u8>>()) {
            let _ = calls(&body);
        }

        #[test]
        fn every_method_and_name_is_read_as_it_was_written(
            method in any::<String>(), name in any::<String>()
        ) {
            let params = json!({"name": name, "uri": name, "taskId": name});
            let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
            let read = of(&body).expect("a call");
            prop_assert_eq!(&read[0].method, &method);
            let expected = name_member(&method).map(|_| name);
            prop_assert_eq!(&read[0].name, &expected);
        }
    }
}
