//! Git, by the program of that name in the sandbox.

use std::sync::Arc;

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::files::Named;
use super::{Inside, Toolbox, execute};
use crate::api::Sent;
use crate::cloud::Cloud;
use crate::reply::{Answer, Refusal};

pub(super) fn routes() -> Router<Arc<Cloud>> {
    Router::new()
        .route("/git/clone", post(clone))
        .route("/git/status", get(status))
        .route("/git/init", post(init))
        .route("/git/add", post(add))
        .route("/git/commit", post(commit))
        .route("/git/branches", get(branches).post(branch).delete(delete_branch))
        .route("/git/checkout", post(checkout))
        .route("/git/history", get(history))
        .route("/git/{verb}", post(remote))
}

/// What git says on success.
async fn git(toolbox: &Toolbox, dir: &str, arguments: &[&str]) -> Result<String, Refusal> {
    let env = [("GIT_TERMINAL_PROMPT", "0"), ("GIT_CONFIG_NOSYSTEM", "1")];
    let env = toolbox.env(env.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    let mut command = toolbox.place.command(dir, env, false);
    command.arg("git").args(arguments);
    let (exit, output) = execute::ended(command, None, None).await?;
    if exit == 0 { Ok(output) } else { Err(refused(output.trim())) }
}

/// The refusal for what git said.
fn refused(output: &str) -> Refusal {
    let known = [
        ("Authentication failed", 401, "GIT_AUTH_FAILED"),
        ("could not read Username", 401, "GIT_AUTH_FAILED"),
        ("not a git repository", 404, "GIT_REPO_NOT_FOUND"),
        ("does not appear to be a git repository", 404, "GIT_REPO_NOT_FOUND"),
        ("does not exist", 404, "GIT_REPO_NOT_FOUND"),
        ("No such file or directory", 404, "GIT_REPO_NOT_FOUND"),
        ("Remote branch", 404, "GIT_BRANCH_NOT_FOUND"),
        ("did not match any", 404, "GIT_BRANCH_NOT_FOUND"),
        ("already exists", 409, "GIT_BRANCH_EXISTS"),
        ("would be overwritten", 409, "GIT_DIRTY_WORKTREE"),
        ("CONFLICT", 409, "GIT_MERGE_CONFLICT"),
        ("[rejected]", 409, "GIT_PUSH_REJECTED"),
        ("unable to access", 502, "GIT_TRANSPORT_FAILED"),
        ("Could not read from remote", 502, "GIT_TRANSPORT_FAILED"),
    ];
    let found = known.iter().find(|(text, ..)| output.contains(text));
    let (status, code) = found.map_or((400, "BAD_REQUEST"), |(_, status, code)| (*status, *code));
    Refusal::daemon(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), code, output)
}

#[derive(Deserialize)]
struct Clone {
    url: String,
    path: String,
    branch: Option<String>,
    commit_id: Option<String>,
    username: Option<String>,
    password: Option<String>,
    depth: Option<u32>,
}

async fn clone(Inside(toolbox): Inside, Sent(sent): Sent<Clone>) -> Result<StatusCode, Refusal> {
    let path = toolbox.place.absolute(&sent.path);
    let url = match (sent.url.split_once("://"), &sent.password) {
        (Some((scheme, rest)), Some(password)) => {
            format!("{scheme}://{}:{password}@{rest}", sent.username.as_deref().unwrap_or("git"))
        }
        _ => sent.url.clone(),
    };
    let depth = sent.depth.map(|depth| format!("--depth={depth}"));
    let mut arguments = vec!["clone", "--single-branch"];
    arguments.extend(depth.as_deref());
    if let Some(branch) = &sent.branch {
        arguments.extend(["--branch", branch]);
    }
    arguments.extend(["--", &url, &path]);
    git(&toolbox, "/", &arguments).await?;
    if let Some(commit) = &sent.commit_id {
        git(&toolbox, &path, &["checkout", commit]).await?;
    }
    Ok(StatusCode::OK)
}

async fn status(Inside(toolbox): Inside, Query(Named { path }): Query<Named>) -> Answer {
    let text =
        git(&toolbox, &toolbox.place.absolute(&path), &["status", "--porcelain=v2", "--branch", "-uall"])
            .await?;
    Ok(Json(state(&text)))
}

/// The state of a repository from what `git status --porcelain=v2 --branch` says.
fn state(text: &str) -> Value {
    let mut value =
        json!({ "currentBranch": "", "fileStatus": [], "ahead": 0, "behind": 0, "branchPublished": false });
    let mut files = Vec::new();
    for line in text.lines() {
        let mut words = line.splitn(2, ' ');
        let (kind, rest) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        if let Some(head) = line.strip_prefix("# branch.head ") {
            value["currentBranch"] = json!(head);
            value["detached"] = json!(head == "(detached)");
        } else if let Some(upstream) = line.strip_prefix("# branch.upstream ") {
            value["upstream"] = json!(upstream);
            value["branchPublished"] = json!(true);
        } else if let Some((ahead, behind)) =
            line.strip_prefix("# branch.ab +").and_then(|rest| rest.split_once(" -"))
        {
            value["ahead"] = json!(ahead.parse::<i64>().unwrap_or(0));
            value["behind"] = json!(behind.parse::<i64>().unwrap_or(0));
        } else {
            files.extend(file(kind, rest));
        }
    }
    value["fileStatus"] = json!(files);
    value
}

fn file(kind: &str, rest: &str) -> Option<Value> {
    let word = |letter: Option<char>| match letter {
        Some('M' | 'T') => "Modified",
        Some('A') => "Added",
        Some('D') => "Deleted",
        Some('R') => "Renamed",
        Some('C') => "Copied",
        Some('U') => "Updated but unmerged",
        _ => "Unmodified",
    };
    // Fields before the path: seven in an ordinary line, eight in one of a rename, nine in one of a conflict.
    let before = match kind {
        "?" => {
            return Some(
                json!({ "name": rest, "staging": "Untracked", "worktree": "Untracked", "extra": "" }),
            );
        }
        "1" => 7,
        "2" => 8,
        "u" => 9,
        _ => return None,
    };
    let name = rest.splitn(before + 1, ' ').nth(before)?;
    let (name, extra) = name.split_once('\t').unwrap_or((name, ""));
    let mut letters = rest.chars();
    let (staging, worktree) = (word(letters.next()), word(letters.next()));
    Some(json!({ "name": name, "staging": staging, "worktree": worktree, "extra": extra }))
}

#[derive(Deserialize)]
struct Init {
    path: String,
    #[serde(default)]
    bare: bool,
    initial_branch: Option<String>,
}

async fn init(Inside(toolbox): Inside, Sent(sent): Sent<Init>) -> Result<StatusCode, Refusal> {
    let path = toolbox.place.absolute(&sent.path);
    let branch = format!("--initial-branch={}", sent.initial_branch.as_deref().unwrap_or("main"));
    let mut arguments = vec!["init", &branch];
    if sent.bare {
        arguments.push("--bare");
    }
    arguments.push(&path);
    git(&toolbox, "/", &arguments).await?;
    Ok(StatusCode::CREATED)
}

#[derive(Deserialize)]
struct Add {
    path: String,
    files: Vec<String>,
}

async fn add(Inside(toolbox): Inside, Sent(sent): Sent<Add>) -> Result<StatusCode, Refusal> {
    let mut arguments = vec!["add", "--"];
    arguments.extend(sent.files.iter().map(String::as_str));
    git(&toolbox, &toolbox.place.absolute(&sent.path), &arguments).await?;
    Ok(StatusCode::OK)
}

#[derive(Deserialize)]
struct Commit {
    path: String,
    message: String,
    author: String,
    email: String,
    #[serde(default)]
    allow_empty: Option<bool>,
}

async fn commit(Inside(toolbox): Inside, Sent(sent): Sent<Commit>) -> Answer {
    let path = toolbox.place.absolute(&sent.path);
    let (name, email) = (format!("user.name={}", sent.author), format!("user.email={}", sent.email));
    let mut arguments = vec!["-c", &name, "-c", &email, "commit", "-q", "-m", &sent.message];
    if sent.allow_empty == Some(true) {
        arguments.push("--allow-empty");
    }
    git(&toolbox, &path, &arguments).await?;
    let hash = git(&toolbox, &path, &["rev-parse", "HEAD"]).await?;
    Ok(Json(json!({ "hash": hash.trim() })))
}

async fn branches(Inside(toolbox): Inside, Query(Named { path }): Query<Named>) -> Answer {
    let path = toolbox.place.absolute(&path);
    let all = git(&toolbox, &path, &["branch", "--format=%(refname:short)"]).await?;
    let current = git(&toolbox, &path, &["branch", "--show-current"]).await?;
    let all: Vec<_> = all.lines().collect();
    Ok(Json(json!({ "branches": all, "current": current.trim() })))
}

#[derive(Deserialize)]
struct Branch {
    path: String,
    #[serde(alias = "branch")]
    name: String,
}

async fn branch(Inside(toolbox): Inside, Sent(sent): Sent<Branch>) -> Result<StatusCode, Refusal> {
    git(&toolbox, &toolbox.place.absolute(&sent.path), &["checkout", "-q", "-b", &sent.name]).await?;
    Ok(StatusCode::CREATED)
}

async fn delete_branch(Inside(toolbox): Inside, Sent(sent): Sent<Branch>) -> Result<StatusCode, Refusal> {
    git(&toolbox, &toolbox.place.absolute(&sent.path), &["branch", "-D", &sent.name]).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn checkout(Inside(toolbox): Inside, Sent(sent): Sent<Branch>) -> Result<StatusCode, Refusal> {
    git(&toolbox, &toolbox.place.absolute(&sent.path), &["checkout", "-q", &sent.name]).await?;
    Ok(StatusCode::OK)
}

async fn history(Inside(toolbox): Inside, Query(Named { path }): Query<Named>) -> Answer {
    let text =
        git(&toolbox, &toolbox.place.absolute(&path), &["log", "--format=%H%x1f%an%x1f%ae%x1f%aI%x1f%B%x1e"])
            .await?;
    let each = text.split('\x1e').map(str::trim).filter(|entry| !entry.is_empty()).map(|entry| {
        let fields: Vec<_> = entry.splitn(5, '\x1f').collect();
        let field = |at: usize| fields.get(at).copied().unwrap_or_default();
        json!({
            "hash": field(0), "author": field(1), "email": field(2), "timestamp": field(3),
            "message": field(4).trim_end(),
        })
    });
    Ok(Json(each.collect()))
}

#[derive(Deserialize)]
struct Remote {
    path: String,
    branch: Option<String>,
    remote: Option<String>,
}

async fn remote(
    Inside(toolbox): Inside,
    Path((_, verb)): Path<(String, String)>,
    Sent(sent): Sent<Remote>,
) -> Result<StatusCode, Refusal> {
    if verb != "push" && verb != "pull" {
        return Err(Refusal::daemon(StatusCode::NOT_FOUND, "NOT_FOUND", "not found"));
    }
    let mut arguments = vec![verb.as_str()];
    if sent.remote.is_some() || sent.branch.is_some() {
        arguments.push(sent.remote.as_deref().unwrap_or("origin"));
        arguments.extend(sent.branch.as_deref());
    }
    git(&toolbox, &toolbox.place.absolute(&sent.path), &arguments).await?;
    Ok(StatusCode::OK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_of_a_repository_is_read_from_what_git_says() {
        let text = "# branch.oid abc\n# branch.head main\n# branch.upstream origin/main\n# branch.ab +2 -1\n\
                    1 A. N... 000000 100644 100644 000 abc new file\n\
                    2 R. N... 100644 100644 100644 abc abc R100 to\tfrom\n\
                    1 .M N... 100644 100644 100644 abc abc changed\n? other\n";
        let state = state(text);
        assert_eq!(
            (&state["currentBranch"], &state["ahead"], &state["behind"]),
            (&json!("main"), &json!(2), &json!(1))
        );
        let names: Vec<_> =
            state["fileStatus"].as_array().unwrap().iter().map(|file| &file["name"]).collect();
        assert_eq!(names, ["new file", "to", "changed", "other"]);
        assert_eq!(state["fileStatus"][0]["staging"], "Added");
        assert_eq!(state["fileStatus"][1]["extra"], "from");
        assert_eq!(state["fileStatus"][2]["worktree"], "Modified");
    }
}
