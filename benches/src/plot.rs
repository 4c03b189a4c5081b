//! SVG panels of curves side by side, with both axes logarithmic.

use std::fmt::Write;

/// Panel of a plot.
pub struct Panel {
    /// Quantity on the horizontal axis.
    pub title: &'static str,
    /// Unit of the vertical axis.
    pub unit: &'static str,
    /// Curves, all at the same horizontal positions.
    pub lines: Vec<Line>,
}

/// Curve of a panel.
pub struct Line {
    /// Name in the legend.
    pub name: String,
    /// Colour of the curve.
    pub colour: &'static str,
    /// True for a dashed curve.
    pub dashed: bool,
    /// Points of the curve.
    pub points: Vec<(usize, f64)>,
}

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 300.0;
const MARGIN: f64 = 60.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 110.0;

/// Draws all panels, with a legend and a caption below.
pub fn svg(panels: &[Panel], caption: &str) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a few panels")]
    let offset = |nth: usize| nth as f64 * WIDTH;
    let (width, height) = (offset(panels.len()), TOP + HEIGHT + BOTTOM);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n"
    );
    for (nth, panel) in panels.iter().enumerate() {
        svg += &format!("<g transform=\"translate({} {TOP})\">\n{}</g>\n", offset(nth), drawn(panel));
    }
    for (nth, line) in panels.first().map(|panel| &panel.lines).into_iter().flatten().enumerate() {
        let (x, y) = (MARGIN + offset(nth) / 2.0, TOP + HEIGHT + 55.0);
        svg += &format!(
            "<line x1=\"{x}\" x2=\"{}\" y1=\"{y}\" y2=\"{y}\" {}/><text x=\"{}\" y=\"{}\">{}</text>\n",
            x + 32.0,
            stroke(line),
            x + 40.0,
            y + 4.0,
            line.name
        );
    }
    for (nth, line) in caption.lines().enumerate() {
        let (y, text) = (TOP + HEIGHT + 80.0 + offset(nth) * 16.0 / WIDTH, escaped(line));
        svg += &format!("<text x=\"{MARGIN}\" y=\"{y}\" font-size=\"10\" fill=\"#555\">{text}</text>\n");
    }
    svg + "</svg>\n"
}

fn stroke(line: &Line) -> String {
    let dashes = if line.dashed { " stroke-dasharray=\"5 4\"" } else { "" };
    format!("stroke=\"{}\" stroke-width=\"2\" fill=\"none\"{dashes}", line.colour)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('`', "")
}

/// Axis with the logarithms of its least and greatest value.
struct Axis {
    least: f64,
    greatest: f64,
    /// Drawn length.
    length: f64,
}

impl Axis {
    fn at(&self, value: f64) -> f64 {
        (value.ln() - self.least) / (self.greatest - self.least) * self.length
    }
}

/// Returns ticks at 1, 2 and 5 times powers of ten, from the last at or below all values to the first at or
/// above all values.
fn ticks(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let (least, greatest) =
        values.fold((f64::MAX, f64::MIN), |(least, greatest), value| (least.min(value), greatest.max(value)));
    // Parsing an exponent avoids the rounding error of a power.
    let all: Vec<f64> = (-6..=9)
        .flat_map(|power| [1, 2, 5].map(|digit| format!("{digit}e{power}")))
        .filter_map(|tick| tick.parse().ok())
        .collect();
    let from = all.partition_point(|tick| *tick <= least).saturating_sub(1);
    let to = all.partition_point(|tick| *tick < greatest).max(from + 1);
    all.into_iter().take(to + 1).skip(from).collect()
}

fn drawn(panel: &Panel) -> String {
    let all = || panel.lines.iter().flat_map(|line| &line.points);
    #[expect(clippy::cast_precision_loss, reason = "rows and clients are not that many")]
    let place = |at: usize| at as f64;
    let mut places: Vec<usize> = all().map(|point| point.0).collect();
    places.sort_unstable();
    places.dedup();
    let [Some(first), Some(last)] = [places.first(), places.last()] else { return String::new() };
    let x = Axis { least: place(*first).ln(), greatest: place(*last).ln(), length: WIDTH - MARGIN - 20.0 };
    let ticks = ticks(all().map(|point| point.1));
    let [Some(least), Some(greatest)] = [ticks.first(), ticks.last()] else { return String::new() };
    let y = Axis { least: least.ln(), greatest: greatest.ln(), length: HEIGHT };

    let mut svg = format!("<text x=\"{MARGIN}\" y=\"-18\" font-weight=\"bold\">{}</text>\n", panel.title);
    svg += &format!("<text x=\"{MARGIN}\" y=\"-4\" font-size=\"10\" fill=\"#555\">{}</text>\n", panel.unit);
    for value in &ticks {
        let at = HEIGHT - y.at(*value);
        let _ = writeln!(
            svg,
            "<line x1=\"{MARGIN}\" x2=\"{}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#ddd\"/>\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>",
            MARGIN + x.length,
            MARGIN - 6.0,
            at + 4.0
        );
    }
    for at in &places {
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{at}</text>",
            MARGIN + x.at(place(*at)),
            HEIGHT + 18.0
        );
    }
    for line in &panel.lines {
        let points: Vec<String> = line
            .points
            .iter()
            .map(|(at, value)| format!("{:.1},{:.1}", MARGIN + x.at(place(*at)), HEIGHT - y.at(*value)))
            .collect();
        let _ = writeln!(svg, "<polyline points=\"{}\" {}/>", points.join(" "), stroke(line));
        for point in &points {
            let (x, y) = point.split_once(',').unwrap_or_default();
            let _ = writeln!(svg, "<circle cx=\"{x}\" cy=\"{y}\" r=\"2.5\" fill=\"{}\"/>", line.colour);
        }
    }
    svg
}
