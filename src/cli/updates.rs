//! `updates`: the packages in a program's catalogue.

use std::process::ExitCode;

use serde_json::Value;

use super::http::Api;
use super::programs;
use super::screen::{Screen, field, table};
use crate::lang::bytes;

/// The updates of a program.
#[derive(clap::Args)]
pub struct List {
    /// Id or name of the program; `group/name` where groups share a name
    #[arg(long)]
    program: String,
    /// One JSON document a line
    #[arg(long)]
    json: bool,
}

pub(super) async fn list(api: &Api, screen: &mut Screen, asked: &List) -> anyhow::Result<ExitCode> {
    let program = programs::find(api, &asked.program).await?;
    let updates = api.list(&format!("/programs/{}/updates", field(&program, "id"))).await?;
    if asked.json {
        for update in &updates {
            screen.json(update)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let heads = ["KIND", "VERSION", "CODE", "CHANNEL", "NATIVE", "MODE", "SIZE", "MADE", "ID", ""];
    let mut rows = vec![Vec::from(heads.map(str::to_owned))];
    rows.extend(updates.iter().map(row));
    for line in table(&rows) {
        screen.line(&line)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn row(update: &Value) -> Vec<String> {
    let number = |name: &str| update[name].as_i64().map(|n| n.to_string()).unwrap_or_default();
    let state = if update["enabled"].as_bool().unwrap_or(true) { "" } else { "off" };
    let native = match (number("min_native"), number("max_native")) {
        (min, max) if min == max => min,
        (min, max) => format!("{min}–{max}"),
    };
    vec![
        field(update, "kind"),
        field(update, "version"),
        number("version_code"),
        field(update, "channel"),
        native,
        field(update, "mode"),
        update["bytes"].as_i64().map(bytes).unwrap_or_default(),
        field(update, "created_at").chars().take(10).collect(),
        field(update, "id"),
        state.to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::row;

    #[test]
    fn an_update_is_one_row() {
        let update = json!({
            "id": "1", "kind": "wgt-ios", "version": "1.0.2", "version_code": 102, "channel": "test", "min_native": 100,
            "max_native": null, "mode": "ask", "enabled": false, "bytes": 2048, "created_at": "2026-11-27T06:09:15.000Z",
        });
        assert_eq!(row(&update).join("|"), "wgt-ios|1.0.2|102|test|100–|ask|2.0 KB|2026-11-27|1|off");
    }
}
