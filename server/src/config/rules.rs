//! The rules of a resource: which of its calls need which scopes.

use guard::{Rule, Rules, Unlabelled};

use super::{
    file::{ResourceEntry, RuleEntry},
    resources::one_of,
};

/// The rules of a resource, or everything that is wrong with them.
pub(super) fn read(entry: &ResourceEntry) -> Result<Rules, Vec<String>> {
    let mut faults = Vec::new();
    let mut rules = Vec::new();
    // What is absent here was a fault of the file, which is told already.
    for rule in entry.rules.iter().flatten() {
        match read_one(rule, entry) {
            Ok(rule) => rules.push(rule),
            Err(fault) => faults.push(format!("{}: {fault}.", rule.source)),
        }
    }
    match unlabelled(entry) {
        Ok(unlabelled) if faults.is_empty() => Ok(Rules::new(rules, unlabelled)),
        unlabelled => {
            let source = &entry.source;
            faults.extend(unlabelled.err().map(|fault| format!("{source}: {fault}.")));
            Err(faults)
        }
    }
}

fn unlabelled(entry: &ResourceEntry) -> Result<Unlabelled, String> {
    let values = Unlabelled::ALL.map(|value| (value.as_str(), value));
    let given = entry.unlabelled.as_deref();
    one_of("unlabelled", given, Unlabelled::default(), &values)
}

fn read_one(entry: &RuleEntry, resource: &ResourceEntry) -> Result<Rule, String> {
    let (method, name) = (entry.method.as_deref(), entry.name.as_deref());
    let rule = Rule::new(method, name, &entry.scope).map_err(|fault| fault.to_string())?;
    let Some(scopes) = &resource.scopes else {
        return Ok(rule);
    };
    let is_unknown = |scope: &&str| !scopes.iter().any(|known| known.name == *scope);
    let unknown = rule.scopes().find(is_unknown).map(str::to_owned);
    unknown.map_or(Ok(rule), |scope| {
        Err(format!("the resource has no scope \"{scope}\""))
    })
}
