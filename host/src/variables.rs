//! Application variables, their values and the `{{ }}` templates that hand them to components.
//!
//! Every source is fixed once the process runs (command line, environment, defaults), so everything is resolved at startup: a missing
//! value stops the host before it serves, and a read by a guest is a lookup.

use crate::manifest::{Manifest, Variable};
use anyhow::{Context, Result, anyhow, bail};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

const ENVIRONMENT_PREFIX: &str = "SPIN_VARIABLE_";

/// The value of every application variable.
#[derive(Debug, Default)]
pub(crate) struct Values(HashMap<String, String>);

/// Why a guest cannot read a variable.
#[derive(Debug, PartialEq)]
pub(crate) enum LookupError {
    /// The name is not one that a variable can have.
    InvalidName(String),
    /// The component declares no such variable.
    Undefined(String),
}

impl Values {
    /// Takes each variable from the command line, else the environment, else its default, and names every one that has no value.
    pub(crate) fn resolve(
        declared: &BTreeMap<String, Variable>,
        command_line: &HashMap<String, String>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let mut values = HashMap::new();
        let mut missing = Vec::new();
        for (name, variable) in declared {
            check_name(name).map_err(|reason| anyhow!("variable {name:?}: {reason}"))?;
            let given = command_line.get(name).cloned();
            let value = given
                .or_else(|| environment(&format!("{ENVIRONMENT_PREFIX}{}", name.to_ascii_uppercase())))
                .or_else(|| variable.default.clone());
            match value {
                Some(value) => drop(values.insert(name.clone(), value)),
                None => missing.push(name.as_str()),
            }
        }
        if missing.is_empty() {
            return Ok(Self(values));
        }
        let example = format!("{ENVIRONMENT_PREFIX}{}", missing.first().unwrap_or(&"").to_ascii_uppercase());
        bail!("no value for the required variable(s) {}; pass `--variable name=value` or set {example}", missing.join(", "))
    }

    /// The variables of one component, by the names that the guest uses.
    pub(crate) fn of_component(&self, templates: &BTreeMap<String, String>) -> Result<HashMap<String, String>> {
        let resolve = |(name, template): (&String, &String)| {
            check_name(name).map_err(|reason| anyhow!("variable {name:?}: {reason}"))?;
            let value = self.expand(template).with_context(|| format!("variable {name:?}"))?;
            Ok((name.clone(), value))
        };
        templates.iter().map(resolve).collect()
    }

    /// Replaces each `{{ name }}` by the application variable's value.
    pub(crate) fn expand(&self, template: &str) -> Result<String> {
        let mut text = String::with_capacity(template.len());
        let mut rest = template;
        while let Some((literal, expression)) = rest.split_once("{{") {
            let (name, after) = expression.split_once("}}").with_context(|| format!("unmatched '{{{{' in the template {template:?}"))?;
            let value = self.0.get(name.trim()).with_context(|| format!("unknown variable {:?} in a template", name.trim()))?;
            text.push_str(literal);
            text.push_str(value);
            rest = after;
        }
        text.push_str(rest);
        Ok(text)
    }
}

/// Reads one variable as the guest asked for it.
pub(crate) fn lookup<'a>(values: &'a HashMap<String, String>, component: &str, name: &str) -> Result<&'a str, LookupError> {
    check_name(name).map_err(|reason| LookupError::InvalidName(format!("{name:?}: {reason}")))?;
    let value = values.get(name).map(String::as_str);
    value.ok_or_else(|| LookupError::Undefined(format!("no variable for {component:?}.{name:?}")))
}

/// The process environment, then a `.env` file in the current folder, which Spin reads too.
pub(crate) fn environment() -> impl Fn(&str) -> Option<String> {
    let file: HashMap<String, String> = dotenvy::dotenv_iter().into_iter().flatten().flatten().collect();
    move |name| std::env::var(name).ok().or_else(|| file.get(name).cloned())
}

/// The values of `--variable`: `name=value`, `name=@file`, or `@file.json` and `@file.toml` for several at once.
pub(crate) fn from_command_line(arguments: &[String], manifest: &Manifest) -> Result<HashMap<String, String>> {
    let mut values = HashMap::new();
    for argument in arguments {
        match argument.strip_prefix('@') {
            Some(path) => values.extend(read_file_of_variables(Path::new(path))?),
            None => values.extend([parse_assignment(argument)?]),
        }
    }
    match values.keys().find(|name| !manifest.variables.contains_key(*name)) {
        Some(unknown) => bail!("--variable {unknown}: the manifest declares no such variable"),
        None => Ok(values),
    }
}

fn parse_assignment(argument: &str) -> Result<(String, String)> {
    let (name, value) = argument.split_once('=').with_context(|| format!("--variable {argument:?} is not of the form name=value"))?;
    let value = match value.strip_prefix('@') {
        Some(path) => std::fs::read_to_string(path).with_context(|| format!("reading {path} for the variable {name}"))?,
        None => value.to_owned(),
    };
    Ok((name.to_owned(), value))
}

fn read_file_of_variables(path: &Path) -> Result<HashMap<String, String>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading variables from {}", path.display()))?;
    let parsed = match path.extension().and_then(|extension| extension.to_str()) {
        Some("json") => serde_json::from_str(&text).map_err(anyhow::Error::from),
        Some("toml") => toml::from_str(&text).map_err(anyhow::Error::from),
        _ => bail!("{}: a file of variables ends in .json or .toml", path.display()),
    };
    parsed.with_context(|| format!("in {}", path.display()))
}

/// Spin's rule, which lets a name become an environment variable and back: lower case, digits, single inner underscores.
fn check_name(name: &str) -> Result<(), String> {
    let stray = name.chars().find(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '_'));
    if name.is_empty() {
        Err("must not be empty".into())
    } else if let Some(character) = stray {
        Err(format!("invalid character {character:?}; names have lower-case letters, digits and underscores"))
    } else if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        Err("must start with a lower-case letter".into())
    } else if name.ends_with('_') {
        Err("must end with a letter or digit".into())
    } else if name.contains("__") {
        Err("must not contain consecutive underscores".into())
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(names: &[(&str, Option<&str>)]) -> BTreeMap<String, Variable> {
        let variable = |default: Option<&str>| Variable::new(default);
        names.iter().map(|(name, default)| ((*name).into(), variable(*default))).collect()
    }

    #[test]
    fn the_command_line_wins_over_the_environment_and_that_over_the_default() {
        let given = HashMap::from([("a".to_owned(), "line".to_owned())]);
        let environment = |name: &str| ["SPIN_VARIABLE_A", "SPIN_VARIABLE_B"].contains(&name).then(|| "env".to_owned());
        let names = [("a", Some("default")), ("b", Some("default")), ("c", Some("default"))];
        let values = Values::resolve(&declared(&names), &given, environment).unwrap();
        assert_eq!(values.expand("{{a}}-{{ b }}-{{ c }}!").unwrap(), "line-env-default!");
    }

    #[test]
    fn every_missing_variable_is_named() {
        let error = Values::resolve(&declared(&[("a", None), ("b", Some("")), ("c", None)]), &HashMap::new(), |_| None);
        let error = error.unwrap_err().to_string();
        assert!(error.contains("a, c"), "{error}");
    }

    #[test]
    fn bad_templates_are_refused() {
        let values = Values::resolve(&declared(&[("a", Some("1"))]), &HashMap::new(), |_| None).unwrap();
        assert!(values.expand("{{ a }} {{ a").is_err());
        assert!(values.expand("{{ nobody }}").is_err());
        assert_eq!(values.expand("plain } text").unwrap(), "plain } text");
    }

    #[test]
    fn names_follow_spins_rule() {
        for good in ["a", "a1", "api_key", "a_1_b"] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        for bad in ["", "A", "1a", "_a", "a_", "a__b", "a-b", "é"] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_guest_learns_whether_a_name_is_invalid_or_undefined() {
        let values = HashMap::from([("a".to_owned(), "1".to_owned())]);
        assert_eq!(lookup(&values, "shop", "a"), Ok("1"));
        assert!(matches!(lookup(&values, "shop", "b"), Err(LookupError::Undefined(_))));
        assert!(matches!(lookup(&values, "shop", "B"), Err(LookupError::InvalidName(_))));
    }
}
