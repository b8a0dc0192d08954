"""The frame of a report: layout, colours for light and dark, and the security policy."""

from __future__ import annotations

from string import Template
from typing import Final

PAGE: Final = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none';
  script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:;
  base-uri 'none'; form-action 'none'">
<title>$title</title>
<style>
:root {
  --page: #f4f5f7; --panel: #ffffff; --ink: #22262d; --soft: #626a76; --rule: #d9dde3;
  --grid: #e6e9ee; --accent: #5078f9;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14161a; --panel: #1d2026; --ink: #e4e7ec; --soft: #9aa3b0; --rule: #343a44;
    --grid: #333943;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 1120px;
  background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
h1 { font-size: 1.7rem; margin: 0 0 1rem; line-height: 1.2; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.25rem 0 .75rem; color: var(--soft); font-weight: 600; }
h3 { font-size: 1.1rem; margin: 0; overflow-wrap: anywhere; }
dl { display: flex; flex-wrap: wrap; gap: .6rem; margin: 0; }
dl div {
  background: var(--panel); border: 1px solid var(--rule); border-radius: 8px;
  padding: .45rem .8rem; min-width: 7rem;
}
dt { font-size: .75rem; color: var(--soft); }
dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; }
section {
  background: var(--panel); border: 1px solid var(--rule); border-radius: 10px;
  padding: 1rem 1.2rem; margin: 0 0 1.1rem;
}
section > p { margin: .25rem 0 .75rem; color: var(--soft); font-size: .9rem; max-width: 100ch; }
.table { overflow: auto; max-height: 28rem; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .75rem .3rem 0; text-align: left; white-space: nowrap; }
thead th {
  position: sticky; top: 0; background: var(--panel); color: var(--soft);
  box-shadow: inset 0 -1px var(--rule);
}
.upright th { color: var(--soft); font-weight: 400; vertical-align: top; }
.upright td { white-space: normal; overflow-wrap: anywhere; font-weight: 600; }
tbody tr + tr > * { border-top: 1px solid var(--grid); }
.missing { color: var(--soft); font-size: .9rem; padding-left: 1.2rem; }
noscript { color: var(--soft); }
/* Figures carry the colours of a light page; on a dark one these win over them. */
@media (prefers-color-scheme: dark) {
  .js-plotly-plot .main-svg :is(.xtick, .ytick, .g-xtitle, .g-ytitle, .legend, .cbaxis,
    .infolayer, .updatemenu-container) text { fill: var(--ink) !important; }
  .js-plotly-plot .gridlayer path,
  .js-plotly-plot .zerolinelayer path { stroke: var(--grid) !important; }
  .js-plotly-plot .legend .bg,
  .js-plotly-plot .updatemenu-item-rect { fill: var(--panel) !important; }
}
</style>
<script>$plotlyjs</script>
</head>
<body>
<header>
<h1>$title</h1>
<dl>
$facts
</dl>
</header>
<noscript><p>The figures of this page need JavaScript; the tables do not.</p></noscript>
<main>
$body
$missing
</main>
</body>
</html>
""")
