//! Recovery codes: shown once, usable once, for one account.

use std::collections::BTreeSet;

use provider::{AuditAction, BrowserUpdate, RemainingCodes, SignInError};
use testkit::{
    Fault, FaultPlan, Recorder,
    direct::{ADA, BOB, Browser, PASSWORD, TestProvider, settled},
    race,
};

const WRONG: Option<SignInError> = Some(SignInError::WrongCredentials);

/// Codes that were just made, and the browser that made them.
async fn with_codes(server: &TestProvider) -> (Browser, Vec<String>) {
    let mut passkey = settled(server).await.0;
    let mut ada = Browser::from(server, 1);
    ada.keep_all(
        &passkey
            .signs_in(server, &ada.context())
            .await
            .expect("signed in"),
    );
    let codes = made(server, &mut ada).await;
    (ada, codes)
}

async fn made(server: &TestProvider, browser: &mut Browser) -> Vec<String> {
    let cookie = server
        .provider
        .credentials()
        .make_recovery_codes(&browser.context())
        .await
        .expect("made");
    browser.keep(&cookie);
    shown(server, browser).await.expect("codes")
}

async fn shown(server: &TestProvider, browser: &Browser) -> Option<Vec<String>> {
    let shown = server
        .provider
        .credentials()
        .fresh_recovery_codes(&browser.context())
        .await
        .expect("the store answers");
    shown.map(|(codes, _)| codes)
}

/// The result of trying a code, in a browser from an address of its own choice.
async fn tried(
    server: &TestProvider,
    last_byte: u8,
    email: &str,
    code: &str,
) -> Option<SignInError> {
    server
        .provider
        .sign_in()
        .sign_in_with_recovery_code(&server.browser_from(last_byte), email, code)
        .await
        .err()
}

#[tokio::test]
async fn each_of_ten_codes_signs_in_once_however_it_is_typed() {
    let server = TestProvider::new().await;
    let (ada, codes) = with_codes(&server).await;
    assert_eq!(
        (codes.len(), codes.iter().collect::<BTreeSet<_>>().len()),
        (10, 10)
    );
    let typed: [fn(&str) -> String; 5] = [
        str::to_owned,
        str::to_lowercase,
        |code| code.replace('-', ""),
        |code| format!("  {} ", code.to_lowercase().replace('-', " ")),
        |code| code.replace('0', "o").replace('1', "l"),
    ];
    for (number, code) in codes.iter().enumerate() {
        let browser = server.browser();
        let signed_in = server
            .provider
            .sign_in()
            .sign_in_with_recovery_code(&browser, ADA, &typed[number % 5](code))
            .await
            .expect("signed in");
        assert!(signed_in.offers_passkey, "whatever they had is lost");
        let account = server.account(&server.holding(&signed_in)).await;
        assert!(
            account.is_fresh && account.by_code,
            "whoever came by a code may make a passkey at once"
        );
        let left = RemainingCodes {
            left: 9 - number,
            made_at: server.provider.now(),
        };
        assert_eq!(account.recovery_codes, Some(left));
        assert_eq!(tried(&server, 2, ADA, code).await, WRONG, "once");
    }
    assert_eq!(shown(&server, &ada).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn t_f44_of_sixteen_browsers_with_the_same_code_one_signs_in() {
    let server = TestProvider::set_up(|settings| settings.rate_limits = false).await;
    let (_, codes) = with_codes(&server).await;
    for code in &codes[..5] {
        let outcomes = race(16, |_| {
            let provider = server.provider.clone();
            let browser = server.browser();
            let code = code.clone();
            async move {
                provider
                    .sign_in()
                    .sign_in_with_recovery_code(&browser, ADA, &code)
                    .await
            }
        })
        .await;
        let (winners, losers): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert!(
            losers
                .iter()
                .all(|outcome| outcome.as_ref().err() == WRONG.as_ref())
        );
        let [Ok(winner)] = &winners[..] else {
            panic!("{} signed in", winners.len())
        };
        assert!(server.user(&server.holding(winner)).await.is_some());
    }
    let used = server
        .audit_log()
        .await
        .iter()
        .filter(|event| event.event.action == AuditAction::SignedInWithRecoveryCode)
        .count();
    assert_eq!(used, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn different_codes_at_once_are_each_used_up() {
    let server = TestProvider::new().await;
    let (ada, codes) = with_codes(&server).await;
    let outcomes = race(10, |number| {
        let provider = server.provider.clone();
        let browser = server.browser();
        let code = codes[number].clone();
        async move {
            provider
                .sign_in()
                .sign_in_with_recovery_code(&browser, ADA, &code)
                .await
                .is_ok()
        }
    })
    .await;
    assert_eq!(outcomes, [true; 10]);
    assert_eq!(
        server
            .account(&ada.context())
            .await
            .recovery_codes
            .map(|codes| codes.left),
        Some(0)
    );
}

#[tokio::test]
async fn t_f44_strangers_who_guess_keep_nobody_from_their_codes() {
    let server = TestProvider::new().await;
    let (_, codes) = with_codes(&server).await;
    for number in 0..40 {
        assert_eq!(
            tried(&server, number, ADA, "0000-0000-0000-0000").await,
            WRONG
        );
        assert!(
            server
                .provider
                .sign_in()
                .sign_in_with_password(&server.browser_from(number), ADA, "a guess")
                .await
                .is_err()
        );
    }
    assert_eq!(
        tried(&server, 60, "ADA@example.com", &codes[0]).await,
        None,
        "whoever lost all else has a code still"
    );
    // One network may guess codes a hundred times, for all accounts together. Passwords are counted
    // separately.
    for number in 0..110 {
        let email = format!("{number}@example.com");
        if number < 10 {
            let refused = server
                .provider
                .sign_in()
                .sign_in_with_password(&server.browser_from(70), &email, "a guess")
                .await
                .err();
            assert_eq!(refused, WRONG);
        } else {
            assert_eq!(
                tried(
                    &server,
                    70,
                    if number % 2 == 0 { BOB } else { &email },
                    "0000-0000-0000-0000"
                )
                .await,
                WRONG
            );
        }
    }
    let refused = tried(&server, 70, ADA, &codes[1]).await;
    let Some(SignInError::TooManyAttempts { retry_after }) = refused else {
        panic!("{refused:?}")
    };
    server.pass(retry_after);
    assert_eq!(
        tried(&server, 70, ADA, &codes[1]).await,
        None,
        "it was not used up by that"
    );
}

#[tokio::test]
async fn t_f45_a_code_that_opens_nothing_is_refused_alike() {
    let server = TestProvider::new().await;
    let (mut ada, codes) = with_codes(&server).await;
    server.add(BOB).await;
    server.add("off@example.com").await;
    server
        .provider
        .terminal()
        .accounts()
        .disable_account("off@example.com")
        .await
        .expect("disabled");
    for (number, email) in (10..).zip([BOB, "off@example.com", "nobody@example.com", "x", ""]) {
        assert_eq!(
            tried(&server, number, email, &codes[0]).await,
            WRONG,
            "{email}"
        );
    }
    for (number, code) in (20..).zip([
        "",
        "-",
        &codes[0][..18],
        &format!("{}0", codes[0]),
        &"0".repeat(10_000),
    ]) {
        assert_eq!(tried(&server, number, ADA, code).await, WRONG, "{code}");
    }
    let newer = made(&server, &mut ada).await;
    assert_eq!(
        tried(&server, 30, ADA, &codes[0]).await,
        WRONG,
        "new ones take the place of old ones"
    );
    assert_eq!(tried(&server, 31, ADA, &newer[0]).await, None);
    server
        .provider
        .terminal()
        .accounts()
        .disable_account(ADA)
        .await
        .expect("disabled");
    assert_eq!(tried(&server, 32, ADA, &newer[1]).await, WRONG);
}

#[tokio::test]
async fn codes_are_shown_in_the_browser_that_made_them_until_it_has_shown_them() {
    let server = TestProvider::new().await;
    let (mut ada, codes) = with_codes(&server).await;
    let again = server
        .provider
        .credentials()
        .fresh_recovery_codes(&ada.context())
        .await
        .expect("the store answers");
    let (shown_now, end) = again.expect("codes");
    assert_eq!(shown_now, codes);
    // Not in another of hers, nor once there are newer ones, nor after the page was shown.
    let mut elsewhere = Browser::from(&server, 2);
    assert!(elsewhere.use_recovery_code(ADA, &codes[9]).await);
    assert_eq!(shown(&server, &elsewhere).await, None);
    assert_ne!(made(&server, &mut elsewhere).await, codes);
    assert_eq!(shown(&server, &ada).await, None);
    assert!(matches!(end, BrowserUpdate::RecoveryCodesShown));
    elsewhere.keep(&end);
    assert_eq!(shown(&server, &elsewhere).await, None);
    // Neither without a session, nor to the next user of the browser.
    made(&server, &mut ada).await;
    server
        .provider
        .sessions()
        .sign_out(&ada.context())
        .await
        .expect("signed out");
    assert_eq!(shown(&server, &ada).await, None);
    server.add(BOB).await;
    assert!(ada.signs_in(BOB, PASSWORD).await);
    assert_eq!(shown(&server, &ada).await, None);
}

#[tokio::test]
async fn nothing_readable_of_a_code_is_stored() {
    let (store, written) = Recorder::store().await;
    let server = TestProvider::over(store).await;
    let (_, codes) = with_codes(&server).await;
    assert_eq!(tried(&server, 2, ADA, &codes[0]).await, None);
    for code in codes {
        // A part of it would make the rest a guess.
        for part in code
            .split('-')
            .map(|part| format!("{part}-"))
            .chain([code[..9].replace('-', ""), code.replace('-', "")])
        {
            assert_eq!(written.find(&part), Vec::<String>::new());
            assert_eq!(written.find(&part.to_lowercase()), Vec::<String>::new());
        }
    }
}

/// Whichever step the store fails at: afterwards the code was used up, or works, and never twice.
#[tokio::test]
async fn a_store_that_fails_lets_no_code_work_twice() {
    for fault in [Fault::NotDone, Fault::AnswerLost] {
        for step in 0.. {
            let (store, plan) = FaultPlan::store().await;
            let server = TestProvider::over(store).await;
            let (ada, codes) = with_codes(&server).await;
            plan.fail(step..step + 1, fault);
            let first = tried(&server, 1, ADA, &codes[0]).await;
            let failed = plan.mend();
            assert!(
                matches!(first, None | Some(SignInError::Unavailable)),
                "{fault:?} {step}"
            );
            let second = tried(&server, 1, ADA, &codes[0]).await;
            assert!(
                second == WRONG || (second.is_none() && first.is_some()),
                "{fault:?} {step}"
            );
            assert_eq!(
                server
                    .account(&ada.context())
                    .await
                    .recovery_codes
                    .map(|codes| codes.left),
                Some(9),
                "{fault:?} {step}"
            );
            assert_eq!(tried(&server, 1, ADA, &codes[1]).await, None);
            if !failed {
                assert!(step > 5, "every step was tried");
                break;
            }
        }
    }
}
