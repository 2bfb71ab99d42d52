//! Rectangles whose areas are in proportion to values, as square as they can be: the squarified layout of Bruls, Huizing
//! and van Wijk (2000).

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rect {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

/// One rectangle for each value, in their order. `values` are positive and descend.
pub fn squarify(values: &[f64], within: Rect) -> Vec<Rect> {
    let total: f64 = values.iter().sum();
    let mut rects = Vec::with_capacity(values.len());
    if total <= 0.0 {
        return rects;
    }
    let scale = within.width * within.height / total;
    let (mut left, mut rest) = (within, values);
    while !rest.is_empty() {
        let side = left.width.min(left.height);
        let mut count = 1;
        while count < rest.len() && worst(&rest[..=count], scale, side) <= worst(&rest[..count], scale, side) {
            count += 1;
        }
        let (row, after) = rest.split_at(count);
        left = lay(row, scale, left, &mut rects);
        rest = after;
    }
    rects
}

/// The least square of a row's rectangles: 1 is a square.
fn worst(row: &[f64], scale: f64, side: f64) -> f64 {
    let area: f64 = row.iter().sum::<f64>() * scale;
    let (most, least) = (row[0] * scale, row[row.len() - 1] * scale);
    (side * side * most / (area * area)).max(area * area / (side * side * least))
}

/// Puts a row along the shorter side; answers what is left.
fn lay(row: &[f64], scale: f64, within: Rect, rects: &mut Vec<Rect>) -> Rect {
    let area: f64 = row.iter().sum::<f64>() * scale;
    let Rect { x, y, width, height } = within;
    let across = width < height;
    let thick = area / if across { width } else { height };
    let mut at = if across { x } else { y };
    for value in row {
        let long = value * scale / thick;
        rects.push(match across {
            true => Rect { x: at, y, width: long, height: thick },
            false => Rect { x, y: at, width: thick, height: long },
        });
        at += long;
    }
    match across {
        true => Rect { x, y: y + thick, width, height: (height - thick).max(0.0) },
        false => Rect { x: x + thick, y, width: (width - thick).max(0.0), height },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_are_in_proportion_and_fill_the_whole() {
        let within = Rect { x: 10.0, y: 20.0, width: 600.0, height: 400.0 };
        let values = [60.0, 60.0, 40.0, 30.0, 20.0, 20.0, 10.0];
        let rects = squarify(&values, within);
        assert_eq!(rects.len(), values.len());
        for (rect, value) in rects.iter().zip(values) {
            assert!((rect.width * rect.height - value * 1000.0).abs() < 0.01, "{rect:?}");
            assert!(rect.x >= 10.0 && rect.y >= 20.0);
            assert!(rect.x + rect.width <= 610.01 && rect.y + rect.height <= 420.01);
            assert!((rect.width / rect.height).max(rect.height / rect.width) < 3.0, "{rect:?}");
        }
        for (n, a) in rects.iter().enumerate() {
            for b in &rects[n + 1..] {
                let apart = |a0: f64, aw: f64, b0: f64, bw: f64| a0 + aw <= b0 + 0.01 || b0 + bw <= a0 + 0.01;
                assert!(apart(a.x, a.width, b.x, b.width) || apart(a.y, a.height, b.y, b.height));
            }
        }
        assert!(squarify(&[], within).is_empty());
    }
}
