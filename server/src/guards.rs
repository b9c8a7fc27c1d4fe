//! The rules of the protected resources: which scopes their calls need.

use guard::Rules;
use oauth::resource::ResourceIdentifier;

/// Which scopes the calls of each resource need. A resource that is not here has no rules.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Guards(Vec<Guard>);

#[derive(Clone, Debug, PartialEq)]
struct Guard {
    resource: ResourceIdentifier,
    rules: Rules,
}

impl Guards {
    /// The same with the rules of one more resource.
    #[must_use]
    pub fn with(mut self, resource: ResourceIdentifier, rules: Rules) -> Self {
        if !rules.is_empty() {
            self.0.push(Guard { resource, rules });
        }
        self
    }

    /// The rules of a resource.
    pub fn rules(&self, resource: &ResourceIdentifier) -> Rules {
        let mut guards = self.0.iter();
        let found = guards.find(|guard| guard.resource == *resource);
        found.map(|guard| guard.rules.clone()).unwrap_or_default()
    }
}
