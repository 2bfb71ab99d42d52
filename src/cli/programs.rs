//! `programs`, and finding the program that a name means.

use std::process::ExitCode;

use anyhow::bail;
use serde_json::Value;

use super::http::Api;
use super::is_id;
use super::screen::{Screen, field, table};

/// The programs you may see.
#[derive(clap::Args)]
pub struct List {
    /// One JSON document a line
    #[arg(long)]
    json: bool,
}

pub(super) async fn list(api: &Api, screen: &mut Screen, asked: &List) -> anyhow::Result<ExitCode> {
    let programs = api.list("/programs").await?;
    if asked.json {
        for program in &programs {
            screen.json(program)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut rows = vec![Vec::from(["PROGRAM", "GROUP", "PLATFORM", "REF", "ID", ""].map(str::to_owned))];
    rows.extend(programs.iter().map(|program| {
        let state = if program["archived_at"].is_null() { "" } else { "archived" };
        let mut row = Vec::from(["name", "group", "platform", "default_ref", "id"].map(|name| field(program, name)));
        row.push(state.to_owned());
        row
    }));
    for line in table(&rows) {
        screen.line(&line)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The program with this id, name or `group/name`. An error where there is none, or more than one.
pub(super) async fn find(api: &Api, wanted: &str) -> anyhow::Result<Value> {
    if is_id(wanted) {
        return Ok(api.get(&format!("/programs/{wanted}")).await?);
    }
    let programs = api.list("/programs").await?;
    Ok(pick(&programs, wanted)?.clone())
}

/// Never a guess: what is published to a wrong program cannot be taken back.
fn pick<'a>(programs: &'a [Value], wanted: &str) -> anyhow::Result<&'a Value> {
    let meant = |program: &&Value| field(program, "name") == wanted || full_name(program) == wanted;
    let mut found: Vec<&Value> = programs.iter().filter(meant).collect();
    // An archived one takes no releases; it counts where it is all there is.
    if found.iter().any(|program| program["archived_at"].is_null()) {
        found.retain(|program| program["archived_at"].is_null());
    }
    match found.as_slice() {
        [one] => Ok(*one),
        [] => {
            let part = wanted.to_lowercase();
            let like = |program: &&Value| full_name(program).to_lowercase().contains(&part);
            let near: Vec<&Value> = programs.iter().filter(like).collect();
            if near.is_empty() {
                bail!("no program is called {wanted}; `sampan programs` lists them");
            }
            bail!("no program is called {wanted}; there is\n{}", candidates(&near))
        }
        many => bail!("more than one program is called {wanted}; give the id\n{}", candidates(many)),
    }
}

fn full_name(program: &Value) -> String {
    format!("{}/{}", field(program, "group"), field(program, "name"))
}

fn candidates(programs: &[&Value]) -> String {
    let lines: Vec<_> = programs.iter().map(|p| format!("  {}  {}", field(p, "id"), full_name(p))).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_find_programs() {
        let programs = [
            json!({"id": "1", "name": "潮汐", "group": "demo", "archived_at": null}),
            json!({"id": "2", "name": "Shop", "group": "a"}),
            json!({"id": "3", "name": "Shop", "group": "b"}),
            json!({"id": "4", "name": "Old", "group": "a", "archived_at": "2026-01-01T00:00:00Z"}),
            json!({"id": "5", "name": "Old", "group": "b"}),
            json!({"id": "6", "name": "Gone", "group": "b", "archived_at": "2026-01-01T00:00:00Z"}),
        ];
        let found = |wanted: &str| pick(&programs, wanted).map(|p| field(p, "id")).map_err(|e| e.to_string());
        assert_eq!(found("潮汐").as_deref(), Ok("1"));
        assert_eq!(found("b/Shop").as_deref(), Ok("3"));
        assert_eq!(found("Old").as_deref(), Ok("5"));
        assert_eq!(found("Gone").as_deref(), Ok("6"));
        let ambiguous = found("Shop").unwrap_err();
        assert!(ambiguous.contains("  2  a/Shop\n  3  b/Shop") && !ambiguous.contains("demo"), "{ambiguous}");
        let near = found("shop").unwrap_err();
        assert!(near.starts_with("no program is called shop; there is") && near.contains("a/Shop"), "{near}");
        assert!(found("nothing").unwrap_err().contains("sampan programs"));
    }
}
