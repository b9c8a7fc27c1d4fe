//! Sessions.

use std::time::Duration;

use identity::{
    Account, Role, Session, SessionEpoch, SignInMethod,
    session::{AdministratorError, MAX_SESSIONS, offers_passkey, surplus_sessions},
};
use primitives::{Id, Timestamp};
use proptest::prelude::*;

use crate::{NOW, passkey, pending, with_password};

const A_DAY: Duration = Duration::from_hours(24);

fn open(account: &Account<u8>) -> Session {
    let from = ("Chrome on Linux".to_owned(), "192.0.2.1".to_owned());
    Session::open(account, false, from.0, from.1, NOW, A_DAY)
}

fn at(seconds: u64) -> Timestamp {
    NOW.after(Duration::from_secs(seconds))
}

proptest! {
    /// However many sessions there are, at most so many are left, the newest one is among them, and
    /// those that end were used no later than those that stay.
    #[test]
    fn an_account_has_at_most_so_many_sessions(
        used in proptest::collection::vec(proptest::option::of(0..50_u64), 1..160),
        newest in any::<prop::sample::Index>(),
    ) {
        let newest = newest.index(used.len());
        let name = |place: usize| format!("{place:03}");
        let there = |place: usize| (place == newest).then_some(60).or(used[place]);
        let sessions = (0..used.len())
            .map(|place| (there(place).map(|last| (at(last), at(0))), name(place)))
            .collect();
        let ended = surplus_sessions(sessions, &name(newest));
        let ends = |place: &usize| ended.contains(&name(*place));
        let (gone, left): (Vec<_>, Vec<_>) = (0..used.len()).partition(ends);
        prop_assert_eq!(gone.len(), ended.len());
        prop_assert!(left.len() <= MAX_SESSIONS && left.contains(&newest));
        prop_assert!(left.iter().all(|place| there(*place).is_some()));
        let living = gone.iter().filter_map(|place| there(*place));
        let earliest_left = left.iter().filter_map(|place| there(*place)).min();
        prop_assert!(living.max() <= earliest_left);
        // No more than necessary.
        let lived = (0..used.len()).filter(|place| there(*place).is_some()).count();
        prop_assert_eq!(left.len(), lived.min(MAX_SESSIONS));
    }

    /// A session ends at the earlier of two times, and never comes back.
    #[test]
    fn a_session_ends_by_the_shorter_lifetime(set in 1..200_u64, today in 1..200_u64, now in 0..300_u64) {
        let account = with_password(Role::User, true);
        let lifetime = Duration::from_secs(set);
        let session = Session::open(&account, false, String::new(), String::new(), NOW, lifetime);
        let is_valid = session.is_valid(at(now), Duration::from_secs(today));
        prop_assert_eq!(is_valid, now < set.min(today));
    }
}

#[test]
fn a_session_opens_its_account_in_its_epoch() {
    let account = with_password(Role::User, true);
    let session = open(&account);
    assert!(session.opens(&account));
    assert!(!session.opens(&account.clone().with_id(Id::new([2; 16]))));
    let ended = account
        .clone()
        .end_other_sessions(SessionEpoch::FIRST)
        .expect("ended");
    assert!(!session.opens(&ended) && !session.is_in_epoch_of(&ended));
    let continued = session.continued(&ended, "Edge".to_owned(), "192.0.2.2".to_owned(), at(9));
    assert!(continued.opens(&ended) && continued.authenticated_at == session.authenticated_at);
    assert_eq!(
        (continued.created_at, continued.expires_at),
        (NOW, session.expires_at)
    );
    assert_eq!(
        (continued.last_used_at, continued.device.as_str()),
        (at(9), "Edge")
    );
    assert_eq!(continued.address, "192.0.2.2");
    let mut fields = account.into_fields();
    fields.disabled = true;
    assert!(!session.opens(&Account::from_fields(fields)));
}

#[test]
fn a_sign_in_is_fresh_for_five_minutes_and_a_use_noted_every_five() {
    let session = open(&with_password(Role::User, true));
    assert!(session.is_fresh(at(299)) && !session.is_fresh(at(300)));
    assert!(!session.is_worth_touching(at(299), "192.0.2.1"));
    assert!(session.is_worth_touching(at(300), "192.0.2.1"));
    assert!(session.is_worth_touching(at(0), "192.0.2.2"));
    let touched = session.touched(at(300), "192.0.2.3".to_owned());
    assert_eq!(
        (touched.last_used_at, touched.address.as_str()),
        (at(300), "192.0.2.3")
    );
    assert_eq!(touched.authenticated_at, NOW);
}

#[test]
fn administering_takes_the_role_and_a_fresh_sign_in() {
    let administrator = with_password(Role::Administrator, true);
    let session = open(&administrator);
    assert_eq!(session.may_administer(&administrator, NOW), Ok(()));
    let late = session.may_administer(&administrator, at(300));
    assert_eq!(late, Err(AdministratorError::ConfirmFirst));
    let user = with_password(Role::User, true);
    let late = open(&user).may_administer(&user, at(300));
    assert_eq!(late, Err(AdministratorError::WrongRole));
}

#[test]
fn a_passkey_is_offered_to_who_has_none_and_has_not_declined_lately() {
    let account = with_password(Role::User, true);
    let offered = |account: &Account<u8>, method, now| offers_passkey(account, method, now);
    let password = Some(SignInMethod::Password);
    assert!(offered(&account, password, NOW) && offered(&account, None, NOW));
    assert!(!offered(&account, Some(SignInMethod::Passkey), NOW));
    let declined = account
        .clone()
        .decline_passkey(SessionEpoch::FIRST, NOW)
        .expect("noted");
    let month = Duration::from_hours(30 * 24);
    assert!(!offered(&declined, password, NOW) && offered(&declined, None, NOW));
    assert!(!offered(
        &declined,
        password,
        NOW.after(month).before(Duration::from_secs(1))
    ));
    assert!(offered(&declined, password, NOW.after(month)));
    let has_one = pending(Role::User)
        .add_passkey(SessionEpoch::FIRST, passkey(1))
        .expect("added");
    assert!(!offered(&has_one, password, NOW));
}
