//! Collects figures; prints one JSON line for each, then a table.

#[derive(Default)]
pub(crate) struct Report {
    /// In the order of first mention: name, unit, values.
    series: Vec<(String, &'static str, Vec<f64>)>,
}

impl Report {
    pub(crate) fn add(&mut self, name: &str, unit: &'static str, value: f64) {
        match self.series.iter_mut().find(|(known, _, _)| known == name) {
            Some((_, _, values)) => values.push(value),
            None => self.series.push((name.to_owned(), unit, vec![value])),
        }
    }

    pub(crate) fn median(&self, name: &str) -> f64 {
        self.series.iter().find(|(known, _, _)| known == name).map_or(f64::NAN, |(_, _, values)| at(values, 0.5))
    }

    pub(crate) fn print(&self) {
        for (name, unit, values) in &self.series {
            let line = serde_json::json!({
                "figure": name, "unit": unit, "n": values.len(),
                "p50": at(values, 0.5), "p95": at(values, 0.95), "max": at(values, 1.0),
            });
            println!("{line}");
        }
        println!("\n{:<36}{:>9}{:>16}{:>16}{:>16}", "figure", "n", "p50", "p95", "max");
        for (name, unit, values) in &self.series {
            let shown = |q: f64| match *unit {
                "ratio" => format!("{:.2} ×", at(values, q)),
                unit => format!("{:.0} {unit}", at(values, q)),
            };
            println!("{name:<36}{:>9}{:>16}{:>16}{:>16}", values.len(), shown(0.5), shown(0.95), shown(1.0));
        }
    }
}

/// The value below which a share of all lies; the nearest one that was measured.
fn at(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len()) - 1]
}
