//! The audit log.

use leptos::prelude::*;
use oauth::Timestamp;
use provider::{
    AccountName, Actor, AuditAction, AuditFilter, Category, Event, RequestSource, Role,
};

use crate::{
    AUDIT_EXPORT,
    account::messages::activity,
    admin::{
        accounts,
        audit::{
            filter::{self, audit_filter},
            messages,
        },
        context::AdminContext,
        pagination::{A_PAGE, address},
        parts::TextField,
    },
    clean,
    components::{Ago, fill, sentence},
    messages::common,
    page::PageError,
    pages::{AdminPage, PagePath},
    time_format,
};

/// `/admin/audit?kind=&who=&from=&to=&before=`.
pub(crate) async fn load(admin: AdminContext) -> Result<AnyView, PageError> {
    let before = admin.context.query_decoded("before").parse().ok();
    let filter = audit_filter(|name| admin.context.query_decoded(name));
    let page = admin.administration.audit(&filter, before, A_PAGE).await?;
    let none = match (
        page.events.is_empty(),
        page.before,
        filter == AuditFilter::default() && before.is_none(),
    ) {
        (false, ..) => None,
        (true, Some(_), _) => Some(messages::NONE_HERE),
        (true, None, true) => Some(messages::NONE),
        (true, None, false) => Some(messages::NONE_FOUND),
    };
    let fields = filter::fields(&filter);
    let fields = fields
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let place = PagePath::Admin(AdminPage::Audit);
    let older = page.before.map(|before| {
        let before = before.to_string();
        let fields = [&fields[..], &[("before", before.as_str())]].concat();
        address(&place, &fields)
    });
    let searched = page
        .looked_back_to
        .filter(|_| page.before.is_some() && page.events.len() < A_PAGE);
    let on = if searched.is_some() {
        messages::SEARCH_ON
    } else {
        messages::OLDER
    };
    let newest = before.map(|_| address(&place, &fields));
    let export = address(&AUDIT_EXPORT, &fields);
    let rows = page
        .events
        .into_iter()
        .map(|entry| view! { <Row event=entry.event now=admin.now/> })
        .collect_view();
    let view = view! {
        <Filter filter/>
        <p><a class="link" href=export>{messages::EXPORT}</a></p>
        {match none {
            Some(none) => view! { <p class="quiet">{none}</p> }.into_any(),
            None => view! { <ol class="rows">{rows}</ol> }.into_any(),
        }}
        {searched.map(|then| {
            let when = view! { <time datetime=time_format::machine_readable(then)>{time_format::exactly(then)}</time> };
            view! { <p class="quiet">{sentence!(messages::SEARCHED, when = when)}</p> }
        })}
        <nav class="turn" aria-label=crate::admin::messages::PAGES>
            {newest.map(|address| view! { <a class="link" href=address>{messages::NEWEST}</a> })}
            {older.map(|address| view! { <a class="link" href=address rel="next">{on}</a> })}
        </nav>
    };
    Ok(view.into_any())
}

#[component]
fn Filter(filter: AuditFilter) -> impl IntoView {
    let [_, (_, who), (_, from), (_, to)] = filter::fields(&filter);
    let category = filter.category;
    let turned = filter::is_turned_around(&filter).then(|| messages::TURNED_AROUND.to_owned());
    let options = Category::ALL.map(|own| {
        view! { <option value=own.as_str() selected=category == Some(own)>{messages::category(own)}</option> }
    });
    view! {
        <form class="search" method="get" action=PagePath::Admin(AdminPage::Audit).to_string() role="search">
            <div class="field">
                <label for="audit-kind">{messages::KIND}</label>
                <select id="audit-kind" name="kind">
                    <option value="" selected=category.is_none()>{messages::EVERY_KIND}</option>
                    {options.collect_view()}
                </select>
            </div>
            <TextField id="audit-who" name="who" label=messages::WHO kind="search" hint=messages::WHO_EXPLAINED value=who required=false/>
            <TextField id="audit-from" name="from" label=messages::FROM kind="date" value=from required=false/>
            <TextField id="audit-to" name="to" label=messages::TO kind="date" hint=messages::TO_EXPLAINED value=to fault=turned required=false/>
            <button class="button" type="submit">{messages::SHOW}</button>
        </form>
    }
}

#[component]
pub(crate) fn Row(event: Event, now: Timestamp) -> impl IntoView {
    let caution = event.action.category() == Category::Replays;
    let at = event.at;
    let from = event.from.clone();
    let times = event
        .times
        .map(|times| view! { {common::DOT}{activity::times(times)} });
    view! {
        <li class="row">
            <div class:caution=caution>
                <p><Sentence event/></p>
                <p class="quiet"><Ago then=at now/>{from.map(|from| view! { <From from/> })}{times}</p>
            </div>
        </li>
    }
}

/// What happened, in one sentence.
#[component]
fn Sentence(event: Event) -> impl IntoView {
    let Event {
        action,
        by,
        subject,
        client,
        about,
        ..
    } = event;
    let named = |name: String| view! { <bdi class="strong">{name}</bdi> }.into_any();
    let actor = match &by {
        Actor::Terminal => messages::COMMAND_LINE.to_owned(),
        Actor::Administrator(own) => clean::sentence(&own.email),
        Actor::User => user(subject.as_ref()),
        Actor::Unknown(_) => messages::UNKNOWN_ACCOUNT.to_owned(),
        Actor::Client => client
            .as_ref()
            .map_or(messages::UNKNOWN.to_owned(), |client| {
                clean::name(&client.name, messages::UNKNOWN)
            }),
    };
    let client = client.map_or(messages::UNKNOWN.to_owned(), |client| {
        clean::name(&client.name, messages::UNKNOWN)
    });
    let about = match action {
        AuditAction::Unknown(name) => Some(name.as_str().to_owned()),
        AuditAction::AccountAdded | AuditAction::InvitedAgain | AuditAction::RoleChanged => about
            .map(|role| {
                Role::parse(&role).map_or(role, |role| accounts::messages::role(role).to_owned())
            }),
        _ => about,
    };
    let about = about.map_or(messages::UNKNOWN.to_owned(), |about| {
        clean::sentence(&about)
    });
    let slots = [
        ("actor", actor),
        ("user", user(subject.as_ref())),
        ("client", client),
        ("about", about),
    ];
    fill(
        messages::what(action),
        slots.map(|(slot, name)| (slot, named(name))),
    )
}

/// The address of an account at that time.
fn user(subject: Option<&AccountName>) -> String {
    subject.map_or(messages::UNKNOWN_ACCOUNT.to_owned(), |subject| {
        clean::sentence(&subject.email)
    })
}

/// The network address and browser.
#[component]
fn From(from: RequestSource) -> impl IntoView {
    view! {
        {common::DOT}<bdi class="address">{clean::sentence(&from.address)}</bdi>
        {(!from.device.is_empty()).then(|| view! { {common::DOT}<bdi>{clean::sentence(&from.device)}</bdi> })}
    }
}
