//! The pages for whoever runs the server. All of them want an administrator who showed a credential
//! a moment ago.

use std::future::Future;

use leptos::prelude::*;
use oauth::Timestamp;
use provider::{Administration, AdministrationError, NotAdministrator};

use crate::{
    admin::{
        flash::{Attempt, FlashMessage},
        parts::{Navigation, Outcome},
    },
    context::PageContext,
    error_page::ErrorPage,
    flash::Flash,
    page::{PageError, PageHead, PageView, public_page},
    pages::{AdminPage, PagePath, ReturnTo},
};

/// Where `/admin` leads to.
pub(crate) async fn start(_: PageContext) -> Result<PagePath, PageError> {
    Ok(PagePath::Admin(AdminPage::Accounts))
}

/// The request of an administrator for one of the pages.
pub(crate) struct AdminContext {
    pub(crate) context: PageContext,
    pub(crate) administration: Administration,
    pub(crate) flash: Option<Flash<FlashMessage>>,
    pub(crate) form_token: String,
    pub(crate) now: Timestamp,
}

impl AdminContext {
    /// Lets administrators in, and nobody else.
    async fn open(context: PageContext, page: AdminPage) -> Result<Self, PageError> {
        let administration = match context.provider.administrator(&context.browser).await {
            Ok(administration) => administration,
            Err(NotAdministrator::NotSignedIn) => {
                return Err(PageError::Elsewhere(PagePath::Login(None)));
            }
            Err(NotAdministrator::WrongRole) => {
                return Err(ErrorPage::for_administrators().into());
            }
            Err(NotAdministrator::ConfirmFirst) => {
                return Err(PageError::Elsewhere(PagePath::Confirm(ReturnTo::Admin(
                    page,
                ))));
            }
            Err(NotAdministrator::Unavailable) => return Err(ErrorPage::unavailable().into()),
        };
        let (flash, form_token, now) = (
            context.flash(),
            context.form_token(),
            context.provider.now(),
        );
        Ok(Self {
            context,
            administration,
            flash,
            form_token,
            now,
        })
    }

    /// What was posted and refused, for the form that it came from.
    pub(crate) fn refused(&self) -> Option<Refused> {
        let flash = self.flash.clone()?;
        match flash.message {
            FlashMessage::Refused { attempt, why } => Some(Refused {
                attempt,
                why: why.text(),
            }),
            FlashMessage::Done(_)
            | FlashMessage::LinkMade { .. }
            | FlashMessage::ClientAdded { .. } => None,
        }
    }
}

/// What an administrator typed in vain, and why.
pub(crate) struct Refused {
    pub(crate) attempt: Attempt,
    pub(crate) why: String,
}

/// Renders what `load` returns, in the frame that all of these pages have, for an administrator.
pub(crate) fn admin_page<Load, Loading>(page: AdminPage, load: Load) -> impl IntoView
where
    Load: FnOnce(AdminContext) -> Loading + Send + 'static,
    Loading: Future<Output = Result<AnyView, PageError>> + Send + 'static,
{
    let head = PageHead {
        name: page.name(),
        title: page.title(),
    };
    public_page(head, move |context: PageContext| async move {
        let admin = AdminContext::open(context, page).await?;
        let flash = admin.flash.clone();
        let lifetime = admin.context.provider.settings().lifetimes.invitation;
        let content = load(admin).await?;
        Ok(PageView::new(view! {
            <Navigation current=page/>
            <h1>{head.title}</h1>
            <p class="lead">{page.lead()}</p>
            <Outcome flash lifetime/>
            {content}
        }))
    })
}

/// Reading fails only when the store does.
impl From<AdministrationError> for ErrorPage {
    fn from(_: AdministrationError) -> Self {
        Self::unavailable()
    }
}
