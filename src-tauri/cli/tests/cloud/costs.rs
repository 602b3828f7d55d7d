//! What runs in the cloud cost, the limit of a month, and what nobody uses any more.

use serde_json::Value;

use crate::harness::terminal::Terminal;
use crate::sky::Sky;

/// A line of settings.
fn set(sky: &Sky, key: &str, value: &str) {
    sky.home.stigmer(["config", "set", key, value]).ended().expect(0);
}

/// A rate that makes a moment cost dollars.
fn dear(sky: &Sky) {
    set(sky, "daytona.rates.cpu", "1");
}

/// What the last line of a run says of its cost.
fn cost(lines: &[Value]) -> &Value {
    &lines.last().unwrap()["cost_usd"]
}

#[test]
fn the_cost_of_a_run_is_told_wherever_the_run_is_shown_and_there_is_none_elsewhere() {
    let test = "the_cost_of_a_run_is_told_wherever_the_run_is_shown_and_there_is_none_elsewhere";
    let Some(sky) = Sky::that_runs(test) else { return };
    dear(&sky);
    let here = sky.ends(["run", "--json", "true"]).json();
    assert_eq!(cost(&here), &Value::Null);
    let there = sky.ends(["run", "--json", "--mode", "daytona", "true"]).json();
    assert!(cost(&there).as_f64().unwrap() > 0.0, "{there:?}");

    let rows = sky.ends(["runs", "list", "--json"]).json();
    assert_eq!((&rows[0]["cost_usd"], &rows[1]["cost_usd"]), (cost(&there), &Value::Null));
    assert_eq!(rows[0]["cost_per_hour"], 3600.0162, "{}", rows[0]);
    let shown = sky.ends(["runs", "show"]).out();
    assert!(shown.contains("cost       about $") && shown.contains("about $3600.02 an hour"), "{shown}");
    assert!(!sky.ends(["runs", "show", "@2"]).out().contains("cost  "));
    let compared = sky.call(["runs", "compare", "@2", "@1"]).ended().out();
    let lines: Vec<_> = compared.lines().map(|line| line.contains("about $")).collect();
    assert_eq!(lines[..2], [false, true], "{compared}");
    let told = sky.ends(["run", "--verbose", "--mode", "daytona", "true"]).err();
    assert!(told.contains(" · daytona · about $"), "{told}");
}

#[test]
fn costs_are_summed_up_and_nobody_is_asked_for_them() {
    let test = "costs_are_summed_up_and_nobody_is_asked_for_them";
    let Some(sky) = Sky::that_runs(test) else { return };
    let nothing = sky.ends(["sandbox", "cost"]).out();
    assert!(nothing.contains("about $0 for 0 runs") && nothing.contains("(estimate)"), "{nothing}");
    dear(&sky);
    for _ in 0..2 {
        sky.ends(["run", "--mode", "daytona", "true"]);
    }
    sky.asked();
    let sum = sky.ends(["sandbox", "cost", "--json"]).json().remove(0);
    let runs = sky.ends(["runs", "list", "--json"]).json();
    let costs: f64 = runs.iter().map(|run| run["cost_usd"].as_f64().unwrap()).sum();
    assert!((sum["cost"].as_f64().unwrap() - costs).abs() < 1e-6, "{sum}");
    assert_eq!((&sum["runs"], sum["sandboxes"].as_array().unwrap().len()), (&2.into(), 1), "{sum}");
    let shown = sky.ends(["sandbox", "cost"]).out();
    let name = sum["sandboxes"][0]["of"].as_str().unwrap();
    assert!(shown.contains(name) && shown.contains("SANDBOX") && shown.contains("DAY"), "{shown}");
    sky.ends(["runs", "rm", "last"]);
    assert_eq!(sky.ends(["sandbox", "cost"]).out(), shown, "what was spent is spent");
    sky.ends(["runs", "prune", "--older-than", "0"]);
    assert_eq!(sky.ends(["runs", "list", "--json"]).json(), Vec::<Value>::new());
    assert_eq!(sky.ends(["sandbox", "cost"]).out(), shown);
    let then = sky.ends(["sandbox", "cost", "--month", "2020-02"]).out();
    assert!(then.starts_with("2020-02: about $0 for 0 runs"), "{then}");
    sky.call(["sandbox", "cost", "--month", "soon"]).ended().expect(125);
    assert!(sky.asked().is_empty());
}

#[test]
fn a_dry_run_estimates_an_hour_by_what_the_last_run_got() {
    let test = "a_dry_run_estimates_an_hour_by_what_the_last_run_got";
    let Some(sky) = Sky::that_runs(test) else { return };
    let dry = |options: &[&str]| {
        let words =
            ["run", "--mode", "daytona", "--dry-run", "--json"].iter().chain(options).chain(&["true"]);
        sky.ends(words.copied()).json().remove(0)["target"].clone()
    };
    set(&sky, "daytona.cpu", "2");
    let expected = dry(&[]);
    assert_eq!((&expected["cpu"], &expected["usd_per_hour"]), (&2.into(), &0.117.into()), "{expected}");
    sky.ends(["run", "--mode", "daytona", "true"]);
    let known = dry(&[]);
    assert_eq!((&known["cpu"], &known["usd_per_hour"]), (&1.into(), &0.0666.into()), "{known}");
    assert_eq!(dry(&["--snapshot", "another"])["cpu"], 2, "nobody knows that one");
    let words = sky.ends(["run", "--mode", "daytona", "--dry-run", "true"]).out();
    assert!(words.contains("an hour    about $0.0666"), "{words}");
}

#[test]
fn over_the_limit_of_a_month_somebody_is_asked_and_a_script_is_refused() {
    let test = "over_the_limit_of_a_month_somebody_is_asked_and_a_script_is_refused";
    let Some(sky) = Sky::that_runs(test) else { return };
    dear(&sky);
    set(&sky, "daytona.monthly_limit", "0.01");
    sky.ends(["run", "--mode", "daytona", "true"]);
    let told = sky.refuses(["run", "--mode", "daytona", "touch ran"], "daytona-over-limit").err();
    assert!(told.contains("the limit is $0.01") && told.contains("--over-limit"), "{told}");
    let line = sky.call(["run", "--json", "--mode", "daytona", "true"]).ended().expect(125).json();
    assert_eq!(line[0]["error"]["code"], "daytona-over-limit");
    let allowed = sky.ends(["run", "--over-limit", "--mode", "daytona", "echo ran"]);
    assert_eq!(allowed.out(), "ran\n");
    assert!(allowed.err().contains("over the limit of $0.01"), "{}", allowed.err());
    sky.refuses(["runs", "rerun", "last"], "daytona-over-limit");
    assert_eq!(sky.ends(["runs", "rerun", "--over-limit", "last"]).out(), "ran\n");

    let ask = |answer: &[u8]| {
        let mut terminal = Terminal::start(sky.call(["run", "--mode", "daytona", "echo r''an"]), 100, 24);
        terminal.until_screen("Run it all the same? [y/N]");
        terminal.press(answer);
        if answer == b"y\r" {
            terminal.until_screen("ran");
        }
        terminal.ended()
    };
    assert_eq!((ask(b"y\r"), ask(b"\r"), ask(b"\x03")), (0, 125, 130));
    sky.ends(["run", "--mode", "local", "true"]);
}

#[test]
fn what_nobody_uses_any_more_is_pointed_out() {
    let test = "what_nobody_uses_any_more_is_pointed_out";
    let Some(sky) = Sky::that_runs(test) else { return };
    sky.double.set_clock_ahead(-4 * 24 * 3600);
    sky.ends(["run", "--mode", "daytona", "true"]);
    let name = sky.double.sandboxes()[0]["name"].as_str().unwrap().to_owned();
    sky.double.change_sandbox(&name, "stopped", None);
    sky.double.set_clock_ahead(0);

    let checks = sky.call(["doctor", "--json"]).ended().json();
    let check = checks.iter().find(|check| check["name"] == "cloud").unwrap();
    assert_eq!(check["verdict"], "limited", "{check}");
    assert!(check["found"].as_str().unwrap().starts_with("1 cloud sandbox was not used for days"), "{check}");
    let server = sky.call(["server", "start", "--port", "0", "--verbose"]).started();
    server.until_stderr("1 cloud sandbox was not used for days and costs about $0 an hour");
    server.signal(nix::sys::signal::Signal::SIGTERM);
    server.ended().expect(0);
    set(&sky, "daytona.unused_days", "5");
    let checks = sky.call(["doctor", "--json"]).ended().json();
    let check = checks.iter().find(|check| check["name"] == "cloud").unwrap();
    assert_eq!(check["verdict"], "ok", "{check}");
    assert_eq!(sky.double.sandboxes()[0]["state"], "stopped");
}
