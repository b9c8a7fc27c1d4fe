use super::*;
use crate::resource::{Disclosed, ResourceIdentifier, ScopeDescription};

fn notes() -> Resource {
    let scope = |name: &str, default| ScopeDescription {
        name: name.to_owned(),
        sentence: String::new(),
        default,
    };
    Resource::new(
        ResourceIdentifier::parse("https://notes.example/mcp").expect("a valid identifier"),
        "Notes".to_owned(),
        vec![
            scope("read", true),
            scope("list", true),
            scope("write", false),
        ],
    )
}

#[test]
fn r_a16_k7_k9_what_is_asked_becomes_what_is_granted() {
    for (asked, granted) in [
        (None, Ok("read list")),
        (Some(""), Ok("read list")),
        (Some(" "), Ok("read list")),
        (Some("read"), Ok("read")),
        (Some("write"), Ok("write")),
        (Some("write  read write"), Ok("write read")),
        (Some("openid read profile"), Ok("read")),
        (Some("offline_access"), Ok("read list offline_access")),
        (
            Some("openid offline_access"),
            Ok("read list offline_access"),
        ),
        (Some("read offline_access"), Ok("read offline_access")),
        (Some("openid profile"), Err(RedirectError::NoGrantableScope)),
        (Some("READ"), Err(RedirectError::NoGrantableScope)),
    ] {
        assert_eq!(
            Scopes::grantable(asked, &notes()).map(|scopes| scopes.to_string()),
            granted.map(str::to_owned),
            "{asked:?}"
        );
    }
}

#[test]
fn an_exchange_may_narrow_and_never_widen() {
    let granted = Scopes::parse("read write");
    for (asked, result) in [
        (None, "read write"),
        (Some("write"), "write"),
        (Some("openid write"), "write"),
        (Some("openid"), "read write"),
        (Some("admin write read"), "read write"),
    ] {
        assert_eq!(granted.among(asked).to_string(), result, "{asked:?}");
    }
    let granted = Scopes::parse("read write offline_access");
    for (asked, result) in [
        ("offline_access", "read write offline_access"),
        ("read offline_access", "read offline_access"),
        ("read", "read"),
    ] {
        assert_eq!(granted.among(Some(asked)).to_string(), result, "{asked}");
    }
}

#[test]
fn a_refresh_may_narrow_and_never_widen() {
    let granted = Scopes::parse("read write");
    let resource = notes();
    for (asked, result) in [
        (None, Ok("read write")),
        (Some(""), Ok("read write")),
        (Some("write"), Ok("write")),
        (Some("write write"), Ok("write")),
        (Some("read offline_access"), Ok("read")),
        (Some("offline_access"), Ok("read write")),
        // What the authorization request dropped.
        (Some("read admin"), Ok("read")),
        (Some("openid write profile"), Ok("write")),
        (Some("openid offline_access"), Ok("read write")),
        // What exists at the resource, and was not granted.
        (Some("list"), Err(TokenRequestError::ScopeNotGranted)),
        (Some("read list"), Err(TokenRequestError::ScopeNotGranted)),
        (Some("openid list"), Err(TokenRequestError::ScopeNotGranted)),
    ] {
        let narrowed = granted
            .narrowed(asked, &resource)
            .map(|scopes| scopes.to_string());
        assert_eq!(narrowed, result.map(str::to_owned), "{asked:?}");
    }
    let granted = Scopes::parse("read offline_access");
    for (asked, result) in [
        ("offline_access", "read offline_access"),
        ("offline_access read", "offline_access read"),
        ("read", "read"),
    ] {
        let narrowed = granted
            .narrowed(Some(asked), &resource)
            .map(|scopes| scopes.to_string());
        assert_eq!(narrowed, Ok(result.to_owned()), "{asked}");
    }
}

#[test]
fn what_the_configuration_dropped_is_granted_no_more() {
    let left = |granted: &str| {
        Scopes::parse(granted)
            .at(&notes())
            .map(|scopes| scopes.to_string())
    };
    assert_eq!(left("write gone read"), Ok("write read".to_owned()));
    assert_eq!(
        left("offline_access gone read"),
        Ok("offline_access read".to_owned())
    );
    for nothing in ["", "gone", "offline_access", "gone offline_access"] {
        assert_eq!(
            left(nothing),
            Err(TokenRequestError::GrantedScopesGone),
            "{nothing}"
        );
    }
}

#[test]
fn r_k8_a_union_holds_each_word_once() {
    let union = |one, other| Scopes::parse(one).union(&Scopes::parse(other)).to_string();
    assert_eq!(union("read list", "write read"), "read list write");
    assert_eq!(
        (union("", "read"), union("read", "")),
        ("read".to_owned(), "read".to_owned())
    );
}

#[test]
fn a_scope_is_one_word_of_visible_characters() {
    for good in ["read", "mcp:read", "https://a.example/read", "!#[]~"] {
        assert!(is_scope_word(good), "{good}");
    }
    for bad in [
        "",
        "read write",
        "a\"b",
        "a\\b",
        "\"",
        "\\",
        "é",
        "a\tb",
        "\u{7f}",
    ] {
        assert!(!is_scope_word(bad), "{bad:?}");
    }
}

#[test]
fn the_address_is_disclosed_by_consent_alone() {
    let disclosing = Resource {
        disclosed: Disclosed {
            email: true,
            name: false,
        },
        ..notes()
    };
    for (asked, granted) in [
        (None, "read list email"),
        (Some("write"), "write email"),
        (Some("email write"), "email write"),
        (Some("email"), "read list email"),
        (Some("offline_access"), "read list offline_access email"),
    ] {
        let scopes = Scopes::grantable(asked, &disclosing).map(|scopes| scopes.to_string());
        assert_eq!(scopes, Ok(granted.to_owned()), "{asked:?}");
    }
    assert!(Scopes::grantable(Some("x"), &disclosing).is_err());
    assert_eq!(
        Scopes::grantable(Some("email read"), &notes()).map(|scopes| scopes.to_string()),
        Ok("read".to_owned())
    );
    // A client that repeats what it asked for does not know the word.
    let granted = Scopes::parse("read write email");
    assert_eq!(granted.among(Some("write")).to_string(), "write email");
    let narrowed = granted.narrowed(Some("write"), &disclosing);
    assert_eq!(narrowed, Ok(Scopes::parse("write email")));
    assert_eq!(
        Scopes::parse("read").narrowed(Some("read email"), &disclosing),
        Ok(Scopes::parse("read"))
    );
    assert_eq!(granted.at(&disclosing), Ok(granted.clone()));
    assert_eq!(granted.at(&notes()), Ok(Scopes::parse("read write")));
    assert!(Scopes::parse("email").at(&disclosing).is_err());
}

#[test]
fn the_name_is_disclosed_beside_the_address_or_alone() {
    let disclosing = |email| Resource {
        disclosed: Disclosed { email, name: true },
        ..notes()
    };
    for (email, asked, granted) in [
        (false, None, "read list name"),
        (true, None, "read list email name"),
        (true, Some("write"), "write email name"),
        (true, Some("name write"), "name write email"),
        (false, Some("email write"), "write name"),
        (true, Some("name email"), "read list name email"),
    ] {
        let scopes = Scopes::grantable(asked, &disclosing(email)).map(|scopes| scopes.to_string());
        assert_eq!(scopes, Ok(granted.to_owned()), "{email} {asked:?}");
    }
    assert!(Scopes::grantable(Some("name"), &notes()).is_err());
    // Who allowed the address alone did not allow the name, however a client asks.
    let earlier = Scopes::parse("read write email");
    for asked in ["read name", "name", "read email name"] {
        let narrowed = earlier.narrowed(Some(asked), &disclosing(true));
        assert!(
            narrowed.is_ok_and(|scopes| !scopes.contains(NAME)),
            "{asked}"
        );
        assert!(!earlier.among(Some(asked)).contains(NAME), "{asked}");
    }
    let granted = Scopes::parse("read write email name");
    assert!(!earlier.includes(&granted));
    let narrowed = granted.narrowed(Some("write"), &disclosing(true));
    assert_eq!(narrowed, Ok(Scopes::parse("write email name")));
    assert_eq!(
        granted.among(Some("write")),
        Scopes::parse("write email name")
    );
    assert_eq!(
        granted.at(&disclosing(false)),
        Ok(Scopes::parse("read write name"))
    );
    assert!(Scopes::parse("email name").at(&disclosing(true)).is_err());
}
