//! The section "Recent activity": the events of the account.

use leptos::prelude::*;
use oauth::{Timestamp, resource::Resource};
use provider::{Actor, AuditAction, Category, Event, RequestSource};

use crate::{
    account::messages::{activity, connections},
    clean,
    components::{Ago, PageSection, Rows, fill, sentence},
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
        <PageSection id="activity" title=activity::TITLE>
            <Rows rows none=activity::NONE ordered=true/>
        </PageSection>
    }
}

/// One event. A replay is highlighted and says what to do.
#[component]
fn Row(event: Event, now: Timestamp) -> impl IntoView {
    let is_replay = event.action.category() == Category::Replays;
    let from = origin(&event).cloned();
    let device = from.as_ref().and_then(device);
    let address = from.map(|from| view! { <bdi class="address">{from.address}</bdi>{common::DOT} });
    let times = event
        .times
        .map(|times| view! { {common::DOT}{activity::times(times)} });
    let at = event.at;
    let action = with_device(action(event), device);
    view! {
        <li class:caution=is_replay>
            <p>{action}<span class="quiet">{common::DOT}{address}<Ago then=at now/>{times}</span></p>
            {is_replay.then(|| view! { <p class="quiet">{connections::REPLAYED_ADVICE}</p> })}
        </li>
    }
}

fn device(from: &RequestSource) -> Option<String> {
    let device = clean::name(&from.device, "");
    (!device.is_empty()).then_some(device)
}

/// What happened, and in which browser, where that is known.
fn with_device(action: AnyView, device: Option<String>) -> AnyView {
    match device {
        Some(device) => sentence!(
            activity::WITH_DEVICE,
            action = action,
            device = view! { <bdi>{device}</bdi> }
        )
        .into_any(),
        None => action,
    }
}

/// Where the request came from, unless an administrator sent it.
fn origin(event: &Event) -> Option<&RequestSource> {
    event
        .from
        .as_ref()
        .filter(|_| matches!(event.by, Actor::User | Actor::Client))
}

/// What the event is about, besides a client.
fn about(event: &Event) -> String {
    let about = if let AuditAction::Unknown(name) = &event.action {
        name.as_str()
    } else {
        event.about.as_deref().unwrap_or_default()
    };
    clean::name(about, activity::nameless(event.action.category()))
}

fn action(event: Event) -> AnyView {
    let sentence = activity::action(&event);
    let about = about(&event);
    let client = event.client.map_or_else(String::new, |client| client.name);
    let client = clean::name(&client, common::AN_APPLICATION);
    let strong = |name: String| view! { <bdi class="strong">{name}</bdi> }.into_any();
    let slots = [
        ("client", strong(client)),
        ("about", strong(about)),
        ("who", activity::who(&event.by).into_any()),
    ];
    fill(sentence, slots).into_any()
}
