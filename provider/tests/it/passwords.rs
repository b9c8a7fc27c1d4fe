//! Signing in with a password, and guessing at one.

use std::time::Duration;

use argon2::{Argon2, password_hash::PasswordHasher as _};
use provider::{
    AccountError, AdministrationError, EnrolError, EnrolmentSource, PasswordError, Role,
    SignInError,
};
use store::Ttl;
use testkit::{
    Recorder,
    direct::{ADA, BOB, Browser, PASSWORD, TestProvider, with_passkey},
};

const QUARTER_OF_AN_HOUR: Duration = Duration::from_mins(15);

#[tokio::test]
async fn a_password_signs_in_however_the_address_is_typed() {
    let server = TestProvider::new().await;
    server.add(ADA).await;
    for email in ["Ada@example.com", "ada@EXAMPLE.com", " ada@example.com "] {
        let cookie = server
            .provider
            .sign_in()
            .sign_in_with_password(&server.browser(), email, PASSWORD)
            .await
            .expect("signed in");
        let user = server
            .user(&server.holding(&cookie))
            .await
            .expect("signed in");
        assert_eq!(
            (user.email.as_str(), user.authenticated_at),
            (ADA, server.provider.now())
        );
    }
}

#[tokio::test]
async fn what_is_wrong_is_not_told() {
    let server = TestProvider::new().await;
    server.add(ADA).await;
    server.add("off@example.com").await;
    server
        .provider
        .terminal()
        .accounts()
        .disable_account("off@example.com")
        .await
        .expect("disabled");
    server.enrolment_token("bare@example.com").await;
    let too_long = "x".repeat(2000);
    for (email, password) in [
        (ADA, "wrong password"),
        (ADA, ""),
        (ADA, &too_long),
        ("off@example.com", PASSWORD),
        ("bare@example.com", ""),
        ("nobody@example.com", PASSWORD),
        ("nobody", PASSWORD),
        ("", ""),
    ] {
        let refusal = server
            .provider
            .sign_in()
            .sign_in_with_password(&server.browser(), email, password)
            .await
            .err();
        assert_eq!(refusal, Some(SignInError::WrongCredentials), "{email}");
    }
}

/// What the store does takes longer than all the rest, where it waits for a disk. Of this, what is
/// done after the answer is a part: it may delay the next answer.
#[tokio::test]
async fn t_f45_a_guess_takes_as_many_steps_whether_or_not_there_is_anybody() {
    let (store, written) = Recorder::store().await;
    let server = TestProvider::over(store).await;
    server.add(ADA).await;
    server.add("off@example.com").await;
    server
        .provider
        .terminal()
        .accounts()
        .disable_account("off@example.com")
        .await
        .expect("disabled");
    let bare = server.enrolment_token("bare@example.com").await;
    assert!(
        !bare.is_empty() && server.opens(ADA, PASSWORD).await,
        "the first steps of all are behind it"
    );
    server.provider.finish_background_tasks().await;
    for by_code in [false, true] {
        let mut steps = Vec::new();
        let emails = [
            ADA,
            ADA,
            "bare@example.com",
            "off@example.com",
            "nobody@example.com",
            "nobody@example.org",
            ADA,
            "nobody@example.com",
        ];
        for (number, email) in (0..).zip(emails) {
            // The last two come again from where they came before, which is noted no more.
            let place = if number < 6 { number } else { (number - 6) * 4 };
            let before = written.steps();
            let browser = server.browser_from(place + if by_code { 20 } else { 10 });
            let refused = if by_code {
                server
                    .provider
                    .sign_in()
                    .sign_in_with_recovery_code(&browser, email, "a guess")
                    .await
                    .err()
            } else {
                server
                    .provider
                    .sign_in()
                    .sign_in_with_password(&browser, email, "a guess")
                    .await
                    .err()
            };
            assert_eq!(refused, Some(SignInError::WrongCredentials));
            server.provider.finish_background_tasks().await;
            let after = written.steps();
            steps.push((after.0 - before.0, after.1 - before.1));
        }
        assert!(
            steps[..6].iter().all(|taken| *taken == steps[0]),
            "{steps:?}"
        );
        assert!(steps[6] == steps[7] && steps[6] < steps[0], "{steps:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_guesses_at_once_count_as_sixty_four() {
    for email in [ADA, "nobody@example.com"] {
        let server = TestProvider::new().await;
        server.add(ADA).await;
        let guesses: Vec<_> = (0..64)
            .map(|number| {
                let provider = server.provider.clone();
                let browser = server.browser_from(number);
                tokio::spawn(async move {
                    provider
                        .sign_in()
                        .sign_in_with_password(&browser, email, "a guess")
                        .await
                        .err()
                })
            })
            .collect();
        let mut wrong = 0;
        for guess in guesses {
            wrong +=
                usize::from(guess.await.expect("finishes") == Some(SignInError::WrongCredentials));
        }
        assert_eq!(wrong, 10, "{email}");
        let even_the_right_one = server
            .provider
            .sign_in()
            .sign_in_with_password(&server.browser(), &email.to_uppercase(), PASSWORD)
            .await
            .err();
        let Some(SignInError::TooManyAttempts { retry_after }) = even_the_right_one else {
            panic!("{even_the_right_one:?}")
        };
        assert!(retry_after <= QUARTER_OF_AN_HOUR && !retry_after.is_zero());
        server.pass(retry_after);
        let after = server
            .provider
            .sign_in()
            .sign_in_with_password(&server.browser(), email, PASSWORD)
            .await
            .err();
        assert_eq!(
            after,
            (email != ADA).then_some(SignInError::WrongCredentials),
            "nobody is locked out for good"
        );
    }
}

#[tokio::test]
async fn one_neighbourhood_has_a_hundred_guesses_and_exhausts_nobody_elses() {
    let server = TestProvider::new().await;
    server.add(ADA).await;
    for number in 0..10 {
        for _ in 0..10 {
            let email = format!("{number}@example.com");
            let refusal = server
                .provider
                .sign_in()
                .sign_in_with_password(&server.browser(), &email, "a guess")
                .await
                .err();
            assert_eq!(refusal, Some(SignInError::WrongCredentials));
        }
    }
    for _ in 0..20 {
        let refusal = server
            .provider
            .sign_in()
            .sign_in_with_password(&server.browser(), ADA, PASSWORD)
            .await
            .err();
        assert!(
            matches!(refusal, Some(SignInError::TooManyAttempts { .. })),
            "{refusal:?}"
        );
    }
    server
        .provider
        .sign_in()
        .sign_in_with_password(&server.browser_from(2), ADA, PASSWORD)
        .await
        .expect("another neighbourhood");
}

/// Whether a sign-in is refused with a waiting time.
async fn must_wait(server: &TestProvider, browser: &Browser, email: &str, password: &str) -> bool {
    let refused = server
        .provider
        .sign_in()
        .sign_in_with_password(&browser.context(), email, password)
        .await
        .err();
    matches!(refused, Some(SignInError::TooManyAttempts { .. }))
}

#[tokio::test]
async fn t_f44_strangers_who_guess_keep_nobody_out_of_a_browser_that_knows_them() {
    let server = TestProvider::new().await;
    server.add(ADA).await;
    server.add(BOB).await;
    let mut known = Browser::from(&server, 1);
    assert!(known.signs_in(ADA, PASSWORD).await);
    server
        .provider
        .sessions()
        .sign_out(&known.context())
        .await
        .expect("signed out");
    for number in 100..112 {
        let stranger = Browser::from(&server, number);
        assert_eq!(
            must_wait(&server, &stranger, ADA, "a guess").await,
            number >= 110
        );
    }
    assert!(
        must_wait(&server, &Browser::from(&server, 2), ADA, PASSWORD).await,
        "nor does a right guess help a stranger"
    );
    assert!(known.signs_in(ADA, PASSWORD).await);
    // It is limited for itself, and forgiven when the right one comes.
    for _ in 0..9 {
        assert!(!must_wait(&server, &known, ADA, "a guess").await);
    }
    assert!(known.signs_in(ADA, PASSWORD).await);
    for _ in 0..10 {
        assert!(!must_wait(&server, &known, ADA, "a guess").await);
    }
    assert!(must_wait(&server, &known, ADA, PASSWORD).await);
    // It is known to one account, not to every one.
    for _ in 0..10 {
        assert!(!must_wait(&server, &known, BOB, "a guess").await);
    }
    assert!(must_wait(&server, &Browser::from(&server, 3), BOB, PASSWORD).await);
    server.pass(QUARTER_OF_AN_HOUR);
    assert!(
        known.signs_in(ADA, PASSWORD).await,
        "nobody is locked out for good"
    );
    assert!(Browser::from(&server, 4).signs_in(BOB, PASSWORD).await);
}

/// The store counts the days from the last write.
#[tokio::test]
async fn a_browser_is_known_from_its_last_sign_in_on() {
    let (store, written) = Recorder::store().await;
    let server = TestProvider::over(store).await;
    server.add(ADA).await;
    let mut known = Browser::from(&server, 1);
    for _ in 0..3 {
        server.pass(QUARTER_OF_AN_HOUR);
        assert!(known.signs_in(ADA, PASSWORD).await);
        let now = format!(" = {}", server.provider.now().seconds());
        assert!(
            written
                .find("familiar:")
                .last()
                .is_some_and(|last| last.ends_with(&now))
        );
    }
}

#[tokio::test]
async fn who_knows_a_password_signs_in_a_hundred_times_in_a_quarter_of_an_hour() {
    let server = TestProvider::new().await;
    server.add(ADA).await;
    server.add(BOB).await;
    for number in 0..103 {
        assert_eq!(
            must_wait(&server, &Browser::from(&server, number % 3), ADA, PASSWORD).await,
            number >= 100
        );
    }
    assert!(
        Browser::from(&server, 1).signs_in(BOB, PASSWORD).await,
        "another person"
    );
    server.pass(QUARTER_OF_AN_HOUR);
    assert!(Browser::from(&server, 1).signs_in(ADA, PASSWORD).await);
}

/// What releases before 0.2 wrote of a browser: when it last signed in, and nothing of the
/// generation.
#[tokio::test]
async fn a_browser_that_an_earlier_release_knew_is_known_until_the_password_changes() {
    let (store, written) = Recorder::store().await;
    let server = TestProvider::over(store).await;
    server.add(ADA).await;
    let mut known = Browser::from(&server, 1);
    assert!(known.signs_in(ADA, PASSWORD).await);
    let line = written.find("familiar:").pop().expect("it is noted");
    let (key, value) = line.split_once(" = ").expect("a key and a value");
    let parts: Vec<_> = key.split(':').collect();
    let [kind, account, _, digest] = parts[..] else {
        panic!("{key}")
    };
    server.store.remove(key).await.expect("the store answers");
    let earlier = [kind, account, digest].join(":");
    server
        .store
        .insert(&earlier, value.as_bytes(), Ttl::Forever)
        .await
        .expect("the store answers");
    for number in 100..112 {
        must_wait(&server, &Browser::from(&server, number), ADA, "a guess").await;
    }
    assert!(
        !must_wait(&server, &known, ADA, "a guess").await,
        "it is known"
    );
    server.pass(Duration::from_secs(1));
    server
        .provider
        .terminal()
        .accounts()
        .set_account_password(ADA, "another good one")
        .await
        .expect("a new password");
    assert!(
        must_wait(&server, &known, ADA, "another good one").await,
        "it is not"
    );
}

#[tokio::test]
async fn limits_can_be_switched_off() {
    let server = TestProvider::set_up(|settings| settings.rate_limits = false).await;
    for _ in 0..20 {
        let refusal = server
            .provider
            .sign_in()
            .sign_in_with_password(&server.browser(), ADA, PASSWORD)
            .await
            .err();
        assert_eq!(refusal, Some(SignInError::WrongCredentials));
    }
}

const SHORT: &str = "olive tromb";

#[tokio::test]
async fn a_password_is_the_same_however_a_keyboard_composes_it() {
    let server = TestProvider::new().await;
    let composed = "caf\u{e9} \u{fb01}n du monde";
    let decomposed = "cafe\u{301} fin du monde";
    let wide = "caf\u{e9} \u{ff46}\u{ff49}\u{ff4e} du monde";
    server
        .provider
        .terminal()
        .accounts()
        .add_account(ADA, Some(decomposed))
        .await
        .expect("added");
    for typed in [composed, decomposed, wide] {
        assert!(server.opens(ADA, typed).await, "{typed:?}");
    }
    assert!(!server.opens(ADA, "cafe fin du monde").await);
}

#[tokio::test]
async fn a_password_of_an_earlier_release_is_good_as_it_was_typed() {
    let server = TestProvider::new().await;
    server.add(ADA).await;
    let id = server
        .provider
        .terminal()
        .accounts()
        .list()
        .await
        .expect("a list")[0]
        .id;
    let typed = "cafe\u{301} fin du monde";
    let key = format!("account:{id}");
    let hash = Argon2::default()
        .hash_password_with_salt(typed.as_bytes(), &[9; 16])
        .expect("a hash")
        .to_string();
    let bytes = server
        .store
        .get(&key)
        .await
        .expect("an answer")
        .expect("an account");
    let mut account: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
    account["password"] = hash.into();
    for newer in ["password_is_long", "link", "next_email"] {
        account.as_object_mut().expect("an object").remove(newer);
    }
    let earlier = account.to_string();
    server
        .store
        .compare_and_swap(&key, &bytes, earlier.as_bytes(), Ttl::Forever)
        .await
        .expect("an answer");
    assert!(server.opens(ADA, typed).await);
    assert!(!server.opens(ADA, PASSWORD).await);
}

#[tokio::test]
async fn what_is_guessed_first_is_no_password_wherever_one_is_chosen() {
    let server = TestProvider::new().await;
    let ada = server.ada().await;
    let terminal = server.provider.terminal();
    for (password, why) in [
        ("password1234", PasswordError::Common),
        ("Sunshine2024!", PasswordError::Common),
        (
            "\u{ff50}\u{ff41}\u{ff53}\u{ff53}\u{ff57}\u{ff4f}\u{ff52}\u{ff44}12345",
            PasswordError::Common,
        ),
        ("ada@example.com", PasswordError::FromName),
        ("vestibule2024", PasswordError::FromName),
    ] {
        let refused = server
            .provider
            .credentials()
            .change_password(&ada, password)
            .await
            .err();
        assert_eq!(refused, Some(AccountError::Password(why)), "{password}");
        // The address of another account is counted separately.
        if password != "ada@example.com" {
            let added = terminal
                .accounts()
                .add_account("ada@example.net", Some(password))
                .await
                .err();
            assert!(
                matches!(added, Some(AdministrationError::Invalid(_))),
                "{password}"
            );
        }
        let link = server.reset_token(ADA).await;
        let reset = server
            .provider
            .enrolment()
            .accept_with_password(
                &server.browser(),
                EnrolmentSource::Link(&link),
                "",
                password,
            )
            .await
            .err();
        assert_eq!(reset, Some(EnrolError::Password(why)), "{password}");
    }
    assert!(server.opens(ADA, PASSWORD).await, "nothing was changed");
}

#[tokio::test]
async fn an_administrator_has_a_passkey_or_a_password_of_twelve_characters() {
    let server = TestProvider::new().await;
    let ada = server.ada().await;
    let terminal = server.provider.terminal();
    let too_short = Some(AccountError::Password(PasswordError::TooShort {
        minimum: 12,
    }));
    assert_eq!(
        server
            .provider
            .credentials()
            .change_password(&ada, SHORT)
            .await
            .err(),
        too_short
    );
    assert_eq!(server.account(&ada).await.shortest_password, 12);
    // A user may have a shorter one, and cannot become an administrator before it is longer.
    terminal
        .accounts()
        .add_account(BOB, Some(SHORT))
        .await
        .expect("eight are enough");
    assert!(matches!(
        terminal.accounts().set_role(BOB, Role::Administrator).await,
        Err(AdministrationError::Conflict(_))
    ));
    let signed_in = server
        .provider
        .sign_in()
        .sign_in_with_password(&server.browser(), BOB, SHORT)
        .await
        .expect("signed in");
    let bob = server.holding(&signed_in);
    assert_eq!(
        (
            server.account(&bob).await.role,
            server.account(&bob).await.shortest_password
        ),
        (Role::User, 8)
    );
    server
        .provider
        .credentials()
        .change_password(&bob, PASSWORD)
        .await
        .expect("a longer one");
    terminal
        .accounts()
        .set_role(BOB, Role::Administrator)
        .await
        .expect("an administrator");
}

#[tokio::test]
async fn an_administrator_with_a_short_password_keeps_the_last_passkey() {
    let (server, _, ada) = with_passkey().await;
    assert_eq!(server.account(&ada).await.role, Role::Administrator);
    let signed_in = server
        .provider
        .credentials()
        .change_password(&ada, SHORT)
        .await
        .expect("beside a passkey eight are enough");
    let ada = server.holding(&signed_in);
    let passkey = server.account(&ada).await.passkeys[0].id.clone();
    assert_eq!(
        server
            .provider
            .credentials()
            .remove_passkey(&ada, &passkey)
            .await,
        Err(AccountError::ShortPasswordAlone)
    );
    assert_eq!(server.account(&ada).await.passkeys.len(), 1);
    let ada = server.holding(
        &server
            .provider
            .credentials()
            .change_password(&ada, PASSWORD)
            .await
            .expect("a longer one"),
    );
    server
        .provider
        .credentials()
        .remove_passkey(&ada, &passkey)
        .await
        .expect("removed");
}
