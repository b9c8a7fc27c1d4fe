//! The answer to a posted form of the account page.

use crate::{
    account::messages::Done,
    context::{answer_form, answer_telling, settle},
    flash::Flash,
    messages::Message,
    pages::PagePath,
};

/// Answers a posted form of the account page: leads back to the page, which shows the outcome.
pub(crate) fn answer_account(outcome: Result<Done, Message>) {
    match outcome {
        Ok(done) => {
            settle();
            answer_telling(
                &PagePath::Account,
                &Flash {
                    message: done,
                    email: String::new(),
                    secret: None,
                },
            );
        }
        Err(message) => answer_form(Err(message), &PagePath::Account, ""),
    }
}
