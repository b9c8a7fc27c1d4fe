//! What the clients were answered, and what must therefore not be.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

/// The tokens of a client: of revoked grants, and of others.
type Tokens = (Vec<String>, Vec<String>);

pub(super) struct Truth {
    raced: AtomicUsize,
    failed: AtomicUsize,
    disabled: Vec<AtomicBool>,
    tokens: Mutex<HashMap<String, Tokens>>,
    /// Each a sentence.
    violations: Mutex<Vec<String>>,
}

impl Truth {
    pub(super) fn new(accounts: usize) -> Self {
        Self {
            raced: AtomicUsize::new(0),
            failed: AtomicUsize::new(0),
            disabled: (0..accounts).map(|_| AtomicBool::new(false)).collect(),
            tokens: Mutex::default(),
            violations: Mutex::default(),
        }
    }

    pub(super) fn raced(&self, attempts: usize) {
        self.raced.fetch_add(attempts, Ordering::Relaxed);
    }

    pub(super) fn failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn disabled(&self, account: usize) {
        self.disabled[account].store(true, Ordering::SeqCst);
    }

    pub(super) fn is_disabled(&self, account: usize) -> bool {
        self.disabled[account].load(Ordering::SeqCst)
    }

    /// A grant was revoked, with this token.
    pub(super) fn dead(&self, client: &str, token: &str) {
        self.with_tokens(client, |(dead, _)| dead.push(token.to_owned()));
    }

    /// A grant has this token, which nobody has used.
    pub(super) fn alive(&self, client: &str, token: &str) {
        self.with_tokens(client, |(_, alive)| alive.push(token.to_owned()));
    }

    fn with_tokens(&self, client: &str, change: impl FnOnce(&mut Tokens)) {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        change(tokens.entry(client.to_owned()).or_default());
    }

    pub(super) fn tokens_of(&self, client: &str) -> Tokens {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.get(client).cloned().unwrap_or_default()
    }

    pub(super) fn redeemed_twice(&self, code: &str) {
        self.violation(format!("the code {code} was redeemed twice"));
    }

    pub(super) fn forked(&self, token: &str) {
        self.violation(format!("the token {token} has two successors"));
    }

    pub(super) fn revoked_is_alive(&self, token: &str) {
        self.violation(format!("the grant of {token} was revoked and is alive"));
    }

    pub(super) fn served_disabled(&self, what: &str) {
        self.violation(format!("a disabled account got {what}"));
    }

    pub(super) fn lost(&self, token: &str) {
        self.violation(format!("the acknowledged token {token} is lost"));
    }

    fn violation(&self, sentence: String) {
        let mut all = self
            .violations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.push(sentence);
    }

    pub(super) fn is_clean(&self) -> bool {
        let all = self
            .violations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.is_empty()
    }

    pub(super) fn report(&self) -> String {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let count = |of: fn(&Tokens) -> usize| tokens.values().map(of).sum::<usize>();
        let all = self
            .violations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut text = format!(
            "| raced requests | rounds that failed | grants revoked | grants alive | violations |\n|--:|--:|--:|--:|--:|\n| {} | {} | {} | {} | {} |",
            self.raced.load(Ordering::Relaxed),
            self.failed.load(Ordering::Relaxed),
            count(|(dead, _)| dead.len()),
            count(|(_, alive)| alive.len()),
            all.len()
        );
        for sentence in all.iter().take(5) {
            text.push('\n');
            text.push_str(sentence);
        }
        text
    }
}
