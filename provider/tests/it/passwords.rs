//! Signing in with a password, and guessing at one.

use std::time::Duration;

use oauth::Issuer;
use provider::{Settings, SignInError};
use store::{Location, Store};

use crate::house::{ADA, House, ISSUER, PASSWORD};

const QUARTER_OF_AN_HOUR: Duration = Duration::from_mins(15);

#[tokio::test]
async fn a_password_signs_in_however_the_address_is_typed() {
    let house = House::new().await;
    house.add(ADA).await;
    for email in ["Ada@example.com", "ada@EXAMPLE.com", " ada@example.com "] {
        let cookie = house.provider.sign_in_with_password(&house.browser(), email, PASSWORD).await.expect("signed in");
        let person = house.person(&house.holding(&cookie)).await.expect("signed in");
        assert_eq!((person.email.as_str(), person.authenticated_at), (ADA, house.provider.now()));
    }
}

#[tokio::test]
async fn what_is_wrong_is_not_told() {
    let house = House::new().await;
    house.add(ADA).await;
    house.add("off@example.com").await;
    house.provider.disable_account("off@example.com").await.expect("disabled");
    house.enrolment_token("bare@example.com").await;
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
        let refusal = house.provider.sign_in_with_password(&house.browser(), email, password).await.err();
        assert_eq!(refusal, Some(SignInError::WrongCredentials), "{email}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_guesses_at_once_count_as_sixty_four() {
    for email in [ADA, "nobody@example.com"] {
        let house = House::new().await;
        house.add(ADA).await;
        let guesses: Vec<_> = (0..64)
            .map(|number| {
                let (provider, browser) = (house.provider.clone(), house.browser_from(number));
                tokio::spawn(async move { provider.sign_in_with_password(&browser, email, "a guess").await.err() })
            })
            .collect();
        let mut wrong = 0;
        for guess in guesses {
            wrong += usize::from(guess.await.expect("finishes") == Some(SignInError::WrongCredentials));
        }
        assert_eq!(wrong, 10, "{email}");
        let even_the_right_one =
            house.provider.sign_in_with_password(&house.browser(), &email.to_uppercase(), PASSWORD).await.err();
        let Some(SignInError::TooManyAttempts { retry_after }) = even_the_right_one else { panic!("{even_the_right_one:?}") };
        assert!(retry_after <= QUARTER_OF_AN_HOUR && !retry_after.is_zero());
        house.pass(retry_after);
        let after = house.provider.sign_in_with_password(&house.browser(), email, PASSWORD).await.err();
        assert_eq!(after, (email != ADA).then_some(SignInError::WrongCredentials), "nobody is locked out for good");
    }
}

#[tokio::test]
async fn one_neighbourhood_has_a_hundred_guesses_and_exhausts_nobody_elses() {
    let house = House::new().await;
    house.add(ADA).await;
    for number in 0..10 {
        for _ in 0..10 {
            let email = format!("{number}@example.com");
            let refusal = house.provider.sign_in_with_password(&house.browser(), &email, "a guess").await.err();
            assert_eq!(refusal, Some(SignInError::WrongCredentials));
        }
    }
    for _ in 0..20 {
        let refusal = house.provider.sign_in_with_password(&house.browser(), ADA, PASSWORD).await.err();
        assert!(matches!(refusal, Some(SignInError::TooManyAttempts { .. })), "{refusal:?}");
    }
    house.provider.sign_in_with_password(&house.browser_from(2), ADA, PASSWORD).await.expect("another neighbourhood");
}

#[tokio::test]
async fn limits_can_be_switched_off() {
    let settings = Settings { rate_limits: false, ..Settings::new(Issuer::parse(ISSUER).expect("an issuer")) };
    let house = House::with(settings, Store::open(&Location::Memory).await.expect("a store")).await;
    for _ in 0..20 {
        let refusal = house.provider.sign_in_with_password(&house.browser(), ADA, PASSWORD).await.err();
        assert_eq!(refusal, Some(SignInError::WrongCredentials));
    }
}
