//! Texts of our making: they are read back, and nothing else is read as one.

use oauth::{
    Id, Secret, Timestamp,
    client::ClientId,
    epoch::Epoch,
    grant::{AuthorizationCode, Grant, GrantDetails, GrantKey, RefreshToken},
    resource::Resource,
    scope::Scopes,
};
use proptest::{
    array::{uniform16, uniform32},
    collection::vec,
    prelude::*,
    sample::{Index, select},
};

fn secret() -> impl Strategy<Value = Secret> {
    uniform32(any::<u8>()).prop_map(Secret::new)
}

fn code() -> impl Strategy<Value = AuthorizationCode> {
    let id = || uniform16(any::<u8>()).prop_map(Id::new);
    (id(), id(), secret()).prop_map(|(account, grant, secret)| AuthorizationCode {
        key: GrantKey { account, grant },
        secret,
    })
}

/// A text with one letter exchanged for another, of the same alphabet or of any.
fn changed(text: &str, place: Index, letter: char) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let place = place.index(letters.len());
    letters[place] = letter;
    letters.into_iter().collect()
}

fn letter() -> impl Strategy<Value = char> {
    prop_oneof![
        "[A-Za-z0-9_-]".prop_map(|text| text.chars().next().unwrap_or('A')),
        any::<char>()
    ]
}

/// The refresh token of a text that has the form of one.
fn refresh_text(code: &AuthorizationCode, family: &Secret, secret: &Secret) -> String {
    format!(
        "vrt_{}{}{}{}",
        code.key.account,
        code.key.grant,
        family.encode(),
        secret.encode()
    )
}

fn words() -> impl Strategy<Value = String> {
    let word = select(vec![
        "read",
        "write",
        "admin",
        "offline_access",
        "openid",
        "READ",
        "",
        " ",
        "\t",
        "read\u{a0}",
    ]);
    prop_oneof![4 => vec(word, 0..6).prop_map(|words| words.join(" ")), 1 => any::<String>()]
}

fn notes() -> Resource {
    crate::resource(&["read", "write"])
}

proptest! {
    #[test]
    fn whatever_is_read_is_written_the_same(text in prop_oneof![any::<String>(), "v(ac|rt)_[A-Za-z0-9_-]{87,130}"]) {
        prop_assert!(AuthorizationCode::parse(&text).map_or(true, |code| code.encode() == text));
        prop_assert!(RefreshToken::parse(&text).map_or(true, |token| token.encode() == text));
    }

    #[test]
    fn codes_and_refresh_tokens_are_read_back_and_every_changed_letter_counts(code in code(), family in secret(), place in any::<Index>(), letter in letter()) {
        let text = code.encode();
        prop_assert_eq!(AuthorizationCode::parse(&text), Ok(code.clone()));
        let other = changed(&text, place, letter);
        prop_assert!(AuthorizationCode::parse(&other).map_or(true, |read| (read == code) == (other == text) && read.encode() == other));

        let text = refresh_text(&code, &family, &code.secret);
        let token = RefreshToken::parse(&text).expect("of our making");
        prop_assert_eq!(token.encode(), text.clone());
        prop_assert_eq!(token.key, code.key);
        let other = changed(&text, place, letter);
        prop_assert!(RefreshToken::parse(&other).map_or(true, |read| (read == token) == (other == text) && read.encode() == other));
        prop_assert!(AuthorizationCode::parse(&text).is_err(), "one kind is not the other");
    }

    #[test]
    fn an_offered_grant_keeps_the_digest_of_its_code_alone(code in code(), lifetime in 0..100u64) {
        let details = GrantDetails {
            client_id: ClientId::of("vc_client"),
            redirect_uri: "http://127.0.0.1/cb".to_owned(),
            challenge: crate::grants::challenge(),
            resource: notes().identifier,
            scopes: Scopes::parse("read"),
            may_refresh: true,
            allowed_at: Timestamp::from_seconds(0),
            epoch: Epoch::default(),
            withdrawal: Epoch::default(),
        };
        let (grant, made) = Grant::issue_code(details, code.key, code.secret.clone(), Timestamp::from_seconds(lifetime));
        prop_assert_eq!(&made, &code);
        let record = format!("{grant:?}");
        prop_assert!(!record.contains(&code.secret.encode()));
        prop_assert!(record.contains(code.secret.digest().as_str()));
    }

    /// R-O14, R-A16.
    #[test]
    fn scopes_are_never_widened(asked in proptest::option::of(words()), granted in words(), narrower in proptest::option::of(words())) {
        if let Ok(scopes) = Scopes::grantable(asked.as_deref(), &notes()) {
            prop_assert!(scopes.iter().all(|word| word == "offline_access" || notes().describes(word)));
            prop_assert!(scopes.iter().any(|word| word != "offline_access"), "a token that allows nothing");
            prop_assert_eq!(&Scopes::parse(&scopes.to_string()), &scopes);
        }
        let granted = Scopes::parse(&granted);
        let useful = |scopes: &Scopes| scopes.iter().any(|word| word != "offline_access") || granted.iter().all(|word| word == "offline_access");
        let among = granted.among(narrower.as_deref());
        prop_assert!(among.iter().all(|word| granted.contains(word)) && useful(&among), "{}", among);
        prop_assert_eq!(among.among(narrower.as_deref()), among.clone());
        if let Ok(scopes) = granted.narrowed(narrower.as_deref(), &notes()) {
            prop_assert!(scopes.iter().all(|word| granted.contains(word)));
            prop_assert_eq!(scopes.narrowed(narrower.as_deref(), &notes()), Ok(scopes.clone()), "narrowing again changes nothing");
            prop_assert!(useful(&scopes), "{}", scopes);
            prop_assert!(scopes.iter().all(|word| among.contains(word)) && among.iter().all(|word| scopes.contains(word)), "{} {}", scopes, among);
        } else {
            let is_wider = |word: &str| !granted.contains(word) && notes().describes(word);
            prop_assert!(Scopes::parse(narrower.as_deref().unwrap_or_default()).iter().any(is_wider));
        }
    }

    #[test]
    fn words_count_once_in_their_order(text in words()) {
        let scopes = Scopes::parse(&text);
        let words: Vec<&str> = scopes.iter().collect();
        prop_assert!(words.iter().enumerate().all(|(place, word)| !word.is_empty() && !word.contains(' ') && !words[..place].contains(word)));
        prop_assert!(text.split(' ').filter(|word| !word.is_empty()).all(|word| scopes.contains(word)));
        prop_assert_eq!(scopes.is_empty(), words.is_empty());
        prop_assert_eq!(Scopes::parse(&scopes.to_string()), scopes);
    }
}
