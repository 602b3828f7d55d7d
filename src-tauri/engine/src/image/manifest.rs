//! The manifest: which tools an image of a tier must have, and how to ask each for its version.

use std::collections::BTreeMap;

use regex::Regex;
use serde::Deserialize;

use super::Tool;
use crate::error::{Error, Result};

/// Most of an answer that is looked at, in bytes.
pub(crate) const LONGEST_ANSWER: usize = 64 << 10;

#[derive(Deserialize)]
struct Manifest {
    tiers: BTreeMap<String, Tier>,
}

#[derive(Deserialize)]
struct Tier {
    includes: Option<String>,
    tools: Vec<Question>,
}

/// How a tool is asked.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Question {
    /// The tool.
    pub name: String,
    /// The program and its arguments.
    pub ask: Vec<String>,
    /// A pattern whose first group is the version in the answer.
    version: String,
}

impl Question {
    /// The tool as its answer shows it: what it printed and how it ended.
    pub(crate) fn judge(&self, answer: &str, ended_well: bool) -> Tool {
        let version = Regex::new(&self.version)
            .ok()
            .and_then(|pattern| Some(pattern.captures(answer)?.get(1)?.as_str().to_owned()))
            .filter(|_| ended_well);
        let problem = version.is_none().then(|| match answer.trim().lines().next() {
            Some(line) => line.chars().take(200).collect(),
            None => "it says nothing".to_owned(),
        });
        Tool { name: self.name.clone(), version, problem }
    }
}

/// The questions for a tier, with those of the tiers that it includes first.
pub(crate) fn questions(tier: &str) -> Result<Vec<Question>> {
    let manifest: Manifest =
        serde_json::from_str(super::tiers::MANIFEST).map_err(|error| Error::InvalidSpec {
            what: format!("the manifest cannot be read: {error}"),
            hint: "install Stigmer again",
        })?;
    let mut questions = Vec::new();
    let mut next = Some(tier.to_owned());
    while let Some(name) = next.take() {
        let found = manifest.tiers.get(&name).ok_or_else(|| Error::InvalidSpec {
            what: format!("there is no tier `{name}`"),
            hint: "the tiers are basic and full",
        })?;
        questions.splice(0..0, found.tools.iter().cloned());
        next.clone_from(&found.includes);
    }
    Ok(questions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_of_the_manifest_can_be_asked() {
        let (basic, full) = (questions("basic").unwrap(), questions("full").unwrap());
        assert!(basic.len() >= 10 && full.len() > basic.len() && full[0].name == basic[0].name);
        for question in full {
            assert!(!question.ask.is_empty() && Regex::new(&question.version).unwrap().captures_len() == 2);
        }
        assert!(questions("other").is_err());
    }

    #[test]
    fn a_version_is_found_in_an_answer_or_it_is_said_what_came_instead() {
        let basic = questions("basic").unwrap();
        let git = basic.iter().find(|question| question.name == "git").unwrap();
        assert_eq!(git.judge("git version 2.39.5\n", true).version.as_deref(), Some("2.39.5"));
        assert_eq!(git.judge("git version 2.39.5\n", false).version, None);
        assert_eq!(git.judge("not found\nmore", true).problem.as_deref(), Some("not found"));
        assert_eq!(git.judge("", true).problem.as_deref(), Some("it says nothing"));
    }
}
