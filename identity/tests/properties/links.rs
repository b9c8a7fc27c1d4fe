//! One-time links, enrolment and addresses.

use std::time::Duration;

use identity::{
    EnrolmentTarget, LinkTarget, OneTimeLink, Purpose, Rights, Role, SessionEpoch, SignUpPolicy,
    account::{LinkGone, NextEmail},
    enrolment::{AddressError, Credential},
};
use primitives::{Digest, Id};
use proptest::prelude::*;

use crate::{ADA, NOW, email, passkey, password, pending, with_password};

const A_MINUTE: Duration = Duration::from_mins(1);

fn long_password() -> Credential<u8> {
    Credential::Password(password(1, true))
}

proptest! {
    /// Of the links of an account the newest one counts, and each works once.
    #[test]
    fn a_link_works_once_and_the_newest_alone(made in 1..6_usize, used in 0..6_usize, reset: bool) {
        let mut account = if reset { with_password(Role::User, true) } else { pending(Role::User) };
        let target = |account: &identity::Account<u8>| {
            if reset { LinkTarget::reset(account) } else { LinkTarget::enrolment(account) }
        };
        let mut links = Vec::new();
        for number in 0..made {
            let digest = Digest::of(&number.to_le_bytes());
            links.push((target(&account), digest.clone()));
            account = account.clone().with_link(account.session_epoch(), digest, NOW.after(A_MINUTE));
        }
        let used = used % made;
        let (target, digest) = &links[used];
        prop_assert_eq!(target.opens(&account, digest), used == made - 1);
        let take = |account: identity::Account<u8>, (target, digest): &(LinkTarget, Digest)| {
            if reset {
                account.reset(*target, digest, long_password(), NOW)
            } else {
                account.enrol(*target, digest, long_password(), NOW)
            }
        };
        let first = take(account.clone(), &links[used]);
        prop_assert_eq!(first.is_ok(), used == made - 1);
        let after = first.unwrap_or_else(|_| take(account, &links[made - 1]).expect("the newest"));
        for link in &links {
            prop_assert_eq!(take(after.clone(), link), Err(LinkGone));
        }
    }
}

#[test]
fn a_link_opens_what_it_was_made_for() {
    let waiting = pending(Role::User);
    let link = Digest::of(b"link");
    let target = LinkTarget::enrolment(&waiting);
    assert!(target.opens(&waiting, &link));
    assert!(!target.opens(&waiting.clone().with_id(Id::new([2; 16])), &link));
    assert!(!LinkTarget::FirstAccount.opens(&waiting, &link));
    assert!(
        !target.opens(&with_password(Role::User, true), &link),
        "it waits no more"
    );
    let reset = LinkTarget::reset(&waiting);
    assert!(reset.opens(&with_password(Role::User, true), &link));
    assert!(!reset.opens(&waiting.clone().with_id(Id::new([2; 16])), &link));
    let wrong = waiting.clone().enrol(reset, &link, long_password(), NOW);
    assert_eq!(wrong, Err(LinkGone));
    assert_eq!(
        waiting.clone().reset(target, &link, long_password(), NOW),
        Err(LinkGone)
    );
    assert_eq!(
        (target.account(), target.purpose()),
        (Some(ADA), Purpose::Enrolment)
    );
    assert_eq!(
        (reset.account(), reset.purpose()),
        (Some(ADA), Purpose::Reset)
    );
    let first = LinkTarget::FirstAccount;
    assert_eq!(
        (first.account(), first.purpose()),
        (None, Purpose::FirstAccount)
    );
    let withdrawn = waiting.clone().without_link(NOW);
    assert!(!target.opens(&withdrawn, &link));
    let again = waiting.invite_again(None).expect("it waits");
    assert!(!target.opens(&again, &link));
}

#[test]
fn a_link_expires() {
    let link = OneTimeLink {
        target: LinkTarget::FirstAccount,
        expires_at: NOW,
    };
    assert_eq!(
        link.target(NOW.before(A_MINUTE)),
        Some(LinkTarget::FirstAccount)
    );
    assert_eq!(link.target(NOW), None);
}

#[test]
fn an_account_says_until_when_its_link_is_good() {
    let until = NOW.after(A_MINUTE);
    let account = pending(Role::User);
    assert_eq!(account.link_expires_at(NOW), None);
    let linked = account.with_link(SessionEpoch::FIRST, Digest::of(b"link"), until);
    assert_eq!(linked.link_expires_at(NOW), Some(until));
    assert_eq!(linked.link_expires_at(until), None);
    assert_eq!(
        linked
            .clone()
            .without_link(NOW.before(A_MINUTE))
            .link_expires_at(NOW),
        None
    );
    let later = linked
        .clone()
        .with_link(SessionEpoch::new(7), Digest::of(b"link"), until);
    assert_eq!(later.link_expires_at(NOW), None, "of another epoch");
    let mut fields = linked.into_fields();
    fields.disabled = true;
    assert_eq!(
        identity::Account::from_fields(fields).link_expires_at(NOW),
        None
    );
}

#[test]
fn a_reset_loses_what_others_may_know_and_keeps_passkeys() {
    let account = with_password(Role::User, true);
    let account = account
        .add_passkey(SessionEpoch::FIRST, passkey(1))
        .expect("added");
    let target = LinkTarget::reset(&account);
    let link = Digest::of(b"link");
    let new = Credential::Passkey(Box::new(passkey(2)));
    let after = account.reset(target, &link, new, NOW).expect("it opens");
    assert_eq!((after.password(), after.passkeys().len()), (None, 2));
    let fields = after.into_fields();
    assert_eq!(
        (fields.password_set_at, fields.password_is_long),
        (None, false)
    );
    assert_eq!((fields.recovery, fields.link), (None, None));
    assert_eq!(fields.last_sign_in_at, Some(NOW));
}

#[test]
fn an_administrator_enrols_with_no_short_password() {
    let waiting = pending(Role::Administrator);
    let target = LinkTarget::enrolment(&waiting);
    let short = Credential::Password(password(1, false));
    let link = Digest::of(b"link");
    assert_eq!(waiting.enrol(target, &link, short, NOW), Err(LinkGone));
}

#[test]
fn who_comes_without_an_account_gets_the_role_of_the_way() {
    let first: EnrolmentTarget<u8> = EnrolmentTarget::FirstAccount;
    let sign_up: EnrolmentTarget<u8> = EnrolmentTarget::SignUp;
    let policy = SignUpPolicy::Domains(vec!["example.com".to_owned()]);
    let ada = email("ada@example.com");
    assert_eq!(
        first.new_address("ada@example.org", &policy),
        Ok(email("ada@example.org"))
    );
    assert_eq!(
        first.new_address("ada", &policy),
        Err(AddressError::Invalid)
    );
    assert_eq!(
        sign_up.new_address("ada@example.com", &policy),
        Ok(ada.clone())
    );
    let foreign = sign_up.new_address("ada@example.org", &policy);
    assert_eq!(foreign, Err(AddressError::NotAllowed));
    let administrator = first.new_account(ADA, &ada, NOW);
    assert_eq!(administrator.role(), Role::Administrator);
    assert_eq!(sign_up.new_account(ADA, &ada, NOW).role(), Role::User);
    assert_eq!(
        (first.min_password_length(), sign_up.min_password_length()),
        (12, 8)
    );
    assert!(first.needs_link() && !sign_up.needs_link());
    let waiting = EnrolmentTarget::Enrolment(Box::new(pending(Role::Administrator)));
    assert_eq!(waiting.min_password_length(), 12);
    assert_eq!(waiting.account().map(|account| account.id()), Some(ADA));
    assert!(first.account().is_none());
    let reset = EnrolmentTarget::Reset(Box::new(pending(Role::User)));
    let purposes = [
        first.purpose(),
        sign_up.purpose(),
        waiting.purpose(),
        reset.purpose(),
    ];
    let expected = [
        Purpose::FirstAccount,
        Purpose::FirstAccount,
        Purpose::Enrolment,
        Purpose::Reset,
    ];
    assert_eq!(purposes, expected);
    let made = administrator
        .with_first_credential(long_password(), NOW)
        .with_role(Role::User);
    assert_eq!((made.role(), made.password()), (Role::User, Some("hash 1")));
    assert_eq!(made.fields().last_sign_in_at, Some(NOW));
    assert_eq!(made.session_epoch(), SessionEpoch::FIRST);
}

#[test]
fn an_address_is_taken_in_two_steps() {
    let account = with_password(Role::User, true);
    let epoch = SessionEpoch::FIRST;
    let next = NextEmail::new(&email("bob@example.com"), NOW);
    let own = "ada@example.com";
    let other = "bob@example.com";
    assert_eq!(
        account.clone().announce_email(other, epoch, next.clone()),
        None
    );
    assert_eq!(
        account
            .clone()
            .announce_email(own, SessionEpoch::new(1), next.clone()),
        None
    );
    let announced = account
        .announce_email(own, epoch, next.clone())
        .expect("as it was read");
    assert!(announced.holds_address(own, NOW) && announced.holds_address(other, NOW));
    assert!(!announced.holds_address("eve@example.com", NOW));
    // A little longer than it may be used.
    assert!(announced.holds_address(other, next.until));
    assert!(!announced.holds_address(other, next.until.after(A_MINUTE)));

    let (taken, done) = announced.clone().take_email(own, epoch, &next, true, NOW);
    assert!(done && taken.is_found_by(other) && !taken.is_found_by(own));
    assert_eq!(taken.email(), other);
    assert_eq!(taken.fields().next_email, None);
    let link = taken.fields().link.as_ref().expect("links end");
    assert_eq!(link.digest, None);

    for (claimed, epoch, now) in [
        (false, epoch, NOW),
        (true, SessionEpoch::new(1), NOW),
        (true, epoch, next.until),
    ] {
        let (left, done) = announced
            .clone()
            .take_email(own, epoch, &next, claimed, now);
        assert!(!done && left.is_found_by(own) && left.fields().next_email.is_none());
    }
    let another = NextEmail::new(&email("eve@example.com"), NOW);
    let (left, done) = announced
        .clone()
        .take_email(own, epoch, &another, true, NOW);
    assert!(
        !done && left == announced,
        "somebody else's announcement stays"
    );
}

#[test]
fn rights_say_what_decides_of_an_account() {
    let rights = |account: &identity::Account<u8>| account.rights().has_short_password_alone;
    assert!(!rights(&pending(Role::User)) && rights(&with_password(Role::User, false)));
    assert!(!rights(&with_password(Role::User, true)));
    let both = with_password(Role::User, false).add_passkey(SessionEpoch::FIRST, passkey(1));
    assert!(!rights(&both.expect("added")));
    let expected = Rights {
        disabled: false,
        role: Role::Administrator,
        session_epoch: SessionEpoch::FIRST,
        has_short_password_alone: false,
    };
    assert_eq!(pending(Role::Administrator).rights(), expected);
}
