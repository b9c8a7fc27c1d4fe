//! The section "Recent activity": what happened to the account, told to its person.

use leptos::prelude::*;
use oauth::{Timestamp, resource::Resource};
use provider::{Actor, AuditAction, Category, Event, RequestSource};

use crate::{
    account::messages::{activity, connections},
    clean,
    components::{Ago, Rows, Section, fill, sentence},
    messages::common,
};

/// How many events are shown.
const SHOWN: usize = 20;

/// An event with the name of the resource that it is about, which it has by its identifier.
pub(crate) fn with_resource_name(event: Event, resources: &[Resource]) -> Event {
    let is_about =
        |resource: &&Resource| event.about.as_deref() == Some(resource.identifier.as_str());
    match resources.iter().find(is_about) {
        Some(resource) => Event {
            about: Some(resource.name.clone()),
            ..event
        },
        None => event,
    }
}

#[component]
pub(crate) fn RecentActivity(events: Vec<Event>, now: Timestamp) -> impl IntoView {
    let rows = events
        .into_iter()
        .take(SHOWN)
        .map(|event| view! { <Row event now/> })
        .collect_view();
    view! {
        <Section id="activity" title=activity::TITLE>
            <Rows rows none=activity::NONE ordered=true/>
        </Section>
    }
}

/// One event. A replay asks for attention, and says what to do.
#[component]
fn Row(event: Event, now: Timestamp) -> impl IntoView {
    let is_replay = event.action.category() == Category::Replays;
    let from = origin(&event).cloned();
    let device = from
        .as_ref()
        .map(|from| clean::name(&from.device, ""))
        .filter(|device| !device.is_empty());
    let address = from.map(|from| view! { <bdi class="address">{from.address}</bdi>{common::DOT} });
    let times = event
        .times
        .map(|times| view! { {common::DOT}{activity::times(times)} });
    let at = event.at;
    let told = told(event);
    let told = match device {
        Some(device) => sentence!(
            activity::FROM,
            action = told,
            device = view! { <bdi>{device}</bdi> }
        )
        .into_any(),
        None => told,
    };
    view! {
        <li class:caution=is_replay>
            <p>{told}<span class="quiet">{common::DOT}{address}<Ago then=at now/>{times}</span></p>
            {is_replay.then(|| view! { <p class="quiet">{connections::REPLAYED_ADVICE}</p> })}
        </li>
    }
}

/// From where it was done, unless that is where an administrator was.
fn origin(event: &Event) -> Option<&RequestSource> {
    event
        .from
        .as_ref()
        .filter(|_| matches!(event.by, Actor::Person | Actor::Client))
}

fn told(event: Event) -> AnyView {
    let sentence = activity::action(&event);
    let client = event.client.map_or_else(String::new, |client| client.name);
    let about = if let AuditAction::Unknown(name) = event.action {
        name.as_str().to_owned()
    } else {
        event.about.unwrap_or_default()
    };
    let about = clean::name(&about, activity::nameless(event.action.category()));
    let client = clean::name(&client, common::AN_APPLICATION);
    let slots = [
        (
            "client",
            view! { <bdi class="strong">{client}</bdi> }.into_any(),
        ),
        (
            "about",
            view! { <bdi class="strong">{about}</bdi> }.into_any(),
        ),
        ("who", activity::who(&event.by).into_any()),
    ];
    fill(sentence, slots).into_any()
}
