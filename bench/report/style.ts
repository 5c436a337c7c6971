// The style sheet of the report: light and dark, as wide as the page, tables that scroll by themselves on a narrow one.

export const STYLE = `
:root { color-scheme: light dark; --page: #fcfcfb; --text: #1d1d1b; --quiet: #6b6a64; --line: #dddbd3; --own: #2a78d6;
  --other: #a9a79e; --baseline: #52514d; --met: #17803d; --missed: #c2321f; --warn: #8a5a00;
  --c0: #52514d; --c1: #2a78d6; --c2: #c8741a; --c3: #17877b; }
@media (prefers-color-scheme: dark) { :root { --page: #191918; --text: #f0efea; --quiet: #a3a29a; --line: #3a3936;
  --own: #5b9ff0; --other: #6b6a64; --baseline: #c5c3ba; --met: #4fc27b; --missed: #ff7b68; --warn: #e3aa43;
  --c0: #c5c3ba; --c1: #5b9ff0; --c2: #ea9a48; --c3: #45b8aa; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.2; } h2 { margin-top: 2.5rem; } h3 { margin: 2rem 0 0.25rem; }
p, ul { margin: 0.25rem 0 0.75rem; } .quiet, .facts { color: var(--quiet); font-size: 0.875rem; }
.facts { padding-left: 1.2rem; } .warn { color: var(--warn); font-weight: 600; }
.met { color: var(--met); } .missed, .failed { color: var(--missed); } .met, .missed, .failed { font-weight: 600; }
nav a { color: var(--own); margin-right: 1rem; white-space: nowrap; } .short { white-space: nowrap; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: 0.875rem; }
th, td { text-align: left; padding: 0.3rem 0.75rem 0.3rem 0; border-bottom: 1px solid var(--line); vertical-align: top;
  overflow-wrap: normal; } th { color: var(--quiet); font-weight: 500; } td + td { font-variant-numeric: tabular-nums; }
svg { display: block; overflow: visible; } svg text { fill: var(--text); font-size: 13px; }
svg .value { text-anchor: end; font-variant-numeric: tabular-nums; } svg .axis { fill: var(--quiet); font-size: 12px; }
svg .tick { text-anchor: middle; } .own { fill: var(--own); } .other { fill: var(--other); } .baseline { fill: var(--baseline); }
.whisker { stroke: var(--text); stroke-width: 2; } .mark { stroke: var(--text); stroke-width: 1.5; }
.grid { stroke: var(--line); } .line { stroke-width: 2; } .dot { stroke: var(--page); stroke-width: 1.5; }
.line.c0 { stroke: var(--c0); } .line.c1 { stroke: var(--c1); } .line.c2 { stroke: var(--c2); } .line.c3 { stroke: var(--c3); }
.dot.c0 { fill: var(--c0); } .dot.c1 { fill: var(--c1); } .dot.c2 { fill: var(--c2); } .dot.c3 { fill: var(--c3); }
.legend { font-size: 0.875rem; } .key { margin-right: 1rem; white-space: nowrap; }
.key::before { content: ''; display: inline-block; width: 0.75em; height: 0.75em; border-radius: 50%; margin-right: 0.4em; }
.key.c0::before { background: var(--c0); } .key.c1::before { background: var(--c1); }
.key.c2::before { background: var(--c2); } .key.c3::before { background: var(--c3); }
details { margin: 0.5rem 0; } summary { cursor: pointer; color: var(--quiet); font-size: 0.875rem; padding: 0.4rem 0; }
`;
