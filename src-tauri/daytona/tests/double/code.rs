//! Code in the interpreter, and repositories.

use std::time::Duration;

use daytona_double::Effect;
use stigmer_daytona::{Code, Error, Execution, GitClone, Interpreter, Printed};

use crate::ground::{Ground, ground, kind};

async fn interpreter(ground: &Ground) -> Option<Interpreter> {
    Some(ground.toolbox().await?.interpreter())
}

#[derive(Default)]
struct Told {
    stdout: String,
    stderr: String,
    exception: Option<(String, String)>,
}

async fn read(execution: &mut Execution) -> Result<Told, Error> {
    let mut told = Told::default();
    while let Some(printed) = execution.next().await? {
        match printed {
            Printed::Stdout(text) => told.stdout += &text,
            Printed::Stderr(text) => told.stderr += &text,
            Printed::Exception { name, value, .. } => told.exception = Some((name, value)),
        }
    }
    Ok(told)
}

async fn run(interpreter: &Interpreter, code: Code) -> Result<Told, Error> {
    read(&mut interpreter.execute(&code).await?).await
}

#[tokio::test]
async fn variables_live_on_and_both_streams_come_apart() {
    let ground = ground();
    let Some(interpreter) = interpreter(&ground).await else { return };
    run(&interpreter, Code::new("x = 20")).await.unwrap();
    let mut code =
        Code::new("import os, sys\nprint(x + 22, os.environ['A'])\nprint('grün', file=sys.stderr)");
    code.envs.insert("A".to_owned(), "b".to_owned());
    let told = run(&interpreter, code).await.unwrap();
    assert_eq!((told.stdout.as_str(), told.stderr.as_str()), ("42 b\n", "grün\n"));
    assert!(told.exception.is_none());
}

#[tokio::test]
async fn an_exception_is_told_and_ends_the_execution() {
    let ground = ground();
    let Some(interpreter) = interpreter(&ground).await else { return };
    let told = run(&interpreter, Code::new("print('before')\nraise ValueError('no')")).await.unwrap();
    assert_eq!(told.stdout, "before\n");
    assert_eq!(told.exception, Some(("ValueError".to_owned(), "no".to_owned())));
}

#[tokio::test]
async fn code_that_takes_too_long_is_told_with_what_it_printed() {
    let ground = ground();
    let Some(interpreter) = interpreter(&ground).await else { return };
    let code = Code { timeout: Some(1), ..Code::new("import time\nprint('on', flush=True)\ntime.sleep(60)") };
    let mut execution = interpreter.execute(&code).await.unwrap();
    assert_eq!(execution.next().await.unwrap(), Some(Printed::Stdout("on\n".to_owned())));
    assert!(matches!(read(&mut execution).await, Err(Error::CommandTimeout(_))));
    assert_eq!(execution.next().await.unwrap(), None);
}

#[tokio::test]
async fn contexts_are_apart_from_each_other() {
    let ground = ground();
    let Some(interpreter) = interpreter(&ground).await else { return };
    let context = interpreter.create_context(Some("/tmp")).await.unwrap();
    assert!(interpreter.contexts().await.unwrap().iter().any(|own| own.id == context.id));
    run(&interpreter, Code::new("x = 1")).await.unwrap();
    let inside = Code {
        context_id: Some(context.id.clone()),
        ..Code::new("import os\nprint(os.getcwd(), 'x' in dir())")
    };
    assert_eq!(run(&interpreter, inside.clone()).await.unwrap().stdout, "/tmp False\n");
    assert!(interpreter.delete_context(&context.id).await.unwrap());
    assert!(!interpreter.delete_context(&context.id).await.unwrap());
    assert!(matches!(run(&interpreter, inside).await, Err(Error::Invalid(_))));
    assert!(matches!(run(&interpreter, Code::new(" ")).await, Err(Error::Invalid(_))));
    assert_eq!(kind(&interpreter.delete_context("default").await), "Invalid");
}

#[tokio::test]
async fn code_is_never_executed_twice() {
    let ground = ground();
    let Some(interpreter) = interpreter(&ground).await else { return };
    ground.once("GET", "*/interpreter/execute", Effect::Drop);
    assert_eq!(kind(&interpreter.execute(&Code::new("1")).await), "Unreachable sent");
    ground.once("GET", "*/interpreter/execute", Effect::bad_gateway());
    assert_eq!(kind(&interpreter.execute(&Code::new("1")).await), "Server");
    assert_eq!(ground.asked("GET", "*/interpreter/execute"), 2);
}

#[tokio::test]
async fn a_repository_is_cloned_and_one_that_is_not_there_is_told() {
    let ground = ground();
    let Some(toolbox) = ground.toolbox().await else { return };
    let mut make = stigmer_daytona::Execute::new(
        "git init -q /tmp/origin && cd /tmp/origin && echo hi >file && git add . && \
         git -c user.name=n -c user.email=e@x commit -qm first",
    );
    make.timeout = Duration::from_secs(20);
    assert_eq!(toolbox.execute(&make).await.unwrap().exit_code, Some(0));
    let clone = GitClone { url: "/tmp/origin".to_owned(), path: "copy".to_owned(), ..GitClone::default() };
    toolbox.git_clone(&clone, Duration::from_secs(30)).await.unwrap();
    assert_eq!(toolbox.files().download("copy/file").await.unwrap().bytes().await.unwrap(), b"hi\n");
    let missing =
        GitClone { url: "/tmp/nothing".to_owned(), path: "other".to_owned(), ..GitClone::default() };
    assert!(toolbox.git_clone(&missing, Duration::from_secs(30)).await.is_err());
    let secret = GitClone { password: Some("hunter2".to_owned()), ..missing };
    assert!(!format!("{secret:?}").contains("hunter2"));
}
