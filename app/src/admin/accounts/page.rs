//! Accounts: who can sign in, and who is an administrator.

use leptos::{prelude::*, server_fn::ServerFn};
use oauth::Timestamp;
use provider::{AccountSummary, Role, SortOrder, SortedPage};

use crate::{
    admin::{
        accounts::messages,
        actions::{
            DisableAccount, EnableAccount, Invite, RemoveAccount, ResetAccount, SetName, SetRole,
            WithdrawLink,
        },
        context::{AdminContext, Refused},
        messages as admin_messages,
        pagination::{ListPlace, Onward, SortLinks},
        parts::{ActionForm, NoneFound, Search, TextField},
    },
    clean,
    components::{Ago, Disclosure, PostForm, Unreadable, sentence},
    messages::common,
    page::PageError,
    pages::AdminPage,
    time_format,
};

/// `/admin/accounts?q=&sort=&after=`.
pub(crate) async fn load(admin: AdminContext) -> Result<AnyView, PageError> {
    let place = ListPlace::of(&admin.context);
    let own = admin
        .context
        .provider
        .sessions()
        .signed_in(&admin.context.browser)
        .await?
        .map(|user| user.account);
    let SortedPage {
        rows: accounts,
        unreadable,
        next,
        is_being_built,
    } = admin
        .administration
        .accounts()
        .page(&place.wanted())
        .await?;
    place.keep_in_forms();
    let none = accounts.is_empty();
    let shows_age = place.order() == SortOrder::Newest;
    let now = admin.now;
    let rows = accounts.into_iter().map(|account| {
        let own = own == Some(account.id);
        view! { <Row account own shows_age now form_token=&admin.form_token/> }
    });
    let rows = rows.collect_view();
    let view = view! {
        <Invitation refused=admin.refused() form_token=admin.form_token.clone()/>
        <Search section=AdminPage::Accounts label=messages::FIND button=messages::FIND_IT query=place.query().to_owned() sort=place.sort()/>
        <SortLinks section=AdminPage::Accounts place=&place name=admin_messages::BY_EMAIL/>
        {is_being_built.then(|| view! { <p class="quiet">{admin_messages::BEING_BUILT}</p> })}
        {if none {
            view! { <NoneFound section=AdminPage::Accounts sentence=nothing_found(place.query()) show_all=messages::SHOW_ALL/> }.into_any()
        } else {
            view! { <ul class="rows">{rows}</ul> }.into_any()
        }}
        <Unreadable count=unreadable/>
        <Onward section=AdminPage::Accounts place=&place next/>
    };
    Ok(view.into_any())
}

/// The form for an invitation. Open, with the entered values, after an error.
#[component]
fn Invitation(refused: Option<Refused>, form_token: String) -> impl IntoView {
    let (email, administrator, fault) = refused.and_then(Refused::invitation).unwrap_or_default();
    let open = fault.is_some();
    view! {
        <Disclosure summary=messages::INVITE_SOMEONE open>
            <PostForm action=Invite::url() form_token>
                <TextField id="invite-email" name="email" label=common::EMAIL value=email fault/>
                <RoleField administrator/>
                <button class="button" type="submit">{messages::INVITE}</button>
                <p class="hint">{messages::INVITE_EXPLAINED}</p>
            </PostForm>
        </Disclosure>
    }
}

#[component]
fn RoleField(administrator: bool) -> impl IntoView {
    view! {
        <div class="field">
            <label for="invite-role">{messages::ROLE}</label>
            <select id="invite-role" name="role">
                <option value=Role::User.as_str() selected=!administrator>{messages::USER}</option>
                <option value=Role::Administrator.as_str() selected=administrator>{messages::ADMINISTRATOR}</option>
            </select>
        </div>
    }
}

/// Nothing in the list matches this search.
fn nothing_found(query: &str) -> AnyView {
    let query = view! { <bdi class="strong">{clean::sentence(query)}</bdi> };
    sentence!(messages::NONE_FOUND, query = query).into_any()
}

#[component]
pub(crate) fn Row<'a>(
    account: AccountSummary,
    own: bool,
    /// Whether the row says when the account was made.
    #[prop(optional)]
    shows_age: bool,
    now: Timestamp,
    form_token: &'a str,
) -> impl IntoView + use<> {
    let email = clean::sentence(&account.email);
    let name = account.name.as_deref().map(clean::sentence);
    let name = name.map(|name| view! { " "<bdi>{name}</bdi> });
    let administrates = account.role == Role::Administrator;
    let state = view! { <State account=account.clone() shows_age now/> };
    let link_out = account.link_expires_at.map(|until| {
        view! { <p class="hint">{sentence!(messages::LINK_ACTIVE, when = time_format::exactly(until))}</p> }
    });
    let changes = (!own).then(|| {
        let changes = view! { <Changes account email=&email form_token/> };
        view! { <Disclosure summary=admin_messages::CHANGE object=email.clone()>{changes}</Disclosure> }
    });
    view! {
        <li class="row">
            <div>
                <p>
                    <bdi class="strong">{email}</bdi>
                    {name}
                    {administrates.then(|| view! { " "<span class="mark">{messages::ADMINISTRATOR}</span> })}
                    <span class="quiet">{common::DOT}{state}</span>
                </p>
                {link_out}
                {own.then(|| view! { <p class="hint">{messages::OWN}</p> })}
            </div>
            {changes}
        </li>
    }
}

/// "active · 2 passkeys and a password · last signed in 2 hours ago".
#[component]
fn State(account: AccountSummary, shows_age: bool, now: Timestamp) -> impl IntoView {
    let state = match (account.disabled, account.is_pending()) {
        (true, _) => messages::DISABLED,
        (false, true) => messages::NOT_SET_UP,
        (false, false) => messages::ACTIVE,
    };
    let created_at = account.created_at;
    let added = move || sentence!(messages::ADDED, when = view! { <Ago then=created_at now/> });
    let history = if account.is_pending() {
        added().into_any()
    } else {
        let age = shows_age.then(|| view! { {common::DOT}{added()} });
        view! { <SignIns account now/>{age} }.into_any()
    };
    view! { {state}{common::DOT}{history} }
}

/// "2 passkeys and a password · last signed in 2 hours ago".
#[component]
fn SignIns(account: AccountSummary, now: Timestamp) -> impl IntoView {
    let last = match account.last_sign_in_at {
        Some(then) => {
            sentence!(messages::LAST_SIGN_IN, when = view! { <Ago then now/> }).into_any()
        }
        None => messages::NO_SIGN_IN.into_any(),
    };
    view! { {messages::ways_in(account.passkeys, account.has_password)}{common::DOT}{last} }
}

/// Everything that can be done to an account, with its explanation.
#[component]
fn Changes<'a>(
    account: AccountSummary,
    email: &'a str,
    form_token: &'a str,
) -> impl IntoView + use<> {
    let shown = || view! { <bdi>{email.to_owned()}</bdi> };
    let grave = !account.disabled;
    let fields = || vec![("email", account.email.clone())];
    let (state, consequence, button) = if account.disabled {
        (
            EnableAccount::url(),
            messages::ENABLE_EXPLAINED,
            sentence!(messages::ENABLE, email = shown()).into_any(),
        )
    } else {
        (
            DisableAccount::url(),
            messages::DISABLE_EXPLAINED,
            sentence!(messages::DISABLE, email = shown()).into_any(),
        )
    };
    let removal = view! {
        <ActionForm
            action=RemoveAccount::url() form_token fields=fields() grave=true
            consequence=messages::REMOVE_EXPLAINED.into_any() button=sentence!(messages::REMOVE_IT, email = shown()).into_any()
        />
    };
    view! {
        {(!account.disabled).then(|| view! { <NewLink account=account.clone() email form_token/> })}
        <OtherRole account=account.clone() email form_token/>
        <OtherName account=account.clone() email form_token/>
        <ActionForm action=state form_token fields=fields() grave consequence=consequence.into_any() button/>
        <Disclosure summary=admin_messages::REMOVE object=email>{removal}</Disclosure>
    }
}

/// A new link for the user: an invitation, or a reset link.
#[component]
fn NewLink<'a>(
    account: AccountSummary,
    email: &'a str,
    form_token: &'a str,
) -> impl IntoView + use<> {
    let role = account.role.as_str().to_owned();
    let (action, button, consequence, fields) = if account.is_pending() {
        let fields = vec![("email", account.email.clone()), ("role", role)];
        (
            Invite::url(),
            messages::INVITE_AGAIN,
            messages::INVITE_AGAIN_EXPLAINED,
            fields,
        )
    } else {
        (
            ResetAccount::url(),
            messages::RESET,
            messages::RESET_EXPLAINED,
            vec![("email", account.email.clone())],
        )
    };
    let spoken = admin_messages::spoken(button, email);
    let withdrawal = account
        .link_expires_at
        .map(|_| view! { <Withdrawal address=account.email email form_token/> });
    view! {
        <ActionForm action form_token fields spoken consequence=consequence.into_any() button=button.into_any()/>
        {withdrawal}
    }
}

/// The cancelling of a link.
#[component]
fn Withdrawal<'a>(address: String, email: &'a str, form_token: &'a str) -> impl IntoView + use<> {
    let spoken = admin_messages::spoken(messages::CANCEL_LINK, email);
    view! {
        <ActionForm
            action=WithdrawLink::url() form_token fields=vec![("email", address)] spoken
            consequence=messages::CANCEL_LINK_EXPLAINED.into_any() button=messages::CANCEL_LINK.into_any()
        />
    }
}

/// The change to the other role.
#[component]
fn OtherRole<'a>(
    account: AccountSummary,
    email: &'a str,
    form_token: &'a str,
) -> impl IntoView + use<> {
    let (role, (button, consequence)) = match account.role {
        Role::User => (Role::Administrator, messages::MAKE_ADMINISTRATOR),
        Role::Administrator => (Role::User, messages::REMOVE_ADMINISTRATOR),
    };
    let fields = vec![("email", account.email), ("role", role.as_str().to_owned())];
    let spoken = admin_messages::spoken(button, email);
    view! {
        <ActionForm
            action=SetRole::url() form_token fields spoken consequence=consequence.into_any() button=button.into_any()
        />
    }
}

/// The user's name.
#[component]
fn OtherName<'a>(
    account: AccountSummary,
    email: &'a str,
    form_token: &'a str,
) -> impl IntoView + use<> {
    let field = format!("name-{}", account.id);
    let hint = format!("{field}-hint");
    let spoken = admin_messages::spoken(messages::SET_NAME, email);
    view! {
        <PostForm action=SetName::url() form_token=form_token.to_owned()>
            <input type="hidden" name="email" value=account.email/>
            <div class="field">
                <label for=field.clone()>{messages::NAME}</label>
                <input
                    type="text" id=field name="name" value=account.name maxlength="254" autocomplete="off" spellcheck="false"
                    aria-describedby=hint.clone()
                />
                <p class="hint" id=hint>{messages::NAME_EXPLAINED}</p>
            </div>
            <button class="button" type="submit" aria-label=spoken>{messages::SET_NAME}</button>
        </PostForm>
    }
}
