//! Sequences of transitions.

use identity::{
    Account, CurrentLink, DisplayName, LinkTarget, RecoveryCodes, Rights, Role, SessionEpoch,
    account::{CredentialError, InviteError, MAX_PASSKEYS, SessionEnded, SignInRefused},
    deceptive::is_deceptive_char,
    enrolment::Credential,
    recovery,
};
use primitives::{Digest, Id, Secret};
use proptest::prelude::*;

use crate::{ADA, NOW, passkey, passkey_id, password, pending, with_password};

const SEED: Secret = Secret::new([5; 32]);

/// A transition that may be asked for.
#[derive(Clone, Copy, Debug)]
enum Step {
    SignInWithPassword(u8),
    SignInWithPasskey(u8),
    RedeemCode(u8),
    AddPasskey(u8),
    RenamePasskey(u8),
    RemovePasskey(u8),
    ChangePassword(u8, bool),
    RemovePassword,
    MakeCodes,
    DeclinePasskey,
    EndOtherSessions,
    SetPassword(u8, bool),
    Enrol(bool),
    Reset(bool),
    InviteAgain(bool),
    MakeLink,
    WithdrawLink,
    Disable,
    Enable,
    SetRole(bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let number = 0..4_u8;
    let step = prop_oneof![
        number.clone().prop_map(Step::SignInWithPassword),
        number.clone().prop_map(Step::SignInWithPasskey),
        (0..10_u8).prop_map(Step::RedeemCode),
        number.clone().prop_map(Step::AddPasskey),
        number.clone().prop_map(Step::RenamePasskey),
        number.clone().prop_map(Step::RemovePasskey),
        (number.clone(), any::<bool>()).prop_map(|(one, long)| Step::ChangePassword(one, long)),
        Just(Step::RemovePassword),
        Just(Step::MakeCodes),
        Just(Step::DeclinePasskey),
        Just(Step::EndOtherSessions),
        (number, any::<bool>()).prop_map(|(one, long)| Step::SetPassword(one, long)),
        any::<bool>().prop_map(Step::Enrol),
        any::<bool>().prop_map(Step::Reset),
        any::<bool>().prop_map(Step::InviteAgain),
        Just(Step::MakeLink),
        Just(Step::WithdrawLink),
        Just(Step::Disable),
        Just(Step::Enable),
        any::<bool>().prop_map(Step::SetRole),
    ];
    proptest::collection::vec(step, 0..60)
}

impl Step {
    /// Whether it ends every session.
    const fn ends_sessions(self) -> bool {
        match self {
            Self::ChangePassword(..)
            | Self::EndOtherSessions
            | Self::SetPassword(..)
            | Self::Enrol(_)
            | Self::Reset(_)
            | Self::InviteAgain(_)
            | Self::Disable => true,
            Self::SignInWithPassword(_)
            | Self::SignInWithPasskey(_)
            | Self::RedeemCode(_)
            | Self::AddPasskey(_)
            | Self::RenamePasskey(_)
            | Self::RemovePasskey(_)
            | Self::RemovePassword
            | Self::MakeCodes
            | Self::DeclinePasskey
            | Self::MakeLink
            | Self::WithdrawLink
            | Self::Enable
            | Self::SetRole(_) => false,
        }
    }

    /// The account after it; `None` when it is refused.
    fn take(self, account: Account<u8>) -> Option<Account<u8>> {
        let epoch = account.session_epoch();
        match self {
            Self::SignInWithPassword(one) => {
                let is_long = account.fields().password_is_long;
                account
                    .sign_in_with_password(&password(one, is_long).hash, is_long, NOW)
                    .ok()
            }
            Self::SignInWithPasskey(one) => account
                .sign_in_with_passkey(&passkey_id(one), |_| (), NOW)
                .ok()
                .map(|(next, _)| next),
            Self::RedeemCode(place) => account.redeem_recovery_code(&code(place), ADA, NOW).ok(),
            Self::AddPasskey(one) => account.add_passkey(epoch, passkey(one)).ok(),
            Self::RenamePasskey(one) => account
                .rename_passkey(epoch, &passkey_id(one), "Blue")
                .ok()
                .map(|(next, _)| next),
            Self::RemovePasskey(one) => account
                .remove_passkey(epoch, &passkey_id(one))
                .ok()
                .map(|(next, _)| next),
            Self::ChangePassword(one, long) => account
                .change_password(epoch, password(one, long), NOW)
                .ok(),
            Self::RemovePassword => account.remove_password(epoch, true).ok(),
            Self::MakeCodes => {
                let codes = RecoveryCodes::new(&SEED, ADA, NOW);
                account.replace_recovery_codes(epoch, codes).ok()
            }
            Self::DeclinePasskey => account.decline_passkey(epoch, NOW).ok(),
            Self::EndOtherSessions => account.end_other_sessions(epoch).ok(),
            Self::SetPassword(one, long) => Some(account.set_password(password(one, long), NOW)),
            Self::Enrol(long) => {
                let target = LinkTarget::enrolment(&account);
                account.enrol(target, &link(), credential(long), NOW).ok()
            }
            Self::Reset(long) => {
                let target = LinkTarget::reset(&account);
                account.reset(target, &link(), credential(long), NOW).ok()
            }
            Self::InviteAgain(administrator) => {
                account.invite_again(Some(role(administrator))).ok()
            }
            Self::MakeLink => Some(account.with_link(epoch, link(), NOW)),
            Self::WithdrawLink => Some(account.without_link(NOW)),
            Self::Disable => Some(with_rights(account, Rights::disable)),
            Self::Enable => Some(with_rights(account, Rights::enable)),
            Self::SetRole(administrator) => {
                let rights = account.rights().with_role(role(administrator)).ok()?;
                Some(with_rights(account, |_| rights))
            }
        }
    }
}

fn role(administrator: bool) -> Role {
    if administrator {
        Role::Administrator
    } else {
        Role::User
    }
}

fn link() -> Digest {
    Digest::of(b"link")
}

fn code(place: u8) -> Digest {
    recovery::digest(ADA, &recovery::codes(&SEED)[usize::from(place)])
}

/// A password that is long, or a passkey.
fn credential(long: bool) -> Credential<u8> {
    if long {
        Credential::Password(password(1, true))
    } else {
        Credential::Passkey(Box::new(passkey(9)))
    }
}

/// The rights of an account are changed in its record, apart from it.
fn with_rights(account: Account<u8>, change: impl FnOnce(Rights) -> Rights) -> Account<u8> {
    let rights = change(account.rights());
    let mut fields = account.into_fields();
    fields.disabled = rights.disabled;
    fields.role = rights.role;
    fields.session_epoch = rights.session_epoch;
    Account::from_fields(fields)
}

proptest! {
    /// The session epoch rises by one in exactly those transitions that end every session.
    #[test]
    fn the_session_epoch_rises_in_the_transitions_that_end_every_session(steps in steps()) {
        let mut account = with_password(Role::User, true);
        for step in steps {
            let before = account.session_epoch().number();
            let Some(next) = step.take(account.clone()) else { continue };
            let raised = u64::from(step.ends_sessions());
            prop_assert_eq!(next.session_epoch().number(), before + raised, "{:?}", step);
            account = next;
        }
    }

    /// An account that has a credential never loses the last one.
    #[test]
    fn an_account_keeps_a_credential(steps in steps()) {
        let mut account = with_password(Role::User, true);
        for step in steps {
            account = step.take(account.clone()).unwrap_or(account);
            prop_assert!(account.has_credentials() && !account.is_pending(), "{:?}", step);
            prop_assert!(account.passkeys().len() <= MAX_PASSKEYS);
        }
    }

    /// An administrator's only credential is never a password that may be short, as long as no
    /// other administrator sets one.
    #[test]
    fn an_administrator_has_more_than_a_short_password(steps in steps()) {
        let mut account = with_password(Role::Administrator, true);
        for step in steps {
            if matches!(step, Step::SetPassword(_, false)) {
                continue;
            }
            account = step.take(account.clone()).unwrap_or(account);
            let is_administrator = account.role() == Role::Administrator;
            prop_assert!(!(is_administrator && account.rights().has_short_password_alone));
        }
    }

    /// Nothing signs in to a disabled account, and nothing that its user asks for changes it.
    #[test]
    fn a_disabled_account_stands_still(steps in steps()) {
        let mut account = with_rights(with_password(Role::User, true), Rights::disable);
        for step in steps {
            let by_administrator = matches!(
                step,
                Step::SetPassword(..) | Step::MakeLink | Step::WithdrawLink | Step::Disable
                    | Step::Enable | Step::SetRole(_)
            );
            let next = step.take(account.clone());
            prop_assert!(by_administrator || next.is_none(), "{:?}", step);
            if !matches!(step, Step::Enable) {
                account = next.unwrap_or(account);
            }
        }
    }

    /// A code works once, whatever comes in between, until new codes are made.
    #[test]
    fn a_recovery_code_works_once(places in proptest::collection::vec(0..10_u8, 0..40)) {
        let mut account = Step::MakeCodes.take(pending(Role::User)).expect("made");
        let mut used = std::collections::BTreeSet::new();
        for place in places {
            prop_assert_eq!(account.has_recovery_code(&code(place)), !used.contains(&place));
            let next = account.clone().redeem_recovery_code(&code(place), ADA, NOW);
            prop_assert_eq!(next.is_ok(), used.insert(place));
            account = next.unwrap_or(account);
        }
    }
}

#[test]
fn a_session_of_an_earlier_epoch_changes_nothing() {
    let account = with_password(Role::User, true);
    let old = account.session_epoch();
    let now = account.end_other_sessions(old).expect("the session counts");
    let ended = Err(CredentialError::SessionEnded(SessionEnded));
    assert_eq!(now.clone().add_passkey(old, passkey(1)), ended);
    assert_eq!(
        now.clone().change_password(old, password(1, true), NOW),
        ended
    );
    assert_eq!(now.clone().remove_password(old, true), ended);
    let ended = CredentialError::SessionEnded(SessionEnded);
    let renamed = now.clone().rename_passkey(old, &passkey_id(1), "Blue");
    assert_eq!(renamed.expect_err("over"), ended);
    let removed = now.clone().remove_passkey(old, &passkey_id(1));
    assert_eq!(removed.expect_err("over"), ended);
    let codes = RecoveryCodes::new(&SEED, ADA, NOW);
    assert_eq!(
        now.clone().replace_recovery_codes(old, codes),
        Err(SessionEnded)
    );
    assert_eq!(now.clone().decline_passkey(old, NOW), Err(SessionEnded));
    assert_eq!(now.end_other_sessions(old), Err(SessionEnded));
}

#[test]
fn passkeys_come_and_go_by_their_ids() {
    let account = pending(Role::User);
    let epoch = account.session_epoch();
    let one = account.add_passkey(epoch, passkey(1)).expect("added");
    let again = one.clone().add_passkey(epoch, passkey(1));
    assert_eq!(again, Err(CredentialError::KnownPasskey));
    let last = one.clone().remove_passkey(epoch, &passkey_id(1));
    assert_eq!(last.expect_err("refused"), CredentialError::LastCredential);
    let two = one.add_passkey(epoch, passkey(2)).expect("added");
    let gone = two.clone().remove_passkey(epoch, &passkey_id(3));
    assert_eq!(gone.expect_err("refused"), CredentialError::Gone);
    let (left, name) = two
        .remove_passkey(epoch, &passkey_id(1))
        .expect("one is left");
    assert_eq!(
        (left.passkeys(), name.as_str()),
        (&[passkey(2)][..], "Passkey 1")
    );
    let mut full = left;
    for number in 3..=21 {
        full = full
            .add_passkey(epoch, passkey(number))
            .expect("there is room");
    }
    assert_eq!(full.passkeys().len(), MAX_PASSKEYS);
    let refused = full.add_passkey(epoch, passkey(30));
    assert_eq!(refused, Err(CredentialError::TooManyPasskeys));
}

#[test]
fn a_passkey_is_called_what_can_be_read() {
    let epoch = SessionEpoch::FIRST;
    let account = pending(Role::User)
        .add_passkey(epoch, passkey(1))
        .expect("added");
    let named = |name: &str| {
        let renamed = account.clone().rename_passkey(epoch, &passkey_id(1), name);
        renamed.map(|(next, name)| {
            assert_eq!(next.passkeys()[0].name, name);
            name
        })
    };
    assert_eq!(named(" The\u{7} blue one "), Ok("The blue one".to_owned()));
    assert_eq!(named(" \u{7}\n"), Err(CredentialError::EmptyName));
    assert_eq!(named(&"\u{e9}".repeat(60)).map(|name| name.len()), Ok(100));
    assert_eq!(
        named(&format!("a{}", "\u{e9}".repeat(60))).map(|name| name.len()),
        Ok(99)
    );
    let gone = account.rename_passkey(epoch, &passkey_id(2), "Blue");
    assert_eq!(gone.expect_err("another one"), CredentialError::Gone);
}

#[test]
fn a_name_is_chosen_in_a_session_of_today_and_signs_nobody_out() {
    let name = |typed: &str| DisplayName::read(typed).expect("a name");
    let account = with_password(Role::User, false);
    let epoch = account.session_epoch();
    let named = account.clone().choose_name(epoch, name("Ada"));
    let named = named.expect("chosen");
    assert_eq!((named.name(), named.session_epoch()), (Some("Ada"), epoch));
    let ended = named.clone().end_other_sessions(epoch).expect("ended");
    assert_eq!(ended.choose_name(epoch, None), Err(SessionEnded));
    assert_eq!(named.choose_name(epoch, name(" ")), Ok(account));
}

proptest! {
    #[test]
    fn a_name_that_was_read_is_read_the_same_and_fits_a_header(typed in "[ a-z\\PC\\pC\\pM\\pZ]{0,70}") {
        if let Ok(Some(name)) = DisplayName::read(&typed) {
            let text = name.as_str();
            prop_assert!((1..=64).contains(&text.chars().count()));
            prop_assert!(!text.chars().any(is_deceptive_char) && text.trim() == text);
            prop_assert_eq!(DisplayName::read(text), Ok(Some(name.clone())));
        }
    }
}

#[test]
fn signing_in_is_noted_with_what_is_learned_by_it() {
    let later = NOW.after(std::time::Duration::from_mins(1));
    let account = with_password(Role::User, false);
    let in_by_password = account
        .clone()
        .sign_in_with_password("hash 0", true, later)
        .expect("in");
    assert_eq!(in_by_password.fields().last_sign_in_at, Some(later));
    assert!(in_by_password.fields().password_is_long);
    let stale = account.clone().sign_in_with_password("hash 1", true, later);
    assert_eq!(stale, Err(SignInRefused));

    let account = account
        .add_passkey(SessionEpoch::FIRST, passkey(1))
        .expect("added");
    let (in_by_passkey, name) = account
        .clone()
        .sign_in_with_passkey(&passkey_id(1), |key| *key = 77, later)
        .expect("in");
    let used = &in_by_passkey.passkeys()[0];
    assert_eq!(
        (used.key, used.last_used_at, name.as_str()),
        (77, Some(later), "Passkey 1")
    );
    assert_eq!(in_by_passkey.fields().last_sign_in_at, Some(later));
    let unknown = account
        .clone()
        .sign_in_with_passkey(&passkey_id(2), |_| (), later);
    assert_eq!(unknown.expect_err("another one"), SignInRefused);

    let codes = RecoveryCodes::new(&SEED, ADA, NOW);
    let account = account
        .replace_recovery_codes(SessionEpoch::FIRST, codes)
        .expect("made");
    let this_use = Id::new([7; 16]);
    let by_code = account
        .redeem_recovery_code(&code(0), this_use, later)
        .expect("in");
    let left = by_code.fields().recovery.as_ref().expect("codes are left");
    assert_eq!((left.left.len(), left.last_use), (9, Some(this_use)));
    assert_eq!(by_code.fields().last_sign_in_at, Some(later));
}

#[test]
fn a_new_password_ends_what_the_old_one_opened() {
    let account = Step::MakeCodes
        .take(with_password(Role::User, true))
        .expect("made");
    let later = NOW.after(std::time::Duration::from_mins(1));
    let own = account
        .clone()
        .change_password(SessionEpoch::FIRST, password(2, false), later);
    let own = own.expect("changed").into_fields();
    assert_eq!(
        (own.password.as_deref(), own.password_set_at),
        (Some("hash 2"), Some(later))
    );
    assert!(own.recovery.is_some() && !own.password_is_long);
    let set = account.set_password(password(3, true), later).into_fields();
    assert_eq!(
        (set.password.as_deref(), set.recovery),
        (Some("hash 3"), None)
    );
}

#[test]
fn a_short_password_is_not_all_that_an_administrator_has() {
    let epoch = SessionEpoch::FIRST;
    let administrator = with_password(Role::Administrator, true);
    let short = administrator
        .clone()
        .change_password(epoch, password(1, false), NOW);
    assert_eq!(short, Err(CredentialError::ShortPasswordAlone));
    let with_passkey = administrator.add_passkey(epoch, passkey(1)).expect("added");
    let short = with_passkey
        .change_password(epoch, password(1, false), NOW)
        .expect("it has one");
    let alone = short
        .clone()
        .remove_passkey(short.session_epoch(), &passkey_id(1));
    assert_eq!(
        alone.expect_err("refused"),
        CredentialError::ShortPasswordAlone
    );
}

#[test]
fn the_password_goes_where_passkeys_work_alone() {
    let epoch = SessionEpoch::FIRST;
    let account = with_password(Role::User, true);
    let alone = account.clone().remove_password(epoch, true);
    assert_eq!(alone, Err(CredentialError::LastCredential));
    let both = account.add_passkey(epoch, passkey(1)).expect("added");
    let useless = both.clone().remove_password(epoch, false);
    assert_eq!(useless, Err(CredentialError::LastCredential));
    let without = both
        .remove_password(epoch, true)
        .expect("a passkey is left");
    assert_eq!(
        (without.password(), without.fields().password_set_at),
        (None, None)
    );
    assert_eq!(
        without.remove_password(epoch, true),
        Err(CredentialError::Gone)
    );
}

#[test]
fn an_account_is_invited_again_while_it_waits_for_its_user() {
    let waiting = pending(Role::User);
    let again = waiting
        .clone()
        .invite_again(Some(Role::Administrator))
        .expect("it waits");
    assert_eq!(again.role(), Role::Administrator);
    assert_eq!(
        waiting.clone().invite_again(None).expect("it waits").role(),
        Role::User
    );
    let enrolled = with_password(Role::User, true);
    assert_eq!(
        enrolled.clone().invite_again(None),
        Err(InviteError::CanSignIn)
    );
    let disabled = with_rights(waiting.clone(), Rights::disable);
    assert_eq!(disabled.invite_again(None), Err(InviteError::Disabled));
    assert_eq!(waiting.may_be_added_again(None), Ok(()));
    assert_eq!(waiting.may_be_added_again(Some(Role::User)), Ok(()));
    let other = waiting.may_be_added_again(Some(Role::Administrator));
    assert_eq!(other, Err(InviteError::OtherRole));
    let known = enrolled.may_be_added_again(Some(Role::User));
    assert_eq!(known, Err(InviteError::CanSignIn));
}

#[test]
fn an_account_is_what_was_stored_of_it() {
    let account = with_password(Role::User, true).with_id(Id::new([8; 16]));
    let link = CurrentLink {
        session_epoch: SessionEpoch::FIRST,
        digest: Some(link()),
        expires_at: NOW,
    };
    let linked = account.with_link(link.session_epoch, Digest::of(b"link"), NOW);
    assert_eq!(linked.fields().link, Some(link));
    assert_eq!(Account::from_fields(linked.clone().into_fields()), linked);
    assert_eq!(linked.id(), Id::new([8; 16]));
    assert!(linked.is_found_by("ada@example.com") && !linked.is_found_by("bob@example.com"));
}
