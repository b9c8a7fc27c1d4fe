//! The pages for whoever runs the server. All of them want an administrator who showed a credential
//! a moment ago.

#![expect(
    unreachable_pub,
    reason = "the component macro makes public what is public to this crate alone"
)]

pub(crate) mod accounts;
mod application_forms;
pub(crate) mod applications;
pub(crate) mod audit;
pub(crate) mod failures;
pub(crate) mod keys;
mod list;
mod parts;
pub(crate) mod resources;
#[cfg(test)]
mod tests;

use std::future::Future;

use leptos::prelude::*;
use oauth::Timestamp;
use provider::{Administration, AdministrationError, NotAdministrator};

pub(crate) use self::list::Unreadable;
use self::parts::{Navigation, Outcome};
use super::{Halt, Page, page};
use crate::{
    context::PageContext,
    model::{Place, Section, Then},
    notice::Notice,
    problem::ProblemFacts,
    words::admin::{self as words, News},
};

/// `/admin`: the first of the pages.
#[component]
pub(crate) fn Start() -> impl IntoView {
    page(async |_: PageContext| Err(Halt::Elsewhere(Place::Admin(Section::Accounts))))
}

/// An administrator's context to one of the pages.
struct Desk {
    context: PageContext,
    administration: Administration,
    notice: Option<Notice<News>>,
    form_token: String,
    now: Timestamp,
}

impl Desk {
    /// Lets administrators in, and nobody else.
    async fn open(context: PageContext, section: Section) -> Result<Self, Halt> {
        let administration = match context.provider.administrator(&context.browser).await {
            Ok(administration) => administration,
            Err(NotAdministrator::NotSignedIn) => return Err(Halt::Elsewhere(Place::Login(None))),
            Err(NotAdministrator::WrongRole) => {
                return Err(ProblemFacts::for_administrators().into());
            }
            Err(NotAdministrator::ConfirmFirst) => {
                return Err(Halt::Elsewhere(Place::Confirm(Then::Admin(section))));
            }
            Err(NotAdministrator::Unavailable) => return Err(ProblemFacts::unavailable().into()),
        };
        let (notice, form_token, now) = (
            context.notice(),
            context.form_token(),
            context.provider.now(),
        );
        Ok(Self {
            context,
            administration,
            notice,
            form_token,
            now,
        })
    }

    /// What was posted and refused, for the form that it came from.
    fn refused(&self) -> Option<Refused> {
        let notice = self.notice.clone()?;
        match notice.message {
            News::Refused { attempt, why } => Some(Refused {
                attempt,
                why: why.text(),
            }),
            _ => None,
        }
    }
}

/// What an administrator typed in vain, and why.
struct Refused {
    attempt: words::Attempt,
    why: String,
}

/// Renders what `load` brings, in the frame that all of these pages have.
fn section<Load, Loading>(section: Section, load: Load) -> impl IntoView
where
    Load: FnOnce(Desk) -> Loading + Send + 'static,
    Loading: Future<Output = Result<AnyView, Halt>> + Send + 'static,
{
    page(move |context: PageContext| async move {
        let desk = Desk::open(context, section).await?;
        let (notice, lifetime) = (
            desk.notice.clone(),
            desk.context.provider.settings().lifetimes.invitation,
        );
        let content = load(desk).await?;
        let body = view! {
            <Navigation current=section/>
            <h1>{words::title(section)}</h1>
            <p class="lead">{words::lead(section)}</p>
            <Outcome notice lifetime/>
            {content}
        };
        Ok(Page {
            title: words::title(section),
            name: section.page(),
            awake: false,
            body: body.into_any(),
        })
    })
}

/// Reading fails only when the store does.
impl From<AdministrationError> for ProblemFacts {
    fn from(_: AdministrationError) -> Self {
        Self::unavailable()
    }
}
