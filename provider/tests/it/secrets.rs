//! Nothing that opens anything lies in the store, or is said by the audit log.

use oauth::Secret;
use provider::{EnrolmentSource, Role};
use testkit::{
    Recorder,
    direct::{ADA, Authenticator, BOB, Browser, ON_THE_WEB, PASSWORD, TestClient, TestProvider},
};

const ANOTHER: &str = "a second, longer password";
const GUESS: &str = "what somebody typed in vain";

/// A client connects and refreshes. Gives all that it holds.
async fn a_client_works(server: &TestProvider, browser: &Browser) -> [String; 5] {
    let client = TestClient::added(server, "Claude", ON_THE_WEB).await;
    let tokens = client.connects(server, &browser.context()).await;
    let refreshed = client.refreshes(server, &tokens.refresh).await;
    let refreshed = refreshed.expect("tokens");
    [
        tokens.code,
        tokens.access,
        tokens.refresh,
        refreshed.access_token,
        refreshed.refresh_token.expect("one"),
    ]
}

/// Secrets of every kind, each of which was used.
async fn everything_happens(server: &TestProvider) -> Vec<String> {
    let provider = &server.provider;
    let mut secrets = vec![PASSWORD.to_owned(), ANOTHER.to_owned(), GUESS.to_owned()];
    let sign_in = provider.sign_in();
    let credentials = provider.credentials();
    // Links, of which one is used.
    secrets.extend([
        server.first_account_token().await,
        server.first_account_token().await,
    ]);
    let mut ada = Browser::from(server, 1);
    let link = EnrolmentSource::Link(&secrets[3]);
    let signed_in = provider
        .enrolment()
        .accept_with_password(&ada.context(), link, ADA, PASSWORD)
        .await;
    ada.keep_all(&signed_in.expect("accepted"));
    secrets.extend(ada.secrets());
    // Guesses, in every box.
    for (email, password) in [(ADA, GUESS), (GUESS, GUESS), ("nobody@example.com", GUESS)] {
        assert!(
            sign_in
                .sign_in_with_password(&server.browser(), email, password)
                .await
                .is_err()
        );
        assert!(
            sign_in
                .sign_in_with_recovery_code(&server.browser(), email, GUESS)
                .await
                .is_err()
        );
    }
    // Recovery codes, of which one is used.
    ada.keep(
        &credentials
            .make_recovery_codes(&ada.context())
            .await
            .expect("made"),
    );
    secrets.extend(ada.secrets());
    let codes = credentials
        .fresh_recovery_codes(&ada.context())
        .await
        .expect("the store answers")
        .expect("codes")
        .0;
    sign_in
        .sign_in_with_recovery_code(&server.browser(), ADA, &codes[0])
        .await
        .expect("signed in");
    secrets.extend(
        codes
            .iter()
            .flat_map(|code| [code.clone(), code.replace('-', ""), code.to_lowercase()]),
    );
    secrets.extend(a_client_works(server, &ada).await);
    let admin = provider
        .administrator(&ada.context())
        .await
        .expect("she is");
    secrets.extend(
        admin
            .clients()
            .add_client("Batch", &[ON_THE_WEB.to_owned()], true)
            .await
            .expect("added")
            .client_secret,
    );
    secrets.push(
        TestClient::registered(server, ON_THE_WEB)
            .await
            .expect("registered")
            .1,
    );
    // Links again, a passkey and its ceremony, and another password.
    let invited = admin
        .accounts()
        .invite(BOB, Some(Role::User))
        .await
        .expect("invited")
        .enrolment_link
        .expect("a link");
    secrets.extend(
        [
            invited,
            admin.accounts().reset_account(BOB).await.expect("a link"),
        ]
        .map(|link| last(&link)),
    );
    secrets.push(server.reset_token(ADA).await);
    let ceremony = credentials
        .start_adding_passkey(&ada.context())
        .await
        .expect("begun");
    let credential = Authenticator::new(1).create(&ceremony.options);
    credentials
        .finish_adding_passkey(&ada.context(), &ceremony.id, &credential)
        .await
        .expect("added");
    secrets.push(ceremony.id);
    ada.keep_all(
        &credentials
            .change_password(&ada.context(), ANOTHER)
            .await
            .expect("changed"),
    );
    ada.keep(
        &provider
            .sessions()
            .end_other_sessions(&ada.context())
            .await
            .expect("ended"),
    );
    secrets.extend(ada.secrets());
    secrets.push(provider.form_token(&ada.context()));
    secrets
}

fn last(link: &str) -> String {
    link.rsplit('/').next().expect("a token").to_owned()
}

#[tokio::test]
async fn no_secret_is_ever_written_anywhere() {
    let (store, written) = Recorder::store().await;
    let server = TestProvider::over(store).await;
    let secrets = everything_happens(&server).await;
    assert!(
        secrets.len() > 40 && secrets.iter().all(|secret| secret.len() >= 16),
        "all of them, each long enough to be told"
    );
    let link = Secret::decode(&secrets[3])
        .expect("a link's token")
        .digest();
    assert_ne!(
        written.find(link.as_str()),
        Vec::<String>::new(),
        "what is written is found"
    );
    for secret in &secrets {
        assert_eq!(written.find(secret), Vec::<String>::new(), "{secret}");
    }
    // Nor what is between the prefix and the end of what has one.
    for body in secrets
        .iter()
        .flat_map(|secret| secret.split(['_', '.']))
        .filter(|body| body.len() >= 40)
    {
        assert_eq!(written.find(body), Vec::<String>::new(), "{body}");
    }
}

/// Not even a digest against which codes or passwords could be guessed.
#[tokio::test]
async fn the_trail_holds_no_digest_of_a_secret_either() {
    let (store, written) = Recorder::store().await;
    let server = TestProvider::over(store).await;
    let secrets = everything_happens(&server).await;
    let trail: Vec<_> = ["event:", "activity:"]
        .iter()
        .flat_map(|name| written.find(name))
        .collect();
    assert!(trail.len() > 20, "{}", trail.len());
    for secret in secrets.iter().filter_map(|secret| Secret::decode(secret)) {
        let digest = secret.digest();
        assert!(
            trail.iter().all(|event| !event.contains(digest.as_str())),
            "{}",
            secret.encode()
        );
    }
    for event in &trail {
        assert!(
            !event.contains("argon2")
                && !event.contains("paserk")
                && !event.contains("\"credential\""),
            "{event}"
        );
    }
}
