//! A terminal session as SVG.

const COLUMN: f64 = 8.4;
const ROW: f64 = 18.0;
const MARGIN: f64 = 16.0;

/// The lines on a dark terminal: comments grey, commands bright.
pub fn svg(lines: &[String]) -> String {
    let lines: Vec<&String> = lines.iter().skip_while(|line| line.is_empty()).collect();
    let widest = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0).max(80);
    let width = widest as f64 * COLUMN + 2.0 * MARGIN;
    let height = lines.len() as f64 * ROW + 2.0 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\" aria-label=\"A session at a terminal\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#16181d\"/>\n\
         <g font-family=\"ui-monospace, Menlo, Consolas, monospace\" font-size=\"14\">\n"
    );
    let mut continued = false;
    for (row, line) in lines.iter().enumerate() {
        let y = MARGIN + (row as f64 + 0.75) * ROW;
        let fill = match line.chars().next() {
            Some('#') => "#7d8590",
            Some('$') => "#f0f6fc",
            _ if continued => "#f0f6fc",
            _ => "#a5d6a7",
        };
        continued = line.ends_with('\\');
        svg.push_str(&format!(
            "<text x=\"{MARGIN}\" y=\"{y:.0}\" fill=\"{fill}\">{}</text>\n",
            escaped(line)
        ));
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

/// Spaces that no browser takes together.
fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace(' ', "\u{a0}")
}
