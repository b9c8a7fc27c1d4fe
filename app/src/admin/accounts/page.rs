//! Accounts: who may sign in, and who may administer.

use leptos::{prelude::*, server_fn::ServerFn};
use oauth::Timestamp;
use provider::{AccountSummary, Listing, Role};

use crate::{
    admin::{
        accounts::messages,
        actions::{
            DisableAccount, EnableAccount, Invite, RemoveAccount, ResetAccount, SetRole,
            WithdrawLink,
        },
        context::{AdminContext, Refused},
        flash::Attempt,
        messages as admin_messages,
        pagination::{Page, Pagination, address},
        parts::{ActionForm, TextField},
    },
    clean,
    components::{Ago, PostForm, Step, Unreadable, sentence},
    messages::common,
    page::PageError,
    pages::{AdminPage, PagePath},
    time_format,
};

/// `/admin/accounts?q=&page=`.
pub(crate) async fn load(admin: AdminContext) -> Result<AnyView, PageError> {
    let (sought, number) = (
        admin.context.query_decoded("q"),
        admin.context.query_decoded("page"),
    );
    let own = admin
        .context
        .provider
        .signed_in(&admin.context.browser)
        .await?
        .map(|person| person.account);
    let Listing {
        rows: mut accounts,
        unreadable,
    } = admin.administration.accounts().await?;
    accounts.retain(|account| {
        account
            .email
            .to_lowercase()
            .contains(&sought.trim().to_lowercase())
    });
    let leaf = Page::cut(accounts, &number);
    let (turns, none, now) = (leaf.turns(), leaf.rows.is_empty(), admin.now);
    let rows = leaf.rows.into_iter().map(|account| {
        let own = own == Some(account.id);
        view! { <Row account own now form_token=&admin.form_token/> }
    });
    let rows = rows.collect_view();
    let view = view! {
        <Invitation refused=admin.refused() form_token=admin.form_token.clone()/>
        <Search sought=sought.clone()/>
        {if none {
            view! { <NoneFound sought=sought.clone()/> }.into_any()
        } else {
            view! { <ul class="rows">{rows}</ul> }.into_any()
        }}
        <Unreadable count=unreadable/>
        <Pagination section=AdminPage::Accounts sought=&sought turns/>
    };
    Ok(view.into_any())
}

/// Inviting somebody. Open, with what was typed, when it was refused.
#[component]
fn Invitation(refused: Option<Refused>, form_token: String) -> impl IntoView {
    let (email, administrator, fault) = match refused {
        Some(Refused {
            attempt:
                Attempt::Invite {
                    email,
                    administrator,
                },
            why,
        }) => (email, administrator, Some(why)),
        _ => (String::new(), false, None),
    };
    let open = fault.is_some();
    view! {
        <Step summary=messages::INVITE_SOMEBODY open>
            <PostForm action=Invite::url() form_token>
                <p>{messages::INVITE_EXPLAINED}</p>
                <TextField id="invite-email" name="email" label=common::EMAIL value=email fault/>
                <div class="field">
                    <label for="invite-role">{messages::ROLE}</label>
                    <select id="invite-role" name="role">
                        <option value=Role::User.as_str() selected=!administrator>{messages::PERSON}</option>
                        <option value=Role::Administrator.as_str() selected=administrator>{messages::ADMINISTRATOR}</option>
                    </select>
                </div>
                <button class="button" type="submit">{messages::INVITE}</button>
            </PostForm>
        </Step>
    }
}

#[component]
fn Search(sought: String) -> impl IntoView {
    view! {
        <form class="search" method="get" action=PagePath::Admin(AdminPage::Accounts).to_string() role="search">
            <TextField id="find" name="q" label=messages::FIND kind="search" value=sought required=false/>
            <button class="button" type="submit">{messages::FIND_IT}</button>
        </form>
    }
}

#[component]
fn NoneFound(sought: String) -> impl IntoView {
    let sought = view! { <bdi class="strong">{clean::sentence(&sought)}</bdi> };
    view! {
        <p class="quiet">{sentence!(messages::NONE_FOUND, sought = sought)}</p>
        <p><a class="link" href=address(&PagePath::Admin(AdminPage::Accounts), &[])>{messages::SHOW_ALL}</a></p>
    }
}

#[component]
pub(crate) fn Row<'a>(
    account: AccountSummary,
    own: bool,
    now: Timestamp,
    form_token: &'a str,
) -> impl IntoView + use<> {
    let email = clean::sentence(&account.email);
    let administrates = account.role == Role::Administrator;
    let state = view! { <State account=account.clone() now/> };
    let link_out = account.link_expires_at.map(|until| {
        view! { <p class="hint">{sentence!(messages::LINK_OUT, when = time_format::exactly(until))}</p> }
    });
    let changes = (!own).then(|| {
        let changes = view! { <Changes account email=&email form_token/> };
        view! { <Step summary=admin_messages::CHANGE object=email.clone()>{changes}</Step> }
    });
    view! {
        <li class="row">
            <div>
                <p>
                    <bdi class="strong">{email}</bdi>
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
fn State(account: AccountSummary, now: Timestamp) -> impl IntoView {
    let waiting = is_waiting(&account);
    let state = match (account.disabled, waiting) {
        (true, _) => messages::DISABLED,
        (false, true) => messages::WAITING,
        (false, false) => messages::ACTIVE,
    };
    let added = view! { <Ago then=account.created_at now/> };
    view! {
        {state}{common::DOT}
        {match account.last_sign_in_at {
            _ if waiting => sentence!(messages::ADDED, when = added).into_any(),
            Some(then) => {
                let last = sentence!(messages::LAST_SIGN_IN, when = view! { <Ago then now/> });
                view! { {messages::ways_in(account.passkeys, account.has_password)}{common::DOT}{last} }.into_any()
            }
            None => view! { {messages::ways_in(account.passkeys, account.has_password)}{common::DOT}{messages::NO_SIGN_IN} }.into_any(),
        }}
    }
}

/// Everything that can be done to an account, with what follows from it.
#[component]
fn Changes<'a>(
    account: AccountSummary,
    email: &'a str,
    form_token: &'a str,
) -> impl IntoView + use<> {
    let shown = || view! { <bdi>{email.to_owned()}</bdi> };
    let (grave, fields) = (!account.disabled, || vec![("email", account.email.clone())]);
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
        <ActionForm action=state form_token fields=fields() grave consequence=consequence.into_any() button/>
        <Step summary=admin_messages::REMOVE object=email>{removal}</Step>
    }
}

/// A new link for the person: to begin with, or to begin again.
#[component]
fn NewLink<'a>(
    account: AccountSummary,
    email: &'a str,
    form_token: &'a str,
) -> impl IntoView + use<> {
    let role = account.role.as_str().to_owned();
    let (action, button, consequence, fields) = if is_waiting(&account) {
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
    let is_out = account.link_expires_at.is_some();
    let address = account.email.clone();
    let withdrawal = is_out.then(|| {
        let (fields, spoken) = (vec![("email", address)], admin_messages::spoken(messages::WITHDRAW, email));
        view! {
            <ActionForm
                action=WithdrawLink::url() form_token fields spoken consequence=messages::WITHDRAW_EXPLAINED.into_any()
                button=messages::WITHDRAW.into_any()
            />
        }
    });
    view! {
        <ActionForm action form_token fields spoken consequence=consequence.into_any() button=button.into_any()/>
        {withdrawal}
    }
}

/// The role that the account has not.
#[component]
fn OtherRole<'a>(
    account: AccountSummary,
    email: &'a str,
    form_token: &'a str,
) -> impl IntoView + use<> {
    let (role, button, consequence) = match account.role {
        Role::User => (
            Role::Administrator,
            messages::MAKE_ADMINISTRATOR,
            messages::MAKE_ADMINISTRATOR_EXPLAINED,
        ),
        Role::Administrator => (
            Role::User,
            messages::TAKE_ADMINISTRATION,
            messages::TAKE_ADMINISTRATION_EXPLAINED,
        ),
    };
    let fields = vec![("email", account.email), ("role", role.as_str().to_owned())];
    let spoken = admin_messages::spoken(button, email);
    view! {
        <ActionForm
            action=SetRole::url() form_token fields spoken consequence=consequence.into_any() button=button.into_any()
        />
    }
}

/// Whether nobody has chosen a way to sign in to it yet.
const fn is_waiting(account: &AccountSummary) -> bool {
    account.passkeys == 0 && !account.has_password
}
